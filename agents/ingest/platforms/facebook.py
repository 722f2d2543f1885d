"""What Facebook's notifications and posts mean. The time is always the post's own, never that of the notification."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread
from agents.ingest.platforms.payload import count, group, moment, name, text
from schemas.event import Author, Deletion, Edit, Event

PLATFORM = "facebook"
POST_FIELDS = "id,message,story,created_time,updated_time,from,permalink_url,shares,status_type,parent_id"
COMMENT_FIELDS = "id,message,created_time,from,permalink_url,like_count,comment_count,parent{id}"

_FIELDS = frozenset({"feed", "mention", "ratings"})
_POSTS = frozenset({"status", "post", "share", "link", "photo", "video", "album", "note", "event", "tag", "rating"})
_DONE = frozenset({"remove", "delete", "hide", "block"})
_CHANGED = frozenset({"edit", "edited", "update", "unhide", "unblock"})
_NEW = frozenset({"add"})


def read_change(change: Change, source: str, seen: datetime) -> Meaning:
    """Return what a change means: a post, its new state, its end, something to be read first, or why it is nothing."""
    value = change.value
    item = name(value, "item") or ("comment" if name(value, "comment_id") else "post")
    verb = name(value, "verb") or "add"
    if nothing := _ignored(change, item, verb):
        return nothing
    identity = _identity(value, item)
    if verb in _DONE:
        return Deletion(source=source, seen=seen, platform=PLATFORM, id=identity)
    author = author_of(value)
    if author and author.id and author.id == change.owner:
        return Ignored.OWN
    message = text(value, "message", "review_text")
    about = name(value, "post_id") if item == "comment" else ""
    if not message:
        # what has no words, such as a picture, says so when it is asked for
        return Unread(item if item == "comment" else "post", identity, about, verb in _CHANGED)
    kind = Edit if verb in _CHANGED else Event
    found = kind(
        platform=PLATFORM,
        id=identity,
        time=moment(value.get("created_time")) or seen,
        text=message,
        author=author,
        url=_url(value, identity, about),
        in_reply_to=(name(value, "parent_id") or about or None) if item == "comment" else None,
        media=True if item in {"photo", "video", "album"} else None,
        source=source,
        seen=seen,
    )
    return found if item == "comment" else found.model_copy(update=_shared(value, identity, message))


def _ignored(change: Change, item: str, verb: str) -> Ignored | None:
    reasons = (
        (change.field not in _FIELDS, Ignored.FIELD),
        (item in {"reaction", "like"}, Ignored.REACTION),
        (item != "comment" and item not in _POSTS, Ignored.ITEM),
        (not _identity(change.value, item), Ignored.NAMELESS),
        (verb not in _NEW | _CHANGED | _DONE, Ignored.VERB),
    )
    return next((reason for fits, reason in reasons if fits), None)


def read_post(node: Any, source: str, seen: datetime, owner: str) -> Event | Ignored:
    """Return the post that the Graph API gave."""
    value = group(node)
    shares = count(group(value, "shares").get("count"))
    found = _read(value, source, seen, owner, None, {} if shares is None else {"shares": shares})
    if isinstance(found, Ignored):
        return found
    return found.model_copy(update=_shared(value, found.id, text(value, "message")))


def read_comment(node: Any, source: str, seen: datetime, owner: str, about: str = "") -> Event | Ignored:
    """Return the comment that the Graph API gave; `about` is the post it belongs to."""
    value = group(node)
    counts = {"likes": count(value.get("like_count")), "comments": count(value.get("comment_count"))}
    metrics = {key: found for key, found in counts.items() if found is not None}
    return _read(value, source, seen, owner, name(group(value, "parent"), "id") or about or None, metrics)


def _read(
    value: Mapping[str, Any], source: str, seen: datetime, owner: str, parent: str | None, metrics: dict[str, float]
) -> Event | Ignored:  # fmt: skip
    identity = name(value, "id")
    if not identity:
        return Ignored.NAMELESS
    author = author_of(value)
    if author and author.id and author.id == owner:
        return Ignored.OWN
    return Event(
        platform=PLATFORM,
        id=identity,
        time=moment(value.get("created_time")) or seen,
        text=text(value, "message", "story"),
        author=author,
        url=_url(value, identity, ""),
        in_reply_to=parent,
        metrics=metrics or None,
        source=source,
        seen=seen,
    )


def _shared(value: Mapping[str, Any], identity: str, message: str) -> dict[str, str]:
    """Return of which post it is a share, where that is told: with words of its own it is a quote."""
    parent = name(value, "parent_id")
    return {"quote_of" if message else "repost_of": parent} if parent and parent != identity else {}


def author_of(value: Mapping[str, Any]) -> Author | None:
    """Return who wrote it, in whichever way that is told, or nobody: often it is not."""
    found = group(value, "from")
    identity = name(found, "id") or name(value, "sender_id", "reviewer_id")
    called = text(found, "name", "username") or text(value, "sender_name", "reviewer_name")
    return Author(id=identity or None, name=called or None) if identity or called else None


def _identity(value: Mapping[str, Any], item: str) -> str:
    if item == "comment":
        return name(value, "comment_id")
    return name(value, "post_id", "open_graph_story_id", "video_id", "photo_id", "album_id")


def _url(value: Mapping[str, Any], identity: str, about: str) -> str:
    written = text(value, "permalink_url") or text(group(value, "post"), "permalink_url")
    if written.startswith("/"):
        return f"https://www.facebook.com{written}"
    if written:
        return written
    return (
        f"https://www.facebook.com/{about}?comment_id={identity}" if about else f"https://www.facebook.com/{identity}"
    )
