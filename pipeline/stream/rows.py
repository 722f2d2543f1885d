"""Atomic rows: how judge's state survives a crash in the middle of writing a batch. Pure; changelog.py binds it.

A batch changes several rows of one partition's changelog, and a crash may leave any prefix of them written. So a row
holds the offset of the batch that wrote it and the bytes before and after, and the partition row, written last, is the
commit record: on recovery a row that is newer than the partition row is rolled back. What was rolled back is written
again with the next batch, for otherwise a later commit record would make the abandoned value valid. A deleted row is
kept as deleted until the batch after, and only then removed.

Keys are `<partition>/<watch>/<row>`, and `<partition>` for the partition row.
"""

import struct
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from schemas.model import UtcTime

BEGINNING = datetime.min.replace(tzinfo=UTC)
_HEAD = struct.Struct(">BqI")
_VERSION = 1
_NOTHING = 0xFFFFFFFF


class Commit(BaseModel):
    """The partition row: the last offset that is part of the state (-1 before the first), and the partition's clock."""

    model_config = ConfigDict(frozen=True)

    applied: int = -1
    now: UtcTime = BEGINNING


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the last offset of the batch that wrote it, and its bytes since and before; None is "no such row"."""

    applied: int
    current: bytes | None
    previous: bytes | None

    def to_bytes(self) -> bytes:
        """Return the stored form: version, applied, length of current, current, then a mark and previous."""
        current = self.current or b""
        length = _NOTHING if self.current is None else len(current)
        before = b"" if self.previous is None else b"=" + self.previous
        return _HEAD.pack(_VERSION, self.applied, length) + current + before

    @classmethod
    def from_bytes(cls, data: bytes) -> "Row":
        """Read the stored form.

        Raises:
            ValueError: it was written by another version.
        """
        version, applied, length = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise ValueError(f"row version {version} is not {_VERSION}")
        end = _HEAD.size + (0 if length == _NOTHING else length)
        current = None if length == _NOTHING else data[_HEAD.size : end]
        return cls(applied, current, data[end + 1 :] if len(data) > end else None)


Change = tuple[bytes, bytes | None]
"""One record of the changelog: key and stored form; None removes the row."""


class Rows:
    """The rows of one partition, as they count, over `stored`, the table's content."""

    def __init__(self, partition: int, stored: MutableMapping[bytes, bytes]) -> None:
        """Read the commit record and find what has to be rolled back or removed.

        Raises:
            ValueError: a row was written by another version.
        """
        self._stored = stored
        self._key = str(partition).encode()
        commit = stored.get(self._key)
        self.commit = Commit.model_validate_json(commit) if commit else Commit()
        self._repairs: dict[str, bytes | None] = {}
        self._removals: set[str] = set()
        for name, row in self._rows():
            if row.applied > self.commit.applied:
                self._repairs[name] = row.previous
            elif row.current is None:
                self._removals.add(name)

    def _name(self, key: bytes) -> str:
        return key[len(self._key) + 1 :].decode()

    def _rows(self) -> Iterator[tuple[str, Row]]:
        prefix = self._key + b"/"
        for key in [key for key in self._stored if key.startswith(prefix)]:
            yield self._name(key), Row.from_bytes(self._stored[key])

    def values(self) -> dict[str, bytes]:
        """Return the bytes of every row that counts, by `<watch>/<row>`."""
        found = {name: self._repairs.get(name, row.current) for name, row in self._rows()}
        return {name: value for name, value in found.items() if value is not None}

    def _current(self, name: str) -> bytes | None:
        if name in self._repairs:
            return self._repairs[name]
        stored = self._stored.get(self._key + b"/" + name.encode())
        return Row.from_bytes(stored).current if stored is not None else None

    def write(self, changes: Mapping[str, bytes | None], commit: Commit) -> list[Change]:
        """Return the records that take the rows from `self.commit` to `commit`, in the order they must be written."""
        records: list[Change] = [
            (self._key + b"/" + name.encode(), None) for name in sorted(self._removals - changes.keys())
        ]
        for name, value in (self._repairs | dict(changes)).items():
            row = Row(commit.applied, value, self._current(name))
            records.append((self._key + b"/" + name.encode(), row.to_bytes()))
        return [*records, (self._key, commit.model_dump_json().encode())]

    def keep(self, records: list[Change]) -> None:
        """Take over `records`, which `write` made, now that the changelog has them."""
        self._repairs.clear()
        self._removals.clear()
        for key, value in records:
            if value is None:
                self._stored.pop(key, None)
                continue
            self._stored[key] = value
            if key == self._key:
                self.commit = Commit.model_validate_json(value)
            elif Row.from_bytes(value).current is None:
                self._removals.add(self._name(key))
