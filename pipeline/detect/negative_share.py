"""Negative share: surely more than so much of what is said is negative. For tone, where volume says nothing.

Looks at the own-brand mentions within `window`, at least `least` of them. What is measured is not the share itself
but the lower bound of what it may be (Wilson's, one-sided, at `confidence`): 3 of 4 say little, 30 of 40 much. It
trips when that reaches `share`. With `per`, each author, platform, hashtag, site or story is looked at for itself, and
the one of this mention has to be enough; of the latest 1,024 mentions at most.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, window = Config(window="1h", share=0.4, least=5), State(), Window()
>>> for minute in range(12):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions", "negative") if minute % 3 else ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"mention {minute}: {signal.expected:.0%} are negative, at least {signal.value:.0%}")
mention 11: 67% are negative, at least 43%
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows import keyed
from pipeline.windows.heard import Heard, Key
from pipeline.windows.keyed import KeyedReading, ago, each
from pipeline.windows.tail import wilson
from pipeline.windows.window import MENTIONS, NEGATIVE, Window
from schemas.mention import SentimentClass
from schemas.model import Duration, Written
from schemas.signal import Signal

State = KeyedReading
"""A mention has the size 1 where it is negative, else 0."""


class Config(Written):
    """`share` is the share that is enough (0.4 is 40 %), `least` of how many mentions, `window` how far back.

    `per` (author, platform, hashtag, site, story) looks at each of these for itself; not entities, for a post has one
    tone, which is that towards the own brand.
    """

    window: Duration
    share: Annotated[float, Field(gt=0, lt=1)]
    least: Annotated[int, Field(ge=2)] = 10
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    per: Key | Literal["story"] | None = None


def about(config: Config) -> About:
    """Return what its signals are about: what it counts by."""
    return keyed.about(config.per)


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note the keys of a mention and whether it is negative, where something is counted by them."""
    if config.per is None or heard.match is None:
        return state
    negative = heard.match.sentiment.label is SentimentClass.NEGATIVE
    return keyed.note(state, config.per, heard, float(negative), ago(now, config.window))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the lower bound of the share, and a signal when it is enough."""
    since = ago(now, config.window)
    shares: list[tuple[int, float, str | None]]
    if config.per is None:
        total = window.count(MENTIONS, since, now)
        shares = [(total, float(min(window.count(NEGATIVE, since, now), total)), None)]
    else:
        shares = [(len(sizes), sum(sizes), name) for name, sizes in each(state, since, now)]
    found = [(wilson(part, total, config.confidence)[0], total, part, name) for total, part, name in shares]
    # what says too little is surest of all where nothing else says more
    sure, total, negative, name = max(
        found, key=lambda one: (one[1] >= config.least, one[0]), default=(0.0, 0, 0.0, None)
    )
    state = replace(state, value=round(sure, 6), threshold=config.share, warming=total < config.least)
    if total < config.least or sure < config.share:
        return state, None
    return state, Signal(
        rule="negative-share",
        kind="negative-share",
        at=now,
        value=sure,
        threshold=config.share,
        window=config.window,
        expected=negative / total,
        about=name,
    )
