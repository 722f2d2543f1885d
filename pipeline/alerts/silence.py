"""Silences: what people asked not to be told, by whom, why and until when.

A silence has matchers, as an Alertmanager silence has; all of them must fit. A label that is not there fits nothing, so
that `author!=bot` does not silence what has no author. Without matchers it silences the whole watch: then nobody is
told that an incident grows, and one that ends waits for the end of the silence to say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.frozen import replace
from schemas.alert import Hushed
from schemas.control import Silence
from schemas.matcher import Matcher
from schemas.model import UtcTime

MOST = 100
"""A watch has at most so many silences; the one that ends first gives way."""
Labels = Mapping[str, tuple[str, ...]]
"""What a signal can be recognised by; a label may have several values (an author's name and id), never an empty one."""


@dataclass(frozen=True, slots=True)
class Hush:
    """A silence as judge keeps it. `held` counts the signals it held back; `warned` tells whether its end was told."""

    id: str
    begins: UtcTime
    until: UtcTime
    by: str
    reason: str = ""
    matchers: tuple[Matcher, ...] = ()
    held: int = 0
    warned: bool = False

    def told(self) -> Hushed:
        """Return what people are told of it."""
        return Hushed(
            id=self.id, until=self.until, by=self.by, reason=self.reason, matchers=self.matchers, held=self.held
        )

    def covers(self, at: datetime) -> bool:
        """Tell whether it is in force at `at`."""
        return self.begins <= at < self.until


def take(silences: tuple[Hush, ...], record: Silence) -> tuple[Hush, ...]:
    """Return the silences with one more, or with that of the same id replaced, or ended where it has no time left."""
    others = tuple(hush for hush in silences if hush.id != record.id)
    begins = record.begins or record.at
    if record.until <= max(begins, record.at):
        return others
    known = next((hush for hush in silences if hush.id == record.id), None)
    hush = Hush(record.id, begins, record.until, record.by, record.reason, record.matchers, known.held if known else 0)
    if hush == known:
        return silences
    kept = sorted((*others, hush), key=lambda one: (one.until, one.id))
    return tuple(kept[-MOST:])


def holding(silences: Iterable[Hush], labels: Labels, at: datetime) -> Hush | None:
    """Return the silence that keeps a signal with `labels` from being told at `at`."""
    return next((hush for hush in silences if hush.covers(at) and fits(hush.matchers, labels)), None)


def fits(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Tell whether every matcher fits; none at all fit everything."""
    return all(_fits(matcher, labels.get(matcher.label, ())) for matcher in matchers)


def _fits(matcher: Matcher, values: tuple[str, ...]) -> bool:
    if not values:
        return False
    found = not {value.casefold() for value in values}.isdisjoint(value.casefold() for value in matcher.values)
    return found is not matcher.negated


def whole_until(silences: Iterable[Hush], at: datetime) -> datetime | None:
    """Return until when the whole watch is silenced at `at`, silences that take over from each other included."""
    end: datetime | None = None
    for hush in sorted((one for one in silences if not one.matchers), key=lambda one: one.begins):
        if hush.covers(end or at):
            end = max(end, hush.until) if end else hush.until
    return end


def held(silences: tuple[Hush, ...], by: Hush) -> tuple[Hush, ...]:
    """Return the silences after `by` has held back one more signal."""
    return tuple(replace(hush, held=hush.held + 1) if hush is by else hush for hush in silences)


def warning(silences: Iterable[Hush], before: float) -> tuple[datetime, Hush] | None:
    """Return the next silence whose end has to be told, `before` so many seconds, and when; none for a short one."""
    span = timedelta(seconds=before)
    waiting = [hush for hush in silences if not hush.warned and hush.until - hush.begins > 2 * span]
    first = min(waiting, key=lambda one: (one.until, one.id), default=None)
    return (first.until - span, first) if first else None


def warned(silences: tuple[Hush, ...], told: Hush) -> tuple[Hush, ...]:
    """Return the silences after people were told that `told` ends."""
    return tuple(replace(hush, warned=True) if hush.id == told.id else hush for hush in silences)


def expired(silences: tuple[Hush, ...], at: datetime) -> tuple[Hush, ...]:
    """Return the silences that are not over at `at`, the very same if all are still there."""
    kept = tuple(hush for hush in silences if hush.until > at)
    return silences if len(kept) == len(silences) else kept
