"""Recorded posts in a file: JSON Lines or CSV, plain or gzipped, one post or one fault at a time.

A CSV file has a header whose names are those of the replay line format, with a full stop for what stands inside:
`platform,id,time,text,author.name,metrics.likes`. An empty cell is a field that is not there. Commas, semicolons and
tabs separate; a byte order mark, as spreadsheets write it, is passed over.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from pydantic import ValidationError

from agents.ingest.formats.posts import InvalidPost, fault_of, read_post
from schemas.errors import ConfigError
from schemas.event import Post
from schemas.topics import MAX_RAW_BYTES, MAX_RECORD_BYTES

_MARK = b"\xef\xbb\xbf"
_NEEDED = ("platform", "id", "time", "text")

# the module's own limit of 128 KiB is shorter than a post may be
csv.field_size_limit(MAX_RAW_BYTES)


class Recorded(NamedTuple):
    """What stands at `line` (from 1): a post, or the fault of what was meant to be one; `raw` is the line verbatim."""

    line: int
    raw: bytes
    post: Post | InvalidPost


class Unread(NamedTuple):
    """A line of a file of JSON Lines that nobody has read yet: its number (from 1), and what stands there."""

    line: int
    raw: bytes

    def read(self) -> Recorded:
        """Return what the line holds."""
        try:
            return Recorded(self.line, self.raw, read_post(self.raw))
        except InvalidPost as fault:
            return Recorded(self.line, self.raw, fault)


def read_file(path: Path) -> Iterator[Recorded]:
    """Yield what the file holds, in order; empty lines are passed over; raises as `open_file`."""
    for one in open_file(path):
        yield one.read() if isinstance(one, Unread) else one


def open_file(path: Path) -> Iterator[Recorded | Unread]:
    """Yield what the file holds, in order, without reading what can be read line by line; no empty lines.

    Raises:
        ConfigError: it cannot be read, is a broken archive, or a CSV file without the columns a post needs.
    """
    try:
        with _open(path) as file:
            if path.name.removesuffix(".gz").endswith(".csv"):
                yield from _read_csv(file, path)
            else:
                yield from _unread(file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError("is not a whole gzip file", where=str(path), hint="copy it again") from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path)) from error


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        if path.suffix == ".gz":
            with gzip.open(plain) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield plain


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long for any record only the beginning, so that none can eat the memory."""
    first = True
    while line := file.readline(MAX_RECORD_BYTES):
        yield line.removeprefix(_MARK) if first else line
        first = False
        while len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_RECORD_BYTES)


def _unread(file: BinaryIO) -> Iterator[Unread]:
    for number, line in enumerate(_lines(file), 1):
        raw = line.rstrip(b"\r\n")
        if raw.strip():
            yield Unread(number, raw)


def _read_csv(file: BinaryIO, path: Path) -> Iterator[Recorded]:
    """Read rows; each is at the line on which it begins, since a quoted text may go over several."""
    taken: list[bytes] = []

    def text() -> Iterator[str]:
        for line in _lines(file):
            taken.append(line)
            # bytes that are no text come out as surrogates and are found out below, row by row
            yield line.decode("utf-8", "surrogateescape")

    lines = text()
    first = next(lines, "")
    separator = max(",;\t", key=first.count)
    header = _header(first, separator, path)
    if missing := [name for name in _NEEDED if name not in header]:
        raise ConfigError(
            f"has no column `{missing[0]}`", where=f"{path}:1", hint=f"the first line must name {', '.join(_NEEDED)}"
        )
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 1
    while True:
        number += len(taken)
        taken.clear()
        post: Post | InvalidPost | None
        try:
            row = next(reader, None)
            post = _row(header, row, number) if row else None
        except csv.Error as error:
            row, post = [], InvalidPost("not-csv", str(error), line=number)
        except InvalidPost as fault:
            post = fault
        if row is None:
            return
        if post is not None:
            yield Recorded(number, b"".join(taken).rstrip(b"\r\n"), post)


def _header(line: str, separator: str, path: Path) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error as error:
        raise ConfigError(f"has no header ({error})", where=f"{path}:1", hint="is it a CSV file?") from error


def _row(header: list[str], row: list[str], number: int) -> Post:
    """Return the post that a row holds.

    Raises:
        InvalidPost: it has cells without a name, is not UTF-8, or does not fit a post.
    """
    if len(row) > len(header):
        raise InvalidPost("wrong-type", f"{len(row)} cells, but the header names {len(header)}", line=number)
    if any("\udc80" <= letter <= "\udcff" for cell in row for letter in cell):
        raise InvalidPost("not-utf8", "save the file as UTF-8", line=number)
    fields: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=False):
        if cell:
            outer, _, inner = name.rpartition(".")
            (fields.setdefault(outer, {}) if outer else fields)[inner] = cell
    try:
        return Post.model_validate_strings(fields)
    except ValidationError as error:
        raise fault_of(error, b"", line=number) from None
