"""The HTML of a mail, read as what stands in it: texts, links and the JSON that is meant for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from agents.ingest.formats.markup import Tag, tokens
from agents.ingest.formats.plaintext import BLOCKS, Hiding, collapse

MOST_PIECES = 20_000
LONGEST_JSON = 262_144


@dataclass(frozen=True, slots=True)
class Piece:
    """A text as it stands in the mail, and where it leads to, if it is a link."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What an HTML text holds, in order; `data` are its JSON blocks called `inboxmarkup`."""

    pieces: tuple[Piece, ...]
    data: tuple[Any, ...]


def read_html(html: str) -> Page:
    """Return what `html` holds; scripts and styles say nothing, and neither does a link that leads nowhere."""
    return Page(tuple(_pieces(html))[:MOST_PIECES], tuple(_markup(html)))


def _markup(html: str) -> Iterator[Any]:
    """Yield what the `inboxmarkup` blocks hold; of one that is no JSON nothing, since the HTML says the same."""
    inside = False
    for token in tokens(html):
        if isinstance(token, Tag):
            inside = token.name == "script" and token.attributes.get("data-scope") == "inboxmarkup"
        elif inside and len(token) <= LONGEST_JSON:
            try:
                yield from_json(token)
            except ValueError:
                continue


def _pieces(html: str) -> Iterator[Piece]:
    """Yield each link with its text, and each text between two of them."""
    text: list[str] = []
    href: str | None = None
    hiding = Hiding()

    def piece() -> Iterator[Piece]:
        seen = collapse("".join(text))
        text.clear()
        if href or (seen and href is None):
            yield Piece(seen, (href or "").strip())

    for token in tokens(html):
        if isinstance(token, str):
            text += [] if hiding else [token]
        elif token.name == "a":
            yield from piece()
            href = None if token.closes else token.attributes.get("href", "")
        elif not hiding.pass_over(token) and token.name in BLOCKS:
            text.append("\n")
    yield from piece()
