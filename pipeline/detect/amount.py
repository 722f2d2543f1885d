"""Amount: the sum, mean or percentile of reach, engagement or risk. Ten posts of ten readers are not ten of a million.

`of` says what is added up: `reach` (views, else followers of the author), `engagement` (likes, shares, comments) or
`risk` (the score, 0 to 100); `by` how: `sum`, `mean`, or a percentile like `p95`. At least `least` mentions within
`window`. A percentile is of the latest 1,024 mentions. With `per`, each author, platform, hashtag, site or story is
measured for itself, and the one of this mention has to be enough; of the latest 1,024 mentions at most. A mention that
is looked at again and has a higher risk since, because it spreads fast, counts with that from then on.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.heard import Heard
>>> from pipeline.windows.window import Window
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

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows import keyed
from pipeline.windows.heard import SIZES, Heard, Key
from pipeline.windows.recent import Pool, Recent
from pipeline.windows.window import Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal

LEADS = True
"""With the post that trips it the amount is enough: people want to see that one."""


class Config(Written):
    """`threshold` is how much is enough, `least` of how many mentions, `window` how far back it looks.

    `per` (author, platform, hashtag, site, story) measures each of these for itself; not entities, for the risk of a
    post is that of the own brand.
    """

    of: Literal["reach", "engagement", "risk"]
    threshold: Annotated[float, Field(gt=0)]
    window: Duration
    by: Annotated[str, Field(pattern=r"^(sum|mean|p[1-9][0-9]?)$")] = "sum"
    least: Annotated[int, Field(ge=1)] = 1
    per: Key | Literal["story"] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What was measured, and the mentions that were: summed up, or one by one for a percentile, and with `per` by key.

    `keys` and `names` are those of the last mention.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    pool: Pool = Pool()  # noqa: RUF009 - it cannot change
    recent: Recent = Recent()  # noqa: RUF009
    keys: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def about(config: Config) -> About:
    """Return what its signals are about: what it counts by."""
    return keyed.about(config.per)


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def reweighs(config: Config) -> bool:
    """Tell whether a mention counts anew when its risk has risen."""
    return config.of == "risk"


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note how much a mention is, or how much it is now."""
    if not heard.own or heard.match is None:
        return state
    size, oldest = SIZES[config.of](heard.match), now - timedelta(seconds=config.window)
    if heard.before is not None:
        return _again(config, state, heard, (heard.before, size), oldest)
    if config.per:
        return keyed.note(state, config.per, heard, size, oldest)
    return take(config, state, size, heard.time, now)


def _again(config: Config, state: State, heard: Heard, sizes: tuple[float, float], oldest: datetime) -> State:
    """Return the state in which a mention that was of the first of two sizes is of the second."""
    before, size = sizes
    if config.per:
        return keyed.weigh(state, config.per, heard, before, size)
    if config.by.startswith("p"):
        return replace(state, recent=state.recent.weigh((heard.ms, 0, before), size))
    return replace(state, pool=state.pool.grow(heard.ms, size - before, milliseconds(oldest)))


def take(config: Config, state: State, size: float, time: datetime, now: datetime) -> State:
    """Return the state with a mention of that size."""
    oldest, when = milliseconds(now - timedelta(seconds=config.window)), milliseconds(time)
    if config.by.startswith("p"):
        return replace(state, recent=state.recent.add((when, 0, size), oldest))
    return replace(state, pool=state.pool.add(when, size, oldest))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return the amount, and a signal when it is enough."""
    since, name = now - timedelta(seconds=config.window), None
    if config.per is None:
        count, amount = _measure(config, state, milliseconds(since), milliseconds(now))
    else:
        found = [(len(sizes), _of(config, sizes), name) for name, sizes in keyed.each(state, since, now)]
        count, amount, name = max(found, key=lambda one: (one[0] >= config.least, one[1]), default=(0, 0.0, None))
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
        about=name if config.per else f"{config.by} of {config.of}",
    )


def _measure(config: Config, state: State, since: int, now: int) -> tuple[int, float]:
    if config.by.startswith("p"):
        sizes = [size for _, _, size in state.recent.within(since, now)]
        return len(sizes), _of(config, sizes)
    count, total = state.pool.sums(since, now)
    return count, _summed(config, count, total)


def _of(config: Config, sizes: list[float]) -> float:
    """Return the amount of some mentions."""
    if config.by.startswith("p"):
        return sorted(sizes)[ceil(len(sizes) * int(config.by[1:]) / 100) - 1] if sizes else 0.0
    return _summed(config, len(sizes), sum(sizes))


def _summed(config: Config, count: int, total: float) -> float:
    return round(total if config.by == "sum" or not count else total / count, 6)
