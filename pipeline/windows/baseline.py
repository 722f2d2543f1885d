"""Baseline: what is usual at this hour of the week, from the counts of the hours before, whatever happened in some.

Hours are counted in a ring of `WEEKS` weeks. What is usual is estimated four times, from ever fewer and ever more
alike hours: all of them; the same hour of the day and its neighbours; of these the same kind of day (working day,
Saturday, Sunday or public holiday); of these the same day of the week. Each is drawn towards the one before it by as
much as it has few hours (`_PRIOR` of them, half of what the same hour of the day can have, weigh as much as the one
before), so sparse hours borrow from the rest.

Each estimate is a mean in which no hour counts for more than three times the usual distance from the median (a Huber
mean): a crisis last week does not hide the next, and yet three mentions a day are not "usually none", as a median says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from zoneinfo import ZoneInfo

HOUR = 3_600_000
WEEKS = 4
MOST_HOURS = WEEKS * 7 * 24
UNKNOWN = -1
"""Of an hour in which a source was out."""
_PRIOR = 96.0
_CLIP = 3.0
_LEAST = 0.02
"""Nothing is expected less often than once in so many hours; what never happened can happen."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Counts by hour since 1970 UTC: `counts[0]` is of the hour `first`."""

    first: int = 0
    counts: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The hour after the last."""
        return self.first + len(self.counts)

    def until(self, hour: int, unknown: range = range(0)) -> "Hours":
        """Return the hours up to `hour`, which is begun: with zeros between, but for those that are `unknown`."""
        if not self.counts:
            return Hours(hour, (0,))
        missing = hour - self.end + 1
        if missing <= 0:
            return self
        if missing >= MOST_HOURS:
            return Hours(hour - MOST_HOURS + 1, (0,) * MOST_HOURS)
        more = tuple([UNKNOWN if at in unknown else 0 for at in range(self.end, hour + 1)])
        counts = self.counts + more
        spare = max(0, len(counts) - MOST_HOURS)
        return Hours(self.first + spare, counts[spare:])

    def add(self, hour: int, times: int) -> "Hours":
        """Return the hours with so many more in `hour`; one that is forgotten stays forgotten."""
        at = hour - self.first
        if at < 0 or at >= len(self.counts):
            return self
        more = (max(0, self.counts[at]) + times,)
        return Hours(self.first, self.counts[:at] + more + self.counts[at + 1 :])

    def instead(self, count: int) -> "Hours":
        """Return the hours with `count` in the last of them."""
        return Hours(self.first, (*self.counts[:-1], count))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which hours are alike: by a time zone, and the public holidays of a German state ('' for none)."""

    zone: str = "Europe/Berlin"
    holidays: str = ""

    def of(self, hour: int) -> tuple[int, int, int]:
        """Return hour of the day, day of the week, and kind of day: 0 working day, 1 Saturday, 2 Sunday or holiday."""
        return _local(self.zone, self.holidays, hour)


def expected(hours: Hours, hour: int, calendar: Calendar) -> float:
    """Return what is usual in `hour`, from all hours before it."""
    before = hour - hours.first
    counts = hours.counts[: max(0, before)]
    found = usual([count for count in counts if count != UNKNOWN])
    for ago in _alike(calendar.zone, calendar.holidays, hour):
        places = [before - back for back in ago if 0 <= before - back < len(counts)]
        level = [count for at in places if (count := counts[at]) != UNKNOWN]
        weight = len(level) / (len(level) + _PRIOR)
        found = weight * usual(level) + (1 - weight) * found
    return max(found, _LEAST)


def usual(counts: Sequence[int]) -> float:
    """Return the mean of counts of which none is taken to be farther than usual from the median."""
    if not counts:
        return 0.0
    order = sorted(counts)
    size = len(order)
    middle = order[size // 2]
    distance = sorted([abs(count - middle) for count in order])[size // 2]
    reach = _CLIP * max(1.4826 * distance, sqrt(middle + 1))
    low, high = middle - reach, middle + reach
    return sum([low if count < low else min(count, high) for count in order]) / size


@lru_cache(maxsize=256)
def _alike(zone: str, holidays: str, hour: int) -> tuple[tuple[int, ...], ...]:
    """Return how many hours ago the ever more alike ones were; all watches ask for the same few hours."""
    now, weekday, kind = _local(zone, holidays, hour)
    near = ((now - 1) % 24, now, (now + 1) % 24)
    by_day = [(back, _local(zone, holidays, hour - back)) for back in range(1, MOST_HOURS + 1)]
    by_day = [(back, that) for back, that in by_day if that[0] in near]
    by_kind = [(back, that) for back, that in by_day if that[2] == kind]
    by_week = [(back, that) for back, that in by_kind if that[1] == weekday or kind == 2]
    return tuple(tuple([back for back, _ in level]) for level in (by_day, by_kind, by_week))


@lru_cache(maxsize=50_000)
def _local(zone: str, holidays: str, hour: int) -> tuple[int, int, int]:
    local = (_EPOCH + timedelta(hours=hour)).astimezone(ZoneInfo(zone))
    day = local.weekday()
    if day == 6 or (holidays and local.date() in public_holidays(holidays, local.year)):
        return local.hour, day, 2
    return local.hour, day, int(day == 5)


@lru_cache(maxsize=1024)
def public_holidays(state: str, year: int) -> frozenset[date]:
    """Return the public holidays of a German state (`BE`, `BY` …; `Augsburg` has one more) in a year."""
    from holidays import country_holidays

    return frozenset(country_holidays("DE", subdiv=state, years=year))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
