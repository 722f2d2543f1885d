"""Nothing that was read is passed over: what Faust empties away, and what judge would not miss."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from mode.utils.queues import FlowControlQueue

from pipeline.stream.batch import Batch
from pipeline.stream.flowcontrol import FlowControl
from pipeline.stream.judge import Judge, PassedOver
from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Change, Rows
from pipeline.stream.store import MemoryStore


async def test_what_was_read_before_the_flow_resumes_is_kept() -> None:
    """Faust resumes after it has begun to fetch, and would empty the queues."""
    control = FlowControl()
    queue: FlowControlQueue[int] = FlowControlQueue(flow_control=control, clear_on_resume=True)
    queue.put_nowait(1)
    control.resume()
    assert control.is_active()
    assert queue.get_nowait() == 1


async def test_what_was_not_begun_when_partitions_are_revoked_is_not_kept() -> None:
    control = FlowControl()
    queue: FlowControlQueue[int] = FlowControlQueue(flow_control=control, clear_on_resume=True)
    queue.put_nowait(1)
    control.suspend()
    control.clear()
    assert queue.empty()


class Taken:
    """An outbox that takes everything."""

    async def deliver(self, records: Sequence[Outgoing], lost: Callable[[], bool]) -> bool:  # noqa: ARG002
        return True


class Known:
    """A changelog without a broker."""

    def __init__(self) -> None:
        self.kept = MemoryStore()

    async def rows(self, partition: int, generation: int, lost: Callable[[], bool]) -> Rows:  # noqa: ARG002
        return Rows(partition, self.kept, generation)

    def store(self, partition: int) -> MemoryStore:  # noqa: ARG002
        return self.kept

    async def commit(self, partition: int, record: Change, lost: Callable[[], bool]) -> int:  # noqa: ARG002
        return 0

    def written(self, partition: int, records: int, offset: int) -> None:
        pass


def judge() -> Judge:
    return Judge(Taken(), Known(), 3600.0)  # type: ignore[arg-type]


def batch(first: int, last: int, acknowledged: list[int]) -> Batch:
    poison: Any = {
        "topic": "earshot.mentions",
        "partition": 0,
        "value": b"{",
        "key": None,
        "headers": (),
        "timestamp": 0,
    }
    records = [SimpleNamespace(**poison, offset=offset) for offset in range(first, last + 1)]
    return Batch(
        "earshot.mentions", 0, records, lost=lambda: False, acknowledge=lambda: acknowledged.append(last), generation=1
    )


@pytest.mark.parametrize(
    ("first", "sentence"),
    [(4, "the next record"), (2, "a part of what was judged, again"), (0, "all of it, again")],
)
async def test_judge_goes_on_where_it_was(first: int, sentence: str) -> None:
    acknowledged: list[int] = []
    found = judge()
    await found.process(batch(0, 3, acknowledged))
    await found.process(batch(first, 5, acknowledged))
    assert acknowledged == [3, 5], sentence


async def test_judge_does_not_pass_over_a_record() -> None:
    """The commit record behind it would make the loss final; a restart reads it again."""
    acknowledged: list[int] = []
    found = judge()
    await found.process(batch(0, 3, acknowledged))
    with pytest.raises(PassedOver, match="from 4 to 6"):
        await found.process(batch(6, 7, acknowledged))
    assert acknowledged == [3]


async def test_a_log_may_begin_anywhere() -> None:
    """Retention has removed the beginning."""
    acknowledged: list[int] = []
    found = judge()
    await found.process(batch(70, 71, acknowledged))
    assert acknowledged == [71]
