"""Spike: many times as many mentions as in the window before. For what is loud compared with a moment ago.

The last `window` is compared with the adjacent one before it. It trips when the last one has at least `factor` times
as many mentions and at least `floor`: without a floor one mention after none would be a spike, so it must be written.
Until two windows have passed since the watch first heard anything or time first passed, the window before is not
wholly known, and the rule is silent (warming up); likewise while a source was out in that time, for what comes back
after an outage is no spike. As the window before fills up, a plateau stops being a spike.

With `per`, each author, platform, hashtag, site, story or entity is compared with itself, and the one that is counted
at this mention has to be enough. Of the latest 1,024 mentions at most: while there were more within both windows, the
one before is not wholly known either.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, window = Config(window="10m", factor=3, floor=4), State(), Window(horizon=1200)
>>> for index, minute in enumerate([0, 1, 12, 20, 21, 22, 23, 24, 25]):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"mention {index}: {signal.value:.0f} after {signal.expected:.0f}")
mention 6: 4 after 1
mention 7: 5 after 1
mention 8: 6 after 1
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows import keyed
from pipeline.windows.heard import Heard
from pipeline.windows.keyed import KeyedReading, Per, ago, each
from pipeline.windows.recent import MOST
from pipeline.windows.window import MENTIONS, Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal


@dataclass(frozen=True, slots=True)
class State(KeyedReading):
    """What was measured; `lost` is until when (ms) there were more mentions than are remembered."""

    lost: int = 0


class Config(Written):
    """`window` is the length of both windows, `factor` how many times as many, `floor` how many at least.

    `per` (author, platform, hashtag, site, story, entity) compares each of these with itself.
    """

    window: Duration
    factor: Annotated[float, Field(gt=1)]
    floor: Annotated[int, Field(ge=1)]
    per: Per | None = None

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        if self.per and self.floor > MOST:
            raise ValueError(f"with `per` the floor is {MOST} at most")
        return self


def about(config: Config) -> About:
    """Return what its signals are about: what it counts by."""
    return keyed.about(config.per)


def rivals(config: Config) -> bool:
    """Tell whether it looks at mentions of competitors only, too."""
    return config.per == "entity"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return 2 * config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note the keys of a mention, where something is counted by them."""
    return keyed.note(state, config.per, heard, 1, ago(now, 2 * config.window)) if config.per else state


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count of the last window, and a signal when it is far above that of the window before."""
    between, begin = ago(now, config.window), ago(now, 2 * config.window)
    warming = not window.known(begin)
    counts: list[tuple[int, int, str | None]]
    if config.per is None:
        counts = [(window.count(MENTIONS, between, now), window.count(MENTIONS, begin, between), None)]
    else:
        warming = warming or state.lost > milliseconds(begin)
        last = [len(sizes) for _, sizes in each(state, between, now)]
        earlier = [(name, len(sizes)) for name, sizes in each(state, begin, between)]
        counts = [(count, before, name) for count, (name, before) in zip(last, earlier, strict=True)]
    found = [(count, max(config.floor, config.factor * before), before, name) for count, before, name in counts]
    count, threshold, before, name = max(found, key=lambda one: one[0] / one[1], default=(0, config.floor, 0, None))
    state = replace(state, value=count, threshold=threshold, warming=warming)
    if warming or count < threshold:
        return state, None
    return state, Signal(
        rule="spike",
        kind="spike",
        at=now,
        value=count,
        threshold=threshold,
        window=config.window,
        expected=before,
        about=name,
    )
