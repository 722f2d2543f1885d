"""Unusual volume: more mentions within the last hour than chance explains, for this hour of this kind of day.

What is usual comes from the watch's own last four weeks (`pipeline/windows/baseline.py`: hour of the week in a time
zone, public holidays as Sundays). How far counts stray from it by nature is learnt too, as the spread of a negative
binomial distribution: from how wrong yesterday's expectations were, each hour counting for five standard deviations
at most. It trips where the probability of so many is below what `sensitivity` names: by chance alone a watch would be
told about once a quarter (low), once a month (balanced) or once a week (high). The world does more than the model.

At least `floor` mentions are needed. After an alert another begins `cooldown` later at the earliest, or when it is
twice as bad. A campaign of the watch scales what is usual. Nothing is learnt from hours in which a source was out.

It listens from the moment at which the rule is in force: hours without a mention are known to have none. For the first
day it is silent. Until `learn` has passed it has not seen every kind of hour, so at first it speaks only of what no
kind could explain: twice the `floor`, twice the most that any hour has held, and more than chance at a rate that varies
by itself. All three fade evenly until `learn` has passed.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.heard import Heard
>>> from pipeline.windows.window import MENTIONS, Window
>>> config, state, window = Config(), State(), Window()
>>> for hour in range(24 * 9):
...     now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
...     count = {24 * 8 + 3: 19}.get(hour, 2 + hour % 3)
...     window = window.add(now, (MENTIONS,), now, count)
...     state = hear(config, state, Heard(now, count=count), window, now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"hour {hour}: {signal.value:.0f}, usual are {signal.expected:.1f}, {signal.threshold:.0f} is enough")
hour 195: 19, usual are 3.0, 10 is enough
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PrivateAttr

from pipeline.frozen import replace
from pipeline.windows.baseline import HOUR, UNKNOWN, Calendar, Hours, expected
from pipeline.windows.heard import Heard
from pipeline.windows.tail import enough
from pipeline.windows.window import MENTIONS, Window, milliseconds
from schemas.handling import Campaign
from schemas.model import Duration, UtcTime, Written
from schemas.signal import Signal
from schemas.zone import meant, zones

YEAR = 365.25 * 24
CHANCES = {"low": 4 / YEAR, "balanced": 12 / YEAR, "high": 52 / YEAR}
"""How likely chance alone may reach the threshold in an hour, by sensitivity."""
GROWN = 2.0
"""During the cool-down only this many times the last peak counts, and on the second day of the most that was so far."""
SOON = 86_400.0
"""After so many seconds each hour of the day has been heard once; before, nothing can be said."""
_WIDE = 1.0
"""After the first day a rate is taken to vary by all of itself, as between a night and a noon."""
_PRIOR, _PRIOR_HOURS = 0.25, 48.0
"""Before much is known a rate is taken to vary by half of itself (spread .25), with the weight of two days."""
_FADE = 0.5 ** (1 / (14 * 24))
"""What was learnt about the spread counts for half after two weeks."""
_CLIP = 5.0
State_ = Literal["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]


def _zone(name: str) -> str:
    if name not in zones():
        raise ValueError(f"there is no time zone {name!r}; {meant(name)}")
    return name


class Config(Written):
    """`sensitivity` low, balanced or high; `floor` how many mentions at least.

    `zone` is the time zone of the hours, `holidays` the German state whose public holidays count as Sundays. `learn` is
    how long it takes to know what is usual, `cooldown` how soon after an alert another may begin.
    """

    sensitivity: Literal["low", "balanced", "high"] = "balanced"
    floor: Annotated[int, Field(ge=1)] = 5
    zone: Annotated[str, AfterValidator(_zone)] = "Europe/Berlin"
    holidays: State_ | None = None
    learn: Duration = 7 * 86_400.0
    cooldown: Duration = 86_400.0

    @property
    def calendar(self) -> Calendar:
        """Which hours are alike."""
        return Calendar(self.zone, self.holidays or "")

    def scale(self, hour: int) -> float:  # noqa: ARG002 - campaigns ask for it
        """Return by how much what is usual in an hour since 1970 is scaled."""
        return 1.0

    def scaled(self, now: datetime) -> str | None:  # noqa: ARG002 - campaigns ask for it
        """Return what scales what is usual in the hour of `now`, in words; None if nothing does."""
        return None


class Planned(Config):
    """The settings of a watch that has campaigns."""

    _campaigns: tuple[Campaign, ...] = PrivateAttr(default=())

    def scale(self, hour: int) -> float:
        """Return by how much the campaigns scale what is usual in an hour since 1970; of a part of it in part."""
        scale, begin = 1.0, hour * HOUR
        for one in self._campaigns:
            covered = min(begin + HOUR, milliseconds(one.end)) - max(begin, milliseconds(one.begin))
            if covered > 0:
                scale *= 1.0 + (one.factor - 1.0) * covered / HOUR
        return scale

    def scaled(self, now: datetime) -> str | None:
        """Return which campaigns scale what is usual in the hour of `now`, in words; None if none does."""
        begin = milliseconds(now) // HOUR * HOUR
        names = [
            f"{one.name} (×{one.factor:g})"
            for one in self._campaigns
            if milliseconds(one.begin) < begin + HOUR and milliseconds(one.end) > begin
        ]
        return ", ".join(names) or None


def plan(config: Config, campaigns: tuple[Campaign, ...]) -> Config:
    """Return the settings that know the watch's `campaigns`."""
    planned = Planned.model_construct(config.model_fields_set, **dict(config))
    planned._campaigns = campaigns
    return planned


