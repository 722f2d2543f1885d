"""What moves when there are more partitions: all of it, to where it belongs, whatever had not counted, and again."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from kafka.partitioner.default import murmur2

from pipeline.stream.relocate import Change, Ledger, Move, State, home
from pipeline.stream.rows import Commit, Rows
from schemas.delivery import NOWHERE, Delivery, DeliveryState
from schemas.topics import DELIVERIES, JUDGE_CHANGELOG

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WATCHES = [f"watch{number}" for number in range(30)]
Topics = dict[tuple[str, int], dict[bytes, bytes]]


def written(partitions: int) -> Topics:
    """Two batches of judge's in each partition, the second cut off before its commit record, and a ledger."""
    topics: Topics = {}
    for number in range(partitions):
        stored = topics[JUDGE_CHANGELOG, number] = {}
        mine = [watch for watch in WATCHES if home(watch, partitions) == number]
        rows = Rows(number, stored)
        rows.keep(
            rows.write(
                {f"{watch}/{row}": watch.encode() for watch in mine for row in "ab"}, Commit(applied=9, now=NOON)
            )
        )
        for key, value in rows.write({f"{watch}/a": b"abandoned" for watch in mine}, Commit(applied=19))[:-1]:
            stored[key] = value or b""
        ledger = [entry(watch) for watch in mine]
        topics[DELIVERIES, number] = {found.id.encode(): found.to_bytes() for found in ledger}
    return topics


def entry(incident: str) -> Delivery:
    return Delivery(
        id=f"{incident}.1.console", alert=f"{incident}.1", incident=incident, channel="console", to="", offset=0,
        state=DeliveryState.SENT, requested=NOON, at=NOON,
    )  # fmt: skip


def move(topics: Topics, partitions: int) -> Move:
    states = {
        number: State(number, dict(stored)) for (topic, number), stored in topics.items() if topic == JUDGE_CHANGELOG
    }
    ledgers: dict[int, Ledger] = {
        number: {key: Delivery.from_bytes(value) for key, value in stored.items()}
        for (topic, number), stored in topics.items()
        if topic == DELIVERIES
    }
    return Move(states, ledgers, partitions)


def apply(changes: Iterable[Change], topics: Topics) -> None:
    for change in changes:
        stored = topics.setdefault((change.topic, change.partition), {})
        if change.value is None:
            stored.pop(change.key)
        else:
            stored[change.key] = change.value


def check(topics: Topics, partitions: int) -> None:
    found: dict[str, bytes] = {}
    for number in range(partitions):
        rows = Rows(number, topics[JUDGE_CHANGELOG, number])
        assert rows.commit.now == NOON, "every partition knows what time it is"
        values = rows.values()
        assert {home(name.partition("/")[0], partitions) for name in values} <= {number}
        assert not found.keys() & values.keys()
        found |= values
        for value in topics.get((DELIVERIES, number), {}).values():
            assert home(Delivery.from_bytes(value).incident, partitions) == number
    assert found == {f"{watch}/{row}": watch.encode() for watch in WATCHES for row in "ab"}
    ledger = [
        Delivery.from_bytes(value)
        for (topic, _), kept in topics.items()
        if topic == DELIVERIES
        for value in kept.values()
    ]
    assert sorted(one.incident for one in ledger) == sorted(WATCHES)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (1, 7), (4, 6), (4, 8), (3, 12), (4, 4)])
def test_everything_is_where_it_belongs_afterwards(before: int, after: int) -> None:
    topics = written(before)
    moving = move(topics, after)
    apply(moving.copies(), topics)
    apply(moving.removals(), topics)
    check(topics, after)
    ledgers = [kept for (topic, _), kept in topics.items() if topic == DELIVERIES]
    for found in (Delivery.from_bytes(value) for kept in ledgers for value in kept.values()):
        stays = home(found.incident, before) == home(found.incident, after)
        assert found.offset == (0 if stays else NOWHERE), "where its alert stands, in the partition it is in"
    assert (len(moving.watches()) > 0) is (before != after)
    again = move(topics, after)
    assert list(again.copies()) == list(again.removals()) == [], "a second time there is nothing to do"


@pytest.mark.parametrize("cut_off", [0, 1, 5, 20, 60, 90, 10_000])
@pytest.mark.parametrize("then", [6, 9])
def test_a_move_that_was_cut_off_is_made_again(cut_off: int, then: int) -> None:
    """Also to more partitions than at first."""
    topics = written(4)
    first = move(topics, 6)
    apply([*first.copies(), *first.removals()][:cut_off], topics)
    second = move(topics, then)
    apply(second.copies(), topics)
    apply(second.removals(), topics)
    check(topics, then)


def test_a_key_belongs_where_kafka_puts_it() -> None:
    assert [home(key, 16) for key in ("acme", "trains", "", "ärger")] == [
        (murmur2(key.encode()) & 0x7FFFFFFF) % 16 for key in ("acme", "trains", "", "ärger")
    ]


def test_what_goes_to_an_address_with_a_shared_budget_moves_with_that_address() -> None:
    keys = [f"slack #channel{number}" for number in range(20)]
    kept: Topics = {}
    for key in keys:
        found = entry("watch1").model_copy(update={"id": f"watch1.1.{key[7:]}", "key": key})
        kept.setdefault((DELIVERIES, home(key, 4)), {})[found.id.encode()] = found.to_bytes()
    moving = move(kept, 9)
    apply([*moving.copies(), *moving.removals()], kept)
    places = {
        Delivery.from_bytes(value).key: number for (_, number), stored in kept.items() for value in stored.values()
    }
    assert places == {key: home(key, 9) for key in keys}
