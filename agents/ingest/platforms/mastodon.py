"""Mastodon's statuses, as its timelines, notifications and streams carry them.

The id of a post is its `uri`, which is the same whichever server tells of it; a server's own id of it is good for that
server only (that is how deletions come). The text is the HTML of the status read as a person sees it, with what a poll
asks and how its pictures are described; a content warning is its title.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from agents.ingest.formats.plaintext import plain
from agents.ingest.platforms.fault import read_as
from agents.ingest.platforms.payload import group, in_lines, moment, offered, rows
from schemas.event import Edit, Event

SHOWN = frozenset({"public", "unlisted"})
_QUOTED = "quote-inline"
"""The class of the line that names the quoted post, for programs that know of no quotes."""


class People(StrEnum):
    """Whose posts are read."""

    ALL = "all"
    """Everybody's public posts."""
    INDEXABLE = "indexable"
    """Not of those who asked search engines to stay away (`noindex`)."""
    DISCOVERABLE = "discoverable"
    """Only of those who asked to be found (`discoverable`)."""


class Passed(StrEnum):
    """Why a status is passed over."""

    NOT_PUBLIC = "not-public"
    NOT_ASKED_FOR = "author-does-not-want-to-be-found"


@dataclass(frozen=True, slots=True)
class Seen:
    """For whom and when a status is read. `host` is the server that told of it, `people` whose posts are wanted."""

    source: str
    now: datetime
    host: str
    people: People = People.INDEXABLE
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A status: the server's own id of it, and what it says or why it is passed over."""

    local: str
    item: Event | Edit | Passed


def read_status(status: Any, seen: Seen, parents: Mapping[str, str], *, edited: bool = False) -> Told:
    """Return what a status says; `parents` are the uris of statuses by the server's own ids, as far as known.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a status"):
        local = str(status["id"])
        if status["visibility"] not in SHOWN:
            return Told(local, Passed.NOT_PUBLIC)
        boosted = status.get("reblog")
        authors = (status["account"], boosted["account"]) if boosted else (status["account"],)
        if not all(_wanted(account, seen.people) for account in authors):
            return Told(local, Passed.NOT_ASKED_FOR)
        fields = _fields(status, boosted, seen)
        if (parent := status.get("in_reply_to_id")) is not None:
            fields["in_reply_to"] = _uri(parent, seen, parents)
        if not boosted:
            fields["quote_of"] = _quoted(status, seen, parents)
        model = Edit if edited else Event
        return Told(local, model.model_validate(fields))


def _uri(local: Any, seen: Seen, known: Mapping[str, str]) -> str:
    """Return the uri of the status with a server's own id, or what stands for it where the uri is not known."""
    return known.get(str(local)) or f"{seen.host}:{local}"


def _quoted(status: Mapping[str, Any], seen: Seen, known: Mapping[str, str]) -> str | None:
    """Return the status that is quoted (since Mastodon 4.4); in full it is there only if its author agrees."""
    quote = status.get("quote") or {}
    if whole := quote.get("quoted_status"):
        return str(whole["uri"])
    local = quote.get("quoted_status_id")
    return None if local is None else _uri(local, seen, known)


def _wanted(account: Mapping[str, Any], people: People) -> bool:
    if people is People.ALL:
        return True
    if people is People.DISCOVERABLE:
        return account.get("discoverable") is True and account.get("noindex") is not True
    return account.get("noindex") is not True


def _said(status: Mapping[str, Any]) -> str:
    """Return what people read: the text, the answers that a poll offers, the descriptions of what is attached."""
    content = status["content"]
    if status.get("quote"):
        content = _without_quoted(content)
    answers = offered(group(option).get("title") for option in rows(status, "poll", "options"))
    described = [group(one).get("description") for one in rows(status, "media_attachments")]
    return in_lines(plain(content), *answers, *described)


def _without_quoted(content: str) -> str:
    """Return the HTML without the paragraph that says which post is quoted.

    >>> _without_quoted('<p class="quote-inline">RE: <a href="https://a.example/1">a.example/1</a></p><p>Genau!</p>')
    '<p>Genau!</p>'
    """
    before, mark, after = content.partition(_QUOTED)
    begin = before.rfind("<")
    tag = before[begin + 1 :].partition(" ")[0]
    _, end, rest = after.partition(f"</{tag}>")
    return before[:begin] + rest if mark and end and tag in ("p", "span") else content


def _fields(status: Mapping[str, Any], boosted: Mapping[str, Any] | None, seen: Seen) -> dict[str, Any]:
    account = status["account"]
    spoken = boosted or status
    counts = {"likes": "favourites_count", "shares": "reblogs_count", "comments": "replies_count"}
    counts |= {"quotes": "quotes_count"}
    followers = account.get("followers_count")
    name = account["acct"]
    return {
        "platform": "mastodon",
        "id": status["uri"],
        "time": datetime.fromisoformat(status["created_at"]),
        "text": _said(spoken),
        "title": spoken.get("spoiler_text") or None,
        "lang": spoken.get("language"),
        "author": {
            # the address with its server is the same on every server; the number is not
            "id": name if "@" in name else f"{name}@{seen.host}",
            "name": account.get("display_name") or name,
            # some servers hide it behind -1
            "followers": followers if isinstance(followers, int) and followers >= 0 else None,
            "created": moment(account.get("created_at")),
        },
        # of a boost the server names what programs read
        "url": spoken.get("url") or status.get("url") or None,
        "metrics": {ours: float(spoken[theirs]) for ours, theirs in counts.items() if spoken.get(theirs) is not None},
        "repost_of": boosted["uri"] if boosted else None,
        "media": True if spoken.get("media_attachments") else None,
        "source": seen.source,
        "seen": seen.now,
        "backfill": seen.backfill,
    }
