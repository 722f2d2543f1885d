"""The keeper of a source: what it writes where, what it counts, and from where it goes on after every failure."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from confluent_kafka import KafkaError

from agents import clock
from agents.ingest import keeper as keeping
from agents.ingest.keeper import Keeper
from agents.ingest.source import Entry, Reading, Readings, Source
from agents.ingest.writer import Outgoing, Told
from agents.observe import counter, gauge
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Author, Deletion, Event, Gap, Heartbeat
from schemas.metrics import (
    DEAD_RECORDS,
    EVENTS_INGESTED,
    SOURCE_BUDGET,
    SOURCE_ERRORS,
    SOURCE_EVENT,
    SOURCE_GAPS,
    SOURCE_QUOTA,
    SOURCE_SPENT,
    SOURCE_TOKEN,
)
from schemas.settings import load_settings
from schemas.topics import CHECKPOINTS, DEAD, raw_topic

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
Act = Reading | Exception | Callable[[], None]


class Scripted(Source[Entry]):
    """Does what it is told, one act after the other; each attempt goes on where the last one failed."""

    Config = Entry

    def __init__(self, *acts: Act) -> None:
        super().__init__(Entry(id="scripted", kind="scripted"), load_settings())
        self.acts = list(acts)
        self.began_at: list[dict[str, str] | None] = []

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        self.began_at.append(dict(checkpoint.cursor) if checkpoint else None)
        while self.acts:
            act = self.acts.pop(0)
            if isinstance(act, Exception):
                raise act
            if isinstance(act, Reading):
                yield act
            else:
                act()
            await asyncio.sleep(0)


class Ordered(Scripted):
    ordered: ClassVar[bool] = True


class Resting(Scripted):
    """Answers once, and then asks nobody for two hours, as it is told to."""

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        del checkpoint
        yield Reading(Heartbeat(source="s", seen=NOW, at=NOW), {"at": "1"}, rest=7200.0)
        await asyncio.Event().wait()


class Broker:
    """A writer that answers at once with `answer`, or keeps the answer back while `silent`."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.waiting: list[Told] = []
        self.silent = False
        self.holds_two = asyncio.Event()
        self.answer: KafkaError | None = None

    async def write(self, record: Outgoing, told: Told) -> None:
        self.records.append(record)
        if self.silent:
            self.waiting.append(told)
            if len(self.waiting) == 2:
                self.holds_two.set()
        else:
            told(self.answer)

    def speak(self, answer: KafkaError | None = None) -> None:
        self.silent, self.answer = False, answer
        for told in self.waiting:
            told(answer)
        self.waiting.clear()


def event(name: str, platform: str = "x") -> Event:
    return Event(source="scripted", seen=NOW, platform=platform, id=name, time=NOW, text="t")


def at(name: str) -> Reading:
    return Reading(event(name), {"at": name})


def kept(source: Scripted, broker: Broker, stored: dict[str, Checkpoint] | None = None) -> Keeper:
    async def known() -> dict[str, Checkpoint]:
        return stored or {}

    return Keeper(source, broker, asyncio.create_task(known()))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    """Let no time pass between attempts, and tell what the keeper would have waited for."""
    told: list[tuple[int, float | None]] = []

    def delay(failures: int, retry_after: float | None, chance: float) -> float:
        told.append((failures, retry_after))
        return 0.0

    monkeypatch.setattr(keeping, "delay", delay)
    return told


@pytest.mark.parametrize(
    ("item", "topic", "key", "sentence"),
    [
        (event("1"), "earshot.raw.x", "x:1", "an event goes to its platform's topic"),
        (event("1", "myspace"), "earshot.raw.other", "myspace:1", "or to that of all others"),
        (Deletion(source="s", seen=NOW, platform="x", id="1"), "earshot.raw.x", "x:1", "a deletion follows its post"),
        (Gap(source="s", seen=NOW, since=NOW, until=NOW, reason="r"), "earshot.raw.other", "scripted", "a gap"),
        (Heartbeat(source="s", seen=NOW, at=NOW, clock=True), "earshot.raw.other", "scripted", "a clock"),
        (bury(b"{", reason="not-json", topic="f", partition=0, offset=3, at=NOW), DEAD, "f/0/3", "a dead line"),
    ],
)
async def test_every_item_has_its_place(item: Event, topic: str, key: str, sentence: str) -> None:
    broker = Broker()
    await kept(Scripted(Reading(item)), broker).keep()
    assert [(record.topic, record.key, record.partition) for record in broker.records] == [(topic, key, -1)], sentence


