"""Reading what people hand to the offline commands: recorded posts (`-` is standard input)."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from agents.ingest.formats.plusarchive import is_archive, read_archive
from agents.ingest.formats.posts import InvalidPost, read_post
from agents.ingest.formats.replayfile import Unread, open_file
from pipeline.state import LATENESS
from schemas.event import Post

STDIN = Path("/dev/stdin")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was meant to be a post and is none: where it stands (`file:line`), the reason in a word, and in more."""

    where: str
    reason: str
    detail: str


class Line(NamedTuple):
    """A line that nobody has read yet, and where it stands (`file:line`)."""

    where: str
    raw: bytes

    def read(self) -> Post | Unreadable:
        """Return what the line holds."""
        try:
            return read_post(self.raw)
        except InvalidPost as fault:
            return Unreadable(self.where, fault.reason, fault.detail)


def read_posts(path: str) -> Iterator[Post | Unreadable]:
    """Yield the posts of `path` in order, and what was meant to be one and is none; see `open_posts`."""
    for one in open_posts(path):
        yield one.read() if isinstance(one, Line) else one


def open_posts(path: str) -> Iterator[Line | Post | Unreadable]:
    """Yield what `path` holds, JSON Lines, a list or CSV, in order; what can be read line by line still unread.

    A folder, `.tgz`, and a `.zip` or `.json` that holds such posts, is an archive of Google+, the oldest post first.

    Raises:
        ConfigError: the file cannot be read.
    """
    if path != "-" and is_archive(Path(path)):
        posts, faults = read_archive(Path(path))
        yield from (Unreadable(fault.name, fault.why.reason, fault.why.detail) for fault in faults)
        yield from posts
        return
    name = "standard input" if path == "-" else path
    for one in open_file(STDIN if path == "-" else Path(path)):
        where = f"{name}:{one.line}"
        if isinstance(one, Unread):
            yield Line(where, one.raw)
        else:
            yield one.post if isinstance(one.post, Post) else Unreadable(where, one.post.reason, one.post.detail)


def can_be_read_again(path: str) -> bool:
    """Tell whether `path` is a file, and no pipe."""
    return path != "-" and not Path(path).is_fifo()


def read_in_order(path: str) -> Iterator[Post | Unreadable]:
    """Yield what `read_posts` does, but where a post would be too late to alert, all of them by their time.

    A file says nothing of when its posts arrived, and exports begin with the newest. A file that is in order is not
    kept in memory, but read twice; a pipe can be read once only.

    Raises:
        ConfigError: the file cannot be read.
    """
    found: Iterable[Post | Unreadable] = ()
    if not (twice := can_be_read_again(path)):
        found = tuple(read_posts(path))
    if in_order(read_posts(path) if twice else found):
        yield from read_posts(path) if twice else found
        return
    name = "standard input" if path == "-" else path
    print(f"{name}: the posts are not in the order of their time; they are taken in it", file=sys.stderr)
    kept = tuple(read_posts(path)) if twice else found
    yield from (one for one in kept if isinstance(one, Unreadable))
    yield from sorted((one for one in kept if isinstance(one, Post)), key=attrgetter("time"))


def in_order(found: Iterable[Post | Unreadable]) -> bool:
    """Tell whether no post is so much older than one before it that it would come too late to alert anybody."""
    latest: datetime | None = None
    for one in found:
        if not isinstance(one, Post):
            continue
        if latest is not None and latest - one.time > timedelta(seconds=LATENESS):
            return False
        latest = one.time if latest is None else max(latest, one.time)
    return True
