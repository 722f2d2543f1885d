"""Partition: what judge holds of one partition while it has it, the states of the watches and the clock."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from time import monotonic

from pipeline.abreast import rounds
from pipeline.decide import without_expired
from pipeline.incidents import among
from pipeline.incidents.abroad import NOWHERE
from pipeline.state import Verdict, WatchState
from pipeline.stream import garbage, metrics
from pipeline.stream.rows import Rows
from pipeline.stream.store import Place, Store
from schemas.control import Adopted, Inhibitor, Judged, Logged, WatchRemoved, WatchVersion
from schemas.mention import Match
from schemas.tick import Tick

_AT_ONCE = 300
"""So many watches begin with a tick (12 ms); the others with one of the next, or with what they hear before."""


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
        self.deferred = {watch for watch, state in self._states.items() if not state.memory.made}
        for watch in self._states.keys() - self.deferred:
            self._catch_up(watch)
        self._moved.clear()
        self._due = {watch: at for watch, state in self._states.items() if (at := state.due_at)}
        garbage.keep()
        for watch, state in self._states.items():
            metrics.incidents(watch, state.open)

    def open(self, watch: str) -> int:
        """Return how many incidents of a watch are not resolved."""
        return state.open if (state := self._states.get(watch)) else 0

    def asked(self, records: Iterable[Logged]) -> set[str]:
        """Return the watches whose memory is needed for `records`, and is put off."""
        return {one for one in map(self._needs, records) if one in self.deferred} if self.deferred else set()

    def _needs(self, record: Logged) -> str | None:
        """Return the watch whose stories it takes to judge `record`, None where none may be needed."""
        if isinstance(record, Adopted | Inhibitor | Tick):
            return None
        if not isinstance(record, WatchVersion):
            return record.watch
        known = self._states.get(record.watch.id)
        return None if known and known.version and known.version.version == record.version else record.watch.id

    def make(self, watches: Iterable[str], until: float = math.inf) -> None:
        """Make the memories of `watches` that were put off, up to a moment of the monotonic clock."""
        for watch in watches:
            self._states[watch].memory.make()
            self.deferred.discard(watch)
            self._catch_up(watch)
            self._look_up_what_is_due([watch])
            if monotonic() >= until:
                break

    def _catch_up(self, watch: str) -> None:
        """Do what the ticks would have done with a memory that was put off then, perhaps by a worker before us."""
        before = self._states[watch]
        self._go_on(watch, before, without_expired(before, self.now))

    def take(self, record: Logged) -> Iterator[tuple[str, Verdict]]:
        """Judge one record and yield what follows, by watch."""
        if isinstance(record, Adopted):
            return
        self.make(self.asked([record]))
        if isinstance(record, Inhibitor):
            self.abroad = self.abroad.hear(record)
            held = [watch for watch, state in self._states.items() if record.id in state.groups.held]
            self.make(self.deferred.intersection(held))
            for watch in held:
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
        self.make(self.asked(matches))
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
            if after.memory.made:
                self.deferred.discard(watch)

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
