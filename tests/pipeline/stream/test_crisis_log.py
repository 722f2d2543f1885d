"""A real crisis as a log: whatever the batches, crashes and workers, it leads to the very bytes of a backtest."""

from collections.abc import Iterator
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.offline.backtest import backtest
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.alert import Alert
from schemas.control import judged
from schemas.event import Post
from tests.pipeline.real_crisis import crises, log, watches

POSTS = 120
CRISES = crises(POSTS)
Cut = tuple[int, str]
History = dict[tuple[str, ...], bytes]
CUTS = st.lists(st.tuples(st.integers(100, 900), st.sampled_from(["whole", "crash", "rows", "commit"])), min_size=1)


@pytest.fixture(scope="module", params=CRISES)
def posts(request: pytest.FixtureRequest) -> list[Post]:
    return CRISES[request.param]


@pytest.fixture(scope="module")
def expected(posts: list[Post]) -> History:
    found: History = {}
    for one in backtest(watches(), posts):
        note(found, one)
    kinds = {Alert.from_bytes(value).incident.signal.kind for key, value in found.items() if key[0] == "alert"}
    assert len(kinds) > 6, "it must be a crisis, and most kinds of rules must have something to say"
    return found


@pytest.fixture(scope="module")
def logged(posts: list[Post]) -> list[bytes]:
    return log(posts, watches())


def note(history: History, one: object) -> None:
    """Note an alert or a receipt; one that is written again must be the same to the last byte."""
    key = ("alert", one.id) if isinstance(one, Alert) else ("receipt", one.watch, one.mention)  # type: ignore[attr-defined]
    value = one.to_bytes()  # type: ignore[attr-defined]
    assert history.setdefault(key, value) == value, "what is judged again is the same"


class Worker:
    """What one has of a partition; `table` is what the changelog holds, and all that outlives it."""

    def __init__(self, table: dict[bytes, bytes]) -> None:
        self.table = table
        self.partition = Partition(Rows(0, store := MemoryStore(table)), store, 3600.0)

    def batch(self, records: list[bytes], size: int, written: str, history: History) -> bool:
        """Judge the next `size` records and write them wholly, or not; tell whether this worker goes on."""
        first = self.partition.rows.commit.applied + 1
        end = min(first + size, len(records))
        for value in records[first:end]:
            for _watch, verdict in self.partition.take(judged.validate_json(value)):
                for one in (*verdict.alerts, *verdict.receipts):
                    note(history, one)
        rows = self.partition.rows.write(self.partition.persist(), Commit(applied=end - 1, now=self.partition.now))
        keep = {"commit": len(rows) - 1, "rows": len(rows) // 2}.get(written, len(rows))
        for key, row in rows[:keep]:
            if row is None:
                self.table.pop(key, None)
            else:
                self.table[key] = row
        if written == "whole":
            self.partition.rows.keep(rows)
        return written == "whole"


def judge(records: list[bytes], cuts: Iterator[Cut], history: History) -> None:
    """Judge a log to its end: after each cut that is no whole batch another worker goes on from the rows."""
    table: dict[bytes, bytes] = {}
    worker = Worker(table)
    while worker.partition.rows.commit.applied < len(records) - 1:
        if not worker.batch(records, *next(cuts), history):
            worker = Worker(table)


@settings(max_examples=2, deadline=None)
@given(cuts=CUTS)
def test_batches_and_crashes_change_no_byte(logged: list[bytes], expected: History, cuts: list[Cut]) -> None:
    history: History = {}
    judge(logged, cycle([*cuts, (700, "whole")]), history)
    assert history == expected


def test_workers_that_share_the_watches_change_no_byte(posts: list[Post], expected: History) -> None:
    """Each has a partition of its own, another size of batches, and one of them is replaced after each."""
    history: History = {}
    some, others = watches()[::2], watches()[1::2]
    judge(log(posts, some), cycle([(37, "whole")]), history)
    judge(log(posts, others), cycle([(801, "crash")]), history)
    assert history == expected
