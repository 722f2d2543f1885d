"""Distinct: so many different authors, platforms or sites within the last so much time. One who shouts is not a crowd.

Of the latest 1,024 mentions within `window` at most; a mention whose author or site is not told counts for none.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state = Config(of="author", threshold=3, window="1h"), State()
>>> for minute, name in enumerate(["anna", "anna", "ben", "anna", "cem"]):
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     state = take(config, state, (name,), now, now)
...     state, signal = step(config, state, Window(), now)
...     if signal:
...         print(f"mention {minute}: {signal.value:.0f} authors")
mention 4: 3 authors
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from pipeline.frozen import replace
from pipeline.windows.heard import KEYS, Heard, Key, number
from pipeline.windows.recent import MOST, Recent
from pipeline.windows.window import Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal


class Config(Written):
    """`of` says what must differ (author, platform, site or hashtag), `threshold` how many are enough."""

    of: Key
    threshold: Annotated[int, Field(ge=2, le=MOST)]
    window: Duration


@dataclass(frozen=True, slots=True)
class State:
    """What was measured, and the latest mentions by key."""

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    recent: Recent = Recent()  # noqa: RUF009 - it cannot change


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note the keys of a mention."""
    if not heard.own or heard.match is None:
        return state
    return take(config, state, KEYS[config.of](heard.match), heard.time, now)


def take(config: Config, state: State, names: Iterable[str], time: datetime, now: datetime) -> State:
    """Return the state with a mention that counts under `names`."""
    oldest, recent = milliseconds(now - timedelta(seconds=config.window)), state.recent
    for name in names:
        recent = recent.add((milliseconds(time), number(name), 1), oldest)
    return replace(state, recent=recent)


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how many there are, and a signal when that is enough."""
    since = milliseconds(now - timedelta(seconds=config.window))
    count = len({entry[1] for entry in state.recent.within(since, milliseconds(now))})
    state = replace(state, value=float(count), threshold=float(config.threshold), warming=False)
    if count < config.threshold:
        return state, None
    return state, Signal(
        rule="distinct",
        kind="distinct",
        at=now,
        value=count,
        threshold=config.threshold,
        window=config.window,
        about=config.of,
    )
