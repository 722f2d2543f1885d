"""Watches that hear nothing: what a tick over many of them costs, and how small they become."""

import sys
from datetime import datetime, timedelta

import pytest

from pipeline import decide
from pipeline.stories.story import KEPT
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Row, Rows
from pipeline.stream.store import MemoryStore
from schemas.control import Feedback, Heeded, Logged, Unlearn, WatchRemoved, WatchVersion
from schemas.mention import Match
from schemas.tick import Tick
from schemas.watch import Watch
from tests.pipeline.timeline import NOON, Timeline, distinct, match, minute, watch

SILENCE = {"kind": "silence", "window": "5d"}
USUAL = {"kind": "unusual-volume"}
WEEK = KEPT / timedelta(minutes=1)
SMALL = 4096
"""Bytes that the rows of an idle watch may take (they are told in docs/quality.md)."""


class Alone:
    """A partition whose rows are `store`; each call of `take` is a batch."""

    def __init__(self, store: MemoryStore) -> None:
        self.store, self.applied = store, -1
        self.partition = Partition(Rows(0, store), store, 3600.0)

    def take(self, *records: Logged) -> set[str]:
        """Judge some records, write what has changed, and return the watches that were."""
        judged = {name for name, _ in self.partition.take_all(records)}
        self.applied += len(records)
        written = self.partition.rows.write(
            self.partition.persist(), Commit(applied=self.applied, now=self.partition.now)
        )
        self.partition.rows.keep(written)
        for key, row in written:
            self.store.take(key, row)
        assert self.partition.settle(None)
        return judged

    def rows(self, name: str) -> dict[str, Row]:
        """Return the rows of a watch as they are stored."""
        found = {key.decode(): Row.from_bytes(value) for key, value in self.store.items() if b"/" in key}
        return {key.split("/", 2)[2]: row for key, row in found.items() if key.split("/")[1] == name}


def published(made: Watch, at: datetime, version: str = "1") -> WatchVersion:
    return WatchVersion(watch=made, version=version, at=at)


def tick(when: float) -> Tick:
    return Tick(at=minute(when))


def test_of_very_many_watches_that_begin_with_a_tick_each_takes_some_and_what_is_heard_begins_at_once() -> None:
    names = [f"w{number:04}" for number in range(700)]
    alone = Alone(MemoryStore())
    alone.take(*[published(watch(USUAL, id=name), NOON) for name in reversed(names)])
    again = MemoryStore(dict(alone.store))
    assert alone.take(tick(1)) == set(names[:300])
    heard = match("p1", 1, "one").model_copy(update={"watch": names[-1]})
    assert alone.take(heard) == {names[-1]}
    assert alone.take(tick(2)) == set(names[300:600])
    assert alone.take(tick(3)) == set(names[600:-1])
    assert alone.take(tick(4)) == set()
    assert Alone(again).take(tick(1)) == set(names[:300]), "whoever judges the tick again begins the same"


def idle(posts: list[Match], alone: Alone) -> None:
    """Publish a watch, let it hear `posts`, and nothing for as long as its memory reaches; ticks are told all along."""
    alone.take(tick(0), published(watch(USUAL, SILENCE), NOON))
    for number in range(0, len(posts), 200):
        alone.take(*posts[number : number + 200])
    last = max(post.mention.time for post in posts)
    for hours in (1, 7 * 24, 7 * 24 + 1, 7 * 24 + 2):
        alone.take(Tick(at=last + timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("sentence", "count", "apart"),
    [("fourteen stories in a week", 14, 720.0), ("a crisis of three thousand within an hour", 3000, 0.02)],
)
def test_a_watch_that_hears_nothing_any_more_becomes_small(sentence: str, count: int, apart: float) -> None:
    alone = Alone(MemoryStore())
    idle([match(f"p{at}", at * apart, distinct(at), writer=f"{at}") for at in range(count)], alone)
    rows, memory = alone.rows("acme"), alone.partition._states["acme"].memory
    assert rows.keys() == {"watch", "head"}, f"{sentence}: stories and their members are removed from the changelog"
    assert sum(len(row.current or b"") for row in rows.values()) < SMALL, sentence
    for name in ("stories", "segments", "members", "texts", "leads"):
        table = getattr(memory.tables, name)
        assert sys.getsizeof(table) == sys.getsizeof({}), f"{sentence}: {name} keeps no room for what it had"
    assert not alone.partition._states["acme"].crowd.voices, sentence
    restored = Alone(MemoryStore(dict(alone.store))).partition._states["acme"]
    assert restored == alone.partition._states["acme"], sentence


def test_what_an_idle_watch_gives_back_changes_nothing_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> Timeline:
        line = Timeline(watch(USUAL, SILENCE, {"kind": "count", "threshold": 3, "window": "9d"}))
        line.tick(0)
        line.posts(*[number * 0.5 for number in range(40)])
        for day in range(1, 9):
            line.tick(day * 1440)
        back = 8 * 1440.0
        line.posts(*[back + number for number in range(5)])
        line.post(30, time=minute(30), seen=minute(back + 6))
        line.tick(back + 1440)
        return line

    small = told()
    monkeypatch.setattr(decide, "rest", lambda state, _: state)
    large = told()
    assert small.receipts == large.receipts
    assert small.alerts == large.alerts
    assert small.alerts


def test_what_is_learnt_of_a_watch_that_is_removed_is_known_to_a_worker_that_goes_on_as_to_one_that_begins() -> None:
    """Somebody answers to a message of yesterday: its watch is gone, and may come back."""
    store = MemoryStore()
    alone = Alone(store)
    alone.take(published(watch(), NOON), WatchRemoved(watch="acme", at=minute(1)))
    told = Feedback(watch="acme", alert="a", rule="count", useful=False, by="ben", at=minute(2))
    alone.take(told.model_copy(update={"posts": (Heeded(mention="x:1", words=("foo",)),)}))
    assert Alone(store).partition._states == alone.partition._states != {}
    alone.take(Unlearn(watch="acme", by="ben", at=minute(3)))
    assert Alone(store).partition._states == alone.partition._states == {}
