"""Recorded posts from a file, at a chosen speed, with the time that passed between them.

    - {id: crisis, kind: replay, path: crisis.jsonl, speed: 43200, max_pause: 2s}

**Reads**: a file of JSON Lines (`.jsonl`, one post a line in the replay line format), one JSON list, or CSV (`.csv`,
with a header, in our columns or those of an export), each also as `.gz` or `.zip`. `path` is relative to the sources
file. `speed` 1 is as it happened, 60 an hour a minute, 0 as fast as it can be written; between two posts it never waits
longer than `max_pause`. Every minute that passes between posts, and a day after the last, is marked, so that a worker
with EARSHOT_CLOCK=events lets time pass as it did then.

**Auth**: none.

**Limits**: none. A longer line than 1 MiB is not read.

**Cursor**: the number of the last line that was acknowledged, with a hash of the file's first line; another file
under the same name is read from its beginning, lines that were added are read on.

**Guarantee**: at least once, in the order of the file, in one partition. A line that is no post is written to
earshot.dead with its number and the reason. The posts lie in earshot.raw.other, whatever their platform, for a week.

**Gaps**: none.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from agents import clock
from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import Recorded, read_file
from agents.ingest.source import Entry, Reading, Readings, Source
from agents.ingest.source import Step as Checked
from pipeline.offline.replay import with_ticks
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import ConfigError
from schemas.event import Event, Heartbeat, Post
from schemas.model import Duration

NAP = 0.01
"""Seconds below which a pause is saved up: a timer is no more exact than that."""


class Config(Entry):
    """See the module; `speed` is how many times faster than it happened."""

    path: Annotated[str, Field(min_length=1)]
    speed: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    max_pause: Duration = 2.0


class Step(NamedTuple):
    """What comes next: a post or a fault with its line, or a minute that passed; `line` is the last one read before."""

    item: Post | InvalidPost | datetime
    line: int
    raw: bytes = b""


class Replay(Source[Config]):
    """Reads one file once."""

    Config = Config
    ordered = True

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.settings.sources.parent / self.config.path

    def prepare(self) -> None:
        """Look into the file.

        Raises:
            ConfigError: it is not there, cannot be read or holds nothing.
        """
        if next(read_file(self.path), None) is None:
            raise ConfigError("the file is empty", where=str(self.path), hint="a replay needs at least one post")

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what comes after the checkpoint; see `Source.run`."""
        head = _head(self.path)
        cursor = checkpoint.cursor if checkpoint else {}
        done = int(cursor.get("line", "0")) if cursor.get("head") == head else 0
        finished = done and "finished" in cursor
        pace = Pace(self.config.speed, self.config.max_pause)
        line = 0
        # what was read before is read again, though not delivered: only so are the minutes marked as the first time
        for step in steps(read_file(self.path)):
            if step.line < done or (step.line == done and not isinstance(step.item, datetime)):
                continue
            if step.line == done and finished:
                continue
            if not isinstance(step.item, InvalidPost):
                await pace.wait(step.item)
            line = max(line, step.line)
            yield Reading(self._deliver(step), {"line": str(line), "head": head})
        now = clock.now()
        last = {"line": str(max(line, done)), "head": head, "finished": "yes"}
        yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), last)

    async def check(self) -> AsyncIterator[Checked]:
        """Read the file through."""
        faults = posts = late = 0
        latest: datetime | None = None
        for one in read_file(self.path):
            if isinstance(one.post, InvalidPost):
                faults += 1
                continue
            posts += 1
            latest = max(latest or one.post.time, one.post.time)
            late += (latest - one.post.time).total_seconds() > self.settings.lateness
        yield Checked("file", ok=posts > 0, detail=f"{posts} posts, {faults} lines that are none")
        if late:
            said = f"{late} posts come long after newer ones and would alert nobody: sort the file by time"
            yield Checked("order", ok=False, detail=said)

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of that time, at once and without the time between them; see `Source.backfill`."""
        for one in read_file(self.path):
            if isinstance(one.post, Post) and start <= one.post.time < end:
                about = {"source": self.config.id, "seen": clock.now(), "backfill": True}
                yield Reading(Event.model_validate({**dict(one.post), **about}))
                await asyncio.sleep(0)

    def _deliver(self, step: Step) -> Event | Heartbeat | Dead:
        """Return what a step is on the wire; it is seen now, whenever it happened."""
        now = clock.now()
        match step.item:
            case Post() as post:
                return Event.model_validate({**dict(post), "source": self.config.id, "seen": now})
            case datetime() as minute:
                return Heartbeat(source=self.config.id, seen=now, at=minute, clock=True)
            case InvalidPost() as fault:
                about = {"topic": self.path.name, "partition": 0, "offset": step.line, "at": now}
                return bury(step.raw, reason=fault.reason, detail=fault.detail, **about)


def steps(recorded: Iterator[Recorded]) -> Iterator[Step]:
    """Yield what a file holds together with the minutes that passed, each with its line."""
    read: deque[Recorded] = deque()

    def posts() -> Iterator[Post]:
        for one in recorded:
            read.append(one)
            if isinstance(one.post, Post):
                yield one.post

    line = 0
    for item in with_ticks(posts()):
        # the clock may have read on by a post; the faults before it are told first
        while read and isinstance(read[0].post, InvalidPost):
            fault = read.popleft()
            line = fault.line
            yield Step(fault.post, line, fault.raw)
        if isinstance(item, Post):
            line = read.popleft().line
        yield Step(item, line)
    for fault in read:
        yield Step(fault.post, fault.line, fault.raw)


def _head(path: Path) -> str:
    """Return a hash of the file's first line: the same file grows, another one begins differently."""
    first = next(read_file(path), None)
    return hashlib.sha256(first.raw if first else b"").hexdigest()[:16]


class Pace:
    """Lets as much time pass as the recording says, divided by `speed`, and at most `longest` between two posts."""

    def __init__(self, speed: float, longest: float) -> None:
        self._speed = speed
        self._longest = longest
        self._left = longest
        self._at: datetime | None = None
        self._due: float | None = None

    async def wait(self, item: Post | datetime) -> None:
        """Wait until it is time for `item`."""
        at = item.time if isinstance(item, Post) else item
        now = asyncio.get_running_loop().time()
        if self._at is None or self._due is None:
            self._at, self._due = at, now
        pause = (at - self._at).total_seconds() / self._speed if self._speed else 0.0
        pause = min(max(pause, 0.0), self._left)
        self._left = self._longest if isinstance(item, Post) else self._left - pause
        self._at = max(self._at, at)
        self._due += pause
        if self._due - now > NAP:
            await asyncio.sleep(self._due - now)
