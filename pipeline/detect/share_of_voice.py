"""Share of voice: the own brand has surely more, or less, of the talk than so much, against all competitors together.

A mention about both counts for both. `above` trips when the lower bound (Wilson's, as in negative-share) of the own
share reaches it; `below` when the upper bound has fallen to it, which is measured as the competitors' share. At least
`least` mentions of any entity within `window`.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, window = Config(window="1h", below=0.5, least=10), State(), Window()
>>> for minute in range(12):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("entity/Bolt",) if minute % 6 else ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"mention {minute}: own share {signal.expected:.0%}, competitors have at least {signal.value:.0%}")
mention 9: own share 20%, competitors have at least 54%
mention 10: own share 18%, competitors have at least 57%
mention 11: own share 17%, competitors have at least 60%
"""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.detect import Reading
from pipeline.windows.tail import wilson
from pipeline.windows.window import ENTITY, MENTIONS, Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading
RIVALS = True
"""It is asked at mentions of competitors too."""
_Share = Annotated[float, Field(gt=0, lt=1)]


class Config(Written):
    """Either `above` or `below`: the own share (0.5 is half of all). `least` of how many mentions within `window`."""

    window: Duration
    above: _Share | None = None
    below: _Share | None = None
    least: Annotated[int, Field(ge=2)] = 20
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a share of voice is either `above` or `below` something; two rules watch both")
        return self


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the lower bound of the share in question, and a signal when it is enough."""
    since = now - timedelta(seconds=config.window)
    own, others = window.count(MENTIONS, since, now), sum(window.counts(ENTITY, since, now).values())
    total = own + others
    hits, limit = (own, config.above) if config.above is not None else (others, 1 - (config.below or 0.0))
    sure = wilson(hits, total, config.confidence)[0]
    state = State(value=round(sure, 6), threshold=limit, warming=total < config.least)
    if total < config.least or sure < limit:
        return state, None
    return state, Signal(
        rule="share-of-voice",
        kind="share-of-voice",
        at=now,
        value=sure,
        threshold=limit,
        window=config.window,
        expected=own / total,
        about="below" if config.above is None else "above",
    )
