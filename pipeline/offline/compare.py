"""Compare: which alerts a new version of watches would have gained, lost or moved in time, over the same posts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.alert import Alert, AlertReason

NEAR = timedelta(hours=24)
"""Two openings this near to each other are the same event, told sooner or later."""


class Change(StrEnum):
    """What has become of the beginning of an incident."""

    GAINED = "gained"
    LOST = "lost"
    MOVED = "moved"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Difference:
    """The beginning of an incident in the old version, in the new one, or in both."""

    watch: str
    change: Change
    old: Alert | None
    new: Alert | None

    @property
    def at(self) -> datetime:
        """When it was, in the new version where it is known there."""
        return (self.new or self.old).at  # type: ignore[union-attr]

    @property
    def by(self) -> timedelta:
        """How much later the new version tells; negative: sooner."""
        return self.new.at - self.old.at if self.new and self.old else timedelta()


def compare(old: Iterable[Alert], new: Iterable[Alert]) -> tuple[Difference, ...]:
    """Return the differences between two runs over the same posts, in the order of their times.

    The nearest openings of a watch belong together, if they are no farther than `NEAR` apart; each has one partner.
    """
    before, after = _openings(old), _openings(new)
    found: list[Difference] = []
    for watch in sorted({*before, *after}):
        found += _of_one(watch, before.get(watch, []), after.get(watch, []))
    return tuple(sorted(found, key=lambda one: (one.at, one.watch, one.change)))


def _openings(alerts: Iterable[Alert]) -> Mapping[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.reason is AlertReason.OPENED:
            found.setdefault(alert.watch, []).append(alert)
    return found


def _of_one(watch: str, old: list[Alert], new: list[Alert]) -> Iterator[Difference]:
    near = sorted(
        (abs(b.at - a.at), i, j) for i, a in enumerate(old) for j, b in enumerate(new) if abs(b.at - a.at) <= NEAR
    )
    left, right = set(range(len(old))), set(range(len(new)))
    for apart, i, j in near:
        if i in left and j in right:
            left.discard(i)
            right.discard(j)
            yield Difference(watch, Change.MOVED if apart else Change.SAME, old[i], new[j])
    yield from (Difference(watch, Change.LOST, old[i], None) for i in left)
    yield from (Difference(watch, Change.GAINED, None, new[j]) for j in right)
