"""Reddit's things: submissions (t3) and comments (t1) as listings carry them.

A post's id is its full name, such as `t3_hleyaa`. Somebody's deleted account shows as the author `[deleted]`, a
deleted or removed text as `[deleted]` or `[removed]`. Texts are as written: ask with `raw_json=1`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from agents.ingest.platforms.fault import read_as
from agents.ingest.platforms.payload import group, in_lines, offered, rows
from schemas.checkpoint import Checkpoint
from schemas.event import Deletion, Edit, Event

SITE = "https://www.reddit.com"
_EMPTY = frozenset({"[deleted]", "[removed]", "[removed by reddit]", "[ removed by reddit ]", "[deleted by user]"})


@dataclass(frozen=True, slots=True)
class Seen:
    """For whom and when a thing is read."""

    source: str
    now: datetime
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A thing of a listing. `edited` is when it was last edited (unix seconds), 0 for never."""

    name: str
    created: float
    edited: float
    item: Event | Deletion


def read_thing(thing: Any, seen: Seen, *, edited: bool = False) -> Told:
    """Return what a thing says: a post (an `Edit` if `edited`), or a deletion where nothing may be kept of it.

    Raises:
        InvalidMessage: wrong-type.
    """
    with read_as("a thing"):
        data = thing["data"]
        name = f"{thing['kind']}_{data['id']}"
        created, changed = float(data["created_utc"]), data.get("edited") or 0
        moment = (name, created, float(changed))
        if _is_gone(data):
            return Told(*moment, Deletion(source=seen.source, seen=seen.now, platform="reddit", id=name))
        model = Edit if edited else Event
        fields = _submission(data) if thing["kind"] == "t3" else _comment(data)
        item = model.model_validate(
            fields
            | {
                "platform": "reddit",
                "id": name,
                "time": datetime.fromtimestamp(created, UTC),
                "author": {"id": data.get("author_fullname"), "name": data["author"]},
                "url": SITE + data["permalink"] if data.get("permalink") else None,
                "source": seen.source,
                "seen": seen.now,
                "backfill": seen.backfill,
            }
        )
        return Told(*moment, item)


def number_of(name: str) -> int:
    """Return the number that a full name stands for: of two of one kind, the later has the greater.

    >>> number_of("t3_10") - number_of("t3_zz")
    -1259
    """
    with read_as("a full name"):
        return int(name.partition("_")[2], 36)


def _is_gone(data: Mapping[str, Any]) -> bool:
    """Tell whether the thing, or the account that wrote it, is deleted or was removed."""
    if data.get("author") in (None, "[deleted]") or data.get("removed_by_category") is not None:
        return True
    return any(str(data.get(said)).strip().lower() in _EMPTY for said in ("body", "selftext"))


def _submission(data: Mapping[str, Any]) -> dict[str, Any]:
    text, title = (data.get("selftext") or "").replace("&#x200B;", ""), data["title"]
    link = None if data.get("is_self", True) else data.get("url")
    # a shared link is a part of what was said, and so is what a poll offers and what stands below pictures
    answers = offered(group(option).get("text") for option in rows(data, "poll_data", "options"))
    captions = [group(one).get("caption") for one in rows(data, "gallery_data", "items")]
    spoken = in_lines(text, link, *answers, *captions)
    return {
        "text": spoken or title,
        "title": title if spoken else None,
        "metrics": _counts(data, likes="score", comments="num_comments"),
        **_crossposted(data),
        "media": True if data.get("is_video") or data.get("is_gallery") or data.get("post_hint") == "image" else None,
    }


def _crossposted(data: Mapping[str, Any]) -> dict[str, str]:
    """Return of what it is a crosspost: one under another title than the original's says something of its own."""
    parent, [original, *_] = data.get("crosspost_parent"), data.get("crosspost_parent_list") or [{}]
    if not parent:
        return {}
    return {"quote_of" if original.get("title", data["title"]) != data["title"] else "repost_of": parent}


def _comment(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "text": data["body"],
        "title": None,
        "metrics": _counts(data, likes="score"),
        "in_reply_to": data.get("parent_id") or data.get("link_id"),
    }


def _counts(data: Mapping[str, Any], **fields: str) -> dict[str, float]:
    return {ours: float(data[theirs]) for ours, theirs in fields.items() if data.get(theirs) is not None}


RING = 100
"""So many names of a listing are remembered: the newest alone may be deleted, and then nothing would be known."""
STORED = 2000
"""So many posts that went on are looked at again; of more, the oldest are not."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a reader remembers: the latest names of each listing, and what went on, to be looked at again.

    `stored` holds by name when a post went on and when it was last edited then (unix seconds).
    """

    rings: dict[str, tuple[str, ...]]
    stored: dict[str, tuple[float, float]]
    polled: str = ""
    checked: float = 0.0

    def saw(self, listing: str, name: str) -> "Memory":
        """Return the memory after `name` was read in `listing`."""
        ring = sorted({*self.rings.get(listing, ()), name}, key=number_of)
        return replace(self, rings={**self.rings, listing: tuple(ring[-RING:])})

    def passed_on(self, told: Told, now: float) -> "Memory":
        """Return the memory after a post went on, or did again."""
        kept = {**self.stored, told.name: (self.stored.get(told.name, (now, 0.0))[0], told.edited)}
        return replace(self, stored=dict(list(kept.items())[-STORED:]))

    def without(self, *names: str) -> "Memory":
        """Return the memory without the posts of these names."""
        return replace(self, stored={name: one for name, one in self.stored.items() if name not in names})

    def cursor(self) -> dict[str, str]:
        """Return the memory as a cursor of a checkpoint."""
        rings = {f"ring.{listing}": ",".join(names) for listing, names in self.rings.items()}
        stored = json.dumps(self.stored, separators=(",", ":"))
        return rings | {"stored": stored, "polled": self.polled, "checked": str(self.checked)}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "Memory":
        """Return the memory that a checkpoint holds."""
        cursor = checkpoint.cursor if checkpoint else {}
        rings = {
            name.removeprefix("ring."): tuple(names.split(","))
            for name, names in cursor.items()
            if name.startswith("ring.") and names
        }
        stored = {name: (seen, edited) for name, (seen, edited) in json.loads(cursor.get("stored", "{}")).items()}
        return cls(rings, stored, cursor.get("polled", ""), float(cursor.get("checked", "0")))