async def test_an_ordered_source_has_one_partition_for_all_platforms() -> None:
    broker = Broker()
    beat = Reading(Heartbeat(source="s", seen=NOW, at=NOW, clock=True))
    await kept(Ordered(at("1"), Reading(event("2", "web")), beat), broker).keep()
    assert [(record.topic, record.partition) for record in broker.records] == [("earshot.raw.other", 0)] * 3


async def test_a_heartbeat_is_not_written_but_moves_the_cursor() -> None:
    broker = Broker()
    keeper = kept(Scripted(Reading(Heartbeat(source="s", seen=NOW, at=NOW), {"at": "9"})), broker)
    await keeper.keep()
    assert broker.records == []
    await keeper.store()
    checkpoint = Checkpoint.from_bytes(broker.records[0].value)
    assert (broker.records[0].topic, broker.records[0].key) == (CHECKPOINTS, "scripted")
    assert (checkpoint.cursor, checkpoint.heard) == ({"at": "9"}, NOW)


@pytest.mark.parametrize(
    ("now", "heard", "sentence"),
    [
        (timedelta(minutes=1), timedelta(), "it has just answered"),
        (timedelta(hours=1), timedelta(hours=1), "it rests: a feed that is visited every two hours is not silent"),
        (timedelta(hours=5), timedelta(hours=2), "it has rested and has not answered since"),
    ],
)
async def test_a_source_that_rests_as_it_is_told_counts_as_heard(
    now: timedelta, heard: timedelta, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    keeper = kept(Resting(), broker)
    running = asyncio.create_task(keeper.keep())
    while not broker.records:  # each turn lets the source run
        await asyncio.sleep(0)
        monkeypatch.setattr(clock, "now", lambda: NOW + now)
        await keeper.store()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert Checkpoint.from_bytes(broker.records[0].value).heard == NOW + heard, sentence


async def test_the_checkpoint_stays_behind_what_is_acknowledged() -> None:
    broker = Broker()
    broker.silent = True
    keeper = kept(Scripted(at("1"), at("2")), broker)
    task = asyncio.create_task(keeper.keep())
    async with asyncio.timeout(5):
        await broker.holds_two.wait()
    broker.waiting.pop(0)(None)
    await keeper.store()
    assert Checkpoint.from_bytes(broker.records[-1].value).cursor == {"at": "1"}
    assert not task.done(), "it has not finished before the broker has everything"
    broker.speak()
    await task
    await keeper.store()
    assert Checkpoint.from_bytes(broker.records[-1].value).cursor == {"at": "2"}
    await keeper.store()
    assert len(broker.records) == 4, "what has not changed is not stored again"


async def test_it_begins_where_the_process_before_it_stopped() -> None:
    source = Scripted()
    stored = {"scripted": Checkpoint(source="scripted", cursor={"at": "7"}, heard=NOW, at=NOW)}
    await kept(source, Broker(), stored).keep()
    assert source.began_at == [{"at": "7"}]


async def test_after_a_failure_it_goes_on_at_what_was_acknowledged(waits: list[tuple[int, float | None]]) -> None:
    source = Scripted(SourceError("away"), SourceError("away", 60.0), at("1"), RuntimeError("bug"), at("2"))
    counted = [counter(SOURCE_ERRORS).labels("scripted", kind) for kind in FailureKind]
    before = sum(one._value.get() for one in counted)
    keeper = kept(source, Broker())
    await keeper.keep()
    assert source.began_at == [None, None, None, {"at": "1"}]
    assert waits == [(1, None), (2, 60.0), (1, None)], "a source that was heard begins its waits anew"
    assert sum(one._value.get() for one in counted) - before == 3
    assert keeper.ended_by is None


async def test_what_the_broker_refuses_is_read_again_and_never_passed_over() -> None:
    broker = Broker()
    beat = Reading(Heartbeat(source="s", seen=NOW, at=NOW))
    source = Scripted(at("1"), lambda: setattr(broker, "answer", TOO_LARGE), at("2"), beat, broker.speak, at("2"))
    await kept(source, broker).keep()
    assert source.began_at == [None, {"at": "1"}]


async def test_who_waits_for_an_answer_is_told_and_the_source_goes_on() -> None:
    broker = Broker()
    loop = asyncio.get_running_loop()
    good, bad = loop.create_future(), loop.create_future()
    acts: list[Act] = [Reading(event("1"), None, good), lambda: setattr(broker, "answer", TOO_LARGE)]
    source = Scripted(*acts, Reading(event("2"), None, bad))
    await kept(source, broker).keep()
    assert good.result() is None
    with pytest.raises(SourceError, match="the broker refused a record"):
        bad.result()
    assert len(source.began_at) == 1


async def test_a_source_that_can_never_be_read_ends_and_says_why() -> None:
    source = Scripted(ConfigError("gone for good"), at("1"))
    keeper = kept(source, Broker())
    await keeper.keep()
    assert str(keeper.ended_by) == "gone for good"
    assert len(source.acts) == 1


async def test_what_passes_is_counted() -> None:
    def counted() -> list[float]:
        found = counter(EVENTS_INGESTED).labels("scripted", "x"), counter(EVENTS_INGESTED).labels("scripted", "other")
        others = counter(SOURCE_GAPS).labels("scripted"), counter(DEAD_RECORDS).labels("keeper-test")
        return [one._value.get() for one in (*found, *others)]

    before = counted()
    dead = bury(b"{", reason="keeper-test", topic="f", partition=0, offset=3, at=NOW)
    gap = Gap(source="s", seen=NOW, since=NOW, until=NOW, reason="r")
    await kept(Scripted(at("1"), at("2"), Reading(event("3", "myspace")), Reading(gap), Reading(dead)), Broker()).keep()
    assert [after - earlier for after, earlier in zip(counted(), before, strict=True)] == [2, 1, 1, 1]


async def test_what_a_source_knows_of_calls_money_and_token_is_measured() -> None:
    source, broker = Scripted(at("1")), Broker()
    expires = NOW + timedelta(hours=2)
    facts: dict[str, str | float] = {
        "quota_left": 97,
        "spent_day": 1.5,
        "spent_month": 20,
        "budget_left": 3.5,
        "spent_unit": "USD",
    }
    source.facts = lambda: {**facts, "token_expires": expires.isoformat(), "host": "h"}  # type: ignore[method-assign]
    keeper = kept(source, broker)
    await keeper.keep()
    await keeper.store()
    found = [
        gauge(SOURCE_QUOTA).labels("scripted"),
        gauge(SOURCE_SPENT).labels("scripted", "USD", "day"),
        gauge(SOURCE_SPENT).labels("scripted", "USD", "month"),
        gauge(SOURCE_BUDGET).labels("scripted", "USD"),
        gauge(SOURCE_TOKEN).labels("scripted"),
        gauge(SOURCE_EVENT).labels("scripted"),
    ]
    assert [one._value.get() for one in found] == [97, 1.5, 20, 3.5, expires.timestamp(), NOW.timestamp()]
    [checkpoint] = [record for record in broker.records if record.topic == CHECKPOINTS]
    assert b'"host":"h"' in checkpoint.value, "what else it knows is shown by `earshot sources`"


async def test_who_wrote_on_linkedin_never_reaches_the_broker() -> None:
    """From any source, such as a mail: LinkedIn lets nobody keep that as long as the words."""
    author = Author(id="urn:li:person:7", name="Eva Muster")
    post = Event(platform="linkedin", id="1", time=NOW, text="hm", author=author, source="scripted", seen=NOW)
    broker = Broker()
    await kept(Scripted(Reading(post)), broker).keep()
    [record] = [record for record in broker.records if record.topic == raw_topic("linkedin")]
    assert b"Muster" not in record.value
    assert b"person" not in record.value
