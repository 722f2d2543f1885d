"""The tables of a watch's story memory as they lie on disk: rows as the changelog has them, and indexes beside them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from struct import Struct, iter_unpack
from typing import Any

import numpy as np

from pipeline.form import read_segment, read_story
from pipeline.stories.memory import Memory, Tables
from pipeline.stories.outline import Outline, read_outline
from pipeline.stories.story import Segment, Story
from pipeline.stories.table import Hours, Overlay, StoredHours, changes
from pipeline.stream.disk import Disk, Put, after
from pipeline.stream.rows import row_current

Change = tuple[bytes, bytes | None]
"""A key and its value; None removes it."""
_NUMBER = Struct(">q")


class Numbered:
    """A stored index: what belongs to a number."""

    def __init__(self, disk: Disk, prefix: bytes, read: Callable[[bytes], Any]) -> None:
        self._disk, self._prefix, self._read = disk, prefix, read

    def key(self, number: int) -> bytes:
        """Return where the entry of `number` is stored."""
        return self._prefix + _NUMBER.pack(number)

    def enter(self, numbers: Collection[int], values: Iterable[bytes], put: Put) -> None:
        """Put the `values` that `numbers` have, none of which had anything, in the order of the numbers.

        RocksDB takes neighbours in a third of the time.
        """
        found, forms, prefix = np.fromiter(numbers, np.int64, len(numbers)), list(values), self._prefix
        order = np.argsort(found)
        packed = found[order].astype(">i8").tobytes()
        for (number,), at in zip(iter_unpack(f"{_NUMBER.size}s", packed), order.tolist(), strict=True):
            put(prefix + number, forms[at])

    def get(self, number: int) -> Any:
        """Return the entry of `number`."""
        value = self._disk.get(self.key(number))
        return None if value is None else self._read(value)

    def get_all(self, numbers: Sequence[int]) -> list[Any]:
        """Return the entries of `numbers`, in their order."""
        found = self._disk.get_all([self.key(number) for number in numbers])
        return [None if value is None else self._read(value) for value in found]

    def __iter__(self) -> Iterator[int]:
        for key, _ in self._disk.items(self._prefix, after(self._prefix)):
            yield int.from_bytes(key[len(self._prefix) :], "big", signed=True)


class Named:
    """The rows of one kind, decoded; the part of their names that `fixed` says is not part of the key."""

    def __init__(self, disk: Disk, watch: bytes, fixed: str, kind: str, read: Callable[[bytes], Any]) -> None:
        self._disk, self._watch, self._fixed, self._kind, self._read = disk, watch, fixed.encode(), kind, read

    def key(self, name: str) -> bytes:
        """Return where the row of `name` is stored."""
        return self._watch + self._fixed + name.encode()

    def get(self, name: str) -> Any:
        """Return the row of `name`."""
        return self._disk.decode(self._watch + self._fixed + name.encode(), self._read)

    def get_all(self, names: Sequence[str]) -> list[Any]:
        """Return the rows of `names`, in their order."""
        return [self.get(name) for name in names]

    def __iter__(self) -> Iterator[str]:
        prefix = self._watch + self._kind.encode()
        for key, value in self._disk.items(prefix, after(prefix)):
            if self._read(value) is not None:
                yield key[len(self._watch) + len(self._fixed) :].decode()


class Hourly:
    """The stored names of each hour."""

    def __init__(self, disk: Disk, prefix: bytes) -> None:
        self._disk, self._prefix, self._counts = disk, prefix, prefix + b"#"

    def key(self, hour: int, name: str) -> bytes:
        """Return where it is stored that `name` is in `hour`."""
        return self._prefix + b"=" + hour.to_bytes(4, "big") + name.encode()

    def count_key(self, hour: int) -> bytes:
        """Return where it is stored how many names `hour` has."""
        return self._counts + hour.to_bytes(4, "big")

    def hours(self) -> StoredHours:
        """Return the hours as they are stored."""
        found = self._disk.items(self._counts, after(self._counts))
        begin = len(self._counts)
        counts = {int.from_bytes(key[begin:], "big"): int.from_bytes(count, "big") for key, count in found}
        return StoredHours(counts, self)

    def enter(self, hours: Hours, put: Put) -> None:
        """Put the names of `hours`, where none were stored."""
        for hour, names in hours.changes.items():
            prefix = self.key(hour, "")
            for name in names:
                put(prefix + name.encode(), b"")
            put(self.count_key(hour), len(names).to_bytes(4, "big"))

    def changes(self, hours: Hours) -> Iterator[Change]:
        """Yield what has to be written so that `hours` are stored, which lie over what is."""
        counts = hours.counts
        for hour, names in hours.changes.items():
            for name, added in names.items():
                yield self.key(hour, name), b"" if added else None
            count = counts.get(hour)
            yield self.count_key(hour), count.to_bytes(4, "big") if count else None

    def __call__(self, hour: int) -> Iterator[str]:
        """Yield the names of `hour`."""
        prefix = self.key(hour, "")
        for key, _ in self._disk.items(prefix, after(prefix)):
            yield key[len(prefix) :].decode()


class WatchTables:
    """All tables of one watch."""

    def __init__(self, disk: Disk, partition: int, watch: str) -> None:
        """Bind them; nothing is read."""
        self._disk = disk
        self._rows = rows = f"{partition}/{watch}/".encode()
        self.indexes = indexes = f"{partition}\0{watch}\0".encode()
        self.unmade = indexes + b"?"
        self.stories = Named(disk, rows, "story/", "story/", story_of)
        self.segments = Named(disk, rows, "", "members/", segment_of)
        self.members = Numbered(disk, indexes + b"m", bytes.decode)
        self.roots = Numbered(disk, indexes + b"r", bytes.decode)
        self.texts = Numbered(disk, indexes + b"t", bytes.decode)
        self.leads = Numbered(disk, indexes + b"l", lambda value: tuple(value.decode().split(" ")))
        self._hours = Hourly(disk, indexes + b"e")
        self._heard = Hourly(disk, indexes + b"h")

    def stored(self) -> Tables:
        """Return the tables as they are stored."""
        return self._over(self._hours.hours(), self._heard.hours())

    def _over(self, hours: Hours, heard: Hours) -> Tables:
        """Return tables over what is stored, in which nothing has changed."""
        return Tables(
            stories=Overlay(self.stories),
            segments=Overlay(self.segments),
            members=Overlay(self.members),
            roots=Overlay(self.roots),
            texts=Overlay(self.texts),
            leads=Overlay(self.leads),
            hours=hours,
            heard=heard,
        )

    def outlines(self) -> Iterator[Outline]:
        """Read from the row of every story what its indexes are made of."""
        prefix = self._rows + b"story/"
        for row in self._disk.values(prefix, after(prefix)):
            if (current := row_current(row)) is not None:
                yield read_outline(current)

    def all_segments(self) -> Iterator[tuple[str, Segment]]:
        """Read the row of every segment."""
        prefix = self._rows + b"members/"
        for key, row in self._disk.items(prefix, after(prefix)):
            if segment := segment_of(row):
                yield key[len(self._rows) :].decode(), segment

    def enter(self, found: Tables, put: Put) -> None:
        """Put the indexes, which are empty, as they were `found`."""
        for stored, table in ((self.members, found.members), (self.roots, found.roots), (self.texts, found.texts)):
            stored.enter(table, map(str.encode, table.values()), put)
        self.leads.enter(found.leads, map(str.encode, map(" ".join, found.leads.values())), put)
        for stored_hours, hours in ((self._hours, found.hours), (self._heard, found.heard)):
            stored_hours.enter(hours, put)

    def changes(self, memory: Memory) -> Iterator[Change]:
        """Yield what has to be written so that the indexes are those of `memory`."""
        found = memory.tables
        names = ((self.members, found.members), (self.roots, found.roots), (self.texts, found.texts))
        for stored, table in names:
            for number, name in changes(table).items():
                yield stored.key(number), None if name is None else name.encode()
        for triple, stories in changes(found.leads).items():
            yield self.leads.key(triple), None if stories is None else _listed(stories)
        yield from self._hours.changes(found.hours)
        yield from self._heard.changes(found.heard)

    def written(self, memory: Memory) -> Memory:
        """Return `memory` after its rows and `changes` were written."""
        found = memory.tables
        for story, value in changes(found.stories).items():
            if value is None:
                self._disk.decoded.pop(self.stories.key(story), None)
            else:
                self._disk.remember(self.stories.key(story), value)
        for name in changes(found.segments):
            self._disk.decoded.pop(self.segments.key(name), None)
        hours, heard = StoredHours(found.hours.counts, self._hours), StoredHours(found.heard.counts, self._heard)
        return Memory(self._over(hours, heard)).numbered(memory.serial)


def _listed(names: Sequence[str]) -> bytes:
    return " ".join(names).encode()


def story_of(row: bytes | None) -> Story | None:
    """Return the story in a stored row, if there is one."""
    current = row_current(row) if row else None
    return None if current is None else read_story(current)


def segment_of(row: bytes | None) -> Segment | None:
    """Return the segment in a stored row, if there is one."""
    current = row_current(row) if row else None
    return None if current is None else read_segment(current)
