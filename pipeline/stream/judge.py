"""Judge: matches, ticks and control in; alerts and receipts out, and the state of every watch kept in atomic rows.

The order of writing is the guarantee: alerts, receipts and rows first, then the commit record, then the
acknowledgement. A crash in between leads to the same outputs again, and their ids are made from the input.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import structlog

from pipeline.stories.dedup import draw_all, put_away
from pipeline.stream import metrics
from pipeline.stream.batch import Batch
from pipeline.stream.changelog import Changelog, changelog
from pipeline.stream.dead import dead, read
from pipeline.stream.outcome import BatchOutcome
from pipeline.stream.partition import Partition
from pipeline.stream.producer import Outbox
from pipeline.stream.rows import Commit
from schemas.control import Logged, judged
from schemas.errors import InvalidMessage
from schemas.mention import Match
from schemas.topics import MENTIONS

_BREATH = 20
"""So many records at a time; then other tasks get their turn."""
_SLICE = 0.1
"""Seconds after which other tasks get their turn in any case."""
_TURN = 4
"""Others have so many times as long as what was made took."""
log = structlog.get_logger(__name__)


class PassedOver(Exception):
    """A batch does not begin where the one before it ended: judging it would make the loss final."""


class Judge:
    """The stage `judge`: `process` takes a batch of `earshot.mentions` all the way to `earshot.alerts`."""

    def __init__(self, outbox: Outbox, changelog: Changelog, lateness: float, partitions: int = 1) -> None:
        self._outbox = outbox
        self._mentions = partitions
        self._lateness = lateness
        self._changelog = changelog
        self._partitions: dict[int, Partition] = {}
        self._certain: set[int] = set()
        self._next_turn = 0.0

    def forget(self) -> None:
        """Trust nothing that is held in memory: somebody else may have written; the changelog knows."""
        self._certain.clear()

    def keep_only(self, partitions: set[int]) -> None:
        """Drop all that is held of other partitions."""
        self._changelog.keep_only(partitions)
        for partition in self._partitions.keys() - partitions:
            del self._partitions[partition]

    async def process(self, batch: Batch) -> None:
        """Judge `batch`, write what follows and the state, await both, and acknowledge the batch.

        Raises:
            Exception: whatever goes wrong; the batch is then not acknowledged.
        """
        known = batch.partition in self._certain
        partition = await self._open(batch)
        if partition is None:
            return
        if known and batch.first > partition.rows.commit.applied + 1:
            raise PassedOver(f"{MENTIONS}/{batch.partition} from {partition.rows.commit.applied + 1} to {batch.first}")
        outcome = await self._judge(partition, batch)
        if batch.last <= partition.rows.commit.applied or await self._write(partition, batch, outcome):
            batch.acknowledge()
            outcome.count(partition)
            metrics.ticked(_seconds(partition.now))
            await self._use_the_time(partition)
        else:
            self._drop(batch.partition)

    async def _use_the_time(self, partition: Partition) -> None:
        """Make some of what was put off, but take no more than a part of the time."""
        if not partition.deferred or (began := monotonic()) < self._next_turn:
            return
        await asyncio.to_thread(partition.make, list(partition.deferred), began + _SLICE)
        self._next_turn = monotonic() + _TURN * (monotonic() - began)
        if not partition.deferred:
            log.info("indexed", partition=partition.rows.partition)

    def reading(self) -> tuple[int, int]:
        """Return what changes while state is being read and made, for which all partitions wait."""
        return self._changelog.taken, sum(len(one.deferred) for one in self._partitions.values())

    def _drop(self, partition: int) -> None:
        """Forget a partition whose states know more than was written, or than is stored."""
        self._certain.discard(partition)
        self._partitions.pop(partition, None)

    async def _open(self, batch: Batch) -> Partition | None:
        """Return the partition of `batch` with the state that counts, None if it is lost meanwhile."""
        number = batch.partition
        if number in self._certain and number in self._partitions:
            return self._partitions[number]
        rows = await self._changelog.rows(number, batch.generation, batch.lost)
        if rows is None or batch.lost():
            return None
        known = self._partitions.get(number)
        if known is None or known.rows is not rows:
            store = self._changelog.store(number)
            # what takes long does not keep the others waiting
            known = await asyncio.to_thread(Partition, rows, store, self._lateness)
            if batch.lost():
                return None
            self._partitions[number] = known
        self._certain.add(number)
        return known

    async def _judge(self, partition: Partition, batch: Batch) -> BatchOutcome:
        outcome = BatchOutcome()
        applied = partition.rows.commit.applied
        fresh = [record for record in batch.records if record.offset > applied]
        for start in range(0, len(fresh), _BREATH):
            some = fresh[start : start + _BREATH]
            read = list(zip(some, _read(some), strict=True))
            good = [one for _, one in read if not isinstance(one, InvalidMessage)]
            outcome.dead += [dead(record, one) for record, one in read if isinstance(one, InvalidMessage)]
            if asked := partition.asked(good):
                await asyncio.to_thread(partition.make, asked)
            breathed = monotonic()
            for watch, verdict in partition.take_all(good):
                outcome.add(watch, verdict)
                if monotonic() - breathed > _SLICE:
                    # a tick may make people of many watches hear something
                    await asyncio.sleep(0)
                    breathed = monotonic()
            await asyncio.sleep(0)
        put_away()
        return outcome

    async def _write(self, partition: Partition, batch: Batch, outcome: BatchOutcome) -> bool:
        """Write everything that must be known before the commit record, then that; tell whether it all counts."""
        records = partition.rows.write(
            partition.persist(),
            Commit(applied=batch.last, now=partition.now, health=partition.health, abroad=partition.abroad),
        )
        *rows, commit = records
        if not await self._outbox.deliver(
            [*outcome.outgoing(self._mentions), *changelog(rows, batch.partition)], batch.lost
        ):
            return False
        offset = await self._changelog.commit(batch.partition, commit, batch.lost)
        if offset is None or batch.lost():
            return False
        partition.rows.keep(records)
        if not partition.settle(self._changelog.written(batch.partition, len(records), offset)):
            self._drop(batch.partition)
        return True


def _read(records: Sequence[Any]) -> list[Logged | InvalidMessage]:
    """Read some records and draw what they say: what each of both works with then stays in the caches."""
    found: list[Logged | InvalidMessage] = []
    for record in records:
        try:
            found.append(read(record.value, judged))
        except InvalidMessage as error:
            found.append(error)
    draw_all([one.mention for one in found if isinstance(one, Match)])
    return found


def _seconds(time: datetime) -> float:
    return time.timestamp() if time.year > 1970 else 0.0
