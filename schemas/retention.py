"""How long what people wrote on a platform may be kept, and where it therefore may not go at all.

Only terms that forbid keeping stand here; how long anything else is kept is our own choice (see topics.py).
"""

from typing import TypeVar

from schemas.event import Author, Event

E = TypeVar("E", bound=Event)

KEPT_AT_MOST_HOURS: dict[str, int] = {"linkedin": 48}
"""Hours for which a platform's terms let us keep the words of its members, from when we got them."""


def may_last(platform: str) -> bool:
    """Tell whether the words and the author of a post may stand where things last: state, alerts, messages to people.

    Where they may not, a link to the post and what is counted about it stand there instead.
    """
    return platform not in KEPT_AT_MOST_HOURS


def without_profile(event: E) -> E:
    """Return `event` without who wrote it where that may be kept for less long than the words: half as long, mostly.

    What says nothing about a person stays: a pseudonym, an organisation's own id, how many followers there are.
    """
    if may_last(event.platform) or event.author is None:
        return event
    known = event.author.id if event.author.id and event.author.id.startswith(_NOBODY) else None
    author = Author(id=known, followers=event.author.followers, verified=event.author.verified)
    return event.model_copy(update={"author": author})


_NOBODY = ("member-", "urn:li:organization:")
"""How a pseudonym begins, and what is no person's id."""


def must_pass(topic: str, value: bytes) -> bool:
    """Tell whether a record of `topic` holds what may not last, although nobody could read it as what it should be."""
    raw = topic.rpartition("raw.")[2] in KEPT_AT_MOST_HOURS
    named = any(f'"platform":"{platform}"'.encode() in value for platform in KEPT_AT_MOST_HOURS)
    return raw or (topic.endswith("mentions") and named)
