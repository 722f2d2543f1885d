"""Answers of platforms that somebody has recorded, read as posts: a file of them is told by its first line.

Known are X (pages and streams of its API, what twarc makes of them, and API 1.1), Mastodon's statuses, Jetstream's
frames, Reddit's listings and archives, YouTube's comment threads and videos. What says something else than a post, such
as a like or a deletion, is passed over.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import to_json

from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.writtentime import read_time
from agents.ingest.platforms import bluesky, mastodon, reddit, x, youtube
from agents.ingest.platforms.fault import read_as
from agents.ingest.platforms.payload import count, group, name, rows, text
from agents.ingest.platforms.x_links import written_out
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Event, Post

Found = Iterator[Event | InvalidMessage | None]
Reader = Callable[[Any], Found]
_SOURCE = "recorded"
_THEN = datetime(1970, 1, 1, tzinfo=UTC)
"""When it was seen, which nobody knows."""
_RESOURCES = ("youtube#comment", "youtube#commentThread", "youtube#video")


def is_payload(value: Any) -> bool:
    """Tell whether `value` is what a platform answers, and no post in the replay line format."""
    return _reader(value) is not None


def posts_of(value: Any) -> Iterator[Post | InvalidPost]:
    """Yield the posts that a recorded answer holds, and what in it is meant to be one and is none."""
    reader = _reader(value)
    if reader is None:
        yield InvalidPost("wrong-type", "this is no answer of a platform, as the first line of the file is")
        return
    for found in _each(reader, [value]):
        if isinstance(found, InvalidMessage):
            yield InvalidPost(found.reason, found.detail)
        elif found is not None:
            yield Post.model_validate({field: getattr(found, field) for field in Post.model_fields})


def _reader(value: Any) -> Reader | None:
    if not isinstance(value, dict) or "platform" in value:
        return None
    return next((reader for fits, reader in _KNOWN if fits(value)), None)


def _each(reader: Reader, answers: list[Any]) -> Found:
    """Yield what each answer holds; one that cannot be read holds up no other."""
    for answer in answers:
        try:
            yield from reader(answer)
        except InvalidMessage as fault:
            yield fault


def _x_page(value: Any) -> Found:
    data = value["data"]
    page = {**value, "data": data if isinstance(data, list) else [data]}
    yield from x.read_page(page, x.Seen(_SOURCE, _THEN))


def _x_flat(value: Any) -> Found:
    """Read a post in which stands what it refers to, as twarc writes it."""
    referred = [one for one in rows(value, "referenced_tweets") if "text" in group(one)]
    users = [one for one in (group(value, "author"), *(group(one, "author") for one in referred)) if one]
    yield x.read_post(value, {"users": users, "tweets": referred}, x.Seen(_SOURCE, _THEN))


def _x_old(value: Any) -> Found:
    """Read a post of API 1.1, whose long texts stand in one of two other places."""
    with read_as("a post of API 1.1"):
        passed_on, user = group(value, "retweeted_status"), value["user"]
        whole = passed_on or value
        long = group(whole, "extended_tweet") or whole
        said = text(long, "full_text", "text")
        counts = {"likes": count(whole.get("favorite_count")), "shares": count(whole.get("retweet_count"))}
        yield Event(
            platform=x.PLATFORM,
            id=name(value, "id_str", "id"),
            time=read_time(text(value, "created_at")) or x.time_of(name(value, "id_str", "id"), _THEN),
            text=written_out(said, group(long, "entities")),
            lang=value.get("lang"),
            author={
                "id": name(user, "id_str", "id"),
                "name": user["screen_name"],
                "followers": user.get("followers_count"),
                "verified": user.get("verified") is True,
                "created": read_time(text(user, "created_at")),
            },  # type: ignore[arg-type]
            url=f"https://x.com/{user['screen_name']}/status/{name(value, 'id_str', 'id')}",
            metrics={metric: found for metric, found in counts.items() if found is not None},
            in_reply_to=name(value, "in_reply_to_status_id_str", "in_reply_to_status_id") or None,
            repost_of=name(passed_on, "id_str", "id") or None,
            quote_of=name(value, "quoted_status_id_str", "quoted_status_id") or None,
            source=_SOURCE,
            seen=_THEN,
        )


def _status(value: Any) -> Found:
    with read_as("a status"):
        host = urlsplit(text(value, "uri")).hostname or "unknown"
    item = mastodon.read_status(value, mastodon.Seen(_SOURCE, _THEN, host), {}).item
    yield None if isinstance(item, mastodon.Passed) else item


def _frame(value: Any) -> Found:
    item = bluesky.read_frame(to_json(value), bluesky.Seen(_SOURCE, _THEN)).item
    yield None if isinstance(item, Deletion) else item


def _thing(value: Any) -> Found:
    item = reddit.read_thing(value, reddit.Seen(_SOURCE, _THEN)).item
    yield None if isinstance(item, Deletion) else item


def _archived(value: Any) -> Found:
    """Read a thing as archives of Reddit hold it: without its kind."""
    return _thing({"kind": "t1" if "body" in value else "t3", "data": value})


def _listing(value: Any) -> Found:
    return _each(
        _thing, [child for child in rows(value, "data", "children") if group(child).get("kind") in ("t1", "t3")]
    )


def _resource(value: Any) -> Found:
    seen = youtube.Seen(_SOURCE, _THEN)
    match value["kind"]:
        case "youtube#commentThread":
            yield from youtube.read_thread(value, seen)
        case "youtube#comment":
            yield youtube.read_comment(value, seen)
        case _:
            yield youtube.read_video(value, seen)


def _resources(value: Any) -> Found:
    return _each(_resource, [item for item in rows(value, "items") if group(item).get("kind") in _RESOURCES])


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda value: all(given in value for given in names)


def _is_page(value: Mapping[str, Any]) -> bool:
    data = value.get("data")
    first = next(iter(data), None) if isinstance(data, list) else data
    return {"id", "text"} <= group(first).keys() and "kind" not in value


_KNOWN: tuple[tuple[Callable[[Mapping[str, Any]], bool], Reader], ...] = (
    (_has("did", "kind", "time_us"), _frame),
    (lambda value: str(group(value, "payload").get("$type")).startswith("network.bsky.jetstream"), _frame),
    (_has("uri", "account", "visibility", "content"), _status),
    (lambda value: value.get("kind") == "Listing", _listing),
    (lambda value: value.get("kind") in ("t1", "t3") and "data" in value, _thing),
    (lambda value: value.get("kind") in _RESOURCES, _resource),
    (lambda value: str(value.get("kind")).startswith("youtube#") and "items" in value, _resources),
    (_has("subreddit", "created_utc", "author", "id"), _archived),
    (_has("id_str", "user", "created_at"), _x_old),
    (_has("id", "text", "author_id"), _x_flat),
    (_is_page, _x_page),
)
"""By which fields an answer is told, and how it is read; the first that fits."""
