"""Google+, which ended in April 2019: its archives, read into the history that baselines and backtests use.

    - {id: plus, kind: googleplus, path: takeout.zip}

**Reads**: what Google Takeout gave (`Takeout/Google+ Stream/Posts/*.json`), and JSON of the interface that was kept
(`plus#activity`, `plus#activityFeed`): a folder, `.zip`, `.tgz` or `.json`, relative to the sources file. Public posts
only, and the comments on them as replies; oldest first. `earshot backtest --input takeout.zip` reads the same.

**Auth**: none.

**Limits**: an archive is in memory while it is read, about 1 KB a post, two million posts at most; of a file inside,
64 MiB.

**Cursor**: which files have been read, and how many posts of those that are being read.

**Guarantee**: at least once. All events are of the past (`backfill`): they enter the statistics and alert nobody. What
cannot be read is written to earshot.dead with the name of its file and the reason.

**Gaps**: none. What was shared with circles, collections or communities is left out, whoever could see it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agents import clock
from agents.ingest.formats.plusarchive import Fault, read_units, units
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import ConfigError
from schemas.event import Event, Heartbeat, Post

MOST_FILES = 50_000


class Config(Entry):
    """See the module."""

    path: Annotated[str, Field(min_length=1)]


class GooglePlus(Source[Config]):
    """Reads archives, and what is added to them."""

    Config = Config
    platforms = ("googleplus",)

    @property
    def path(self) -> Path:
        """Where the archive is."""
        return self.settings.sources.parent / self.config.path

    def prepare(self) -> None:
        """Look whether it is there.

        Raises:
            ConfigError: it is not, or has too many files.
        """
        found = units(self.path)
        if len(found) > MOST_FILES:
            raise ConfigError(f"holds more than {MOST_FILES} files", where=str(self.path), hint="pack it as one .zip")

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what has not been read of the archive, and finish; see `Source.run`."""
        cursor = checkpoint.cursor if checkpoint else {}
        done = set(cursor.get("done", "").split())
        names = {self._name(path): path for path in await asyncio.to_thread(units, self.path)}
        waiting = {name: path for name, path in names.items() if name not in done}
        batch = hashlib.sha256(" ".join(sorted(waiting)).encode()).hexdigest()[:12]
        posts, faults = await asyncio.to_thread(read_units, waiting.values())
        skipped = int(cursor.get("at", "0")) if cursor.get("batch") == batch else 0
        # what is gone is forgotten
        kept = " ".join(sorted(done & set(names)))
        if not skipped:
            for number, fault in enumerate(faults):
                yield Reading(self._dead(fault, number, batch))
        for at, post in enumerate(posts[skipped:], skipped + 1):
            yield Reading(self._event(post), {"done": kept, "batch": batch, "at": str(at)})
        now = clock.now()
        last = {"done": " ".join(sorted(names)), "batch": "", "at": "0"}
        yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), last)

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of that time; see `Source.backfill`."""
        posts, _ = await asyncio.to_thread(read_units, units(self.path))
        for post in posts:
            if start <= post.time < end:
                yield Reading(self._event(post))

    async def check(self) -> AsyncIterator[Step]:
        """Read the archive through."""
        posts, faults = await asyncio.to_thread(read_units, units(self.path))
        yield Step("archive", ok=bool(posts), detail=f"{len(posts)} public posts and comments, {len(faults)} faults")

    def _event(self, post: Post) -> Event:
        about = {"source": self.config.id, "seen": clock.now(), "backfill": True}
        return Event.model_validate({**dict(post), **about})

    def _dead(self, fault: Fault, number: int, batch: str) -> Dead:
        about = {"topic": f"googleplus.{batch}", "partition": 0, "offset": number, "at": clock.now()}
        return bury(b"", reason=fault.why.reason, detail=f"{fault.name}: {fault.why.detail}", **about)

    def _name(self, path: Path) -> str:
        """Return by what a file is known: another one under its name is read anew."""
        told = f"{path.relative_to(self.path.parent)}:{path.stat().st_size}"
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:10]
