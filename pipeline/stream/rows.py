"""Atomic rows: how judge's state survives a crash in the middle of writing a batch. Pure; changelog.py binds it.

A batch changes several rows of one partition's changelog, and a crash may leave any prefix of them written. So a row
holds the offset of the batch that wrote it and the bytes before and after, and the partition row, written last, is the
commit record: on recovery a row that is newer than the partition row is rolled back. What was rolled back is written
again with the next batch, for otherwise a later commit record would make the abandoned value valid. A deleted row is
kept as deleted until the batch after, and only then removed.

Every record also holds the term of its writer: see terms.py. Keys are `<partition>/<watch>/<row>`, and `<partition>`
for the partition row.
"""

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from pipeline.incidents.abroad import NOWHERE, Abroad
from pipeline.windows.health import WELL, Health
from schemas.model import UtcTime

BEGINNING = datetime.min.replace(tzinfo=UTC)
_HEAD = struct.Struct(">BqIq")
_VERSION = 2
_SHORT, _TERM, _SIZE = struct.Struct(">BqI"), struct.Struct(">q"), _HEAD.size
_HEADS = {1: _SHORT, _VERSION: _HEAD}
"""The heads of all versions that can be read; the first had no term."""
_NOTHING = 0xFFFFFFFF


class Commit(BaseModel):
    """The partition row: the last offset that is part of the state (-1 before the first), and the partition's clock.

    `health` is when sources were not heard, as the ticks have told, `abroad` which incidents of other watches are open.
    `term` is that of the owner who wrote it.
    """

    model_config = ConfigDict(frozen=True)

    applied: int = -1
    now: UtcTime = BEGINNING
    term: int = 0
    health: Health = WELL
    abroad: Abroad = Field(default=NOWHERE, exclude_if=lambda abroad: not abroad.open)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the last offset of the batch that wrote it, and its bytes since and before; None is "no such row"."""

    applied: int
    current: bytes | None
    previous: bytes | None
    term: int = 0

    def to_bytes(self) -> bytes:
        """Return the stored form: version, applied, length of current, term, current, then a mark and previous."""
        current = self.current or b""
        length = _NOTHING if self.current is None else len(current)
        before = b"" if self.previous is None else b"=" + self.previous
        return _HEAD.pack(_VERSION, self.applied, length, self.term) + current + before

    @classmethod
    def from_bytes(cls, data: bytes) -> "Row":
        """Read the stored form.

        Raises:
            ValueError: it was written by another version.
        """
        (_, applied, length, *term), head = _unpack(data)
        end = head.size + (0 if length == _NOTHING else length)
        current = None if length == _NOTHING else data[head.size : end]
        return cls(applied, current, data[end + 1 :] if len(data) > end else None, *term)


def row_head(data: bytes) -> tuple[int, int | None]:
    """Return the offset of the batch that wrote a stored row, and the length of its bytes since; None is "no such row".

    Raises:
        ValueError: it was written by another version.
    """
    if data[0] == _VERSION:
        _, applied, length = _SHORT.unpack_from(data)
    else:
        (_, applied, length, *_), _ = _unpack(data)
    return applied, None if length == _NOTHING else length


def row_current(data: bytes) -> bytes | None:
    """Return the bytes since of a stored row, without reading the rest.

    Raises:
        ValueError: it was written by another version.
    """
    if data[0] == _VERSION:
        # as nearly all are, and a worker that recovers asks for all of them
        length = _SHORT.unpack_from(data)[2]
        return None if length == _NOTHING else data[_SIZE : _SIZE + length]
    (_, _, length, *_), head = _unpack(data)
    return None if length == _NOTHING else data[head.size : head.size + length]


def row_term(data: bytes) -> int:
    """Return the term of a stored row, without reading the rest.

    Raises:
        ValueError: it was written by another version.
    """
    if data[0] == _VERSION:
        return int(_TERM.unpack_from(data, _SHORT.size)[0])
    _unpack(data)
    return 0


def _unpack(data: bytes) -> tuple[tuple[int, ...], struct.Struct]:
    if (head := _HEADS.get(data[0])) is None:
        raise ValueError(f"row version {data[0]} is not one of {', '.join(map(str, _HEADS))}")
    return head.unpack_from(data), head


Change = tuple[bytes, bytes | None]
"""One record of the changelog: key and stored form; None removes the row."""


class Stored(Protocol):
    """What rows are kept in: the part of a dict that is needed for it."""

    def get(self, key: bytes, /) -> bytes | None:
        """Return the stored row."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Go through all stored rows."""

    def __setitem__(self, key: bytes, value: bytes, /) -> None: ...

    def pop(self, key: bytes, default: None, /) -> object:
        """Remove the stored row, if there is one."""


