"""What a mail says as posts: by its JSON block where it has one, else by its HTML, else by its plain text."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agents.ingest.formats.plaintext import collapse, plain
from agents.ingest.formats.weblinks import host_of, unwrap
from agents.ingest.mail.html import Page, Piece, read_html
from agents.ingest.mail.letter import Body, Head
from agents.ingest.mail.rules import MailRule, compiled, found
from schemas.errors import InvalidMessage
from schemas.event import Author, Post

MOST_POSTS = 500
LONGEST_TEXT = 200_000
LONGEST_ID = 500
AHEAD = timedelta(hours=1)
"""A mail that says it is from later than it arrived has a wrong clock; it is of when it arrived."""


@dataclass(slots=True)
class Found:
    """One link of a mail with what stands beside it."""

    url: str
    title: str
    text: str = ""


def posts_of(rule: MailRule, head: Head, body: Body, arrived: datetime) -> list[Post]:
    """Return the posts of a mail that `rule` is about; `arrived` is when our server got it.

    Raises:
        InvalidMessage: `nothing-found`: the mail does not look as the rule says.
    """
    page = read_html(body.html) if body.html else Page((), ())
    at = head.date if head.date is not None and head.date <= arrived + AHEAD else arrived
    if rule.each == "mail":
        return [_whole(rule, head, body, page, at)]
    results = _merged(rule, _from_data(page)) or _merged(rule, _from_page(rule, page)) or _from_text(rule, body)
    if not results:
        raise InvalidMessage("nothing-found", f"no link of the mail is one that rule `{rule.name}` looks for")
    return [_of_link(rule, result, at) for result in results[:MOST_POSTS]]


def _whole(rule: MailRule, head: Head, body: Body, page: Page, at: datetime) -> Post:
    """Return the post that a mail as a whole is about."""
    seen = "\n".join(piece.text for piece in page.pieces if piece.text)
    text = _cut(rule, collapse(body.text) or seen)
    said = found(rule.texts, text)
    named = found(rule.subjects, head.subject)
    name = (named.groupdict().get("author") if named else None) or head.name
    links = (unwrap(piece.href, rule.wrappings) for piece in page.pieces if piece.href)
    words = (word.strip("<>()[]\"',;") for word in body.text.split())
    return Post(
        platform=rule.platform,
        id=head.message_id,
        time=at,
        title=head.subject or None,
        text=((said.groupdict().get("text") if said else None) or text or head.subject)[:LONGEST_TEXT].strip(),
        author=Author(name=name[:200]) if name else None,
        url=next((link for link in (*links, *words) if _counts(rule, link)), None),
    )


def _of_link(rule: MailRule, result: Found, at: datetime) -> Post:
    """Return the post that a link leads to: the same page has one name, whichever mail or feed tells of it."""
    name = result.url if len(result.url) <= LONGEST_ID else hashlib.sha256(result.url.encode()).hexdigest()[:32]
    text = result.text[:LONGEST_TEXT]
    title = result.title[:1000]
    return Post(
        platform=rule.platform, id=name, time=at, title=title if text else None, text=text or title, url=result.url
    )


def _from_data(page: Page) -> Iterator[Found]:
    """Yield the links of the JSON block, as Google Alerts writes it: several widgets on a card."""
    for widget in (one for data in page.data for card in _list(data, "cards") for one in _list(card, "widgets")):
        url, title, text = (widget.get(name) if isinstance(widget, dict) else None for name in _WIDGET)
        if isinstance(url, str) and isinstance(title, str):
            yield Found(url, _line(title), _line(text) if isinstance(text, str) else "")


_WIDGET = ("url", "title", "description")


def _list(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def _line(html: str) -> str:
    return " ".join(plain(html).split())


def _from_page(rule: MailRule, page: Page) -> Iterator[Found]:
    """Yield the links of the HTML that count, each with the texts up to the next one."""
    last: Found | None = None
    for piece in _before_end(rule, page):
        if not piece.href:
            if last is not None:
                last.text = f"{last.text}\n{piece.text}".strip()
        elif _counts(rule, url := unwrap(piece.href, rule.wrappings)):
            if last is not None and last.url != url:
                yield last
            if last is None or last.url != url:
                last = Found(url, piece.text)
            elif not last.title:
                last.title = piece.text
    if last is not None:
        yield last


def _before_end(rule: MailRule, page: Page) -> Iterator[Piece]:
    for piece in page.pieces:
        if not piece.href and (end := found(rule.ends, piece.text)):
            if rest := piece.text[: end.start()].strip():
                yield Piece(rest)
            return
        yield piece


def _from_text(rule: MailRule, body: Body) -> list[Found]:
    """Return the links of a mail without HTML: each with the lines before it since the last one."""
    results: list[Found] = []
    lines: list[str] = []
    for line in collapse(_cut(rule, body.text)).split("\n"):
        url = unwrap(line.strip("<> "), rule.wrappings)
        if not _counts(rule, url):
            lines.append(line)
        elif lines:
            results.append(Found(url, lines[0], "\n".join(lines[1:])))
            lines = []
    return results


def _merged(rule: MailRule, results: Iterator[Found]) -> list[Found]:
    """Return those that count, each address once: a picture and a title often lead to the same page."""
    by_url: dict[str, Found] = {}
    for result in results:
        url = unwrap(result.url, rule.wrappings)
        if not _counts(rule, url):
            continue
        known = by_url.setdefault(url, Found(url, result.title, result.text))
        known.title, known.text = known.title or result.title, known.text or result.text
    return [result for result in by_url.values() if result.title or result.text]


def _counts(rule: MailRule, url: str) -> bool:
    if not host_of(url) or any(compiled(one).search(url) for one in rule.not_links):
        return False
    return any(compiled(one).search(url) for one in rule.links)


def _cut(rule: MailRule, text: str) -> str:
    """Return `text` up to where the mail begins to speak of itself."""
    end = found(rule.ends, text)
    return text[: end.start()].strip() if end else text
