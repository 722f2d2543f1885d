"""OPML, the list of feeds that every feed reader exports, read as entries of a sources file."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from agents.ingest.formats.weblinks import host_of
from schemas.errors import ConfigError

MAX_BYTES = 16_777_216
DEEPEST = 50
MOST_FEEDS = 20_000
LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A feed of the list: its address, what it calls itself, and the folders it lies in, outermost first."""

    url: str
    title: str
    folders: tuple[str, ...] = ()


def read_opml(data: bytes, name: str = "the file") -> tuple[Listed, ...]:
    """Return the feeds of a list, each address once, in their order.

    Raises:
        ConfigError: it is no OPML, holds none, declares entities or is beyond all bounds; `where` is `name:line`.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", where=name, hint="is it a list of feeds?")
    found: dict[str, Listed] = {}
    for feed in _read(data, name):
        found.setdefault(feed.url, feed)
    if not found:
        raise ConfigError("lists no feed", where=name, hint="export the feeds of your reader as OPML")
    return tuple(found.values())


def entries(feeds: Collection[Listed], taken: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the feeds as entries of a sources file; their ids follow from their titles and are none of `taken`.

    >>> entries([Listed("https://a.example/feed", "Die Zeitung"), Listed("https://b.example/x", "Die Zeitung")])[1]
    {'id': 'die-zeitung-2', 'kind': 'rss', 'url': 'https://b.example/x'}
    """
    used = set(taken)
    made = []
    for feed in feeds:
        wanted = _identifier(feed.title) or _identifier(host_of(feed.url)) or "feed"
        name, number = wanted, 1
        while name in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(name)
        made.append({"id": name, "kind": "rss", "url": feed.url})
    return made


def _read(data: bytes, name: str) -> Iterator[Listed]:
    parser = expat.ParserCreate()
    found: list[Listed] = []
    folders: list[str] = []
    depth = 0

    def refuse(*_about: Any) -> None:
        raise _error(parser, name, "declares a document type", "remove its <!DOCTYPE …>: lists of feeds need none")

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1 and tag.lower() != "opml":
            raise _error(parser, name, f"is no OPML but <{tag[:40]}>", "export the feeds of your reader as OPML")
        if depth > DEEPEST or len(found) > MOST_FEEDS:
            raise _error(parser, name, f"is nested deeper than {DEEPEST}, or lists more than {MOST_FEEDS} feeds", "")
        if tag.lower() != "outline":
            return
        told = {key.lower(): value.strip() for key, value in attributes.items()}
        title = told.get("title") or told.get("text", "")
        if host_of(url := told.get("xmlurl", "")):
            found.append(Listed(url, title, tuple(one for one in folders if one)))
        folders.append(title)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if tag.lower() == "outline":
            folders.pop()

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        where = f"{name}:{error.lineno}"
        raise ConfigError(
            f"is not XML ({expat.ErrorString(error.code)})", where=where, hint="export it again"
        ) from error
    yield from found


def _error(parser: Any, name: str, message: str, hint: str) -> ConfigError:
    return ConfigError(message, where=f"{name}:{parser.CurrentLineNumber}", hint=hint)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _identifier(text: str) -> str:
    """Return what may be an id: lower-case letters, digits and hyphens."""
    letters = unicodedata.normalize("NFKD", text.lower().translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:LONGEST_NAME].strip("-")