class Rows:
    """The rows of one partition, as they count, over `stored`, the table's content."""

    def __init__(
        self,
        partition: int,
        stored: Stored,
        term: int = 0,
        overwritten: Collection[bytes] = (),
        suspects: Collection[bytes] | None = None,
    ) -> None:
        """Read the commit record and find what has to be rolled back, removed or written again.

        `term` is the owner's. `overwritten` are the keys of which the changelog holds something that does not count.
        Only the rows in `suspects` are looked at; without these, all.

        Raises:
            ValueError: a row was written by another version.
        """
        self.partition, self.stored = partition, stored
        self._key = str(partition).encode()
        commit = stored.get(self._key)
        self.commit = Commit.model_validate_json(commit) if commit else Commit()
        self.term = term
        self._repairs: dict[str, bytes | None] = {}
        self._removals: set[str] = set()
        for key, value in self._suspected(suspects):
            applied, length = row_head(value)
            if applied > self.commit.applied:
                self._repairs[self._name(key)] = Row.from_bytes(value).previous
            elif length is None:
                self._removals.add(self._name(key))
        for key in overwritten:
            if b"/" in key and (name := self._name(key)) not in self._repairs:
                self._repairs[name] = self.value(name)

    def _name(self, key: bytes) -> str:
        return key[len(self._key) + 1 :].decode()

    def _suspected(self, keys: Collection[bytes] | None) -> Iterator[tuple[bytes, bytes]]:
        prefix = self._key + b"/"
        found = self.stored.items() if keys is None else ((key, self.stored.get(key)) for key in keys)
        for key, value in found:
            if value is not None and key.startswith(prefix):
                yield key, value

    def values(self) -> dict[str, bytes]:
        """Return the bytes of every row that counts, by `<watch>/<row>`."""
        found = {self._name(key): row_current(value) for key, value in self._suspected(None)}
        return {name: value for name, value in (found | self._repairs).items() if value is not None}

    def names(self) -> list[str]:
        """Return the names `<watch>/<row>` of all rows that count."""
        gone = self._removals | self._repairs.keys()
        found = [name for key, _ in self._suspected(None) if (name := self._name(key)) not in gone]
        return found + [name for name, value in self._repairs.items() if value is not None]

    def __getitem__(self, name: str) -> bytes:
        if (found := self.value(name)) is None:
            raise KeyError(name)
        return found

    def value(self, name: str) -> bytes | None:
        """Return the bytes of the row `<watch>/<row>` that count."""
        if name in self._repairs:
            return self._repairs[name]
        stored = self.stored.get(self._key + b"/" + name.encode())
        return row_current(stored) if stored is not None else None

    def rolled_back(self) -> Iterator[Change]:
        """Yield the keys of what has to be written again with the next batch, and the bytes that count there."""
        for name, value in self._repairs.items():
            yield self._key + b"/" + name.encode(), value

    def removed(self) -> Iterator[bytes]:
        """Yield the keys that are removed with the next batch."""
        for name in self._removals:
            yield self._key + b"/" + name.encode()

    def write(self, changes: Mapping[str, bytes | None], commit: Commit) -> list[Change]:
        """Return the records that take the rows from `self.commit` to `commit`, in the order they must be written."""
        commit = commit.model_copy(update={"term": self.term})
        records: list[Change] = [
            (self._key + b"/" + name.encode(), None) for name in sorted(self._removals - changes.keys())
        ]
        for name, value in (self._repairs | dict(changes)).items():
            row = Row(commit.applied, value, self.value(name), commit.term)
            records.append((self._key + b"/" + name.encode(), row.to_bytes()))
        return [*records, (self._key, commit.model_dump_json().encode())]

    def keep(self, records: list[Change]) -> None:
        """Take over `records`, which `write` made, now that the changelog has them."""
        self._repairs.clear()
        self._removals.clear()
        for key, value in records:
            if value is None:
                self.stored.pop(key, None)
                continue
            self.stored[key] = value
            if key == self._key:
                self.commit = Commit.model_validate_json(value)
            elif row_current(value) is None:
                self._removals.add(self._name(key))
