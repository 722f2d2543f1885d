"""A glimpse of a post: enough to see whether anybody asked for it, at an eighth of the price of reading it.

Most posts of a firehose are asked for by nobody. What has a glimpse is a sound `Event`, and says the same as one; of
what is in the least unusual there is none, and it is read as ever, which also says what is wrong with it.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from schemas.event import PLATFORM_ALIASES
from schemas.topics import MAX_RAW_BYTES

_Time = Annotated[datetime, Meta(tz=True)]
_FIRST_YEAR, _LAST_YEAR = 1900, 8000
"""Times beyond may have no UTC, or are read as another one (see `schemas.model.FARTHEST`)."""


class AuthorGlimpse(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An `Author` at a glimpse."""

    id: str | None = None
    name: str | None = None
    followers: Annotated[int, Meta(ge=0)] | None = None
    verified: bool = False
    created: _Time | None = None


class Glimpse(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An `Event` at a glimpse; the fields mean the same, but that times are rounded and not cut to microseconds."""

    type: Literal["event"]
    platform: Annotated[str, Meta(min_length=1, max_length=40)]
    id: Annotated[str, Meta(min_length=1, max_length=500)]
    time: _Time
    text: Annotated[str, Meta(max_length=200_000)]
    source: str
    seen: _Time
    title: str | None = None
    lang: str | None = None
    author: AuthorGlimpse | None = None
    url: str | None = None
    metrics: dict[str, float] | None = None
    in_reply_to: str | None = None
    repost_of: str | None = None
    quote_of: str | None = None
    country: str | None = None
    media: bool | None = None
    backfill: bool = False
    schema_version: int = 1


def glimpse(data: bytes) -> Glimpse | None:
    """Return what a record of a raw topic is at a glimpse; None where it has to be read to know."""
    if len(data) > MAX_RAW_BYTES:
        return None
    try:
        found = _decode(data)
    except (DecodeError, UnicodeDecodeError):
        return None
    usual = _is_usual(found.platform) and _usual_time(found.time) and _usual_time(found.seen)
    created = found.author.created if found.author is not None else None
    return found if usual and (created is None or _usual_time(created)) else None


_decode = Decoder(Glimpse).decode


@lru_cache(maxsize=1024)
def _is_usual(platform: str) -> bool:
    """Tell whether the name of a platform is read as it is written."""
    return platform == platform.strip().lower() and platform not in PLATFORM_ALIASES


def _usual_time(time: datetime) -> bool:
    return _FIRST_YEAR < time.year < _LAST_YEAR
