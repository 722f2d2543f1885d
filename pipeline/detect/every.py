"""Every: each mention trips it. For watches so narrow that whoever owns them wants to see all.

What is measured is the number of mentions within the last hour, so that an incident grows with them: the first is told
at once, more of them when they have doubled.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, window = Config(), State(), Window()
>>> for minute in [0, 10, 80]:
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     print(f"minute {minute}: {signal.value:.0f} in the last hour")
minute 0: 1 in the last hour
minute 10: 2 in the last hour
minute 80: 1 in the last hour
"""

from datetime import datetime, timedelta

from pipeline.detect import About, Reading
from pipeline.windows.window import MENTIONS, Window
from schemas.model import Written
from schemas.signal import Signal

State = Reading
HOUR = 3600.0


class Config(Written):
    """There is nothing to set."""


def about(config: Config) -> About:
    """Return what its signals are about: the mention that trips it."""
    return "mention"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return HOUR


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the count of the last hour, and a signal at any mention."""
    count = window.count(MENTIONS, now - timedelta(seconds=HOUR), now)
    state = State(value=count, threshold=1.0, warming=False)
    if not count:
        return state, None
    return state, Signal(rule="every", kind="every", at=now, value=count, threshold=1.0, window=HOUR)
