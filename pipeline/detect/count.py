"""Count: so many mentions within the last so much time. Fires at the very mention that reaches the threshold.

`threshold` mentions (or, with `distinct: stories`, stories begun) within `window`, which ends now, now included; a
mention exactly one window ago is no longer in it. With `per`, each author, platform, hashtag, site, story or entity is
counted for itself, and the one that is counted at this mention has to be enough; of the latest 1,024 counts at most.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, window = Config(threshold=3, window="10m"), State(), Window(horizon=600)
>>> for index, minute in enumerate([0, 5, 10, 12, 13]):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"mention {index}: {signal.value:.0f} of {signal.threshold:.0f}")
mention 3: 3 of 3
mention 4: 4 of 3
"""

from datetime import datetime
from operator import itemgetter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows import keyed
from pipeline.windows.heard import Heard
from pipeline.windows.keyed import KeyedReading, Per, ago, each
from pipeline.windows.recent import MOST
from pipeline.windows.window import Window
from schemas.model import Duration, Written
from schemas.signal import Signal


class Config(Written):
    """`threshold` is the number that is enough; `window` how far back it counts; `distinct` what it counts.

    `per` (author, platform, hashtag, site, story, entity) counts each of these for itself; entities are the own brand
    and each competitor.
    """

    threshold: Annotated[int, Field(ge=1)]
    window: Duration
    distinct: Literal["mentions", "stories"] = "mentions"
    per: Per | None = None

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        if self.per and self.threshold > MOST:
            raise ValueError(f"with `per` the threshold is {MOST} at most")
        return self


State = KeyedReading


def about(config: Config) -> About:
    """Return what its signals are about: what it counts by."""
    return keyed.about(config.per)


def rivals(config: Config) -> bool:
    """Tell whether it looks at mentions of competitors only, too."""
    return config.per == "entity"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note the keys of a mention, where something is counted by them."""
    if config.per is None:
        return state
    counts = config.distinct == "mentions" or heard.first
    return keyed.note(state, config.per, heard, 1 if counts else None, ago(now, config.window))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count, and a signal when it is enough."""
    since, name = ago(now, config.window), None
    if config.per is None:
        count = window.count(config.distinct, since, now)
    else:
        counts = [(len(sizes), name) for name, sizes in each(state, since, now)]
        count, name = max(counts, key=_first, default=(0, None))
    state = replace(state, value=float(count), threshold=float(config.threshold), warming=False)
    if count < config.threshold:
        return state, None
    return state, Signal(
        rule="count",
        kind="count",
        at=now,
        value=count,
        threshold=config.threshold,
        window=config.window,
        about=name,
    )


_first = itemgetter(0)
