"""Reading what people hand to the offline commands: recorded posts (`-` is standard input)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.ingest.plusarchive import is_archive, read_archive
from agents.ingest.replayfile import read_file
from schemas.event import Post

STDIN = Path("/dev/stdin")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was meant to be a post and is none: where it stands (`file:line`), the reason in a word, and in more."""

    where: str
    reason: str
    detail: str


def read_posts(path: str) -> Iterator[Post | Unreadable]:
    """Yield the posts of `path`, JSON Lines or CSV, plain or `.gz`, in order, and what was meant to be one and is none.

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
    for recorded in read_file(STDIN if path == "-" else Path(path)):
        if isinstance(recorded.post, Post):
            yield recorded.post
        else:
            yield Unreadable(f"{name}:{recorded.line}", recorded.post.reason, recorded.post.detail)
