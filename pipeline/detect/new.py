"""New: a term, author, site or hashtag that was never this much talked about here before.

One *arrives* when it has had `least` mentions within `window` (of terms only those in posts that began a story count:
the words of one post that is copied a thousand times are not a thousand words). What arrives during the first `learn`
is known from then on without a word; what arrives later trips the rule once. The memory is bounded: the latest 4,096
that have arrived, in two generations, so one that is not heard of while 2,048 others arrive is new again.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state = Config(of="hashtag", least=2, learn="1d"), State()
>>> for hour, tag in [(0, "rail"), (0.1, "rail"), (30, "rail"), (30.1, "rail"), (30.2, "strike"), (30.3, "strike")]:
...     now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
...     state = take(config, state, (tag,), now, now)
...     state, signal = step(config, state, Window(), now)
...     if signal:
...         print(f"hour {hour}: {signal.about}")
hour 30.3: strike
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows.heard import KEYS, Heard, number
from pipeline.windows.recent import Recent
from pipeline.windows.window import Window, milliseconds
from schemas.model import Duration, UtcTime, Written
from schemas.signal import Signal

GENERATION = 2048
MOST_COUNTED = 2048
"""So many words or names of the latest mentions are counted."""


class Config(Written):
    """`of` says what may be new. `least` mentions within `window` are an arrival; `learn` is how long it only
    listens.
    """

    of: Literal["term", "author", "site", "hashtag"]
    least: Annotated[int, Field(ge=1, le=100)] = 3
    window: Duration = 86_400.0
    learn: Duration = 14 * 86_400.0


Numbers = Annotated[frozenset[int], PlainSerializer(sorted, return_type=list[int])]
"""Numbers of what has arrived, stored in their order: that of a set depends on its past."""


@dataclass(frozen=True, slots=True)
class State:
    """`young` and `old` have arrived; `recent` is being counted. `fresh` arrived at the last mention: (key, name).

    The name of an author is not kept. `ready` is when it has learnt enough to speak.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    began: UtcTime | None = None
    recent: Recent = Recent()  # noqa: RUF009 - it cannot change
    young: Numbers = frozenset()
    old: Numbers = frozenset()
    fresh: str | None = None
    ready: UtcTime | None = None


def about(config: Config) -> About:
    """Return what its signals are about: the author, site or hashtag that is new."""
    return "" if config.of == "term" else config.of


def reach(config: Config) -> float:
    """Return how many seconds back its message looks; the detector itself remembers what it needs."""
    return config.window


def begin(config: Config, state: State, window: Window, now: datetime) -> State:
    """Note since when it listens."""
    return replace(state, began=now, ready=now + timedelta(seconds=config.learn))


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Count what a mention brings."""
    if not heard.own or heard.match is None or (config.of == "term" and not heard.first):
        return replace(state, fresh=None, value=0.0) if heard.own else state
    if heard.match.mention.backfill:
        # somebody asked for the past, so all of it from here on is known; of an old post that comes late, only itself
        state = replace(state, began=min(state.began or heard.time, heard.time))
    return take(config, state, tuple(KEYS[config.of](heard.match)), heard.time, now)


def take(config: Config, state: State, names: Sequence[str], time: datetime, now: datetime) -> State:
    """Return the state with a mention that brings `names`."""
    recent, oldest = state.recent, milliseconds(now - timedelta(seconds=config.window))
    keys = {number(name): name for name in names}
    for key in keys:
        recent = recent.add((milliseconds(time), key, 1), oldest, MOST_COUNTED)
    counts = Counter([key for _, key, _ in recent.entries if key in keys])
    known, arrived = state.young | state.old, [key for key in keys if counts[key] >= config.least]
    new = [key for key in arrived if key not in known]
    young, old = state.young.union(arrived), state.old
    if len(young) > GENERATION:
        young, old = frozenset(arrived), young
    best = max((counts[key] for key in keys if key not in known), default=0)
    fresh = ("an author" if config.of == "author" else keys[new[0]]) if new else None
    return replace(state, began=state.began or now, recent=recent, young=young, old=old, fresh=fresh, value=float(best))


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how often the most frequent unknown was heard, and a signal when it has arrived."""
    # what is heard of the past teaches it, too, so this may be sooner than it seemed when it began
    ready = None if state.began is None else state.began + timedelta(seconds=config.learn)
    warming = ready is None or now < ready
    fresh = state.fresh
    state = replace(state, threshold=float(config.least), warming=warming, ready=ready, fresh=None)
    if warming or fresh is None:
        return state, None
    return state, Signal(
        rule="new",
        kind="new",
        at=now,
        value=state.value,
        threshold=config.least,
        window=config.window,
        about=fresh,
    )
