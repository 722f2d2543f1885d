"""Peer spike: a spike that is ours alone, or one of the whole sector. Competitors tell the two apart.

How many times as many mentions there are within `window` as in an average window of the `reference` before it, for the
own brand and for all competitors together (one mention is added to each count, so that nothing is divided by zero).
With `of: own`, the default, the own brand's times divided by the competitors' must be `factor`; with `of: sector` both
must have grown by `factor`. At least `floor` own mentions, and silent until the reference is known.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state = Config(window="1h", reference="6h", factor=3, floor=5), State()
>>> window = Window(horizon=7 * 3600)
>>> for minute in range(0, 480, 10):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     loud = 4 if minute > 420 else 1
...     window = window.add(now, ("mentions",), now, loud).add(now, ("entity/Bolt",), now)
...     state, signal = step(config, state, window, now)
...     if signal:
...         print(f"minute {minute}: {signal.value:.1f} times as many as usual, beside the sector")
minute 470: 3.1 times as many as usual, beside the sector
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from pipeline.detect import Reading
from pipeline.windows.window import ENTITY, MENTIONS, Window
from schemas.model import Duration, Written
from schemas.signal import Signal

State = Reading


class Config(Written):
    """`window` is compared with the `reference` before it. `factor` times as many; `floor` own mentions at least."""

    window: Duration
    factor: Annotated[float, Field(gt=1)]
    floor: Annotated[int, Field(ge=1)]
    reference: Duration = 86_400.0
    of: Literal["own", "sector"] = "own"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window + config.reference


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how many times as many there are, and a signal when that is enough."""
    since = now - timedelta(seconds=config.window)
    begin = since - timedelta(seconds=config.reference)
    own = window.count(MENTIONS, since, now)
    parts = config.reference / config.window
    ours = (own + 1) / (window.count(MENTIONS, begin, since) / parts + 1)
    rivals = sum(window.counts(ENTITY, since, now).values())
    theirs = (rivals + 1) / (sum(window.counts(ENTITY, begin, since).values()) / parts + 1)
    value = ours / max(theirs, 1.0) if config.of == "own" else min(ours, theirs)
    warming = not window.known(begin)
    state = State(value=round(value, 6) if own >= config.floor else 0.0, threshold=config.factor, warming=warming)
    if warming or own < config.floor or value < config.factor:
        return state, None
    return state, Signal(
        rule="peer-spike",
        kind="peer-spike",
        at=now,
        value=value,
        threshold=config.factor,
        window=config.window,
        expected=theirs,
        about="own brand alone" if config.of == "own" else "whole sector",
    )
