"""What Instagram's notifications, media and comments mean. A mention tells ids only: what it says must be read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread
from agents.ingest.platforms.payload import count, group, moment, name, text
from schemas.event import Author, Event

PLATFORM = "instagram"
MEDIA_FIELDS = "id,caption,username,timestamp,permalink,media_type,like_count,comments_count"
COMMENT_FIELDS = "id,text,timestamp,username,from,like_count,parent_id"
MENTIONED_COMMENT_FIELDS = "id,text,timestamp,like_count,username,media{id,permalink}"


def read_change(change: Change, source: str, seen: datetime) -> Meaning:
    """Return what a change means; see `Meaning`. Instagram tells of no edits and of no deletions."""
    value = change.value
    if change.field == "mentions":
        comment, media = name(value, "comment_id"), name(value, "media_id")
        if comment:
            return Unread("mentioned_comment", comment, media)
        return Unread("mentioned_media", media) if media else Ignored.NAMELESS
    if change.field not in {"comments", "live_comments"}:
        return Ignored.FIELD
    return read_comment(value, source, seen, change.owner, group(value, "media"))


def read_comment(
    node: Any, source: str, seen: datetime, owner: str, media: Mapping[str, Any] | None = None
) -> Event | Ignored:
    """Return a comment, as a notification or the Graph API gave it, on `media`."""
    value = group(node)
    media = media or group(value, "media")
    identity, author = name(value, "id"), _author(value)
    if not identity:
        return Ignored.NAMELESS
    if author and author.id and author.id == owner:
        return Ignored.OWN
    likes = count(value.get("like_count"))
    return Event(
        platform=PLATFORM,
        id=identity,
        time=moment(value.get("timestamp")) or moment(value.get("created_time")) or seen,
        text=text(value, "text"),
        author=author,
        url=text(media, "permalink") or None,
        in_reply_to=name(value, "parent_id") or name(media, "id") or None,
        metrics=None if likes is None else {"likes": likes},
        source=source,
        seen=seen,
    )


def read_media(node: Any, source: str, seen: datetime) -> Event | Ignored:
    """Return the picture or film that the Graph API gave: its caption is the text."""
    value = group(node)
    identity = name(value, "id")
    if not identity:
        return Ignored.NAMELESS
    counts = {"likes": count(value.get("like_count")), "comments": count(value.get("comments_count"))}
    return Event(
        platform=PLATFORM,
        id=identity,
        time=moment(value.get("timestamp")) or seen,
        text=text(value, "caption"),
        author=_author(value),
        url=text(value, "permalink") or None,
        metrics={key: found for key, found in counts.items() if found is not None} or None,
        media=True,
        source=source,
        seen=seen,
    )


def _author(value: Mapping[str, Any]) -> Author | None:
    found = group(value, "from")
    identity, called = name(found, "id"), text(found, "username") or text(value, "username")
    return Author(id=identity or None, name=called or None) if identity or called else None
