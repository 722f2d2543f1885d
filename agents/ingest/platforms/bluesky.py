"""Bluesky as Jetstream tells of it: frames of its second wire and of its first, read as posts, edits and deletions.

A post's id is its AT-URI, `at://<did>/app.bsky.feed.post/<rkey>`. Its time is when Jetstream witnessed it: `createdAt`
is whatever the author's program wrote. The text has shortened links written out, since what a reader sees of a link is
often a part of it; below it stand the link of its card and how its pictures are described. An author is a DID;
Jetstream tells no handle and no counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic_core import from_json

from agents.ingest.platforms.fault import read_as
from agents.ingest.platforms.payload import group, in_lines, rows
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Edit, Event

POSTS = "app.bsky.feed.post"
GONE = frozenset({"deleted", "deactivated", "takendown", "suspended"})
"""States of an account in which nothing of it may be shown; `throttled` and `desynchronized` are the host's trouble."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX = "network.bsky.jetstream.subscribeEvents#"

_event = Event.__pydantic_validator__.validate_python
_edit = Edit.__pydantic_validator__.validate_python


@dataclass(frozen=True, slots=True)
class Seen:
    """For whom and when a frame is read: the source's id, our time, and whether somebody asked for the past."""

    source: str
    now: datetime
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame says.

    `seq` is its place in the log of the one host it came from, `micros` the portable one (microseconds since 1970);
    both are 0 for what has no place. `identity` is did/collection/rkey/rev and the same wherever and however often it
    is delivered. `error` ends the connection, `notice` is about the cursor that we gave.
    """

    seq: int = 0
    micros: int = 0
    identity: str = ""
    item: Event | Edit | Deletion | None = None
    error: str = ""
    notice: str = ""


def author_of(post: str) -> str:
    """Return the DID in the id of a post.

    >>> author_of("at://did:plc:abc/app.bsky.feed.post/3l3q")
    'did:plc:abc'
    """
    return post.removeprefix("at://").partition("/")[0]


def read_frame(data: str | bytes, seen: Seen) -> Frame:
    """Return what a text frame of either wire says.

    Raises:
        InvalidMessage: not-json, or wrong-type where a field is not what it must be.
    """
    try:
        frame = from_json(data)
    except ValueError:
        raise InvalidMessage("not-json", "the frame is not JSON") from None
    with read_as("a frame"):
        if "$type" not in frame:
            return _first_wire(frame, seen)
        if frame["$type"] == "error":
            return Frame(error=str(frame.get("error"))[:100])
        return _second_wire(frame["payload"], seen)


def _second_wire(payload: Any, seen: Seen) -> Frame:
    kind = payload["$type"].removeprefix(_PREFIX)
    if kind == "info":
        return Frame(notice=str(payload["name"])[:100])
    time = datetime.fromisoformat(payload["time"])
    witnessed = payload.get("witnessedAt")
    micros = to_micros(datetime.fromisoformat(witnessed) if witnessed else time)
    seq = int(payload["seq"])
    if kind == "commit":
        return _commit(payload, payload["did"], (seq, micros, time), seen)
    if kind == "account":
        return _account(payload["account"], payload["did"], (seq, micros, time), seen)
    return Frame(seq, micros, f"{payload['did']}/{kind}/{seq}")


def _first_wire(frame: Any, seen: Seen) -> Frame:
    micros = int(frame["time_us"])
    time = from_micros(micros)
    place = (0, micros, time)
    if frame["kind"] == "commit":
        return _commit(frame["commit"], frame["did"], place, seen)
    if frame["kind"] == "account":
        return _account(frame["account"], frame["did"], place, seen)
    return Frame(0, micros, f"{frame['did']}/{frame['kind']}/{micros}")


def _commit(commit: Mapping[str, Any], did: str, place: tuple[int, int, datetime], seen: Seen) -> Frame:
    seq, micros, time = place
    collection, rkey, operation = commit["collection"], commit["rkey"], commit["operation"]
    identity = f"{did}/{collection}/{rkey}/{commit['rev']}"
    if collection != POSTS:
        return Frame(seq, micros, identity)
    item: Event | Edit | Deletion
    if operation == "delete":
        item = Deletion(source=seen.source, seen=seen.now, platform="bluesky", id=f"at://{did}/{POSTS}/{rkey}")
    elif operation == "create":
        item = _event(_fields(commit["record"], did, rkey, time, seen))
    else:
        item = _edit(_fields(commit["record"], did, rkey, time, seen))
    return Frame(seq, micros, identity, item)


def _account(account: Mapping[str, Any], did: str, place: tuple[int, int, datetime], seen: Seen) -> Frame:
    seq, micros, _time = place
    gone = account["active"] is False and account.get("status") in GONE
    identity = f"{did}/account/{account.get('seq', micros)}"
    deletion = Deletion(source=seen.source, seen=seen.now, platform="bluesky", id=did, author=True) if gone else None
    return Frame(seq, micros, identity, deletion)


def _fields(record: Mapping[str, Any], did: str, rkey: str, time: datetime, seen: Seen) -> dict[str, Any]:
    """Return the fields of a post; what the lexicon does not say is the validator's to refuse."""
    embed = record.get("embed")
    reply = record.get("reply")
    langs = record.get("langs")
    card, media, quoted = _embedded(embed) if embed else (None, None, None)
    text = written_out(record["text"], record.get("facets") or ())
    if beside := _beside(group(embed)) if card or media else ():
        text = in_lines(text, *beside)
    fields: dict[str, Any] = {
        "platform": "bluesky",
        "id": f"at://{did}/{POSTS}/{rkey}",
        "time": time,
        "text": text,
        "author": {"id": did},
        "url": f"https://bsky.app/profile/{did}/post/{quote(rkey, safe=':~')}",
        "source": seen.source,
        "seen": seen.now,
        "backfill": seen.backfill,
    }
    if langs:
        fields["lang"] = langs[0]
    if reply:
        fields["in_reply_to"] = reply["parent"]["uri"]
    if card:
        fields["title"] = card
    if media:
        fields["media"] = True
    if quoted:
        fields["quote_of"] = quoted
    return fields


