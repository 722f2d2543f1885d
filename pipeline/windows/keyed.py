"""Keyed: what a rule with `per` remembers – the latest mentions, each with what it counts by, for any detector.

The rule is about the keys of the mention that trips it: this author, this site, these hashtags. Bounded: the latest
`MOST` mentions of all keys together; `lost` says until when there were more, so that a rule which compares with what
was before can say that it does not know it. A key is a number in the state, and its name is there but for an author:
no name of a person stays in a state.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows.heard import KEYS, Heard, Key, number
from pipeline.windows.recent import MOST, Recent
from pipeline.windows.window import milliseconds
from schemas.mention import Match

Per = Key | Literal["story", "entity"]
"""By what a rule may count; entities are the own brand and each competitor."""
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class KeyedReading:
    """A `Reading` with, where the rule has `per`, the latest mentions by key, and the keys of the last of them.

    `names` are these keys in words, but for authors: no name of a person stays in a state.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True
    recent: Recent = Recent()  # noqa: RUF009 - it cannot change
    keys: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


def about(per: Per | None) -> About:
    """Return what the signals of a rule are about that counts by `per`."""
    return per or ""


def note(state: S, per: Per, heard: Heard, size: float | None, oldest: datetime) -> S:
    """Return a detector's state that knows the keys of a mention, and its `size` where it counts.

    The state has `recent`, `keys` and `names`; with `lost` it learns what there was no room for.
    """
    if heard.match is None or not (heard.own or per == "entity"):
        return state
    names, keys = _keys(per, heard.match, heard.story)
    known: Any = state
    recent, before = known.recent, milliseconds(oldest)
    more: dict[str, Any] = {}
    for key in keys if size is not None else ():
        found = recent.add((heard.ms, key, size), before)
        if len(recent.entries) == MOST == len(found.entries) and recent.entries[0] != found.entries[0]:
            more = {"lost": recent.entries[0][0]} if hasattr(state, "lost") else {}
        recent = found
    return replace(state, recent=recent, keys=keys, names=() if per == "author" else names, **more)


def weigh(state: S, per: Per, heard: Heard, before: float, size: float) -> S:
    """Return a detector's state in which a mention whose size was `before` is of another one."""
    if heard.match is None:
        return state
    names, keys = _keys(per, heard.match, heard.story)
    known: Any = state
    recent = known.recent
    for key in keys:
        recent = recent.weigh((heard.ms, key, before), size)
    return replace(state, recent=recent, keys=keys, names=() if per == "author" else names)


def _keys(per: Per, match: Match, story: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the names of what a mention counts by, and their numbers."""
    names = (story,) if per == "story" else tuple(KEYS[per](match))
    return names, tuple([number(name) for name in names])


def each(state: Any, since: datetime, until: datetime) -> Iterator[tuple[str | None, list[float]]]:
    """Yield each key of the last mention by its name (None: it has none here), with the sizes later than `since`."""
    sizes: dict[int, list[float]] = {key: [] for key in state.keys}
    for _, key, size in state.recent.within(milliseconds(since), milliseconds(until)):
        if key in sizes:
            sizes[key].append(size)
    for at, key in enumerate(state.keys):
        yield (state.names[at] if state.names else None), sizes[key]


def ago(now: datetime, seconds: float) -> datetime:
    """Return the moment so many seconds before `now`."""
    return now - timedelta(seconds=seconds)
