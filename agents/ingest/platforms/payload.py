"""Hostile JSON read field by field: what has another type than it should is as if it were not there."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from pipeline.normalize import OFFERED
from schemas.errors import InvalidMessage

LONGEST_TEXT = 200_000
LONGEST_ID = 500
_EARLIEST, _LATEST = 0.0, 253_402_300_799.0
_MILLISECONDS = 100_000_000_000
"""A number of seconds as large as this is a date in the year 5138: then it is milliseconds."""


def load(body: bytes) -> Any:
    """Return the JSON that `body` holds.

    Raises:
        InvalidMessage: not-json, which is also what is nested too deeply; nothing of it is quoted.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidMessage("not-json", "the body is no JSON, or nested too deeply") from error


def group(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the object at `path`, or an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any, *path: str) -> list[Any]:
    """Return the list at `path`, or an empty one."""
    *above, last = path
    found = group(value, *above).get(last)
    return found if isinstance(found, list) else []


def text(value: Mapping[str, Any], *names: str) -> str:
    """Return the first text among the fields `names`, cut to what a post may hold, or nothing."""
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found:
            return found[:LONGEST_TEXT]
    return ""


def in_lines(*parts: Any) -> str:
    """Return the texts among `parts` that say something, a line each; what is none, or stands above, is passed over.

    >>> in_lines("Fahrt ihr noch Bahn?", " ", None, "Ja", "Nein", "Nein")
    'Fahrt ihr noch Bahn?\\nJa\\nNein'
    >>> in_lines("Lest (https://a.example/b/)!", "https://a.example/b", "https://a.example/")
    'Lest (https://a.example/b/)!\\nhttps://a.example/'
    """
    said: list[str] = []
    above: set[str] = set()
    for part in parts:
        if isinstance(part, str) and (text := part.strip()).strip("\u200b") and _bare(text) not in above:
            said.append(text)
            # a picture is often described by the very words of the post, and a link card leads where a link does
            above |= {_bare(text), *map(_bare, text.splitlines())}
            above |= {_bare(word) for word in text.split() if "://" in word}
    return "\n".join(said)[:LONGEST_TEXT]


def offered(answers: Iterable[Any]) -> list[str]:
    """Return the answers that a poll offers, each with the empty box by which sentiment knows that nobody said it.

    >>> offered(["Ja", None, " Nein"])
    ['☐ Ja', '☐ Nein']
    """
    return [f"{OFFERED} {answer.strip()}" for answer in answers if isinstance(answer, str) and answer.strip()]


def _bare(text: str) -> str:
    return text.strip("()<>[].,;:!?\"' \t").removesuffix("/").casefold()


def name(value: Mapping[str, Any], *names: str) -> str:
    """Return the first id among the fields `names`, written as a text or a number, or nothing."""
    for field in names:
        found = value.get(field)
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if isinstance(found, str) and found.strip() and len(found) <= LONGEST_ID:
            return found.strip()
    return ""


def count(value: Any) -> float | None:
    """Return a count, if it is one."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def moment(value: Any) -> datetime | None:
    """Return the time that a platform wrote as ISO 8601, or as seconds or milliseconds since 1970.

    >>> moment(1520383571) == moment(1520383571000) == moment("2018-03-07T00:46:11+0000")
    True
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    try:
        if isinstance(value, str):
            written = datetime.fromisoformat(value)
            return written.replace(tzinfo=UTC) if written.tzinfo is None else written.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _MILLISECONDS else value
            return datetime.fromtimestamp(seconds, UTC) if _EARLIEST < seconds <= _LATEST else None
    except (ValueError, OverflowError, OSError):
        return None
    return None
