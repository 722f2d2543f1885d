"""What the notifications and posts of Threads mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.ingest.platforms.meta import Change, Ignored, Meaning
from agents.ingest.platforms.payload import group, moment, name, text
from schemas.event import Author, Deletion, Event

PLATFORM = "threads"
FIELDS = "id,text,username,permalink,timestamp,media_type,is_reply,is_quote_post,replied_to,root_post,"
FIELDS += "quoted_post,reposted_post,shortcode"


def read_change(change: Change, source: str, seen: datetime, own: str = "") -> Meaning:
    """Return what a change means; `own` is the account's own name, whose posts are none of ours."""
    if change.field == "delete":
        identity = name(change.value, "id")
        if not identity:
            return Ignored.NAMELESS
        return Deletion(source=source, seen=seen, platform=PLATFORM, id=identity)
    if change.field == "publish":
        return Ignored.OWN
    if change.field not in {"mentions", "replies"}:
        return Ignored.FIELD
    return read_post(change.value, source, seen, own)


def read_post(node: Any, source: str, seen: datetime, own: str = "") -> Event | Ignored:
    """Return the post, as a notification or the API gave it. Threads names authors and gives no id of them."""
    value = group(node)
    identity, called = name(value, "id"), text(value, "username")
    if not identity:
        return Ignored.NAMELESS
    if own and called.casefold() == own.casefold():
        return Ignored.OWN
    kind = text(value, "media_type")
    return Event(
        platform=PLATFORM,
        id=identity,
        time=moment(value.get("timestamp")) or seen,
        text=text(value, "text"),
        author=Author(name=called) if called else None,
        url=text(value, "permalink") or None,
        in_reply_to=name(group(value, "replied_to"), "id") or None,
        repost_of=_other(value, "reposted_post"),
        quote_of=_other(value, "quoted_post"),
        media=kind not in {"TEXT_POST", "REPOST_FACADE"} if kind else None,
        source=source,
        seen=seen,
    )


def _other(value: Mapping[str, Any], field: str) -> str | None:
    """Return the id of another post: it is told as an object, or as the id alone."""
    return name(group(value, field), "id") or name(value, field) or None
