"""Sentiment shift: the tone has turned: surely a larger share is negative now than it was before.

The share of negative mentions within `window` is compared with that in the `reference` before it. What is measured is
the lower bound of the difference (Newcombe's, from two Wilson bounds at `confidence`): small numbers on either side
make it small. At least `least` mentions in both; silent until the reference is known.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state = Config(window="2h", reference="1d", shift=0.2), State()
>>> window = Window(horizon=26 * 3600)
>>> for number in range(28 * 6):
...     now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=10 * number)
...     bad = number % 5 == 0 or number > 26 * 6
...     window = window.add(now, ("mentions", "negative") if bad else ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"hour {number / 6:.1f}: {signal.value:.0%} more than {signal.expected:.0%}")
hour 27.2: 22% more than 20%
hour 27.3: 30% more than 20%
hour 27.5: 39% more than 20%
hour 27.7: 50% more than 19%
hour 27.8: 49% more than 20%
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from pipeline.detect import Reading
from pipeline.windows.tail import wilson
from pipeline.windows.window import MENTIONS, NEGATIVE, Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading


class Config(Written):
    """`shift` is how much the share must have risen (0.2: from 20 % to 40 %), surely; `least` mentions on both
    sides.
    """

    window: Duration
    reference: Duration = 7 * 86_400.0
    shift: Annotated[float, Field(gt=0, lt=1)] = 0.15
    least: Annotated[int, Field(ge=2)] = 10
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window + config.reference


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return by how much the share has surely risen, and a signal when that is enough."""
    since = now - timedelta(seconds=config.window)
    begin = since - timedelta(seconds=config.reference)
    total, before = window.count(MENTIONS, since, now), window.count(MENTIONS, begin, since)
    warming = total < config.least or before < config.least or not window.known(begin)
    share = min(window.count(NEGATIVE, since, now), total) / total if total else 0.0
    usual = min(window.count(NEGATIVE, begin, since), before) / before if before else 0.0
    low = wilson(share * total, total, config.confidence)[0]
    high = wilson(usual * before, before, config.confidence)[1]
    rise = share - usual - ((share - low) ** 2 + (high - usual) ** 2) ** 0.5
    state = State(value=round(max(0.0, rise), 6), threshold=config.shift, warming=warming)
    if warming or rise < config.shift:
        return state, None
    return state, Signal(
        rule="sentiment-shift",
        kind="sentiment-shift",
        at=now,
        value=rise,
        threshold=config.shift,
        window=config.window,
        expected=usual,
    )
