"""The stream on real brokers: what a replay leads to, and that poison stops nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.offline.backtest import backtest
from pipeline.stream.rows import Commit
from schemas.alert import Alert
from schemas.dead import Dead
from schemas.event import Event
from schemas.receipt import Receipt
from schemas.topics import ALERTS, DEAD, JUDGE_CHANGELOG, MAX_RAW_BYTES, MENTIONS, RECEIPTS
from tests.broker.brokers import Broker
from tests.broker.crisis import START, alerts_of, items, posts
from tests.broker.worker import Feed, Reader, Worker, provision, reading
from tests.pipeline.real_crisis import crises, timed, watch_file, watches

pytestmark = pytest.mark.broker


def alerts(reader: Reader) -> dict[str, Alert]:
    """Return the alerts by id; one that was written again must be the same to the last byte."""
    found: dict[str, bytes] = {}
    for value in reader.values(ALERTS):
        if b'"type":"gone"' in value:  # what judge says of deleted posts goes the same way
            continue
        alert = Alert.from_bytes(value)
        assert found.setdefault(alert.id, value) == value
    return {key: Alert.from_bytes(value) for key, value in found.items()}


def ends(reader: Reader) -> bool:
    """Tell whether the last post of each watch has been judged, and all that came before it has been read."""
    return {"x:end-acme", "x:end-train"} <= reader.judged and reader.at_the_end()


def test_a_replay_gives_the_alerts_of_a_backtest(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path)
    made = posts(600)
    expected = alerts_of(made)
    assert expected, "the crisis must be one"
    Feed(settings).replay(items(made))
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: ends(reader), 60, worker)
        assert alerts(reader) == expected
        assert reader.judged == {post.key for post in made}
        assert worker.stop() == 0


def test_two_workers_share_the_work_and_one_leaves(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path)
    made = posts(700, seed=2)
    timed = items(made)
    feed, half = Feed(settings), len(timed) // 2
    feed.replay(timed[:half])
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "first") as first:
        reader.until(lambda: len(reader.judged) > 200, 60, first)
        with Worker(settings, tmp_path / "second") as second:
            feed.replay(timed[half : half + 2000])
            reader.until(lambda: "started" in second.log, 60, second)
            assert first.stop() == 0
            feed.replay(timed[half + 2000 :])
            reader.until(lambda: ends(reader), 90, second)
            assert alerts(reader) == alerts_of(made)
            assert second.stop() == 0


def test_a_real_crisis_on_two_workers_gives_the_bytes_of_a_backtest_of_its_file(
    fresh_broker: Broker, tmp_path: Path
) -> None:
    """With every kind of rule; the second worker comes when the first has begun, and the first leaves."""
    settings = provision(fresh_broker, tmp_path, watches=watch_file())
    made = list(crises(150).values())[-1]
    judged = list(backtest(watches(), made))
    expected = {one.id: one.to_bytes() for one in judged if isinstance(one, Alert)}
    receipts = {(one.watch, one.mention): one.to_bytes() for one in judged if isinstance(one, Receipt)}
    feed, told = Feed(settings), timed(made)
    some, more = told.index(made[50]), told.index(made[100])
    feed.replay(told[:some])
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "first") as first:
        reader.until(lambda: len(reader.records[RECEIPTS]) > 200, 60, first)
        with Worker(settings, tmp_path / "second") as second:
            reader.until(lambda: "started" in second.log, 60, second)
            feed.replay(told[some:more])
            assert first.stop() == 0
            feed.replay(told[more:])
            reader.until(
                lambda: len(of_receipts(reader)) == len(receipts) and len(alerts(reader)) >= len(expected), 90, second
            )
            assert {name: one.to_bytes() for name, one in alerts(reader).items()} == expected
            assert of_receipts(reader) == receipts
            assert second.stop() == 0


def of_receipts(reader: Reader) -> dict[tuple[str, str], bytes]:
    found = ((Receipt.from_bytes(value), value) for value in reader.values(RECEIPTS))
    return {(one.watch, one.mention): value for one, value in found}


GOOD = Event(platform="x", id="0", time=START, text="acme", source="s", seen=START)
POISON = [
    ("not-json", b"{", "cut off"),
    ("not-json", b"", "empty"),
    ("wrong-type", b"[]", "not an object"),
    ("wrong-type", b'{"type":"rumour"}', "a type that does not exist"),
    ("wrong-type", GOOD.to_bytes().replace(b'"acme"', b"7"), "a number where text should be"),
    ("not-utf8", GOOD.to_bytes().replace(b"acme", b"acm\xe9"), "Latin-1"),
    ("too-large", GOOD.to_bytes().replace(b"acme", b"acme " * 2_000_000), "ten megabytes"),
    ("too-large", b"x" * (MAX_RAW_BYTES + 1), "one byte more than is read"),
]


def good(numbers: Iterable[int]) -> list[bytes]:
    return [GOOD.model_copy(update={"id": f"good-{number}"}).to_bytes() for number in numbers]


def test_poison_goes_to_the_dead_topic_and_stops_nothing(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path)
    feed = Feed(settings)
    for before, (_reason, value, _sentence) in zip(good(range(8)), POISON, strict=True):
        feed.raw(before)
        feed.raw(value)
    for after in good([8]):
        feed.raw(after)
    feed.raw(b"{", topic=MENTIONS)
    feed.flush()
    with reading(settings, RECEIPTS, DEAD) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(reader.judged) == 9 and len(reader.records[DEAD]) >= 9, 60, worker)
        found = [Dead.from_bytes(value) for value in reader.values(DEAD)]
        assert {dead.id for dead in found if dead.topic == MENTIONS} == {f"{MENTIONS}/0/{found_at(found)}"}
        raw = sorted((dead for dead in found if dead.topic != MENTIONS), key=lambda dead: dead.offset)
        assert [dead.reason for dead in raw] == [reason for reason, _value, _sentence in POISON]
        for dead, (_reason, value, sentence) in zip(raw, POISON, strict=True):
            assert dead.size == len(value), sentence
            assert not dead.complete or dead.original == value, sentence
            assert "acme" not in dead.detail, "the dead record's detail must not quote the post"
        assert worker.stop() == 0


def found_at(found: list[Dead]) -> Any:
    return next(dead.offset for dead in found if dead.topic == MENTIONS)


def test_the_commit_record_follows_the_log(fresh_broker: Broker, tmp_path: Path) -> None:
    """A stopped worker leaves a commit record at the last offset, and a new one judges nothing twice."""
    settings = provision(fresh_broker, tmp_path)
    feed = Feed(settings)
    for value in good(range(50)):
        feed.raw(value)
    feed.flush()
    with reading(settings, RECEIPTS, JUDGE_CHANGELOG) as reader:
        with Worker(settings, tmp_path / "log") as worker:
            reader.until(lambda: len(reader.judged) == 50, 60, worker)
            assert worker.stop() == 0
        with Worker(settings, tmp_path / "log") as worker:
            for value in good([50]):
                feed.raw(value)
            feed.flush()
            reader.until(lambda: len(reader.judged) == 51, 60, worker)
            assert worker.stop() == 0
        reader.read(1.0)
        assert len(reader.records[RECEIPTS]) == 51
        commits = [found for found in reader.records[JUDGE_CHANGELOG] if (found.key() or b"").isdigit()]
        applied = [
            Commit.model_validate_json(found.value()).applied
            for found in commits
            if found.partition() == commits[-1].partition()
        ]
        assert applied == sorted(applied)
