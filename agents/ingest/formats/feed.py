"""RSS and Atom documents read as posts, whatever they lack and however they are encoded."""

import calendar
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import feedparser

from agents.ingest.formats.feeddate import read_date
from agents.ingest.formats.plaintext import plain
from agents.ingest.formats.weblinks import unwrap
from schemas.errors import SourceError
from schemas.event import Author, Post

LONGEST_TEXT = 200_000
LONGEST_ID = 500
LONGEST_NAME = 500
_UNIVERSAL = ("tag:", "urn:")
_LETTER = re.compile(rb"&#(?:[xX]0*([0-9a-fA-F]+)|0*([0-9]+));")
_LAST_LETTER = 0x10FFFF
_HALVES = re.compile("[\ud800-\udfff]")
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RecursionError)
"""What feedparser is known to raise over documents that are made to break it."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server answered: the bytes, what it calls them, where they came from and when.

    `home` is the feed's address as people wrote it, which stays when the feed moves.
    """

    body: bytes
    content_type: str
    url: str
    home: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """The posts of a feed, oldest first; `whole` is false where it broke off, so that it is worth asking again.

    `ttl` is for how many seconds it asks not to be asked again, 0 where it says nothing of that.
    """

    posts: tuple[Post, ...]
    whole: bool
    ttl: float = 0.0


def read_feed(document: Document, platform: str) -> Feed:
    """Return what `document` holds. A missing time is the time it was seen, a missing id a hash of link and title.

    Raises:
        SourceError: it is no feed.
    """
    headers = {"content-type": document.content_type, "content-location": document.url}
    # as a file: feedparser takes bytes for the name of one and would open it, and in a file it looks for UTF-8 first,
    # whatever the server and the declaration call it
    body = BytesIO(_LETTER.sub(_real, document.body))
    try:
        parsed = feedparser.parse(body, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    except _BROKEN as error:
        raise SourceError(f"cannot be read as a feed ({type(error).__name__})") from None
    if not parsed.entries and not parsed.get("version"):
        raise SourceError(f"is no feed but {document.content_type.partition(';')[0] or 'something else'}")
    language = parsed.feed.get("language") or None
    # an entry of Atom without an author is by that of the feed; in RSS nobody says so
    writer = _author(parsed.feed) if str(parsed.get("version")).startswith("atom") else ""
    posts = [_post(entry, document, platform, (language, writer)) for entry in parsed.entries]
    # most feeds put the newest first: turned, the sort leaves equal times in the order in which they were written
    posts.reverse()
    posts.sort(key=lambda post: post.time)
    harmless = feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    whole = not parsed.bozo or isinstance(parsed.get("bozo_exception"), harmless)
    return Feed(tuple(posts), whole, _ttl(str(parsed.feed.get("ttl") or "")))


def _ttl(minutes: str) -> float:
    """Return the seconds that `<ttl>` means.

    >>> _ttl("60"), _ttl("soon"), _ttl("-5")
    (3600.0, 0.0, 0.0)
    """
    return 60.0 * int(minutes) if minutes.strip().isascii() and minutes.strip().isdigit() and len(minutes) < 9 else 0.0


def _post(entry: Mapping[str, Any], document: Document, platform: str, otherwise: tuple[str | None, str]) -> Post:
    """Return what an entry says; `otherwise` are language and author where it names none."""
    language, writer = otherwise
    title = _text(entry.get("title_detail") or {})
    content, text = _content(entry)
    name = _author(entry) or writer
    link = _link(entry)
    target = unwrap(link)
    return Post(
        platform=platform,
        # a result of Google Alerts is known by its page: a mail may tell of it too
        id=_identity(entry, document.home, title, text) if target == link else _short(target),
        time=_time(entry) or document.seen,
        text=(text or title)[:LONGEST_TEXT],
        title=title if text and title else None,
        lang=content.get("language") or language,
        author=Author(name=name) if name else None,
        url=target or None,
        media=True if any(_is_media(one) for one in entry.get("enclosures") or ()) else None,
    )


def _author(of: Mapping[str, Any]) -> str:
    return _whole((of.get("author_detail") or {}).get("name") or of.get("author"))


def _content(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return the first of its contents and its summary that says something, and what."""
    given = (*(entry.get("content") or ()), entry.get("summary_detail") or {})
    found = ((one, _text(one)) for one in given)
    return next(((one, text) for one, text in found if text), (given[0], ""))


def _link(entry: Mapping[str, Any]) -> str:
    """Return where an entry leads: not to who counts its readers, and of a bare episode to what is heard."""
    heard = (one.get("href") for one in entry.get("enclosures") or ())
    given = (entry.get("feedburner_origlink"), entry.get("link"), *heard)
    return _whole(next(filter(None, given), "")).strip()


def _is_media(enclosure: Mapping[str, Any]) -> bool:
    return str(enclosure.get("type")).startswith(("image/", "audio/", "video/"))


def _text(detail: Mapping[str, Any]) -> str:
    value = _whole(detail.get("value"))
    return plain(value) if "html" in str(detail.get("type")) else value.strip()


def _time(entry: Mapping[str, Any]) -> datetime | None:
    for field in ("published_parsed", "updated_parsed", "created_parsed"):
        if (written := entry.get(field)) is not None:
            try:
                return datetime.fromtimestamp(calendar.timegm(written), UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _identity(entry: Mapping[str, Any], home: str, title: str, text: str) -> str:
    """Return an id that no other feed gives: a guid that is a bare number is made the host's own."""
    guid = _whole(entry.get("id")).strip()
    link = _whole(entry.get("link"))
    if not guid:
        return _hash(f"{link}\n{title}" if link or title else text)
    universal = "://" in guid or guid.startswith(_UNIVERSAL)
    name = guid if universal else f"{urlsplit(home).hostname}:{guid}"
    return _short(name)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_ID else _hash(name)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _real(found: re.Match[bytes]) -> bytes:
    """Return a numeric character reference as it is, or the mark of what is no character where there is none."""
    digits, base = (found[1], 16) if found[1] else (found[2], 10)
    code = int(digits, base) if len(digits) < 9 else _LAST_LETTER + 1
    return b"&#xFFFD;" if code > _LAST_LETTER or 0xD800 <= code <= 0xDFFF else found[0]


def _whole(value: Any) -> str:
    """Return a text of feedparser's without halves of characters, which nothing after it can write."""
    return _HALVES.sub("\ufffd", str(value or ""))


def _short_names(look: Callable[..., None]) -> Callable[..., None]:
    """Return feedparser's look at an author for an address, of a name of ordinary length.

    The time it takes grows with the square of the name, 40 seconds at 100,000 letters, and no thread runs meanwhile.
    """

    def looking(parser: Any, key: str = "author") -> None:
        context = parser._get_context()
        if isinstance(context.get(key), str):
            context[key] = context[key][:LONGEST_NAME]
        look(parser, key)

    return looking


def _dated(written: str) -> tuple[int, ...] | None:
    """Return a date as feedparser holds one, or nothing: then its own ways of reading dates are tried."""
    found = read_date(written)
    return tuple(found.utctimetuple()) if found else None


feedparser.registerDateHandler(_dated)
feedparser.mixin._FeedParserMixin._sync_author_detail = _short_names(
    feedparser.mixin._FeedParserMixin._sync_author_detail
)
