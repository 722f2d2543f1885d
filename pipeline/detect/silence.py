"""Silence: nothing for too long. For what is always talked about: a quiet hour means that something is broken.

Trips at the tick at which the last own-brand mention is `window` ago, and again each half window for as long as it
lasts, so that the incident stays open. While a source that this watch has heard from is out, and until a whole window
after it is back, it says nothing: an outage is no silence. What was never heard cannot fall silent.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.heard import Heard
>>> from pipeline.windows.window import Window
>>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
>>> config, state = Config(window="6h"), State()
>>> state = hear(config, state, Heard(noon), Window(), noon)
>>> print(wakes(config, state) - noon)
6:00:00
>>> state, signal = step(config, state, Window(), noon + timedelta(hours=6))
>>> print(f"nothing for {signal.value:.0f} h")
nothing for 6 h
>>> print(wakes(config, state) - noon)
9:00:00
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.frozen import replace
from pipeline.windows.heard import Heard
from pipeline.windows.window import Window
from schemas.model import Duration, UtcTime, Written
from schemas.signal import Signal

MOST_SOURCES = 32
AGAIN = timedelta(minutes=10)
"""So often it is looked whether a source that is out has come back."""


class Config(Written):
    """`window` is how long nothing may be heard."""

    window: Duration


@dataclass(frozen=True, slots=True)
class State:
    """`value` and `threshold` are hours. `last` is when it was heard last, `looks` when it is looked at again."""

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    last: UtcTime | None = None
    looks: UtcTime | None = None
    sources: tuple[str, ...] = ()


def reach(config: Config) -> float:
    """Return how many seconds back its message looks; the detector itself remembers what it needs."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note that something was heard."""
    if not heard.own:
        return state
    sources = state.sources
    if heard.match and heard.match.mention.source not in sources:
        sources = (*sources, heard.match.mention.source)[-MOST_SOURCES:]
    last = max(state.last or heard.time, heard.time)
    return replace(state, last=last, looks=last + timedelta(seconds=config.window), sources=sources)


def wakes(config: Config, state: State) -> datetime | None:
    """Return when it has been silent for too long."""
    return state.looks


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how long it has been silent, and a signal when that is too long."""
    limit = timedelta(seconds=config.window)
    if state.last is None:
        return replace(state, threshold=limit / _HOUR), None
    out = window.health.blind(state.last, now, state.sources)
    since = max(state.last, out) if out else state.last
    silent = max(now - since, timedelta())
    looks = since + limit if silent < limit else now + limit / 2
    state = replace(
        state,
        value=round(silent / _HOUR, 4),
        threshold=limit / _HOUR,
        warming=out is not None and silent < limit,
        looks=max(looks, now + AGAIN) if out and silent < limit else looks,
    )
    if silent < limit:
        return state, None
    return state, Signal(
        rule="silence",
        kind="silence",
        at=now,
        value=silent / _HOUR,
        threshold=limit / _HOUR,
        window=config.window,
    )


_HOUR = timedelta(hours=1)