@dataclass(frozen=True, slots=True)
class Usual:
    """What is expected in an hour, and the count that is enough there."""

    mean: float = 0.0
    enough: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """`hours` heard so far; what is `usual` in the hour before and in this one; what is known of the spread.

    `errors` over `weight` is the spread; less than `calm` is quiet. `since` is when the last alert began, `last` when
    it was last so, up to `peak`. `scaled` names the campaigns that scale what is usual now. It speaks from `ready` on.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    began: int | None = None
    hours: Hours = Hours()  # noqa: RUF009 - it cannot change
    usual: tuple[Usual, Usual] = (Usual(), Usual())
    errors: float = _PRIOR * _PRIOR_HOURS
    weight: float = _PRIOR_HOURS
    since: UtcTime | None = None
    last: UtcTime | None = None
    peak: float = 0.0
    calm: float = 0.0
    scaled: str | None = None
    ready: UtcTime | None = None

    @property
    def expected(self) -> float:
        """How many are usual in the hour that was measured; `calm` is half-way from there to the threshold."""
        return round(2 * self.calm - self.threshold, 1)


def reach(config: Config) -> float:
    """Return how many seconds of the window the detector looks at; what is older it keeps by hours."""
    return HOUR / 1000


def begin(config: Config, state: State, window: Window, now: datetime) -> State:
    """Note since when it listens: hours in which nothing is heard from here on are known, too."""
    time = milliseconds(now)
    return _turn(config, replace(state, began=time, ready=_ready(config, time)), time // HOUR, window)


def _ready(config: Config, began: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=began, seconds=min(config.learn, SOON))


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Count a mention in its hour; when an hour has passed, learn from it."""
    if not heard.own or heard.again:
        return state
    if state.began is None:
        state = begin(config, state, window, max(now, heard.time))
    elif state.ready is None:
        state = _anew(config, state)
    hour = max(milliseconds(now), heard.ms) // HOUR
    if hour >= state.hours.end:
        state = _turn(config, state, hour, window)
    return replace(state, hours=state.hours.add(heard.ms // HOUR, heard.count))


def _anew(config: Config, state: State) -> State:
    """Return a state that an earlier release has stored, which was silent while it learnt, with what is enough now."""
    hour, spread = state.hours.end - 1, state.errors / state.weight
    return replace(state, usual=(_usual(config, state, hour - 1, spread), _usual(config, state, hour, spread)))


def _turn(config: Config, state: State, hour: int, window: Window) -> State:
    """Return the state in a new hour."""
    before, heard = state.hours, state.hours.counts[-1:]
    if before.counts and (scale := config.scale(before.end - 1)) != 1.0:
        # what is learnt is what there would have been without the campaign
        before = before.instead(round(heard[0] / scale))
    state = replace(state, hours=before.until(hour, _unknown(before, hour, window)))
    passed = hour - before.end + 1 if before.counts else 0
    errors, weight = state.errors, state.weight
    if passed:
        mean, count = state.usual[1].mean, heard[0]
        errors, weight = _learn(errors, weight, mean, count, 1)
        # hours in which nothing was heard at all, taken together
        errors, weight = _learn(errors, weight, mean, 0 if passed > 1 else UNKNOWN, min(passed - 1, 7 * 24))
    last = state.usual[1] if passed == 1 else _usual(config, state, hour - 1, errors / weight)
    now = _usual(config, state, hour, errors / weight)
    return replace(state, usual=(last, now), errors=round(errors, 9), weight=round(weight, 9))


def _unknown(before: Hours, hour: int, window: Window) -> range:
    """Return the hours since the last that was heard in which a source was out."""
    last = milliseconds(max((one.until for one in window.health.past if one.until), default=_BEGINNING)) // HOUR
    return range(before.end, min(hour, last + 1))


def _learn(errors: float, weight: float, mean: float, count: int, times: int) -> tuple[float, float]:
    """Return what is known of the spread after `times` hours with `count` where `mean` was expected.

    The square of an error is expected to be mean + spread * mean², so each hour tells about the spread as far as the
    second part is large beside the first.
    """
    if count == UNKNOWN or mean <= 0 or times <= 0:
        return errors, weight
    limit = _CLIP * (mean + errors / weight * mean * mean) ** 0.5
    error = min(max(count - mean, -limit), limit)
    fade = _FADE**times
    told = times * (error * error - mean) / (mean + mean * mean)
    return max(errors * fade + told, 0.0), weight * fade + times * mean / (1.0 + mean)


def _usual(config: Config, state: State, hour: int, spread: float) -> Usual:
    scale = config.scale(hour)
    mean = round(expected(state.hours, hour, config.calendar) * scale, 3)
    young = _young(config, state, hour)
    guard = 1.0 + young * (GROWN - 1.0)
    found = enough(mean, round(max(spread, young * _WIDE), 3), CHANCES[config.sensitivity])
    if young:
        most = max(state.hours.counts[: hour - state.hours.first], default=0)
        found = max(found, guard * config.floor, guard * most * scale)
    return Usual(mean, found)


def _young(config: Config, state: State, hour: int) -> float:
    """Return how much of its time to learn is still to come after the first day: 1 to 0."""
    left = 0.0 if state.began is None else config.learn - (hour * HOUR - state.began) / 1000
    return min(1.0, max(0.0, left / max(1.0, config.learn - SOON)))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count of the last hour, and a signal when chance does not explain it."""
    time, count = milliseconds(now), window.count(MENTIONS, now - _HOUR, now)
    share = time % HOUR / HOUR
    before, this = state.usual
    threshold = max(config.floor, (1 - share) * before.enough + share * this.enough)
    warming = state.began is None or time - state.began < min(config.learn, SOON) * 1000
    mean = round((1 - share) * before.mean + share * this.mean, 1)
    # what is usual may well be half of what is unusual, so quiet is nearer to the one than to the other
    calm = (mean + threshold) / 2
    scaled = config.scaled(now)
    ready = None if state.began is None else _ready(config, state.began)
    measured = {"value": float(count), "threshold": threshold, "calm": calm}
    state = replace(state, warming=warming, ready=ready, scaled=scaled, **measured)
    if warming or count < threshold:
        return state, None
    begins = state.since is None or now - state.since >= timedelta(seconds=config.cooldown)
    goes_on = state.last is not None and now - state.last <= _HOUR
    if not begins and not goes_on and count <= GROWN * state.peak:
        return state, None
    if not goes_on:
        state = replace(state, since=now, peak=0.0)
    state = replace(state, last=now, peak=max(state.peak, float(count)))
    return state, Signal(
        rule="unusual-volume",
        kind="unusual-volume",
        at=now,
        value=count,
        threshold=threshold,
        window=HOUR / 1000,
        expected=mean,
        scaled=scaled,
    )


_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
_BEGINNING = datetime.min.replace(tzinfo=ZoneInfo("UTC"))
