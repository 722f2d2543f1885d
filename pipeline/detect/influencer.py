"""Influencer: somebody who is widely heard has spoken: by followers, by being verified, or by standing in a list.

`authors` and `sites` are written out, or the name of a list of the watch file with an `@` (`sites:
["@tier1-media"]`): a list of first-rate media says more than a count of followers. Sites include their subdomains.
What is measured is how many such posts there were within `window`; one is enough.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> config, state, noon = Config(followers=100_000, sites=["spiegel.de"]), State(), datetime(2026, 1, 1, 12, tzinfo=UTC)
>>> [speaks(config, followers, "", site) for followers, site in [(90_000, ""), (120_000, ""), (0, "m.spiegel.de")]]
[False, True, True]
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.windows.heard import Heard, site
from pipeline.windows.recent import Recent
from pipeline.windows.window import Window, milliseconds
from schemas.model import Duration, Written
from schemas.signal import Signal
from schemas.watch import Lists

Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]


class Config(Written):
    """`followers` at least, or `verified`, or one of `authors` (name or id) or `sites`; `window` is for the
    counting.
    """

    followers: Annotated[int, Field(ge=1)] | None = None
    verified: bool = False
    authors: Names = ()
    sites: Names = ()
    window: Duration = 3600.0

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.followers or self.verified or self.authors or self.sites):
            raise ValueError("nobody is named: write `followers`, `verified`, `authors` or `sites`")
        return self


@dataclass(frozen=True, slots=True)
class State:
    """How many such posts there were, and when; `spoke`: the last mention was one."""

    value: float = 0.0
    threshold: float = 1.0
    warming: bool = True
    recent: Recent = Recent()  # noqa: RUF009 - it cannot change
    spoke: bool = False


def resolve(config: Config, lists: Lists) -> Config:
    """Return the settings with the entries of `lists` in place of their names."""
    return config.model_copy(
        update={"authors": _entries(config.authors, lists), "sites": _entries(config.sites, lists)}
    )


def needs(config: Config) -> set[str]:
    """Return the lists that must be there: an author may be written as `@name` too, a site may not."""
    return {name.removeprefix("@") for name in config.sites if name.startswith("@")}


def _entries(names: Iterable[str], lists: Lists) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        listed = lists.get(name.removeprefix("@")) if name.startswith("@") else None
        found += listed.entries if listed else [name]
    return tuple(entry.lower().lstrip("@") for entry in found)


def about(config: Config) -> About:
    """Return what its signals are about: the mention that trips it."""
    return "mention"


def reach(config: Config) -> float:
    """Return how many seconds back the detector looks."""
    return config.window


def speaks(config: Config, followers: int, name: str, where: str, *, verified: bool = False) -> bool:
    """Tell whether a post of this author on this site is one of those meant."""
    return bool(
        (config.followers and followers >= config.followers)
        or (config.verified and verified)
        or (config.authors and name.lower() in config.authors)
        or (config.sites and any(where == one or where.endswith(f".{one}") for one in config.sites))
    )


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Note whether it is one of them who speaks."""
    if not heard.own or heard.match is None:
        return replace(state, spoke=False) if state.spoke else state
    by = heard.match.mention.author
    where = site(heard.match) if config.sites else ""
    if by is None:
        spoke = speaks(config, 0, "\0", where)
    else:
        known = [name for name in (by.name, by.id) if name] or ["\0"]
        spoke = any(speaks(config, by.followers or 0, name, where, verified=by.verified) for name in known)
    if not spoke:
        return replace(state, spoke=False) if state.spoke else state
    oldest = milliseconds(now - timedelta(seconds=config.window))
    return replace(state, recent=state.recent.add((heard.ms, 0, 1), oldest), spoke=True)


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how many there were, and a signal when the last mention was one."""
    time = milliseconds(now)
    count = sum(1 for _ in state.recent.within(time - int(config.window * 1000), time))
    spoke = state.spoke
    state = replace(state, value=float(count), threshold=1.0, warming=False, spoke=False)
    if not spoke or not count:
        return state, None
    return state, Signal(rule="influencer", kind="influencer", at=now, value=count, threshold=1.0, window=config.window)
