"""Heard: one match as detectors with a memory of their own see it, and the keys that it counts under."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit
from zlib import crc32

from pipeline.frozen import swift
from pipeline.windows.window import milliseconds
from schemas.mention import OWN, Match

Key = Literal["author", "platform", "hashtag", "site"]
"""By what mentions can be told apart."""
_HASHTAG = re.compile(r"[#＃](\w{2,100})")
_TERM = re.compile(r"[^\W\d_]{4,40}")
_ENGAGEMENT = ("likes", "shares", "comments", "reposts", "retweets", "replies", "quotes", "reactions", "favorites")


@swift
@dataclass(frozen=True, slots=True)
class Heard:
    """A match that has been counted. `first`: it began its `story`; `again`: it is a new state of a known post.

    `count` is how many mentions it stands for: one, or a whole bucket where only counts are known (then no `match`).
    `before` is the risk that an `again` was counted with, where that is higher now.
    """

    time: datetime
    own: bool = True
    first: bool = True
    again: bool = False
    count: int = 1
    match: Match | None = None
    story: str = ""
    before: float | None = None

    @property
    def ms(self) -> int:
        """The event time in the unit of windows."""
        return milliseconds(self.time)


def hearing(match: Match, story: str = "", *, first: bool, again: bool = False, before: float | None = None) -> Heard:
    """Return `match` as detectors see it."""
    return Heard(match.mention.time, match.about(OWN), first, again, 1, match, story, before)


def number(key: str) -> int:
    """Return what a key is remembered as: no name of a person stays in a detector's state."""
    return crc32(key.encode())


def author(match: Match) -> str:
    """Return who wrote it, '' where that is not told."""
    about = match.mention.author
    name = (about.id or about.name) if about else None
    return f"{match.mention.platform}:{name}" if name else ""


def site(match: Match) -> str:
    """Return the site of the post without `www.`, '' where it has no address."""
    url = match.mention.url
    if not url:
        return ""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def hashtags(match: Match) -> tuple[str, ...]:
    """Return the hashtags, in small letters, each once."""
    return tuple(dict.fromkeys(found.lower() for found in _HASHTAG.findall(match.mention.text)))


def terms(match: Match) -> tuple[str, ...]:
    """Return the words of four letters and more, in small letters, each once."""
    mention = match.mention
    text = f"{mention.title} {mention.text}" if mention.title else mention.text
    return tuple(dict.fromkeys(found.lower() for found in _TERM.findall(text)))


def _one(get: Callable[[Match], str]) -> Callable[[Match], Iterable[str]]:
    return lambda match: (found,) if (found := get(match)) else ()


def entities(match: Match) -> tuple[str, ...]:
    """Return what it is about: the own brand, competitors by their names."""
    return tuple(one.entity for one in match.entities)


KEYS: Mapping[str, Callable[[Match], Iterable[str]]] = {
    "author": _one(author),
    "platform": _one(lambda match: match.mention.platform),
    "hashtag": hashtags,
    "site": _one(site),
    "term": terms,
    "entity": entities,
}
"""What a match counts under, by the name of the kind of key."""


def reach(match: Match) -> float:
    """Return how many people the post may have reached: views where the platform tells them, else followers."""
    metrics, about = match.mention.metrics or {}, match.mention.author
    return max(float(metrics.get("views", 0.0)), float((about.followers or 0) if about else 0))


def engagement(match: Match) -> float:
    """Return how often people have reacted: likes, shares, comments and what else the platform counts."""
    metrics = match.mention.metrics or {}
    return sum(metrics[name] for name in _ENGAGEMENT if name in metrics)


def risk(match: Match) -> float:
    """Return the risk score, 0 to 100."""
    return match.score.value


SIZES: Mapping[str, Callable[[Match], float]] = {"reach": reach, "engagement": engagement, "risk": risk}
"""What can be measured of a match, by name."""
