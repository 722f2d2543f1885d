"""Another lateness than an hour, through the whole stream: what is within it is judged as if it came in order."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.event import Event, Post
from schemas.receipt import Decision, Measured, Receipt
from schemas.settings import Settings
from schemas.topics import ALERTS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.crisis import START
from tests.broker.test_stream_replay import alerts
from tests.broker.worker import Feed, Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

WATCH = """
watches:
  - id: acme
    purpose: {{goal: reputation, measure: answered within an hour}}
    query: acme
    rules: [{{kind: count, threshold: 4, window: {window:.0f}s}}]
    owner: Press
    routes: [{{channel: console}}]
"""
SHORTER, LONGER = 300.0, 7200.0
"""Seconds; what comes by default lies between them."""


def say(feed: Feed, name: str, ago: float, word: str = "acme") -> None:
    """Have a post about `word` arrive at `START` that was written so many seconds before."""
    text = f"{word} {' '.join(f'{name}-{part}' for part in range(5))}"
    post = Post(platform="x", id=name, time=START - timedelta(seconds=ago), text=text)
    event = Event(**post.model_dump(), source="file", seen=START)
    feed.raw(event.to_bytes(), event.key.encode(), raw_topic("x"))


def receipts(reader: Reader) -> dict[str, Receipt]:
    return {one.mention.removeprefix("x:"): one for one in map(Receipt.from_bytes, reader.values(RECEIPTS))}


def counted(receipt: Receipt) -> float:
    [found] = receipt.rules or [Measured(rule="none", value=-1, threshold=0)]
    return found.value


def late_by(broker: Broker, folder: Path, lateness: float) -> Settings:
    settings = provision(broker, folder, watches=WATCH.format(window=2 * lateness))
    return settings.model_copy(update={"lateness": lateness})


@pytest.mark.parametrize("lateness", [SHORTER, LONGER])
def test_what_is_declared_decides_what_is_too_late(fresh_broker: Broker, tmp_path: Path, lateness: float) -> None:
    """Three come out of order, the last of them just in time; two are too late, one of them after a restart."""
    settings = late_by(fresh_broker, tmp_path, lateness)
    feed = Feed(settings)
    with reading(settings, ALERTS, RECEIPTS) as reader:
        with Worker(settings, tmp_path / "log") as worker:
            for name, ago in (("now", 0.0), ("middle", lateness / 2), ("oldest", lateness - 1)):
                say(feed, name, ago)
            say(feed, "too late", lateness + 1)
            say(feed, "fifth", lateness / 3)
            feed.flush()
            reader.until(lambda: len(receipts(reader)) == 5, 90, worker)
            assert worker.stop() == 0
        with Worker(settings, tmp_path / "again") as worker:
            say(feed, "too late again", lateness + 1)
            say(feed, "just in time again", lateness - 1)
            feed.flush()
            reader.until(lambda: len(receipts(reader)) == 7, 90, worker)
            assert worker.stop() == 0
    found = receipts(reader)
    assert {name for name, one in found.items() if one.decision is Decision.LATE} == {"too late", "too late again"}
    assert [counted(found[name]) for name in ("now", "middle", "oldest")] == [1, 2, 3], "in windows of their own time"
    assert found["fifth"].decision is Decision.OPENED, "the late one has alerted nobody, and counts"
    assert counted(found["fifth"]) == 5
    assert counted(found["just in time again"]) == 7
    assert [(one.reason, one.incident.mentions) for one in alerts(reader).values()] == [("opened", 5)]


@pytest.mark.parametrize("lateness", [SHORTER, LONGER])
def test_the_order_within_it_makes_no_difference(fresh_broker: Broker, tmp_path: Path, lateness: float) -> None:
    """Eight posts over the lateness, of which a window of half of it holds four: oldest first, and newest first."""
    both = WATCH.format(window=lateness / 2)
    both += both.removeprefix("\nwatches:\n").replace("acme", "globex")
    settings = provision(fresh_broker, tmp_path, watches=both).model_copy(update={"lateness": lateness})
    feed, ages = Feed(settings), [lateness * (part + 0.5) / 8 for part in range(8)]
    for word, order in (("acme", sorted(ages, reverse=True)), ("globex", sorted(ages))):
        for place, ago in enumerate(order):
            say(feed, f"{word}{place}", ago, word)
    feed.flush()
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(receipts(reader)) == 16, 90, worker)
        assert worker.stop() == 0
    found = receipts(reader)
    for word in ("acme", "globex"):
        assert [counted(found[f"{word}{place}"]) for place in range(8)] == [1, 2, 3, 4, 4, 4, 4, 4], word
    assert sorted((one.watch, one.reason) for one in alerts(reader).values()) == [
        ("acme", "opened"),
        ("globex", "opened"),
    ]
