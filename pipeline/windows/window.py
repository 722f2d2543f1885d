"""Windows on event time: how many mentions there were between two instants, exact for the latest, by bucket before.

A `Series` keeps the latest times as they are, so that a threshold is crossed at the very post that reaches it, and
moves older ones into buckets of at least a minute once there are many: where the edge of a window is then blurred by
half a bucket, the counts are in the hundreds. A late post lands where it belongs. What is older than the horizon is
forgotten at the next post, or when a watch that hears nothing has forgotten its last story.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from operator import sub

from immutables import Map

from pipeline.frozen import replace, swift
from pipeline.windows.health import WELL, Health

EXACT = 256
"""This many times are always exact; another `_SPILL` of them before the oldest move into buckets."""
_SPILL = 128
_BUCKETS = 720
_MINUTE = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Numbers = tuple[int, ...]

MENTIONS = "mentions"
"""The own-brand mentions."""
STORIES = "stories"
"""The stories that began with an own-brand mention."""
NEGATIVE = "negative"
IRRELEVANT = "irrelevant"
"""Probably not about the watched entity."""
"""The own-brand mentions that are negative."""
PLATFORM = "platform/"
"""With a platform's name: the own-brand mentions there."""
ENTITY = "entity/"
"""With a competitor's name: the mentions about it."""


def milliseconds(time: datetime) -> int:
    """Return whole milliseconds since 1970: the unit inside windows."""
    since = time - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


@swift
@dataclass(frozen=True, slots=True)
class Series:
    """The times of one sort of mention: `recent` exact and sorted, `starts` and `counts` the buckets before them."""

    recent: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    def add(self, time: int, oldest: int, width: int, times: int = 1) -> "Series":
        """Return the series with `time`, so many times, without what is older than `oldest`.

        New buckets are `width` wide.
        """
        recent, starts, counts = self.recent, self.starts, self.counts
        if times != 1:
            return _many(self, time, times, (oldest, width))
        if starts and time < recent[0]:
            starts, counts = _bucketed(starts, counts, (time,), width)
        elif recent and time < recent[-1]:
            at = bisect_right(recent, time)
            recent = (*recent[:at], time, *recent[at:])
        else:
            recent = recent + (time,)
        if len(recent) >= EXACT + _SPILL:
            starts, counts = _bucketed(starts, counts, recent[:_SPILL], width)
            recent = recent[_SPILL:]
        if starts and starts[0] < oldest:
            kept = bisect_left(starts, oldest)
            starts, counts = starts[kept:], counts[kept:]
        # one exact time stays as long as there are buckets: they are known to lie before it
        if recent[0] < oldest and not starts:
            recent = recent[bisect_left(recent, oldest) :]
        return Series(recent, starts, counts)

    def since(self, oldest: int) -> "Series":
        """Return the series without what is older than `oldest`."""
        kept = bisect_left(self.starts, oldest)
        starts, counts = self.starts[kept:], self.counts[kept:]
        return Series(self.recent if starts else self.recent[bisect_left(self.recent, oldest) :], starts, counts)

    def count(self, after: int, until: int, width: int) -> int:
        """Return how many times lie in (after, until]; a bucket counts where its middle is."""
        recent = self.recent
        exact = bisect_right(recent, until) - bisect_right(recent, after)
        if not self.starts or recent[0] <= after:
            return exact
        half = width // 2
        low = bisect_right(self.starts, after - half)
        high = len(self.starts) if recent[0] <= until else bisect_right(self.starts, until - half)
        return exact + sum(self.counts[low:high])


def _many(series: Series, time: int, times: int, bounds: tuple[int, int]) -> Series:
    """Return the series with `time` so many times: only counts are known of them, which may be any number.

    `bounds` are the oldest time that is kept, and how wide a bucket is.
    """
    if not times:
        return series
    oldest, width = bounds
    starts, counts = series.starts, series.counts
    # more than are kept exact go into their bucket without ever standing in a row
    if (beyond := times - EXACT) > 0:
        starts, counts = _bucketed(starts, counts, (time,), width, beyond)
    recent = tuple(sorted(series.recent + (time,) * min(times, EXACT)))
    if spilt := max(0, len(recent) - EXACT):
        starts, counts = _bucketed(starts, counts, recent[:spilt], width)
    one = Series(recent[spilt:-1], starts, counts)
    return one.add(recent[-1], oldest, width)


