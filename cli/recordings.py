"""Recordings: what `earshot backtest` judges – posts from a file, or what the raw topics hold of a period of time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import typer

from cli.explain import MOST_TOLD, feeling
from cli.listening import Read, Recorded, listened
from cli.printable import counted
from cli.reading import Unreadable, can_be_read_again, in_order, open_posts, read_in_order, read_posts
from pipeline.offline.backtest import Bench, Listened
from pipeline.offline.replay import with_ticks
from pipeline.state import LATENESS
from pipeline.stream.dead import believed, latest_of, read
from schemas.duration import parse_duration
from schemas.errors import ConfigError, InvalidMessage
from schemas.event import Deletion, Event, Heartbeat, delivered

if TYPE_CHECKING:
    from agents.history import Period
    from schemas.alert import Alert
    from schemas.receipt import Receipt
    from schemas.watch import Watch


class Raw(NamedTuple):
    """A record of a raw topic that nobody has read yet, where it stands (`topic/partition/offset`), and since when.

    `marked`: its heartbeats say what time it is, as with EARSHOT_CLOCK=events. `written` is in milliseconds since 1970.
    """

    where: str
    raw: bytes
    marked: bool
    written: int = 0

    def read(self) -> Read:
        """Return what the record is."""
        try:
            found = believed(read(self.raw, delivered), latest_of(self.written))
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

    `posts` are those heard so far, of topics among so many `records`; `unreadable` is what was meant to be one and is
    none.
    """

    open: Callable[[], Iterable[Recorded]]
    marked: bool = False
    lateness: float = LATENESS
    posts: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    records: int = 0

    @property
    def said(self) -> str:
        """How much has been read, in words."""
        of = f" in {self.records:,} records of the raw topics" if self.records else ""
        return f"{counted(self.posts, 'post')}{of}"

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
                    if len(self.unreadable) < MOST_TOLD:
                        typer.echo(f"{one.where}: {one.reason}: {one.detail}", err=True)
                    self.unreadable.append(one)
                continue
            if isinstance(one, Listened) and not one.deleted:
                self.posts += 1
            yield one
        if tell and len(self.unreadable) > MOST_TOLD:
            typer.echo(f"… and {len(self.unreadable) - MOST_TOLD:,} more that are no posts", err=True)


def _posts(log: "Iterable[Listened | datetime]") -> Iterator[Listened]:
    return (one for one in log if isinstance(one, Listened))


def kept_since(begin: str, end: str) -> Recording:
    """Return what the raw topics of the configured broker hold of a period of time, as a worker there would hear it.

    Both are a time, or how long ago that was; '' for as far as they go.

    Raises:
        ConfigError: one cannot be read, or they are the wrong way round.
    """
    from agents.history import read_history
    from schemas.settings import load_settings

    settings, period = load_settings(), period_of(begin, end)
    marked = settings.clock == "events"

    def records() -> Iterator[Raw]:
        recording.records = 0
        for one in read_history(settings, period):
            recording.records += 1
            yield Raw(one.where, one.value, marked, one.written)

    recording = Recording(records, marked, settings.lateness)
    return recording


def period_of(begin: str, end: str) -> "Period":
    """Return a period of time as people write it; `kept_since` says how.

    Raises:
        ConfigError: one of them cannot be read, or they are the wrong way round.
    """
    from agents import clock
    from agents.history import Period

    now = clock.now()
    period = Period(begin=_time(begin, now, "--from"), end=_time(end, now, "--to"))
    if period.begin and period.begin >= (period.end or now):
        raise ConfigError(
            f"there is no time from {period}", where="--from", hint="it must be before --to, and before now"
        )
    return period


def _time(written: str, now: datetime, option: str) -> datetime | None:
    """Return a time as people write it: ISO 8601 (UTC if no zone is named), or how long ago (`2d`)."""
    if not written:
        return None
    try:
        return now - timedelta(seconds=parse_duration(written))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(written)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{written!r} is no time", where=option, hint="write 2026-03-02T06:00, or 2d for two days ago"
        ) from error


def recorded_in(path: str) -> Recording:
    """Return the posts of a file; what comes from a pipe, or is not in the order of its time, is kept."""
    if can_be_read_again(path) and in_order(read_posts(path)):
        return Recording(lambda: open_posts(path))
    kept = list(read_in_order(path))
    return Recording(lambda: kept)
