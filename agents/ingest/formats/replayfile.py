"""Recorded posts in a file: JSON Lines, one JSON list, or CSV; plain, gzipped or zipped; one post or fault at a time.

A CSV file has a header whose names are those of the replay line format, with a full stop for what stands inside:
`platform,id,time,text,author.name,metrics.likes`. An empty cell is a field that is not there. Other tables are read as
`csvfile` says. A byte order mark, as spreadsheets write it, is passed over; one of UTF-16 says that the file is.
"""

import codecs
import gzip
import io
import json
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from pydantic_core import from_json

from agents.ingest.formats.csvfile import Recorded, read_csv
from agents.ingest.formats.payloads import is_payload, posts_of
from agents.ingest.formats.posts import InvalidPost, read_post
from schemas.errors import ConfigError
from schemas.topics import MAX_RECORD_BYTES

__all__ = ["SUFFIXES", "Recorded", "Unread", "open_file", "packed_posts", "read_file"]

SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv")
"""How files of recorded posts are called, packed or not."""
LARGEST_LIST = 67_108_864
"""Bytes of a JSON list, which is held in memory."""
_MARK = b"\xef\xbb\xbf"
_MARKS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TABLES = (".csv", ".tsv")
_SHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_ARCHIVES = (b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b")
"""How begins what nobody unpacks here: bzip2, xz, zstd, 7-Zip, RAR, and gzip within gzip."""
_CHUNK = 65_536
_SPACE, _DECODER = re.compile(r"[ \t\r\n]*"), json.JSONDecoder()


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
        with _open(path) as (file, name):
            if name.endswith(_TABLES):
                yield from read_csv(_lines(file), path)
            elif (begin := _begin(file)) == b"[":
                yield from _listed(file, path)
            elif begin == b"{":
                yield from _objects(file)
            else:
                yield from _unread(_lines(file))
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        kind = "zip" if path.name.lower().endswith(".zip") else "gzip"
        raise ConfigError(f"is not a whole {kind} file", where=str(path), hint="copy it again") from error
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path)) from error


