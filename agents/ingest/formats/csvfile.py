"""CSV files of posts, one row or one fault at a time: in our own columns, or in those of an export (tables.py).

Commas, semicolons, tabs and bars separate. A row that is no UTF-8 is read as Windows writes it (cp1252). What stands
above the header, such as the name of a report or `sep=;`, is passed over.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from agents.ingest.formats.posts import InvalidPost, fault_of
from agents.ingest.formats.tables import NoPost, Table, table_of
from schemas.errors import ConfigError
from schemas.event import Post
from schemas.topics import MAX_RAW_BYTES, MAX_RECORD_BYTES

NEEDED = ("platform", "id", "time", "text")
MOST_ABOVE = 25
"""So many lines may stand above the header."""
LOOKED_AT = 200
"""By so many rows it is told how a table writes its dates."""
MOST_OF_A_ROW = MAX_RECORD_BYTES
"""Bytes of a row, which may go over many lines."""
_OF_A_LINE = 64
"""Bytes that a line takes in memory, however short it is."""
_SEPARATORS = ",;\t|"
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')

# the module's own limit of 128 KiB is shorter than a post may be
csv.field_size_limit(MAX_RAW_BYTES)


class Recorded(NamedTuple):
    """What stands at `line` (from 1): a post, or the fault of what was meant to be one; `raw` is the line verbatim."""

    line: int
    raw: bytes
    post: Post | InvalidPost


class _Head(NamedTuple):
    """The header: its columns, what separates them, on which line it stands, and whose table it is if not ours."""

    names: list[str]
    separator: str
    line: int
    table: Table | None


class _Row(NamedTuple):
    line: int
    raw: bytes
    cells: list[str] | InvalidPost


def read_csv(lines: Iterable[bytes], path: Path) -> Iterator[Recorded]:
    """Yield what the rows hold, each at the line on which it begins, since a quoted text may go over several.

    Raises:
        ConfigError: no line names the columns that a post needs.
    """
    read = _Read(lines)
    head = _head(read, path)
    rows = _rows(csv.reader(read, delimiter=head.separator, strict=True), read, head.line)
    table = head.table
    if table is not None:
        first = list(islice(rows, LOOKED_AT))
        table = table.dated([row.cells for row in first if isinstance(row.cells, list)])
        rows = chain(first, rows)
    for row in rows:
        post = row.cells if isinstance(row.cells, InvalidPost) else _post(row.cells, head.names, table, row.line)
        yield Recorded(row.line, row.raw, post)


class _Read:
    """The lines as text, and `taken`, those of the row that is read at present; no row can eat the memory."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self.taken: list[bytes] = []
        self._bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        self._bytes += len(line) + _OF_A_LINE
        if self._bytes > MOST_OF_A_ROW:
            raise csv.Error(f"row larger than {MOST_OF_A_ROW} bytes")
        return _decoded(line)

    def clear(self) -> None:
        """Begin the next row."""
        self.taken.clear()
        self._bytes = 0


def _decoded(line: bytes) -> str:
    """Return a line as text; of one that is neither UTF-8 nor of Windows the bytes that are wrong as surrogates."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        # where something is UTF-8 and something is not, the file was damaged: that is found out row by row
        encoding = "utf-8" if not line.decode("utf-8", "ignore").isascii() else "cp1252"
        return line.decode(encoding, "surrogateescape")


def _head(read: _Read, path: Path) -> _Head:
    told: list[str] = []
    separator = ""
    for number, line in enumerate(islice(read, MOST_ABOVE), 1):
        read.clear()
        if found := _SAYS_SEPARATOR.fullmatch(line):
            separator = found[1]
            continue
        # a name may hold more signs of another kind than there are columns
        for by in separator or sorted(_SEPARATORS, key=line.count, reverse=True)[:2]:
            names = _names(line, by, f"{path}:{number}")
            table = None if (ours := all(name in names for name in NEEDED)) else table_of(names)
            if ours or table is not None:
                return _Head(names, by, number, table)
            told = told or names
    missing = next(name for name in NEEDED if name not in told)
    raise ConfigError(
        f"has no column `{missing}`",
        where=f"{path}:1",
        hint=f"the first line must name {', '.join(NEEDED)}, or a date, a text and an address as exports do",
    )


def _names(line: str, separator: str, where: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error as error:
        raise ConfigError(f"has no header ({error})", where=where, hint="is it a CSV file?") from error


def _rows(reader: Any, read: _Read, line: int) -> Iterator[_Row]:
    number = line + 1
    while True:
        cells: list[str] | InvalidPost | None
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells = InvalidPost("not-csv", str(error), line=number)
        if cells is None:
            return
        if cells:
            yield _Row(number, b"".join(read.taken).rstrip(b"\r\n"), cells)
        number += len(read.taken)
        read.clear()


def _post(cells: list[str], names: list[str], table: Table | None, number: int) -> Post | InvalidPost:
    """Return the post that a row holds, or why it is none."""
    if len(cells) > len(names) and any(cells[len(names) :]):
        return InvalidPost("wrong-type", f"{len(cells)} cells, but the header names {len(names)}", line=number)
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return InvalidPost("not-utf8", "save the file as UTF-8", line=number)
    try:
        if table is not None:
            return Post.model_validate(table.post(cells))
        return Post.model_validate_strings(_fields(cells, names))
    except NoPost as error:
        return InvalidPost("wrong-type", str(error), line=number, field=error.field)
    except ValidationError as error:
        return fault_of(error, b"", line=number)


def _fields(cells: list[str], names: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell:
            outer, _, inner = name.rpartition(".")
            (fields.setdefault(outer, {}) if outer else fields)[inner] = cell
    return fields