def _embedded(embed: Mapping[str, Any]) -> tuple[str | None, bool, str | None]:
    """Return the title of a link card, whether pictures or a video are shown, and the post that is quoted."""
    kind, quoted = embed.get("$type"), None
    if kind == "app.bsky.embed.record":
        return None, False, _quoted(embed["record"])
    if kind == "app.bsky.embed.recordWithMedia":
        quoted = _quoted(embed["record"]["record"])
        embed = embed["media"]
        kind = embed.get("$type")
    if kind == "app.bsky.embed.external":
        return str(embed["external"].get("title") or "") or None, False, quoted
    return None, kind in ("app.bsky.embed.images", "app.bsky.embed.video", "app.bsky.embed.gallery"), quoted


def _beside(embed: Mapping[str, Any]) -> list[Any]:
    """Return what is said beside the text: where a link card leads, and what pictures show."""
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        embed = group(embed, "media")
    link = group(embed, "external").get("uri")
    described = [group(one).get("alt") for one in (*rows(embed, "images"), *rows(embed, "items"))]
    return [link, embed.get("alt"), *described]


def _quoted(reference: Mapping[str, Any]) -> str | None:
    """Return the post that a record refers to; lists and feeds are embedded in the same way and are no posts."""
    uri = str(reference["uri"])
    return uri if f"/{POSTS}/" in uri else None


def written_out(text: str, facets: Any) -> str:
    """Return `text` with each link facet as its whole address; facets count in bytes of UTF-8.

    >>> feature = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/a/long/way"}
    >>> written_out("für example.org/a...", [{"index": {"byteStart": 5, "byteEnd": 21}, "features": [feature]}])
    'für https://example.org/a/long/way'
    """
    links = sorted(
        (facet["index"]["byteStart"], facet["index"]["byteEnd"], feature["uri"])
        for facet in facets
        for feature in facet["features"]
        if feature.get("$type") == "app.bsky.richtext.facet#link"
    )
    if not links:
        return text
    data, parts, done = text.encode("utf-8", "surrogatepass"), list[bytes](), 0
    for start, end, uri in links:
        # what overlaps, or points outside the text, is somebody's mistake and stays as it was written
        if done <= start < end <= len(data):
            parts += [data[done:start], uri.encode()]
            done = end
    return b"".join([*parts, data[done:]]).decode("utf-8", "replace")


def to_micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def from_micros(micros: int) -> datetime:
    """Return the moment that lies so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=micros)
