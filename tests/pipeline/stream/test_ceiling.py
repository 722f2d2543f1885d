"""The dead-letter ceiling: what trips it, what never does, and that a restart stops at the same record."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stream.ceiling import Breach, Ceiling, Limit, TooManyDead

LIMIT = Limit(share=0.5, window=20, least=5)
Log = list[str]
"""A partition: the reason why each record is dead, "" for a good one."""


def run(log: Log, start: int = 0, limit: Limit = LIMIT, first: int = 0) -> Breach | None:
    """Read `log` from `start` on as a worker does that has just been started, and return where it stops."""
    ceiling: Ceiling | None = None
    for offset in range(start, len(log)):
        if not log[offset]:
            continue
        if ceiling is None:
            since = max(first, offset + 1 - limit.window)
            ceiling = Ceiling.known(limit, since, [(at, log[at]) for at in range(since, offset) if log[at]])
        ceiling, breach = ceiling.step(offset, log[offset])
        if breach:
            return breach
    return None


def drawn(line: str) -> Log:
    return [{"j": "not-json", "t": "wrong-type", ".": ""}[sign] for sign in line]


@dataclass(frozen=True)
class Row:
    sentence: str
    line: str
    stops: Breach | None


ROWS = [
    Row("one poison record among good ones is set aside", "." * 10 + "j" + "." * 10, None),
    Row("a single record of a quiet partition, which is all it ever had", "j", None),
    Row("a burst of four, one fewer than counts, even with nothing good beside it", "jjjj", None),
    Row("a burst of nine among eleven good ones is less than half", "." * 11 + "j" * 9, None),
    Row("half is not more than half", "." * 10 + "j" * 10, None),
    Row("more than half of a full window", "." * 10 + "j" * 11 + ".", Breach(11, 20, 20, "not-json")),
    Row("everything is dead from the first record on", "t" * 30, Breach(5, 5, 4, "wrong-type")),
    Row("the reason is the most frequent one", "jtttj", Breach(5, 5, 4, "wrong-type")),
    Row("good ones between, but too few", "jj.jj.j", Breach(5, 7, 6, "not-json")),
    Row("a bad past that good records have pushed out of the window", "jjjj" + "." * 20 + "j" * 10, None),
    Row("every other record for ever is half, not more", ".j" * 100, None),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.sentence)
def test_when_the_worker_stops(row: Row) -> None:
    assert run(drawn(row.line)) == row.stops


def test_a_share_of_one_is_no_ceiling() -> None:
    assert run(drawn("j" * 200), limit=Limit(1.0, 20, 5)) is None


def test_a_record_that_comes_again_counts_once() -> None:
    ceiling = Ceiling(LIMIT, 0)
    for _again in range(10):
        ceiling, breach = ceiling.step(3, "not-json")
        assert breach is None


def test_the_text_names_share_topic_reason_and_what_to_do() -> None:
    told = str(TooManyDead("earshot.raw.x", 2, Breach(101, 200, 4711, "wrong-type")))
    for word in ("101 of the last 200", "earshot.raw.x/2", "wrong-type", "4711", "EARSHOT_DEAD_CEILING=1"):
        assert word in told
    assert "\n" not in told


LOGS = st.lists(st.sampled_from(["", "", "not-json", "wrong-type"]), max_size=80)


@given(LOGS, st.lists(st.integers(0, 80), max_size=6))
@settings(max_examples=300)
def test_whatever_the_restarts_it_stops_at_the_same_record(log: Log, starts: list[int]) -> None:
    """A worker that begins anywhere before the record at which another stopped stops there as well."""
    stops = run(log)
    for start in starts:
        if stops is None or start <= stops.offset:
            assert run(log, start) == stops


@given(LOGS, st.integers(0, 30))
def test_a_worker_that_could_go_on_was_right_to(log: Log, first: int) -> None:
    """Neither fewer than the least nor at most the share of any window trips it; more of both always does."""
    stops = run(log, first, first=first)
    for offset in range(first, len(log)):
        since = max(first, offset + 1 - LIMIT.window)
        dead = sum(1 for at in range(since, offset + 1) if log[at])
        too_many = bool(log[offset]) and dead >= LIMIT.least and dead > LIMIT.share * (offset + 1 - since)
        if stops and offset == stops.offset:
            assert too_many
            return
        assert not too_many
