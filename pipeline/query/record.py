"""What is known about a mention beside its words: who, where, when, how much."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from pipeline.query.fields import comparable_name
from pipeline.query.reading import Reading
from pipeline.query.tree import Field
from schemas.event import Event
from schemas.glimpse import Glimpse
from schemas.mention import Mention

LANGUAGE = "lang"
_VIEWED = ("views", "impressions", "plays")
"""Counts of people who saw a post, which is not yet engagement."""


def holds(field: Field, reading: Reading) -> bool | None:
    """Tell whether what is known about a mention fits `field`; what the platform does not tell fits nothing.

    None where the language that is asked for cannot be told: whoever asks for one shall not miss what is short.
    """
    return reading.is_in(field.value) if field.name == LANGUAGE else _KNOWN[field.name](field, reading)


def facts(post: Event | Glimpse | Mention) -> Iterator[str]:
    """Yield what queries are found by beside the text of a post, written as fields."""
    yield f"platform:{post.platform}"
    if post.author is not None:
        yield from (f"author:{comparable_name(name)}" for name in (post.author.name, post.author.id) if name)
    parts = _host(post.url).split(".")
    yield from (f"site:{'.'.join(parts[first:])}" for first in range(len(parts) - 1))


def number_of(name: str, mention: Mention) -> float | None:
    """Return the number that `followers:`, `engagement:` or `age:` compare, or None where it is not known.

    Engagement is the sum of all that people did with a post, seen by how many not counted; age is in seconds, from
    when it was posted to when it was heard.
    """
    if name == "followers":
        return None if mention.author is None else mention.author.followers
    if name == "age":
        return max(0.0, (mention.seen - mention.time).total_seconds())
    if mention.metrics is None:
        return None
    return sum(count for metric, count in mention.metrics.items() if metric not in _VIEWED)


def _is_at(url: str | None, site: str) -> bool:
    """Tell whether an address is at a site or at one below it (www.spiegel.de is at spiegel.de)."""
    host = _host(url)
    return host == site or host.endswith(f".{site}")


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _is_by(mention: Mention, field: Field) -> bool:
    author = mention.author
    names = () if author is None else tuple(comparable_name(name) for name in (author.name, author.id) if name)
    return any(name.startswith(field.value) if field.prefix else name == field.value for name in names)


_KNOWN: dict[str, Callable[[Field, Reading], bool]] = {
    "author": lambda field, reading: _is_by(reading.mention, field),
    "country": lambda field, reading: (reading.mention.country or "").upper() == field.value,
    "has": lambda field, reading: field.value in reading.flags,
    "is": lambda field, reading: field.value in reading.flags,
    "platform": lambda field, reading: reading.mention.platform == field.value,
    "site": lambda field, reading: _is_at(reading.mention.url, field.value),
    "url": lambda field, reading: field.value in (reading.mention.url or "").lower(),
}
