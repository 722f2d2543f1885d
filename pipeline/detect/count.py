"""Count: so many mentions within the last so much time. Fires at the very mention that reaches the threshold.

`threshold` mentions (or, with `distinct: stories`, stories begun) within `window`, which ends now, now included; a
mention exactly one window ago is no longer in it.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.window import Window
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

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from pipeline.detect import Reading
from pipeline.window import Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading


class Config(Written):
    """`threshold` is the number that is enough; `window` how far back it counts; `distinct` what it counts."""

    threshold: Annotated[int, Field(ge=1)]
    window: Duration
    distinct: Literal["mentions", "stories"] = "mentions"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count, and a signal when it is enough."""
    count = window.count(config.distinct, now - timedelta(seconds=config.window), now)
    state = State(value=count, threshold=config.threshold, warming=False)
    if count < config.threshold:
        return state, None
    return state, Signal(
        rule="count", kind="count", at=now, value=count, threshold=config.threshold, window=config.window
    )
