"""Links as aggregators wrap them, read as the address they lead to."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from schemas.model import Written

LONGEST = 2_000
MOST_WRAPPINGS = 3


class Wrapping(Written):
    """A link to `at` (host and beginning of the path) stands for the address in one of the parameters `holds`."""

    at: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/")]
    holds: Annotated[tuple[str, ...], Field(min_length=1)]


GOOGLE = Wrapping(at="google.com/url", holds=("url", "q"))
"""What Google Alerts puts around every link, in its feeds and in its mails."""


def unwrap(url: str, wrappings: Iterable[Wrapping] = (GOOGLE,)) -> str:
    """Return the web address that `url` leads to; one that is not wrapped, or cannot be read, is returned as it is.

    >>> unwrap("https://www.google.com/url?rct=j&sa=t&url=https://a.example/x%3Fy%3D1&ct=ga")
    'https://a.example/x?y=1'
    """
    known = tuple(wrappings)
    for _ in range(MOST_WRAPPINGS):
        inner = next((found for wrapping in known if (found := _inner(url, wrapping))), "")
        if not inner:
            break
        url = inner
    return url


def host_of(url: str) -> str:
    """Return the host of a web address in lower case, or nothing where `url` is none.

    >>> host_of("https://WWW.Example.org:8443/a"), host_of("javascript:alert(1)"), host_of("https://[")
    ('www.example.org', '', '')
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and len(url) <= LONGEST
        return (parts.hostname or "").lower() if fits else ""
    except ValueError:
        return ""


def _inner(url: str, wrapping: Wrapping) -> str:
    host = host_of(url).removeprefix("www.")
    if not host:
        return ""
    parts = urlsplit(url)
    if not f"{host}{parts.path}/".startswith(wrapping.at.rstrip("/") + "/"):
        return ""
    try:
        held = parse_qs(parts.query, max_num_fields=100)
    except ValueError:
        return ""
    found = (value for name in wrapping.holds for value in held.get(name, ()))
    return next((value for value in found if host_of(value)), "")
