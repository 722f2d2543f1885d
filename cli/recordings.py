"""Recordings: what `earshot backtest` judges – posts from a file, or what the raw topics hold of a span of time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import typer

from cli.explain import feeling
from cli.listening import Read, Recorded, listened
from cli.reading import Unreadable, open_posts
from pipeline.backtest import Bench, Listened
from pipeline.replay import with_ticks
from pipeline.state import LATENESS
from pipeline.stream.dead import read
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Event, Heartbeat, delivered

if TYPE_CHECKING:
    from schemas.alert import Alert
    from schemas.receipt import Receipt
    from schemas.watch import Watch


class Raw(NamedTuple):
    """A record of a raw topic that nobody has read yet, and where it stands (`topic/partition/offset`).

    `marked`: its heartbeats say what time it is, as with EARSHOT_CLOCK=events.
    """

    where: str
    raw: bytes
    marked: bool

    def read(self) -> Read:
        """Return what the record is."""
        try:
            found = read(self.raw, delivered)
        except InvalidMessage as fault:
            return Unreadable(self.where, fault.reason, fault.detail)
        match found:
            case Event() | Deletion():
                return found
            case Heartbeat(clock=True, at=at) if self.marked:
                return at
        return None


@dataclass(slots=True)
class Recording:
    """What is judged: `open` reads it from its beginning. `marked`: it says itself what time it is, between the posts.

    `posts` are those heard so far, `unreadable` what was meant to be one and is none.
    """

    open: Callable[[], Iterable[Recorded]]
    marked: bool = False
    lateness: float = LATENESS
    posts: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)

    def judge(self, watches: "Sequence[Watch]") -> "Iterator[Alert | Receipt]":
        """Yield the alerts and receipts that `watches` give, and say of what cannot be read on standard error.

        Raises:
            ConfigError: a query cannot be read, or the recording.
        """
        bench = Bench.of(watches, self.lateness, feeling())
        self.posts, first = 0, not self.unreadable
        log = self._readable(listened(self.open(), bench.ear, watches), tell=first)
        return bench.run(log if self.marked else with_ticks(_posts(log)))

    def _readable(
        self, heard: "Iterable[Listened | datetime | Unreadable]", *, tell: bool
    ) -> "Iterator[Listened | datetime]":
        """Pass on what judge hears, count the posts, and `tell` of what is none."""
        for one in heard:
            if isinstance(one, Unreadable):
                if tell:
                    typer.echo(f"{one.where}: {one.reason}: {one.detail}", err=True)
                    self.unreadable.append(one)
                continue
            if isinstance(one, Listened) and not one.deleted:
                self.posts += 1
            yield one


def _posts(log: "Iterable[Listened | datetime]") -> Iterator[Listened]:
    return (one for one in log if isinstance(one, Listened))


def recorded_in(path: str) -> Recording:
    """Return the posts of a file; what comes from standard input is kept, since it can be read only once."""
    if path != "-":
        return Recording(lambda: open_posts(path))
    kept = list(open_posts(path))
    return Recording(lambda: kept)
