"""Judge: matches, ticks and control in; alerts and receipts out, and the state of every watch kept in atomic rows.

The order of writing is the guarantee: alerts, receipts and rows first, then the commit record, then the
acknowledgement. A crash in between leads to the same outputs again, and their ids are made from the input.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import structlog

from pipeline.abreast import rounds
from pipeline.incidents import among
from pipeline.incidents.abroad import NOWHERE
from pipeline.state import Verdict, WatchState
from pipeline.stories.dedup import draw_all, put_away
from pipeline.stream import garbage, metrics
from pipeline.stream.batch import Batch
from pipeline.stream.changelog import Changelog, changelog
from pipeline.stream.dead import dead, read
from pipeline.stream.outcome import BatchOutcome
from pipeline.stream.producer import Outbox
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import Place, Store
from schemas.control import Adopted, Inhibitor, Judged, Logged, WatchRemoved, judged
from schemas.errors import InvalidMessage
from schemas.mention import Match
from schemas.tick import Tick
from schemas.topics import MENTIONS

_BREATH = 20
"""So many records at a time; then other tasks get their turn."""
_AT_ONCE = 300
"""So many watches begin with a tick (12 ms); the others with one of the next, or with what they hear before."""
log = structlog.get_logger(__name__)


class Partition:
    """The watches of one partition, and its clock."""

    def __init__(self, rows: Rows, store: Store, lateness: float) -> None:
        """Restore the states from the rows that count, which are in `store`; `lateness` is in seconds."""
        self.rows, self._store = rows, store
        self._lateness = lateness
        self.now = rows.commit.now
        self.health = rows.commit.health
        self.abroad = found if (found := rows.commit.abroad).open else NOWHERE
        self._touched: set[str] = set()
        self._moved: set[str] = set()
        self._unsettled: set[str] = set()
        self._states = {
            watch: WatchState.restore(found, lateness, memory) for watch, found, memory in store.states(rows)
        }
        self._due = {watch: at for watch, state in self._states.items() if (at := state.due_at)}
        garbage.keep()
        for watch, state in self._states.items():
            metrics.incidents(watch, state.open)

    def open(self, watch: str) -> int:
        """Return how many incidents of a watch are not resolved."""
        return state.open if (state := self._states.get(watch)) else 0

    def take(self, record: Logged) -> Iterator[tuple[str, Verdict]]:
        """Judge one record and yield what follows, by watch."""
        if isinstance(record, Adopted):
            return
        if isinstance(record, Inhibitor):
            self.abroad = self.abroad.hear(record)
            for watch in [watch for watch, state in self._states.items() if record.id in state.groups.held]:
                yield watch, self._judge(watch, record)
        elif not isinstance(record, Tick):
            watch = record.watch if isinstance(record.watch, str) else record.watch.id
            yield watch, self._judge(watch, record)
            self._look_up_what_is_due([watch] if watch in self._moved else ())
        elif record.at > self.now:
            self.now, self.health = record.at, self.health.hear(record)
            self._look_up_what_is_due(tuple(self._moved))
            for watch in self._ripe(record.at):
                yield watch, self._judge(watch, record)

    def take_all(self, records: Iterable[Logged]) -> Iterator[tuple[str, Verdict]]:
        """Do so with records in their order; matches of different watches in a row are judged at once."""
        together: list[Match] = []
        for record in records:
            if isinstance(record, Match):
                together.append(record)
                continue
            yield from self._hear(together)
            together.clear()
            yield from self.take(record)
        yield from self._hear(together)

    def _hear(self, matches: Sequence[Match]) -> Iterator[tuple[str, Verdict]]:
        """Judge the matches of each watch in their order."""
        found: dict[int, Verdict] = {}
        for some in rounds(matches):
            asked = [(self._state(match.watch), match) for _, match in some]
            answers = among.judge_all(asked, self.now, self.health, self.abroad)
            for (place, match), (before, _), (after, verdict) in zip(some, asked, answers, strict=True):
                self._go_on(match.watch, before, after)
                found[place] = verdict
        yield from ((match.watch, found[place]) for place, match in enumerate(matches))

    def _judge(self, watch: str, record: Judged | Inhibitor) -> Verdict:
        before = self._state(watch)
        after, verdict = among.judge(before, record, self.now, self.health, self.abroad)
        if isinstance(record, WatchRemoved):
            metrics.incidents(watch, 0)
        self._go_on(watch, before, after)
        return verdict

    def _state(self, watch: str) -> WatchState:
        return self._states.get(watch) or WatchState.empty(self._lateness, self._store.memory(watch))

    def _go_on(self, watch: str, before: WatchState, after: WatchState) -> None:
        if after is not before:
            self._states[watch] = after
            self._touched.add(watch)
            self._moved.add(watch)

    def _look_up_what_is_due(self, watches: Iterable[str]) -> None:
        for watch in watches:
            if due := self._states[watch].due_at:
                self._due[watch] = due
            else:
                self._due.pop(watch, None)
            self._moved.discard(watch)

    def _ripe(self, at: datetime) -> list[str]:
        """Return the watches for which a tick at `at` changes something; if it is the first of many, some at a time."""
        ripe = [watch for watch, due in self._due.items() if due <= at]
        if len(ripe) <= _AT_ONCE:
            return ripe
        begin = [watch for watch in ripe if self._states[watch].begins]
        waiting = set(sorted(begin)[_AT_ONCE:])
        return [watch for watch in ripe if watch not in waiting]

    def persist(self) -> dict[str, bytes | None]:
        """Return the rows that changed since the last call, by `<watch>/<row>`."""
        changes: dict[str, bytes | None] = {}
        for watch in sorted(self._touched):
            self._states[watch], rows = self._states[watch].persist()
            changes |= {f"{watch}/{name}": value for name, value in rows.items()}
        self._unsettled |= self._touched
        self._touched.clear()
        return changes

    def settle(self, place: Place | None) -> bool:
        """Store what `persist` returned, now that the changelog has it up to `place`; False if that has to be read."""
        memories = {watch: self._states[watch].memory for watch in self._unsettled}
        stored = self._store.settle(memories, place)
        if stored is None:
            return False
        for watch, memory in stored.items():
            self._states[watch] = self._states[watch].over(memory)
            if self._states[watch].blank:
                del self._states[watch]
                self._due.pop(watch, None)
                self._moved.discard(watch)
        self._unsettled.clear()
        return True


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
        else:
            self._drop(batch.partition)

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
            known = self._partitions[number] = Partition(rows, store, self._lateness)
        self._certain.add(number)
        return known

    async def _judge(self, partition: Partition, batch: Batch) -> BatchOutcome:
        outcome = BatchOutcome()
        applied = partition.rows.commit.applied
        fresh = [record for record in batch.records if record.offset > applied]
        for start in range(0, len(fresh), _BREATH):
            some = fresh[start : start + _BREATH]
            read = list(zip(some, _read(some), strict=True))
            outcome.dead += [dead(record, one) for record, one in read if isinstance(one, InvalidMessage)]
            for watch, verdict in partition.take_all([one for _, one in read if not isinstance(one, InvalidMessage)]):
                outcome.add(watch, verdict)
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
