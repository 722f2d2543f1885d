"""What a reader of one Mastodon server remembers, and which of a server's streams and timelines belong together."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from agents.ingest.platforms.fault import read_as
from schemas.checkpoint import Checkpoint
from schemas.errors import InvalidMessage

LATE = timedelta(minutes=2)
"""A post from elsewhere gets its number by when it was written, not by when it arrived, so we look back so far."""
KEPT = 200
"""So many posts that went on are remembered across restarts: a deletion names nothing but the server's number."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: its `name`, what it is `about` (a tag), and the timeline that fills its gaps."""

    name: str
    tag: str = ""

    @property
    def key(self) -> str:
        """The name under which its place is kept."""
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def timeline(self) -> str:
        """The path of the timeline that holds the same posts."""
        if self.name == "hashtag":
            return f"api/v1/timelines/tag/{self.tag}"
        return "api/v1/notifications" if self.name == "user:notification" else "api/v1/timelines/public"

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The query that makes the timeline hold just what the stream does."""
        if self.name == "user:notification":
            return [("types[]", "mention")]
        return [("local", "true")] if self.name == "public:local" else []

    @property
    def events(self) -> str:
        """The path of the stream over SSE."""
        return f"api/v1/streaming/{self.name.replace(':', '/')}"

    @property
    def subscription(self) -> dict[str, str]:
        """The message that subscribes to it over a WebSocket."""
        order = {"type": "subscribe", "stream": self.name}
        return order | {"tag": self.tag} if self.tag else order


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a stream: `event` is update, status.update, delete or notification."""

    stream: str
    event: str
    payload: Any


def read_frame(data: str | bytes) -> Told | None:
    """Return what a WebSocket frame tells; nothing for a bare heartbeat.

    Raises:
        InvalidMessage: not-json, wrong-type, or refused where the server says that it does not take a subscription.
    """
    if not data.strip():
        return None
    frame = _load(data)
    with read_as("a frame"):
        if "error" in frame:
            raise InvalidMessage("refused", str(frame.get("status") or "")[:20])
        stream = [str(part) for part in frame["stream"]]
        return read_event(":".join(stream), str(frame["event"]), str(frame["payload"]))


def read_event(stream: str, event: str, data: str) -> Told:
    """Return what an event tells, whose `data` is JSON, or for a deletion a bare number.

    Raises:
        InvalidMessage: not-json.
    """
    return Told(stream, event, data.strip() if event == "delete" else _load(data))


def _load(data: str | bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidMessage("not-json", "a frame is no JSON, or nested too deeply") from None


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the reader stands in each stream, and which posts went on: the server's numbers and their uris."""

    last: dict[str, str]
    known: dict[str, str]
    heard: str = ""

    def saw(self, stream: str, local: str) -> "Memory":
        """Return the memory after the status with this number was seen in `stream`, be it passed over or not."""
        before = self.last.get(stream, "")
        newest = local if _order(local) > _order(before) else before
        return replace(self, last={**self.last, stream: newest}) if newest != before else self

    def passed_on(self, local: str, uri: str) -> "Memory":
        """Return the memory after the status went on."""
        kept = {**self.known, local: uri}
        return replace(self, known=dict(list(kept.items())[-5 * KEPT :]))

    def forgot(self, local: str) -> "Memory":
        """Return the memory without the status."""
        return replace(self, known={name: uri for name, uri in self.known.items() if name != local})

    def cursor(self) -> dict[str, str]:
        """Return the memory as a cursor of a checkpoint."""
        known = json.dumps(dict(list(self.known.items())[-KEPT:]), separators=(",", ":"))
        return {"known": known, "heard": self.heard} | {f"last.{name}": local for name, local in self.last.items()}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "Memory":
        """Return the memory that a checkpoint holds."""
        cursor = checkpoint.cursor if checkpoint else {}
        last = {name.removeprefix("last."): local for name, local in cursor.items() if name.startswith("last.")}
        return cls(last, json.loads(cursor.get("known", "{}")), cursor.get("heard", ""))


def _order(local: str) -> tuple[int, str]:
    """Return by what the numbers of a server are ordered: longer is later, since they only grow."""
    return len(local), local


def look_back(local: str) -> str:
    """Return the number from which to ask again after `local`: a little earlier, where numbers hold the time.

    >>> look_back("103270115826048975") == str(103270115826048975 - (120_000 << 16))
    True
    >>> look_back("01HZX3A")
    '01HZX3A'
    """
    if not local.isdecimal() or int(local) < 1 << 48:
        return local
    return str(int(local) - (int(LATE.total_seconds() * 1000) << 16))
