"""What archives of Google+ hold: posts of Takeout, and activities as its interface gave them until April 2019.

Only what was public is read. A post is known by the last part of its address, in both kinds of archive, so that the
same post in two of them is one.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from agents.ingest.formats.plaintext import plain
from schemas.errors import InvalidMessage
from schemas.event import Author, Post

PLATFORM = "googleplus"
LONGEST_TEXT = 200_000
PUBLIC = "CIRCLE_TYPE_PUBLIC"
_FEEDS = frozenset({"plus#activityFeed", "plus#commentFeed"})


def posts_in(data: Any) -> Iterator[Post]:
    """Yield the public posts and comments of one file of an archive, whichever kind it is.

    Raises:
        InvalidMessage: `not-googleplus`: it is none; or `wrong-type`: a post of it lacks what every post has.
    """
    if isinstance(data, list):
        for one in data:
            yield from posts_in(one)
        return
    kind = _text(data, "kind") if isinstance(data, dict) else ""
    if kind in _FEEDS:
        yield from posts_in(_list(data, "items"))
    elif kind == "plus#activity":
        yield from _activity(data)
    elif kind == "plus#comment":
        # on its own it does not say whether what it answers was public
        return
    elif isinstance(data, dict) and "creationTime" in data:
        yield from _takeout(data)
    else:
        raise InvalidMessage("not-googleplus", "neither a post of Takeout nor an activity")


def _takeout(data: dict[str, Any]) -> Iterator[Post]:
    circles = _list(_dict(_dict(data, "postAcl"), "visibleToStandardAcl"), "circles")
    if not any(isinstance(one, dict) and one.get("type") == PUBLIC for one in circles):
        return
    reshared, own = _dict(data, "resharedPost"), _html(data.get("content"))
    text = own or _html(reshared.get("content")) or _text(_dict(data, "link"), "title")
    name = _name(_text(data, "url"), _text(data, "resourceName"), data)
    yield _post(
        id=name,
        time=data.get("creationTime"),
        text=text,
        author=_author(_dict(data, "author"), "resourceName"),
        url=_text(data, "url") or None,
        metrics={
            "likes": len(_list(data, "plusOnes")),
            "comments": len(_list(data, "comments")),
            "shares": len(_list(data, "reshares")),
        },
        **_sharing(reshared, "resourceName", own),
        media="media" in data or "album" in data or None,
    )
    for comment in _list(data, "comments"):
        if isinstance(comment, dict) and comment.get("content"):
            yield _post(
                id=f"{name}#{_tail(_text(comment, 'resourceName')) or _hash(comment)}",
                time=comment.get("creationTime"),
                text=_html(comment.get("content")),
                author=_author(_dict(comment, "author"), "resourceName"),
                url=_text(data, "url") or None,
                in_reply_to=name,
            )


def _activity(data: dict[str, Any]) -> Iterator[Post]:
    seen_by = _list(_dict(data, "access"), "items")
    if not any(isinstance(one, dict) and one.get("type") == "public" for one in seen_by):
        return
    shown = _dict(data, "object")
    annotation = _html(data.get("annotation"))
    text = "\n".join(part for part in (annotation, _html(shown.get("content"))) if part)
    name = _name(_text(data, "url"), _text(data, "id"), data)
    shared = shown if data.get("verb") == "share" else {}
    counts = {"likes": "plusoners", "comments": "replies", "shares": "resharers"}
    totals = {key: _dict(shown, field).get("totalItems") for key, field in counts.items()}
    yield _post(
        id=name,
        time=data.get("published"),
        text=text or _text(data, "title"),
        author=_author(_dict(data, "actor"), "id"),
        url=_text(data, "url") or None,
        metrics={key: total for key, total in totals.items() if isinstance(total, int)},
        **_sharing(shared, "id", annotation),
        media=bool(_list(shown, "attachments")) or None,
    )
    for comment in _list(_dict(shown, "replies"), "items"):
        if isinstance(comment, dict) and comment.get("kind") == "plus#comment":
            yield _post(
                id=f"{name}#{_text(comment, 'id') or _hash(comment)}",
                time=comment.get("published"),
                text=_html(_dict(comment, "object").get("content")),
                author=_author(_dict(comment, "actor"), "id"),
                url=_text(data, "url") or None,
                in_reply_to=name,
            )


def _sharing(shared: dict[str, Any], field: str, own: str) -> dict[str, str]:
    """Return which post is shared: with words of one's own it is quoted."""
    return (
        {"quote_of" if own else "repost_of": _name(_text(shared, "url"), _text(shared, field), shared)}
        if shared
        else {}
    )


def _post(**fields: Any) -> Post:
    fields["text"] = fields["text"][:LONGEST_TEXT]
    if isinstance(fields["time"], str):
        # 2015-02-06 07:36:49+0100: the zone is part of it
        try:
            fields["time"] = datetime.fromisoformat(fields["time"])
        except ValueError:
            fields["time"] = None
    try:
        return Post.model_validate({"platform": PLATFORM, **fields})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidMessage("wrong-type", f"`{field}` of a post: {first['msg']}") from None


def _author(data: dict[str, Any], field: str) -> Author | None:
    identity, name = _tail(_text(data, field)), _text(data, "displayName")
    return Author(id=identity or None, name=name or None) if identity or name else None


def _name(url: str, other: str, data: dict[str, Any]) -> str:
    """Return by what a post is known: the last part of its address, as both kinds of archive have it."""
    return (_tail(url) if "/posts/" in url else "") or _tail(other) or _hash(data)


def _tail(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2][:200]


def _hash(data: dict[str, Any]) -> str:
    told = "\n".join(
        (
            _text(_dict(data, "author"), "displayName") or _text(_dict(data, "actor"), "displayName"),
            str(data.get("creationTime") or data.get("published")),
            str(data.get("content") or _dict(data, "object").get("content")),
        )
    )
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _html(value: Any) -> str:
    return plain(value) if isinstance(value, str) else ""


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _dict(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []
