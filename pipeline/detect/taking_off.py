"""Taking off: one post gathers reactions fast. Before the second thousand write, the first post has been liked.

Engagement (likes, shares, comments and what else a platform counts) is compared between two looks at the same post:
when it was first heard and each time it is heard again with new counts. What is measured is how much it has gathered
within the last `window`; a first look counts from the moment of posting. Remembers the 64 posts that have gathered
most lately.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, noon = Config(threshold=500, window="1h"), State(), datetime(2026, 1, 1, 12, tzinfo=UTC)
>>> state = look(config, state, "x:1", 20.0, noon, noon)
>>> for minute, likes in [(20, 90), (40, 700)]:
...     now = noon + timedelta(minutes=minute)
...     state = look(config, state, "x:1", float(likes), noon, now)
...     state, signal = step(config, state, Window(), now)
...     if signal:
...         print(f"minute {minute}: {signal.about} has gathered {signal.value:.0f} within the hour")
minute 40: x:1 has gathered 700 within the hour
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows.heard import Heard, engagement
from pipeline.windows.window import Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal

REPEATS = True
"""It wants to hear of new states of known posts."""
MOST_POSTS = 64
MOST_LOOKS = 12


class Config(Written):
    """`threshold` reactions within `window` are enough."""

    threshold: Annotated[float, Field(gt=0)]
    window: Duration = 3600.0


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at one post: (time in ms, engagement), the oldest at most one that is older than the window."""

    post: str
    looks: tuple[tuple[int, float], ...]

    def gathered(self, since: int) -> float:
        """Return how much it has gathered after `since`."""
        before = [size for time, size in self.looks if time <= since]
        return self.looks[-1][1] - (before[-1] if before else self.looks[0][1])


@dataclass(frozen=True, slots=True)
class State:
    """What was measured of the post heard last, and the looks at the posts that gather most."""

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    posts: tuple[Looks, ...] = ()
    last: str | None = None


def about(config: Config) -> About:
    """Return what its signals are about: the mention that trips it."""
    return "post"


def reach(config: Config) -> float:
    """Return how many seconds back its message looks; the detector itself remembers what it needs."""
    return config.window


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Look at a post."""
    if not heard.own or heard.match is None or not heard.match.mention.metrics:
        return replace(state, last=None)
    mention = heard.match.mention
    return look(config, state, mention.id, engagement(heard.match), mention.time, max(mention.seen, mention.time))


def look(config: Config, state: State, post: str, size: float, posted: datetime, seen: datetime) -> State:
    """Return the state after a look at `post`, `posted` then and `seen` now with so much engagement."""
    at, since = milliseconds(seen), milliseconds(seen) - int(config.window * 1000)
    known = next((one.looks for one in state.posts if one.post == post), ((milliseconds(posted), 0.0),))
    if known[-1][0] > at:
        return replace(state, last=None)
    looks = (*known, (at, size))[-MOST_LOOKS:]
    while len(looks) > 2 and looks[1][0] <= since:
        looks = looks[1:]
    others = [one for one in state.posts if one.post != post and one.looks[-1][0] > since]
    others.sort(key=lambda one: (-one.gathered(since), one.post))
    return replace(state, posts=(Looks(post, looks), *others[: MOST_POSTS - 1]), last=post)


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return what the post heard last has gathered, and a signal when that is enough."""
    last = state.last
    if last is None:
        return replace(state, threshold=config.threshold, value=0.0, warming=False), None
    one = state.posts[0]
    value = max(0.0, one.gathered(one.looks[-1][0] - int(config.window * 1000)))
    state = replace(state, value=value, threshold=config.threshold, warming=False, last=None)
    if value < config.threshold:
        return state, None
    return state, Signal(
        rule="taking-off",
        kind="taking-off",
        at=now,
        value=value,
        threshold=config.threshold,
        window=config.window,
        about=last,
    )