def packed_posts(path: Path) -> list[str]:
    """Return the names of the files of recorded posts in a zip file; none where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _posts_in(archive)
    except (OSError, zipfile.BadZipFile):
        return []


def _posts_in(archive: zipfile.ZipFile) -> list[str]:
    names = [one.filename for one in archive.infolist() if not one.is_dir()]
    return [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("__MACOSX/")]


@contextmanager
def _open(path: Path) -> Iterator[tuple[io.BufferedReader, str]]:
    """Yield the file unpacked and in UTF-8, and by which name it is known what it is."""
    name = path.name.lower()
    with path.open("rb") as plain:
        begin = plain.peek(_CHUNK)
        if name.endswith(".gz") or begin.startswith(b"\x1f\x8b"):
            with gzip.open(plain) as unpacked:
                yield _in_utf8(cast(io.BufferedReader, unpacked), path), name.removesuffix(".gz")
        elif name.endswith(".zip"):
            with zipfile.ZipFile(plain) as archive:
                member = _only(_posts_in(archive), path)
                with _unzipped(archive, member, path) as unzipped:
                    yield _in_utf8(unzipped, path), member.lower()
        elif begin.startswith(_SHEETS):
            raise ConfigError("is a spreadsheet or an archive", where=str(path), hint="save it as CSV (UTF-8)")
        else:
            yield _in_utf8(plain, path), name


def _unzipped(archive: zipfile.ZipFile, member: str, path: Path) -> io.BufferedReader:
    try:
        return cast(io.BufferedReader, archive.open(member))
    except (RuntimeError, NotImplementedError) as error:
        # with a password, or packed in a way that Python does not know
        raise ConfigError("is packed in a way that cannot be read", where=str(path), hint="unpack it first") from error


def _only(names: list[str], path: Path) -> str:
    if len(names) != 1:
        hint = "unpack it, and name one of its files"
        raise ConfigError(f"holds {len(names)} files of posts", where=str(path), hint=hint)
    return names[0]


def _in_utf8(file: io.BufferedReader, path: Path) -> io.BufferedReader:
    begin = file.peek(_CHUNK)[:300]
    if begin.startswith(_ARCHIVES) or begin[257:262] == b"ustar":
        raise ConfigError("is packed in a way that is not read", where=str(path), hint="unpack it first, or use gzip")
    # what is written in Latin letters has a NUL for each; without one the mark is somebody's garbage
    if begin.startswith(_MARKS_16) and b"\0" in begin and not begin.startswith(codecs.BOM_UTF32_LE):
        return io.BufferedReader(_Recoded(file, "utf-16"))
    if begin.count(0) > len(begin) // 4:
        raise ConfigError("is no UTF-8, and no mark says what it is", where=str(path), hint="save it as UTF-8")
    return file


class _Recoded(io.RawIOBase):
    """A file of another encoding, as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        chunks = iter(lambda: file.read(_CHUNK), b"")
        self._texts = codecs.iterdecode(chunks, encoding, "replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            if (text := next(self._texts, None)) is None:
                return 0
            self._left = text.encode("utf-8", "replace")
        part = self._left[: len(buffer)]
        buffer[: len(part)] = part
        self._left = self._left[len(part) :]
        return len(part)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long for any record only the beginning, so that none can eat the memory."""
    first = True
    while line := file.readline(MAX_RECORD_BYTES):
        yield _unmarked(line) if first else line
        first = False
        while len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_RECORD_BYTES)


def _unread(lines: Iterator[bytes], number: int = 1) -> Iterator[Unread]:
    for at, line in enumerate(lines, number):
        raw = line.rstrip(b"\r\n")
        if raw.strip():
            yield Unread(at, raw)


def _unmarked(begin: bytes) -> bytes:
    """Return the beginning of a file without its mark, of which programs that know of none add one more."""
    while begin.startswith(_MARK):
        begin = begin.removeprefix(_MARK)
    return begin


def _begin(file: io.BufferedReader) -> bytes:
    """Return the first character that says something."""
    return _unmarked(file.peek(_CHUNK)).lstrip()[:1]


def _objects(file: io.BufferedReader) -> Iterator[Recorded | Unread]:
    """Yield what lines with an object each hold: posts, or what a platform answers, if the first is of that."""
    first, number = b"", 0
    while not first.strip():
        # an answer of a platform may be longer than any record
        first, number = _unmarked(file.readline(LARGEST_LIST)), number + 1
    if first.strip() == b"{":
        # one object over many lines
        first += file.read(LARGEST_LIST)
    if not is_payload(_loaded(first)):
        yield from _unread(_lines(io.BufferedReader(_Joined(first, file))), number)
        return
    lines = chain([first], iter(lambda: file.readline(LARGEST_LIST), b""))
    yield from _recorded(line.strip() for line in lines if line.strip())


def _recorded(answers: Iterable[bytes]) -> Iterator[Recorded]:
    """Yield what recorded answers hold. Posts are counted and not lines: of several in one none is left out later."""
    number = 0
    for raw in answers:
        value = _loaded(raw)
        found = posts_of(value) if value is not None else (InvalidPost("not-json", "this is no JSON"),)
        for number, post in enumerate(found, number + 1):  # noqa: B020 - it is counted on
            yield Recorded(number, raw[:MAX_RECORD_BYTES], post)


def _loaded(raw: bytes) -> Any:
    try:
        return from_json(raw)
    except ValueError:
        return None


class _Joined(io.RawIOBase):
    """What was read of a file already, and the rest of it."""

    def __init__(self, begin: bytes, file: IO[bytes]) -> None:
        self._parts = (io.BytesIO(begin), file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = next((found for one in self._parts if (found := one.read(len(buffer)))), b"")
        buffer[: len(part)] = part
        return len(part)


def _listed(file: io.BufferedReader, path: Path) -> Iterator[Recorded | Unread]:
    """Yield what a JSON list holds, numbered from 1; the lines of a file that is no such list after all."""
    body = file.read(LARGEST_LIST + 1)
    if len(body) > LARGEST_LIST:
        what = f"is one list of more than {LARGEST_LIST >> 20} MiB"
        raise ConfigError(what, where=str(path), hint="write one post a line, as jq -c '.[]' does")
    text = _unmarked(body).decode("utf-8", "surrogateescape")
    try:
        first = next(_elements(text), b"null")
        # once to see that it is a list to its end, and once to read it: all of it at once takes thirty times its size
        deque(_elements(text), 0)
    except (ValueError, RecursionError):
        yield from _unread(_lines(io.BufferedReader(_Joined(body, io.BytesIO()))))
        return
    if is_payload(_loaded(first)):
        yield from _recorded(_elements(text))
    else:
        yield from (Unread(number, one) for number, one in enumerate(_elements(text), 1))


def _elements(text: str) -> Iterator[bytes]:
    """Yield what a JSON list holds, each as it is written there.

    Raises:
        ValueError: it is no list, or breaks off.
    """
    at = _past_space(text, _past_space(text, 0) + 1)
    mark = "]" if text.startswith("]", at) else ","
    at += mark == "]"
    while mark == ",":
        begin = _past_space(text, at)
        _, end = _DECODER.raw_decode(text, begin)
        yield text[begin:end].encode("utf-8", "surrogateescape")
        at = _past_space(text, end) + 1
        mark = text[at - 1 : at]
    if mark != "]" or _past_space(text, at) < len(text):
        raise ValueError("this is no list to its end")


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
