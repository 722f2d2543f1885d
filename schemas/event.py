"""Events: what a source delivers. They travel in `earshot.raw.<platform>`, keyed `platform:native_id`."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, TypeAdapter

from schemas.model import Heard, Record, UtcTime

PLATFORM_ALIASES = {"twitter": "x", "google+": "googleplus", "gplus": "googleplus", "fb": "facebook"}


def _name(value: Any) -> Any:
    """Read a number as the text of it: half of the platforms have numeric ids."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@lru_cache(maxsize=1024)
def _one_name(value: str) -> str:
    """Return the one name of a platform; there are few, and they come with every post."""
    name = value.strip().lower()
    if not name:
        raise ValueError("the platform has no name")
    return PLATFORM_ALIASES.get(name, name)


Platform = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_one_name)]
"""The name of a platform, in lower case; of those that have several names, the one."""

NativeId = Annotated[str, BeforeValidator(_name)]
"""The platform's own id of a post or an author."""


class Author(Heard):
    """Who wrote a post, as far as the platform tells; every field may be missing.

    `created` is since when there is the account."""

    id: NativeId | None = None
    name: str | None = None
    followers: int | None = Field(default=None, ge=0)
    verified: bool = False
    created: UtcTime | None = None


class Post(Heard):
    """One public post: the replay line format, which every offline command reads and the webhook accepts.

    `time` is when it was posted. `metrics` are the platform's own counts (likes, shares, comments, views).
    `in_reply_to`, `repost_of` and `quote_of` (passed on with words of its own) are native ids on the same platform.
    `country` is where the author or the site is, as far as the platform tells (ISO 3166-1, two letters); `media`
    whether a picture, a video or a sound is attached.
    """

    platform: Platform
    id: NativeId = Field(min_length=1, max_length=500)
    time: UtcTime
    text: str = Field(max_length=200_000)
    title: str | None = None
    lang: str | None = None
    author: Author | None = None
    url: str | None = None
    metrics: dict[str, FiniteFloat] | None = None
    in_reply_to: NativeId | None = None
    repost_of: NativeId | None = None
    quote_of: NativeId | None = None
    country: str | None = None
    media: bool | None = None

    @property
    def key(self) -> str:
        """The identity of the post everywhere in Earshot: `platform:native_id`."""
        return f"{self.platform}:{self.id}"


class Event(Post, Record):
    """A post as one source delivered it. `source` is the id of the configured source, `seen` when we got it.

    `backfill`: somebody asked for the past, so it enters the statistics and alerts nobody.
    """

    type: Literal["event"] = "event"
    source: str
    seen: UtcTime
    backfill: bool = False


class Edit(Event):
    """A post whose text or counts changed after it was delivered; it carries the whole new state."""

    type: Literal["edit"] = "edit"  # type: ignore[assignment]


class Deletion(Record):
    """A post that the platform tells us to forget; with `author`, `id` is an author's and all of theirs is meant."""

    type: Literal["deletion"] = "deletion"
    source: str
    seen: UtcTime
    platform: str
    id: str
    author: bool = False

    @property
    def key(self) -> str:
        """The identity of the deleted post or author: `platform:native_id`."""
        return f"{self.platform}:{self.id}"


class Gap(Record):
    """A stretch of time in which posts may have been missed, because a resume was not exact."""

    type: Literal["gap"] = "gap"
    source: str
    seen: UtcTime
    since: UtcTime
    until: UtcTime
    reason: str


class Heartbeat(Record):
    """A source is alive although it may have nothing to deliver. `at` is the source's own time.

    A replay marks the passing of event time with these; `clock` says whether judge may take `at` as its time.
    """

    type: Literal["heartbeat"] = "heartbeat"
    source: str
    seen: UtcTime
    at: UtcTime
    clock: bool = False


Delivered = Event | Edit | Deletion | Gap | Heartbeat
"""All that a source may yield."""

delivered: TypeAdapter[Delivered] = TypeAdapter(Annotated[Delivered, Field(discriminator="type")])
"""Reads a record of `earshot.raw.*`."""