def _bucketed(
    starts: tuple[int, ...], counts: tuple[int, ...], times: Iterable[int], width: int, each: int = 1
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the buckets with `times` in them, each of them so many times."""
    buckets = dict(zip(starts, counts, strict=True))
    for time in times:
        start = time - time % width
        buckets[start] = buckets.get(start, 0) + each
    order = sorted(buckets)
    return tuple(order), tuple(buckets[start] for start in order)


@swift
@dataclass(frozen=True, slots=True)
class Window:
    """What a watch heard lately, by sort of mention. `horizon` is in seconds.

    `began` is since when the counts are complete (None: nothing heard, no time passed); a rule that looks further back
    than that has not seen enough to judge. `health` is when sources were not heard; it is the partition's.
    """

    horizon: float = 3600.0
    began: datetime | None = None
    series: Map[str, Series] = Map()  # noqa: RUF009 - it cannot change
    health: Health = field(default=WELL, compare=False)

    def add(self, time: datetime, sorts: Iterable[str], at: datetime, times: int = 1) -> "Window":
        """Return the window with a mention of `time`, or so many, in every one of `sorts`; it is `at`."""
        when, width = milliseconds(time), _width(self.horizon)
        oldest = milliseconds(at) - int(self.horizon * 1000)
        series = self.series.mutate()
        for sort in sorts:
            series[sort] = series.get(sort, _NOTHING).add(when, oldest, width, times)
        return Window(self.horizon, self.began or at, series.finish(), self.health)

    def count(self, sort: str, after: datetime, until: datetime) -> int:
        """Return how many mentions of `sort` there were later than `after` and not later than `until`."""
        series = self.series.get(sort)
        return series.count(milliseconds(after), milliseconds(until), _width(self.horizon)) if series else 0

    def counts(self, prefix: str, after: datetime, until: datetime) -> dict[str, int]:
        """Return the counts of all sorts that begin with `prefix`, by the rest of their names, without zeros."""
        found = {sort: self.count(sort, after, until) for sort in sorted(self.series) if sort.startswith(prefix)}
        return {sort.removeprefix(prefix): count for sort, count in found.items() if count}

    def rest(self, at: datetime) -> "Window":
        """Return the window without sorts of which all that was heard is older than the horizon; the same if none."""
        oldest = milliseconds(at) - int(self.horizon * 1000)
        lately = {sort: one for sort, one in self.series.items() if one.recent and one.recent[-1] >= oldest}
        return self if len(lately) == len(self.series) else replace(self, series=Map(lately))

    def start(self, at: datetime) -> "Window":
        """Return the window that knows that time has begun to pass."""
        return self if self.began else replace(self, began=at)

    def knowing(self, health: Health) -> "Window":
        """Return the window that knows when sources were not heard."""
        return self if health is self.health else replace(self, health=health)

    def known(self, after: datetime) -> bool:
        """Tell whether everything later than `after` has been heard: time passed, and no source was out."""
        return (
            self.began is not None
            and self.began <= after
            and (self.health is WELL or self.health.blind(after, _END) is None)
        )

    def reach(self, horizon: float, at: datetime) -> "Window":
        """Return the window with another horizon; what was forgotten before `at` stays unknown."""
        if horizon <= self.horizon or self.began is None:
            return replace(self, horizon=horizon)
        oldest = at - timedelta(seconds=self.horizon)
        # some sorts may know more than others, and would be counted for a longer time than these
        known = {sort: left for sort, one in self.series.items() if (left := one.since(milliseconds(oldest))).recent}
        return replace(self, horizon=horizon, began=max(self.began, oldest), series=Map(known))


_NOTHING = Series()
_END = datetime.max.replace(tzinfo=UTC)


@lru_cache
def _width(horizon: float) -> int:
    """Return how many milliseconds a bucket is wide where the window looks back `horizon` seconds."""
    return max(_MINUTE, int(horizon * 1000) // _BUCKETS)


def to_rows(window: Window) -> dict[str, tuple[Numbers, Numbers, Numbers]]:
    """Return the series as they are stored: exact times as differences, bucket starts and counts."""
    return {sort: (_differences(one.recent), one.starts, one.counts) for sort, one in sorted(window.series.items())}


def from_rows(rows: Mapping[str, tuple[Numbers, Numbers, Numbers]]) -> Map[str, Series]:
    """Return the series that `to_rows` stored."""
    return Map(
        {sort: Series(tuple(accumulate(recent)), starts, counts) for sort, (recent, starts, counts) in rows.items()}
    )


def _differences(times: Numbers) -> Numbers:
    return tuple(map(sub, times, (0, *times)))
