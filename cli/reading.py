"""Reading posts for the offline commands: the replay line format from a file, a `.gz` file or standard input (`-`)."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import ValidationError

from schemas.errors import ConfigError
from schemas.event import Post
from schemas.topics import MAX_RAW_BYTES


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is not a post: where it stands (`file:line`) and why, in words."""

    where: str
    why: str


def read_text(path: Path) -> str:
    """Return the text of a file that a person wrote.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 at byte {error.start}", where=str(path), hint="save it as UTF-8") from None


def read_posts(path: str) -> Iterator[Post | Unreadable]:
    """Yield the posts of `path` in order; a line that is none is yielded as what is wrong with it.

    Raises:
        ConfigError: the file cannot be read.
    """
    name = "standard input" if path == "-" else path
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read(line, f"{name}:{number}")
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ConfigError(f"is not a whole gzip file ({error})", where=name) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=name) from None


def _open(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    return cast(BinaryIO, gzip.open(path)) if path.endswith(".gz") else Path(path).open("rb")


def _read(line: bytes, where: str) -> Post | Unreadable:
    if len(line) > MAX_RAW_BYTES:
        return Unreadable(where, f"longer than {MAX_RAW_BYTES} bytes")
    try:
        return Post.model_validate_json(line.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return Unreadable(where, f"{place}: {first['msg']}" if place else first["msg"])
