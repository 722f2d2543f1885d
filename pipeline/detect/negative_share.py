"""Negative share: surely more than so much of what is said is negative. For tone, where volume says nothing.

Looks at the own-brand mentions within `window`, at least `least` of them. What is measured is not the share itself
but the lower bound of what it may be (Wilson's, one-sided, at `confidence`): 3 of 4 say little, 30 of 40 much. It
trips when that reaches `share`.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.window import Window
>>> config, state, window = Config(window="1h", share=0.4, least=5), State(), Window()
>>> for minute in range(12):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions", "negative") if minute % 3 else ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"mention {minute}: {signal.expected:.0%} are negative, at least {signal.value:.0%}")
mention 11: 67% are negative, at least 43%
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from pipeline.detect import Reading
from pipeline.tail import wilson
from pipeline.window import MENTIONS, NEGATIVE, Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading


class Config(Written):
    """`share` is the share that is enough (0.4 is 40 %), `least` of how many mentions, `window` how far back."""

    window: Duration
    share: Annotated[float, Field(gt=0, lt=1)]
    least: Annotated[int, Field(ge=2)] = 10
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the lower bound of the share, and a signal when it is enough."""
    since = now - timedelta(seconds=config.window)
    total = window.count(MENTIONS, since, now)
    negative = min(window.count(NEGATIVE, since, now), total)
    sure = wilson(negative, total, config.confidence)[0]
    state = State(value=round(sure, 6), threshold=config.share, warming=total < config.least)
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
    )
