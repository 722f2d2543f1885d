"""Amount: the sum, mean or percentile of reach, engagement or risk. Ten posts of ten readers are not ten of a million.

`of` says what is added up: `reach` (views, else followers of the author), `engagement` (likes, shares, comments) or
`risk` (the score, 0 to 100); `by` how: `sum`, `mean`, or a percentile like `p95`. At least `least` mentions within
`window`. A percentile is of the latest 1,024 mentions.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.heard import Heard
>>> from pipeline.window import Window
>>> config, state = Config(of="reach", threshold=10_000, window="1h"), State()
>>> for minute, followers in enumerate([4_000, 5_000, 900, 150]):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     state = take(config, state, float(followers), now, now)
...     state, signal = step(config, state, Window(), now)
...     if signal:
...         print(f"mention {minute}: {signal.value:,.0f} readers")
mention 3: 10,050 readers
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from pipeline.frozen import replace
from pipeline.heard import SIZES, Heard
from pipeline.recent import Pool, Recent
from pipeline.window import Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal

LEADS = True
"""With the post that trips it the amount is enough: people want to see that one."""


class Config(Written):
    """`threshold` is how much is enough, `least` of how many mentions, `window` how far back it looks."""

    of: Literal["reach", "engagement", "risk"]
    threshold: Annotated[float, Field(gt=0)]
    window: Duration
    by: Annotated[str, Field(pattern=r"^(sum|mean|p[1-9][0-9]?)$")] = "sum"
    least: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class State:
    """What was measured, and the mentions that were: summed up, or one by one for a percentile."""

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    pool: Pool = Pool()  # noqa: RUF009 - it cannot change
    recent: Recent = Recent()  # noqa: RUF009


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note how much a mention is."""
    if not heard.own or heard.match is None:
        return state
    return take(config, state, SIZES[config.of](heard.match), heard.time, now)


def take(config: Config, state: State, size: float, time: datetime, now: datetime) -> State:
    """Return the state with a mention of that size."""
    oldest, when = milliseconds(now - timedelta(seconds=config.window)), milliseconds(time)
    if config.by.startswith("p"):
        return replace(state, recent=state.recent.add((when, 0, size), oldest))
    return replace(state, pool=state.pool.add(when, size, oldest))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the amount, and a signal when it is enough."""
    count, amount = _measure(config, state, milliseconds(now - timedelta(seconds=config.window)), milliseconds(now))
    warming = count < config.least
    state = replace(state, value=amount, threshold=config.threshold, warming=warming)
    if warming or amount < config.threshold:
        return state, None
    return state, Signal(
        rule="amount",
        kind="amount",
        at=now,
        value=amount,
        threshold=config.threshold,
        window=config.window,
        about=f"{config.by} of {config.of}",
    )


def _measure(config: Config, state: State, since: int, now: int) -> tuple[int, float]:
    if config.by.startswith("p"):
        sizes = sorted([size for _, _, size in state.recent.within(since, now)])
        return len(sizes), sizes[ceil(len(sizes) * int(config.by[1:]) / 100) - 1] if sizes else 0.0
    count, total = state.pool.sums(since, now)
    return count, round(total if config.by == "sum" or not count else total / count, 6)
