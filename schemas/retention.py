"""How long what people wrote on a platform may be kept, and where it therefore may not go at all.

Only terms that forbid keeping stand here; how long anything else is kept is our own choice (see topics.py).
"""

KEPT_AT_MOST_HOURS: dict[str, int] = {"linkedin": 48}
"""Hours for which a platform's terms let us keep the words of its members, from when we got them."""


def may_last(platform: str) -> bool:
    """Tell whether the words and the author of a post may stand where things last: state, alerts, messages to people.

    Where they may not, a link to the post and what is counted about it stand there instead.
    """
    return platform not in KEPT_AT_MOST_HOURS


def must_pass(topic: str, value: bytes) -> bool:
    """Tell whether a record of `topic` holds what may not last, although nobody could read it as what it should be."""
    raw = topic.rpartition("raw.")[2] in KEPT_AT_MOST_HOURS
    named = any(f'"platform":"{platform}"'.encode() in value for platform in KEPT_AT_MOST_HOURS)
    return raw or (topic.endswith("mentions") and named)
