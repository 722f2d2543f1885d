"""Spike: many times as many mentions as in the window before. For what is loud compared with a moment ago.

The last `window` is compared with the adjacent one before it. It trips when the last one has at least `factor` times
as many mentions and at least `floor`: without a floor one mention after none would be a spike, so it must be written.
Until two windows have passed since the watch first heard anything or time first passed, the window before is not
wholly known, and the rule is silent (warming up); likewise while a source was out in that time, for what comes back
after an outage is no spike. As the window before fills up, a plateau stops being a spike.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.window import Window
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

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from pipeline.detect import Reading
from pipeline.window import MENTIONS, Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading


class Config(Written):
    """`window` is the length of both windows, `factor` how many times as many, `floor` how many at least."""

    window: Duration
    factor: Annotated[float, Field(gt=1)]
    floor: Annotated[int, Field(ge=1)]


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return 2 * config.window


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count of the last window, and a signal when it is far above that of the window before."""
    length = timedelta(seconds=config.window)
    count = window.count(MENTIONS, now - length, now)
    before = window.count(MENTIONS, now - 2 * length, now - length)
    threshold = max(config.floor, config.factor * before)
    warming = not window.known(now - 2 * length)
    state = State(value=count, threshold=threshold, warming=warming)
    if warming or count < threshold:
        return state, None
    return state, Signal(
        rule="spike", kind="spike", at=now, value=count, threshold=threshold, window=config.window, expected=before
    )
