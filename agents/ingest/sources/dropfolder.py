"""Files that people or programs put into a folder: posts by CSV or JSON Lines.

    - {id: xing-drop, kind: dropfolder, path: drop, after: move}

**Reads**: every `.jsonl`, `.ndjson`, `.csv` and `.tsv` file (also `.gz`, `.zip`) of a folder, relative to the sources
file, in the order of their names, once it has not changed for `settle` (2 s). Names that begin with a full stop or end
in `.tmp` or `.part` are somebody's half-written work and left alone. A line may be a post of any platform, see the
replay line; a table may be the export of another tool.

**Auth**: whoever may write into the folder.

**Limits**: looks every `every` (5 s). A longer line than 1 MiB is not read. 5,000 files may lie there.

**Cursor**: of each file how many lines have been read, with hashes of its name and its first line.

**Guarantee**: at least once. A file that grows is read on, another one under the same name from its beginning. With
`after: move` a file goes to the subfolder `done`, with `after: delete` it goes away, once the broker has acknowledged
all of it; with `after: leave` it stays. A line that is no post is written to earshot.dead with its number.

**Gaps**: none; what is taken away before it is read is not noticed.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import Field

from agents import clock
from agents.ingest.formats import replayfile
from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import Recorded, read_file
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Heartbeat
from schemas.model import Duration

SUFFIXES = tuple([name + packed for name in replayfile.SUFFIXES for packed in ("", ".gz", ".zip")])
DONE = "done"
MOST_FILES = 5_000
_log = structlog.get_logger("ingest.dropfolder")


class Config(Entry):
    """See the module."""

    path: Annotated[str, Field(min_length=1)]
    after: Literal["leave", "move", "delete"] = "leave"
    every: Annotated[Duration, Field(ge=0.1)] = 5.0
    settle: Duration = 2.0


class DropFolder(Source[Config]):
    """Follows a folder."""

    Config = Config
    _ignored = 0
    _waiting = 0

    @property
    def path(self) -> Path:
        """Where the folder is."""
        return self.settings.sources.parent / self.config.path

    def prepare(self) -> None:
        """Look whether the folder is there, and may be changed if it is to be.

        Raises:
            ConfigError: it is not.
        """
        if not self.path.is_dir():
            raise ConfigError("is no folder", where=str(self.path), hint="make it, or correct `path`")
        if self.config.after == "move":
            try:
                (self.path / DONE).mkdir(exist_ok=True)
            except OSError as error:
                raise ConfigError(f"cannot be made ({error.strerror})", where=str(self.path / DONE)) from error

    def facts(self) -> Mapping[str, str | float]:
        """Return how many files wait to be complete, and how many have names that say they hold no posts."""
        return {"files_waiting": float(self._waiting), "files_ignored": float(self._ignored)}

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what new files hold, for ever; see `Source.run`."""
        read = {name: told for name, told in (checkpoint.cursor if checkpoint else {}).items() if ":" in told}
        looked_at: dict[Path, tuple[int, int]] = {}
        while True:
            there = self._files()
            # what is gone is forgotten
            known = {_hash(path.name) for path in there}
            read = {name: told for name, told in read.items() if name in known}
            looked_at = {path: stamp for path, stamp in looked_at.items() if path in there}
            for path, stamp in there.items():
                if looked_at.get(path) == stamp:
                    continue
                async for reading in self._read(path, read):
                    if reading.cursor is not None:
                        read = dict(reading.cursor)
                    yield reading
                looked_at[path] = stamp
            now = clock.now()
            yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), read)
            await asyncio.sleep(self.config.every)

    async def check(self) -> AsyncIterator[Step]:
        """Count what is there."""
        names = ", ".join(path.name for path in list(self._files())[:3])
        yield Step("folder", ok=True, detail=f"{self.path}: {names or 'no file that could be read now'}")

    async def _read(self, path: Path, read: Mapping[str, str]) -> AsyncIterator[Reading]:
        """Yield what is new in a file, and put it away once all of it is acknowledged, if it is to be."""
        name = _hash(path.name)
        head, _, line = read.get(name, "").partition(":")
        loop = asyncio.get_running_loop()
        last: asyncio.Future[None] | None = None
        try:
            first = _head(path)
            done = int(line) if head == first and line.isdigit() else 0
            for recorded in _new(path, done):
                last = loop.create_future()
                cursor = {**read, name: f"{first}:{recorded.line}"}
                yield Reading(self._item(path, recorded), cursor, last)
        except ConfigError as error:
            # one file that cannot be read must not hold up the others
            _log.warning("a file is left alone", source=self.config.id, reason=str(error))
            return
        if last is not None:
            await last
        if self.config.after != "leave":
            self._put_away(path)

    def _item(self, path: Path, recorded: Recorded) -> Event | Dead:
        now = clock.now()
        match recorded.post:
            case InvalidPost() as fault:
                about = {"topic": f"dropfolder.{path.name}"[:200], "partition": 0, "offset": recorded.line, "at": now}
                return bury(recorded.raw, reason=fault.reason, detail=fault.detail, **about)
            case post:
                return Event.model_validate({**dict(post), "source": self.config.id, "seen": now})

    def _put_away(self, path: Path) -> None:
        try:
            if self.config.after == "delete":
                path.unlink()
            else:
                target = self.path / DONE / path.name
                stamp = f"{clock.now():%Y%m%dT%H%M%S%f}"
                # nothing that was put away before is written over
                path.rename(self.path / DONE / f"{stamp}-{path.name}" if target.exists() else target)
        except OSError as error:
            raise SourceError(f"a file cannot be put away ({error.strerror})") from error

    def _files(self) -> dict[Path, tuple[int, int]]:
        """Return the files that are complete, in the order of their names, each with what changes when it does.

        Raises:
            SourceError: the folder cannot be read, or there are too many of them.
        """
        try:
            found = [one for one in sorted(self.path.iterdir()) if one.is_file() and not one.name.startswith(".")]
            fit = [one for one in found if one.name.lower().endswith(SUFFIXES)]
            now = clock.seconds()
            about = {one: one.stat() for one in fit}
            settled = {one: told for one, told in about.items() if abs(now - told.st_mtime) >= self.config.settle}
        except OSError as error:
            raise SourceError(f"the folder cannot be read ({error.strerror})") from error
        if len(fit) > MOST_FILES:
            raise SourceError(f"more than {MOST_FILES} files lie in the folder: take some away, or set `after: move`")
        self._waiting = len(fit) - len(settled)
        self._ignored = len(found) - len(fit)
        return {path: (told.st_mtime_ns, told.st_size) for path, told in settled.items()}


def _new(path: Path, done: int) -> Iterator[Recorded]:
    return (recorded for recorded in read_file(path) if recorded.line > done)


def _head(path: Path) -> str:
    """Return a hash of the file's first line: the same file grows, another one begins differently."""
    first = next(read_file(path), None)
    return hashlib.sha256(first.raw if first else b"").hexdigest()[:8]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
