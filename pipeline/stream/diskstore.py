"""A partition's state on disk: its rows, the indexes over them, and up to which place of the changelog they are right.

The rows lie here as they do in the changelog, but those that do not count: they are rolled back as soon as all is
read. Once a batch is in the changelog, `settle` writes the same rows, what they change in the indexes, and the place,
all at once. Of what was read anew the indexes are made watch by watch, when one is asked for or the worker has time:
they take longer than the reading (instant restore, Sauer, Graefe and Härder 2017).
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import structlog

from agents.clock import seconds
from pipeline.form import ALONE
from pipeline.stories.index import contents
from pipeline.stories.memory import Deferred, Memory, Tables
from pipeline.stories.renew import renew
from pipeline.stream.disk import Disk, after
from pipeline.stream.rows import Commit, Row, Rows
from pipeline.stream.store import Place
from pipeline.stream.suspects import Suspects
from pipeline.stream.tables import WatchTables, segment_of, story_of

KEPT_SECONDS = 12 * 3600.0
"""An older copy may hold rows whose removal the changelog has forgotten (Kafka remembers that for a day)."""
_AT_ONCE = 10_000
_FORM = 3
"""The form of the indexes: those of another one are made anew."""
MOST_CHANGED = 50_000
"""So many changed rows are brought into the indexes one by one; where there are more, the indexes are made anew."""
log = structlog.get_logger(__name__)


class DiskStore:
    """The rows of one partition, in a database that other partitions share."""

    def __init__(self, disk: Disk, partition: int, clock: Callable[[], float] = seconds) -> None:
        """Bind it; nothing is read. `clock` returns the seconds since 1970."""
        self._disk, self._partition, self._clock = disk, partition, clock
        self._commit = str(partition).encode()
        self._prefix, self._place = self._commit + b"/", self._commit + b"\0"
        self._of = ""
        self._fresh: dict[bytes, bytes | None] = {}
        self._changed: dict[bytes, bytes | None] | None = {}
        self._suspects = Suspects()
        self._removed: frozenset[bytes] = frozenset()

    def get(self, key: bytes) -> bytes | None:
        """Return the row of `key`."""
        return self._fresh[key] if key in self._fresh else self._disk.get(key)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._fresh[key] = value

    def pop(self, key: bytes, _default: None = None) -> None:
        """Remove the row of `key`, if there is one."""
        self._fresh[key] = None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through all rows."""
        self._write(())
        for watch in self._watches():
            rows = self._prefix + watch.encode() + b"/"
            yield from self._disk.items(rows, after(rows))

    def _watches(self) -> Iterator[str]:
        """Yield the watches that have rows, without going through these."""
        begin, end = self._prefix, after(self._prefix)
        while found := next(self._disk.items(begin, end), None):
            watch = found[0][len(self._prefix) :].partition(b"/")[0]
            yield watch.decode()
            begin = after(self._prefix + watch + b"/")

    def open(self, of: str, first: int, end: int) -> Place:
        """Return up to where the rows are right; they are thrown away where they are no state of that changelog."""
        self._of, self._suspects = of, Suspects()
        value = self._disk.get(self._place)
        found: dict[str, Any] = json.loads(value) if value else {"of": of, "end": end, "at": 0}
        fits = found["of"] == of and first <= found["end"] <= end
        if fits and 0 <= self._clock() - found["at"] < KEPT_SECONDS:
            again, removed = (frozenset(key.encode() for key in found[name]) for name in ("again", "removed"))
            self._fresh.clear()
            self._changed, self._removed = {} if found.get("form", 1) == _FORM else None, removed
            return Place(found["end"], found["term"], again, removed)
        if value:
            log.warning("state-on-disk-thrown-away", partition=self._partition, fits=fits)
        self._fresh.clear()
        # the place, the indexes and the rows
        self._disk.remove(self._place, after(self._prefix))
        self._disk.write([(self._commit, None)])
        self._changed, self._removed = None, frozenset()
        return Place(first)

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take in the next record of the changelog; until `caught_up` the indexes do not fit."""
        if not self._fresh:
            self._disk.write([(self._place, None)])
        if self._changed is not None and key not in self._changed and key != self._commit:
            self._changed[key] = self.get(key)
            if len(self._changed) > MOST_CHANGED:
                self._changed = None
        self._fresh[key] = value
        if len(self._fresh) >= _AT_ONCE:
            self._note()
            self._write(())

    def _note(self) -> None:
        self._suspects.note({key: value for key, value in self._fresh.items() if key != self._commit})

    def suspects(self) -> Collection[bytes] | None:
        """Return the keys of what may not count, or was changed since that was known."""
        self._note()
        commit = self.get(self._commit)
        found = self._suspects.newer(Commit.model_validate_json(commit).applied if commit else -1)
        if found is None:
            return None if self._changed is None else self._changed.keys() | self._removed
        return found | self._removed

    def caught_up(self, rows: Rows, place: Place) -> None:
        """Roll back what does not count, and bring the indexes up to date."""
        for key, value in rows.rolled_back():
            self._fresh[key] = None if value is None else Row(rows.commit.applied, value, None).to_bytes()
        self._write(())
        if self._changed is None:
            self._put_off_indexes()
        else:
            self._index(self._changed)
        self._changed, self._suspects = {}, Suspects()
        self._write([self._remember(place)])

    def _put_off_indexes(self) -> None:
        # of all watches, also of those that have no rows any more: one of that name may come back
        self._disk.remove(self._place + b"\1", after(self._place))
        self._disk.write([(self._tables(watch).unmade, b"") for watch in self._watches()])

    def _make_indexes(self, watch: str) -> Tables:
        tables = self._tables(watch)
        with self._disk.at_once() as batch:
            tables.enter(contents(tables.outlines(), dict(tables.all_segments())), batch.put)
            batch.delete(tables.unmade)
        return tables.stored()

    def _tables(self, watch: str) -> WatchTables:
        return WatchTables(self._disk, self._partition, watch)

    def _index(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Bring the changes of rows into the indexes: `changed` are those there were."""
        by_watch: dict[str, list[bytes]] = {}
        for key in changed:
            watch, _, row = key[len(self._prefix) :].decode().partition("/")
            if row.startswith(("story/", "members/")):
                by_watch.setdefault(watch, []).append(key)
        for watch, keys in by_watch.items():
            tables = self._tables(watch)
            if self._disk.get(tables.unmade) is not None:
                continue
            stories = [(story_of(changed[key]), story_of(self.get(key))) for key in keys if b"/story/" in key]
            segments = [
                (key.decode().split("/")[-2], segment_of(changed[key]), segment_of(self.get(key)))
                for key in keys
                if b"/members/" in key
            ]
            self._disk.write(tables.changes(renew(Memory(tables.stored()), stories, segments)))

    def states(self, rows: Rows) -> Iterator[tuple[str, dict[str, bytes], Memory]]:
        """Yield the watches with head and watch; all else stays where it is."""
        for watch in self._watches():
            found = {name: rows.value(f"{watch}/{name}") for name in ALONE}
            present = {name: value for name, value in found.items() if value is not None}
            if present:  # else its rows are only kept as deleted
                yield watch, present, self.memory(watch)

    def memory(self, watch: str) -> Memory:
        """Return the memory of a watch."""
        tables = self._tables(watch)
        if self._disk.get(tables.unmade) is not None:
            return Deferred(lambda: self._make_indexes(watch))
        return Memory(tables.stored())

    def settle(self, memories: Mapping[str, Memory], place: Place | None) -> dict[str, Memory] | None:
        """Write what a batch has changed, or nothing where it is not known up to which place that is right."""
        if place is None:
            self._fresh.clear()
            return None
        tables = {watch: self._tables(watch) for watch, memory in memories.items() if memory.made}
        changes = [change for watch, one in tables.items() for change in one.changes(memories[watch])]
        self._write([*changes, self._remember(place)])
        return {**memories, **{watch: one.written(memories[watch]) for watch, one in tables.items()}}

    def _remember(self, place: Place) -> tuple[bytes, bytes]:
        self._removed = place.removed
        found = {
            "of": self._of,
            "form": _FORM,
            "at": self._clock(),
            "end": place.end,
            "term": place.term,
            "again": sorted(key.decode() for key in place.again),
            "removed": sorted(key.decode() for key in place.removed),
        }
        return self._place, json.dumps(found).encode()

    def _write(self, more: Iterable[tuple[bytes, bytes | None]]) -> None:
        if decoded := self._disk.decoded:
            for key in self._fresh:
                decoded.pop(key, None)
        self._disk.write([*self._fresh.items(), *more])
        self._fresh.clear()
