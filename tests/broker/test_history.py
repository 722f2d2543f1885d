"""`earshot backtest --from`: what the raw topics hold, judged again, is what a worker has made of it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from agents import clock
from agents.history import Kept, Period, read_history
from cli.comparing import as_json
from cli.main import run
from pipeline.offline.compare import compare
from schemas.errors import ConfigError
from schemas.event import Deletion, Edit, Event
from schemas.settings import Settings
from schemas.topics import ALERTS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.crisis import alerts_of, items, posts
from tests.broker.test_stream_replay import alerts, ends
from tests.broker.worker import WATCHES, Feed, Worker, provision, reading

pytestmark = pytest.mark.broker
Backtest = Callable[..., dict[str, Any]]


@pytest.fixture
def backtest(
    fresh_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Backtest:
    """Run the command against the broker, and return what it prints as JSON."""
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_CLOCK", "events")

    def judged(*options: str) -> dict[str, Any]:
        capsys.readouterr()
        watches = str(tmp_path / "watches.yml")
        assert run(["backtest", "--watches", watches, *options, "--json"]) == 0, capsys.readouterr().err
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return judged


def test_the_incidents_of_a_topic_are_those_of_the_live_run(
    fresh_broker: Broker, tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = provision(fresh_broker, tmp_path)
    made, feed = posts(600), Feed(settings)
    timed = items(made)
    feed.replay(timed[:1500])
    change(feed, made)
    feed.replay(timed[1500:])
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: ends(reader), 60, worker)
        live = alerts(reader)
        assert worker.stop() == 0
    groups = of_groups(settings)
    found = backtest("--from", "1h")
    assert {one["id"]: one for one in found["alerts"]} == {
        name: one.model_dump(mode="json", exclude_none=True) for name, one in live.items()
    }
    latest = {one.incident.id: one.incident for one in sorted(live.values(), key=lambda one: one.incident.revision)}
    assert {one["id"]: one for one in found["incidents"]} == {
        name: one.model_dump(mode="json", exclude_none=True) for name, one in latest.items()
    }
    assert found["records"] == len(timed) + 2
    assert len(live) > 2, "the crisis must be one"
    assert found["heard"] == len(made) + 1, "the edit is a post of its own, the deletion is none"
    assert of_groups(settings) == groups, "no group was joined"
    assert run(["backtest", "-w", str(tmp_path / "watches.yml"), "--from", "1h"]) == 0
    assert f"{len(made) + 1:,} posts in {len(timed) + 2:,} records of the raw topics" in said(capsys)


def test_what_was_matched_judged_again_gives_the_alerts_of_the_live_run_whatever_restarts(
    fresh_broker: Broker, tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = provision(fresh_broker, tmp_path)
    made, feed = posts(400), Feed(settings)
    timed = items(made)
    half = len(timed) // 2
    feed.replay(timed[:half])
    with reading(settings, ALERTS, RECEIPTS) as reader:
        with Worker(settings, tmp_path / "first") as worker:
            reader.until(lambda: len(reader.judged) > 100, 60, worker)
            assert worker.stop() == 0
        feed.replay(timed[half:])
        with Worker(settings, tmp_path / "second") as worker:
            reader.until(lambda: ends(reader), 60, worker)
            live = alerts(reader)
            assert worker.stop() == 0
    groups = of_groups(settings)
    for options in (["--mentions"], ["--from", "1h", "--mentions"]):
        found = backtest(*options)
        assert {one["id"]: one for one in found["alerts"]} == {
            name: one.model_dump(mode="json", exclude_none=True) for name, one in live.items()
        }
    assert len(live) > 2, "the crisis must be one"
    assert capsys.readouterr().err == "", "the query is the same"
    assert of_groups(settings) == groups, "no group was joined"
    path = tmp_path / "watches.yml"
    path.write_text(path.read_text().replace("query: acme", "query: acme OR globex"))
    assert run(["backtest", "-w", str(path), "--mentions"]) == 0
    shown = capsys.readouterr()
    assert "acme: its query has changed since" in shown.err
    assert "trains: its query" not in shown.err


def test_two_versions_are_compared_over_what_the_topics_hold(
    fresh_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As over the posts themselves; the new version lowers one threshold and raises the other beyond reach."""
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    settings, made = provision(fresh_broker, tmp_path), posts(600)
    Feed(settings).replay(items(made))
    other = WATCHES.replace("threshold: 20", "threshold: 9").replace("threshold: 15", "threshold: 5000")
    (tmp_path / "new.yml").write_text(other.replace("floor: 10", "floor: 5000"))
    files = ["--old", str(tmp_path / "watches.yml"), "--new", str(tmp_path / "new.yml")]
    capsys.readouterr()
    assert run(["backtest", *files, "--from", "1h", "--json"]) == 0, capsys.readouterr().err
    found = json.loads(capsys.readouterr().out)
    after = alerts_of(made, (tmp_path / "new.yml").read_text())
    assert found == as_json(compare(alerts_of(made).values(), after.values()))
    assert {one["change"] for one in found if one["watch"] == "trains"} == {"lost"}
    assert {"gained", "moved"} & {one["change"] for one in found if one["watch"] == "acme"}


