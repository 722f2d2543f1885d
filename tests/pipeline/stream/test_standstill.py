"""Standstill as a table: who gets on, who waits for a broker, and who is stuck."""

from dataclasses import dataclass

import pytest

from pipeline.stream.standstill import LONGEST_STEP, Look, Standstill, step, stuck

WORK, IDLE = True, False


@dataclass(frozen=True)
class Row:
    """`seen`: one look after the other, as seconds since the last, has work, how far, does a broker answer."""

    sentence: str
    seen: list[tuple[float, bool, int | None, bool]]
    seconds: float


ROWS = [
    Row("the first look knows nothing yet", [(1, WORK, 7, True)], 0),
    Row("work and no progress: the time adds up", [(1, WORK, 7, True), (1, WORK, 7, True), (2, WORK, 7, True)], 3),
    Row("a commit begins anew", [(1, WORK, 7, True), (4, WORK, 7, True), (1, WORK, 8, True)], 0),
    Row("nothing to do is no standstill", [(1, IDLE, 7, True), (5, IDLE, 7, True)], 0),
    Row("work that comes after a quiet hour", [(1, IDLE, 7, True), (5, IDLE, 7, True), (1, WORK, 7, True)], 1),
    Row("nothing was ever committed", [(1, WORK, None, True), (3, WORK, None, True)], 3),
    Row("a broker that is away is waited for", [(1, WORK, 7, True), (2, WORK, 7, True), (5, WORK, 7, False)], 2),
    Row(
        "and when it is back the time goes on: an outage cures nothing",
        [(1, WORK, 7, True), (2, WORK, 7, True), (5, WORK, 7, False), (3, WORK, 7, True)],
        5,
    ),
    Row(
        "going back to an earlier offset is getting on too",
        [(1, WORK, 7, True), (4, WORK, 7, True), (1, WORK, 3, True)],
        0,
    ),
    Row("a process that was frozen for minutes", [(1, WORK, 7, True), (600, WORK, 7, True)], LONGEST_STEP),
    Row("a clock that goes back", [(1, WORK, 7, True), (-3, WORK, 7, True)], 0),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_for_how_long_it_has_stood_still(row: Row) -> None:
    state: dict[str, Standstill] = {}
    for seconds, waits, done, broker in row.seen:
        state = step(state, {"here": Look(waits, done)}, seconds, broker=broker)
    assert state["here"].seconds == row.seconds


def test_what_is_no_longer_looked_at_is_forgotten() -> None:
    state = step({"gone": Standstill(7, 50.0)}, {"here": Look(WORK, 1)}, 1, broker=True)
    assert state.keys() == {"here"}


def test_the_longest_is_named_once_it_has_lasted_too_long() -> None:
    named = [("listen on a/0", Standstill(7, 119.0)), ("judge on b/1", Standstill(7, 121.0))]
    assert stuck(named, 120.0) == "judge on b/1 has work and has got nowhere for 121 s"
    assert stuck(named[:1], 120.0) == ""
    assert stuck([], 120.0) == ""
