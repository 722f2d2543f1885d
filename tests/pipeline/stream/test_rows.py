"""Rows against a model: whatever prefix of a batch a crash leaves behind, the state is the one before or after it."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.stream.rows import BEGINNING, Change, Commit, Row, Rows
from pipeline.stream.store import MemoryStore
from schemas.model import FARTHEST

NAMES = ["w/head", "w/story/1", "w/story/2", "v/head"]
VALUES = st.one_of(st.none(), st.binary(max_size=3))


@given(st.integers(-1, 2**62), st.one_of(st.none(), st.binary()), st.one_of(st.none(), st.binary()))
def test_a_row_round_trips(applied: int, current: bytes | None, previous: bytes | None) -> None:
    row = Row(applied, current, previous)
    assert Row.from_bytes(row.to_bytes()) == row


def test_a_row_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="row version 3"):
        Row.from_bytes(b"\x03" + Row(1, b"x", None).to_bytes()[1:])


def test_a_row_without_a_term_is_still_read() -> None:
    first = struct.pack(">BqI", 1, 7, 3) + b"now=before"
    assert Row.from_bytes(first) == Row(7, b"now", b"before", term=0)


def test_an_abandoned_value_stays_abandoned_when_the_next_batch_leaves_the_row_alone() -> None:
    """Without the repair, the commit record of the second batch would make the first one's leftover valid."""
    table: dict[bytes, bytes] = {}
    before = Rows(0, table)
    before.keep(before.write({"w/head": b"a"}, Commit(applied=9)))
    abandoned = Rows(0, table).write({"w/head": b"b"}, Commit(applied=18))[0]
    apply(table, [abandoned])

    recovered = Rows(0, table)
    assert recovered.values() == {"w/head": b"a"}
    recovered.keep(recovered.write({}, Commit(applied=20)))
    assert Rows(0, table).values() == {"w/head": b"a"}


def test_a_deleted_row_leaves_the_table_with_the_batch_after() -> None:
    table: dict[bytes, bytes] = {}
    rows = Rows(3, table)
    rows.keep(rows.write({"w/head": b"a"}, Commit(applied=1)))
    rows.keep(rows.write({"w/head": None}, Commit(applied=2)))
    assert rows.values() == {}
    assert b"3/w/head" in table, "a crash may still undo the deletion"
    rows.keep(rows.write({}, Commit(applied=3)))
    assert set(table) == {b"3"}


def test_partitions_do_not_see_each_other() -> None:
    table: dict[bytes, bytes] = {}
    for partition in (1, 11):
        rows = Rows(partition, table)
        rows.keep(rows.write({"w/head": str(partition).encode()}, Commit(applied=partition)))
    assert Rows(1, table).values() == {"w/head": b"1"}
    assert Rows(1, table).commit.applied == 1


def apply(table: dict[bytes, bytes], changes: list[Change]) -> None:
    """Do what recovery does with the changelog."""
    for key, value in changes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


@dataclass
class Model:
    """The state that must be found, and the changelog."""

    values: dict[str, bytes] = field(default_factory=dict)
    commit: Commit = field(default_factory=Commit)
    log: list[Change] = field(default_factory=list)


class Crashes(RuleBasedStateMachine):
    """Batches that are written whole, or up to a crash at any record, followed by recovery from the changelog."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.rows = Rows(0, MemoryStore())

    def next_commit(self, step: int) -> Commit:
        return Commit(applied=self.model.commit.applied + step, now=datetime(2026, 1, 1, tzinfo=UTC))

    @rule(changes=st.dictionaries(st.sampled_from(NAMES), VALUES), step=st.integers(1, 9))
    def batch(self, changes: dict[str, bytes | None], step: int) -> None:
        commit = self.next_commit(step)
        records = self.rows.write(changes, commit)
        self.model.log += records
        self.rows.keep(records)
        self.settle(changes, commit)

    @precondition(lambda self: len(self.model.log) < 80)
    @rule(changes=st.dictionaries(st.sampled_from(NAMES), VALUES), step=st.integers(1, 9), written=st.integers(0, 9))
    def crash(self, changes: dict[str, bytes | None], step: int, written: int) -> None:
        commit = self.next_commit(step)
        records = self.rows.write(changes, commit)
        self.model.log += records[:written]
        if written >= len(records):
            self.settle(changes, commit)
        self.recover()

    @rule()
    def recover(self) -> None:
        table: dict[bytes, bytes] = {}
        apply(table, self.model.log)
        self.rows = Rows(0, table)

    def settle(self, changes: dict[str, bytes | None], commit: Commit) -> None:
        for name, value in changes.items():
            if value is None:
                self.model.values.pop(name, None)
            else:
                self.model.values[name] = value
        self.model.commit = commit

    @invariant()
    def the_state_is_that_of_the_last_commit(self) -> None:
        assert self.rows.values() == self.model.values
        assert self.rows.commit == self.model.commit


TestCrashes = Crashes.TestCase
TestCrashes.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(st.datetimes(max_value=FARTHEST.replace(tzinfo=None), timezones=st.just(UTC)))
def test_the_clock_survives(now: datetime) -> None:
    table: dict[bytes, bytes] = {}
    rows = Rows(0, table)
    rows.keep(rows.write({}, Commit(applied=0, now=now)))
    assert Rows(0, table).commit.now == now


def test_the_beginning_is_before_everything() -> None:
    assert Commit().now == BEGINNING < datetime(1, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