def change(feed: Feed, made: list[Any]) -> None:
    """Edit a post that stands for a story, so that another watch asks for it, and delete another."""
    first, second = made[0], made[1]
    about = {"source": "file", "seen": first.time}
    changed = Edit.model_validate({**first.model_dump(), **about, "text": "the train is late, says nobody"})
    feed.raw(changed.to_bytes(), changed.key.encode())
    gone = Deletion.model_validate({**about, "platform": second.platform, "id": second.id})
    feed.raw(gone.to_bytes(), gone.key.encode())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed, however it was wrapped."""
    return " ".join(capsys.readouterr().out.split())


def of_groups(settings: Settings) -> set[str]:
    """Return the consumer groups that the broker knows."""
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    return {one.group_id for one in admin.list_consumer_groups().result(30).valid}


def event(number: int, platform: str = "x") -> Event:
    now = clock.now()
    return Event(platform=platform, id=str(number), time=now, seen=now, text=f"acme {number}", source="s")


def write(settings: Settings, numbers: range, platform: str = "x", partition: int = 0) -> datetime:
    """Write posts in one batch, and return a moment after it and before the next."""
    producer = Producer({"bootstrap.servers": settings.kafka, "linger.ms": 100})
    for number in numbers:
        producer.produce(raw_topic(platform), event(number, platform).to_bytes(), b"k", partition=partition)
    assert producer.flush(60) == 0
    written = clock.now()
    deadline = written + timedelta(seconds=1)
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": "waits"})
    try:
        while clock.now() < deadline:
            consumer.poll(0.05)  # the broker's time passes
    finally:
        consumer.close()
    return written + timedelta(seconds=0.5)


def numbers(found: list[Kept]) -> list[int]:
    return [int(Event.from_bytes(one.value).id) for one in found]


def test_a_span_is_what_the_broker_got_then_in_the_order_of_all_partitions(
    fresh_broker: Broker, tmp_path: Path
) -> None:
    settings = provision(fresh_broker, tmp_path)
    before = clock.now() - timedelta(minutes=1)
    one = write(settings, range(5))
    two = write(settings, range(5, 9), "reddit", partition=2)
    write(settings, range(9, 12), partition=1)
    for begin, end, expected, why in [
        (None, None, range(12), "all that is kept"),
        (before, None, range(12), "from before the first"),
        (one, None, range(5, 12), "from after the first batch"),
        (one, two, range(5, 9), "the middle, in a topic of its own"),
        (two, None, range(9, 12), "the last batch"),
        (None, one, range(5), "up to the first"),
    ]:
        assert numbers(list(read_history(settings, Period(begin, end)))) == list(expected), why


def test_what_comes_while_it_is_read_is_not_read(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path)
    write(settings, range(5))
    found = read_history(settings, Period())
    first = next(found)
    write(settings, range(5, 10))
    write(settings, range(10, 15), "reddit")
    assert numbers([first, *found]) == list(range(5))


def test_nothing_of_that_time_is_said_in_one_sentence(
    fresh_broker: Broker, tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = provision(fresh_broker, tmp_path)
    with pytest.raises(ConfigError, match="hold nothing from the beginning to now"):
        next(read_history(settings, Period()))
    write(settings, range(3))
    assert run(["backtest", "-w", str(settings.watches), "--from", "2d", "--to", "1d"]) == 2
    error = capsys.readouterr().err
    assert "hold nothing from 2" in error
    assert error.count("\n") == 1
