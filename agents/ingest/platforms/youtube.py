"""YouTube's resources: videos as searches and lists carry them, and comments with their replies.

A video's id is its own; a comment's is the comment's (a reply's holds its parent's before a full stop).
"""

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.ingest.platforms.fault import read_as
from schemas.event import Edit, Event

WATCH = "https://www.youtube.com/watch?v="


@dataclass(frozen=True, slots=True)
class Seen:
    """For whom and when a resource is read."""

    source: str
    now: datetime
    backfill: bool = False


def found_ids(answer: Any) -> list[str]:
    """Return the videos of an answer of search.list, as it orders them.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a search result"):
        return [str(item["id"]["videoId"]) for item in answer["items"] if "videoId" in item["id"]]


def read_video(video: Any, seen: Seen, *, edited: bool = False) -> Event:
    """Return what a resource of videos.list says, an `Edit` if `edited`.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a video"):
        snippet, counts = video["snippet"], video.get("statistics") or {}
        title, text = snippet["title"], snippet.get("description") or ""
        model = Edit if edited else Event
        return model.model_validate(
            {
                "platform": "youtube",
                "id": video["id"],
                "time": datetime.fromisoformat(snippet["publishedAt"]),
                "text": text or title,
                "title": title if text else None,
                "lang": snippet.get("defaultAudioLanguage") or snippet.get("defaultLanguage"),
                "author": {"id": snippet["channelId"], "name": snippet.get("channelTitle")},
                "url": WATCH + video["id"],
                # a hidden count is not there, and no 0
                "metrics": _counts(counts, views="viewCount", likes="likeCount", comments="commentCount"),
                "media": True,
                "source": seen.source,
                "seen": seen.now,
                "backfill": seen.backfill,
            }
        )


def read_thread(thread: Any, seen: Seen) -> tuple[Event, ...]:
    """Return what a comment thread says: the comment, and those of its replies that came with it, oldest first.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a comment thread"):
        snippet = thread["snippet"]
        top = read_comment(snippet["topLevelComment"], seen, snippet.get("videoId"), snippet.get("totalReplyCount"))
        replies = (thread.get("replies") or {}).get("comments") or ()
        read = [read_comment(reply, seen, snippet.get("videoId")) for reply in replies]
        return (top, *sorted(read, key=lambda event: event.time))


def replies_left_out(thread: Any) -> bool:
    """Tell whether a thread has more replies than came with it: then comments.list has to be asked."""
    with read_as("a comment thread"):
        told = len((thread.get("replies") or {}).get("comments") or ())
        return int(thread["snippet"].get("totalReplyCount") or 0) > told


def read_comment(
    comment: Any, seen: Seen, video: str | None = None, replies: int | None = None, *, edited: bool = False
) -> Event:
    """Return what a comment of `video` says, an `Edit` if `edited`.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a comment"):
        snippet = comment["snippet"]
        watched = snippet.get("videoId") or video
        # textOriginal is there for the author alone, unless textFormat=plainText was asked for
        text = snippet.get("textOriginal") or html.unescape(snippet["textDisplay"])
        counts = _counts(snippet, likes="likeCount")
        if replies is not None:
            counts["comments"] = float(replies)
        model = Edit if edited else Event
        return model.model_validate(
            {
                "platform": "youtube",
                "id": comment["id"],
                "time": datetime.fromisoformat(snippet["publishedAt"]),
                "text": text,
                "author": {
                    "id": (snippet.get("authorChannelId") or {}).get("value"),
                    "name": snippet.get("authorDisplayName"),
                },
                "url": f"{WATCH}{watched}&lc={comment['id']}" if watched else None,
                "metrics": counts,
                "in_reply_to": snippet.get("parentId") or watched,
                "source": seen.source,
                "seen": seen.now,
                "backfill": seen.backfill,
            }
        )


def state_of(event: Event) -> str:
    """Return what tells a changed post from one that is as it was: its counts, and eight letters for its text.

    How many replies a comment has is told with its thread only, so it is no part of that.
    """
    told = sorted((name, count) for name, count in (event.metrics or {}).items() if name != "comments")
    counts = ",".join(f"{count:g}" for _name, count in told)
    return f"{counts}:{hashlib.sha256(event.text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def items_of(answer: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the items of an answer.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a list"):
        items = answer["items"]
        if not isinstance(items, list):
            raise TypeError
    yield from items


def reasons(answer: Any) -> frozenset[str]:
    """Return why YouTube refused, as far as it says so.

    >>> sorted(reasons({"error": {"errors": [{"reason": "quotaExceeded"}], "status": "RESOURCE_EXHAUSTED"}}))
    ['quotaExceeded']
    """
    error = answer.get("error") if isinstance(answer, dict) else None
    errors = error.get("errors") if isinstance(error, dict) else None
    listed = errors if isinstance(errors, list) else []
    return frozenset(str(one.get("reason"))[:60] for one in listed if isinstance(one, dict))


def comments_query(of: dict[str, str]) -> dict[str, str]:
    """Return what to ask commentThreads.list for the newest comments of a video or a channel, as plain text."""
    common = {"part": "snippet,replies", "order": "time", "maxResults": "100", "textFormat": "plainText"}
    return common | of


def published_of(video: Any) -> str:
    """Return when a video was published, as it is written: what sorts as text sorts by time."""
    try:
        return str(video["snippet"]["publishedAt"])
    except (TypeError, KeyError):
        return ""


def id_of(resource: Any) -> str:
    """Return the id of a resource, or nothing where it has none."""
    return str(resource.get("id", "")) if isinstance(resource, dict) else ""


def _counts(counts: Mapping[str, Any], **fields: str) -> dict[str, float]:
    """Return the counts that are there; YouTube writes them as texts."""
    return {ours: float(counts[theirs]) for ours, theirs in fields.items() if counts.get(theirs) is not None}
