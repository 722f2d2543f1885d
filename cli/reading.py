"""Reading what people hand to the offline commands: recorded posts (`-` is standard input)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agents.ingest.plusarchive import is_archive, read_archive
from agents.ingest.posts import InvalidPost, read_post
from agents.ingest.replayfile import Unread, open_file
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
    """Yield what `path` holds, JSON Lines or CSV, plain or `.gz`, in order; what can be read line by line still unread.

    A folder, `.zip`, `.tgz` or `.json` is an archive of Google+, of which the oldest post comes first.

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
