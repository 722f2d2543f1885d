"""Matches that go through judge together give what each of them gives alone, in the same order."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.abreast import abreast, rounds
from pipeline.state import Verdict, WatchState
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.control import Logged, Silence, WatchVersion
from schemas.tick import Tick
from tests.pipeline.timeline import COUNT, distinct, match, minute, watch

WATCHES = {name: watch(COUNT, {"kind": "silence", "window": "1h"}, id=name) for name in ("a", "b", "c")}


@pytest.mark.parametrize(
    ("watches", "expected", "why"),
    [
        ("", [], "nothing is heard"),
        ("abc", ["abc"], "each watch hears one: all together"),
        ("aab", ["ab", "a"], "the second match of a watch waits for the first, and keeps nobody else waiting"),
        ("aaa", ["a", "a", "a"], "one watch alone: one after the other"),
        ("abacab", ["abc", "ab", "a"], "in each round the first that is left of every watch"),
    ],
)
def test_rounds(watches: str, expected: list[str], why: str) -> None:
    matches = [match(f"p{at}", at, "text").model_copy(update={"watch": name}) for at, name in enumerate(watches)]
    found = rounds(matches)
    assert ["".join(one.watch for _, one in some) for some in found] == expected, why
    assert all(matches[place] is one for some in found for place, one in some), "each with its place"


def test_each_stage_is_gone_through_by_all_before_the_next() -> None:
    seen: list[str] = []

    def stages(name: str, many: int) -> Iterator[tuple[WatchState, Verdict] | None]:
        for stage in range(many):
            seen.append(f"{name}{stage}")
            yield None
        yield WatchState(), Verdict(shadowed=(name,))

    answers = abreast([stages("a", 2), stages("b", 0), stages("c", 1)])
    assert seen == ["a0", "c0", "a1"]
    assert [verdict.shadowed for _, verdict in answers] == [("a",), ("b",), ("c",)], "in their own order"


KINDS = ["match", "match", "match", "match", "known", "tick", "silence", "unknown"]
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from("abc"), st.integers(0, 5), st.sampled_from([0.0, 0.5, 40.0])),
    max_size=40,
)


def log_of(steps: list[tuple[str, str, int, float]]) -> list[Logged]:
    """Return the log of a partition in which all that happens to a watch may happen between its matches."""
    log: list[Logged] = [WatchVersion(watch=one, version="1", at=minute(0)) for one in WATCHES.values()]
    when = 0.0
    for number, (kind, name, text, pause) in enumerate(steps):
        when += pause
        post = f"p{number}" if kind == "match" else f"p{text}"
        if kind == "tick":
            log.append(Tick(at=minute(when)))
        elif kind == "silence":
            log.append(Silence(watch=name, at=minute(when), until=minute(when + 5), by="ben"))
        else:
            heard = match(post, when, distinct(text), negative=bool(text % 2))
            log.append(heard.model_copy(update={"watch": "nobody" if kind == "unknown" else name}))
    return log


def judged(log: list[Logged], batch: int, *, together: bool) -> tuple[list[bytes], dict[bytes, bytes]]:
    """Judge `log` in batches; return all that follows in its order, and what is stored."""
    stored, told = MemoryStore({}), list[bytes]()
    partition = Partition(Rows(0, stored, 5), stored, 3600.0)
    for start in range(0, len(log), batch):
        some = log[start : start + batch]
        found = partition.take_all(some) if together else (one for record in some for one in partition.take(record))
        for name, verdict in found:
            told += [name.encode(), *(one.to_bytes() for one in (*verdict.alerts, *verdict.receipts, *verdict.news))]
        commit = Commit(applied=start, now=partition.now, health=partition.health)
        partition.rows.keep(partition.rows.write(partition.persist(), commit))
        assert partition.settle(None)
    return told, dict(stored)


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(1, 12))
def test_together_is_one_after_the_other(steps: list[tuple[str, str, int, float]], batch: int) -> None:
    log = log_of(steps)
    assert judged(log, batch, together=True) == judged(log, batch, together=False)
