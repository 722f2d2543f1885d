"""Bluesky: every public post of the network as Jetstream passes it on, filtered here by what the watches ask for.

    - {id: bluesky, kind: bluesky}

**Reads**: posts (`app.bsky.feed.post`), their edits and deletions, and accounts that are deleted, deactivated, taken
down or suspended. Only posts that a watch asks for go on, unless `only` is `all`; deletions, and edits that no watch
asks for, only of what went on before. No likes, no reposts, no counts, no handles.

**Auth**: none.

**Limits**: a reader that is too slow is sent away (`ConsumerTooSlow`) and goes on from where it was. A host that fails
is left for the next of `hosts`. `wire` is the second protocol of Jetstream (`v2`), its first (`v1`), or the second
where a host has it (`auto`).

**Cursor**: the host and its `seq`, the microsecond that holds on every host, and what came at that moment.

**Guarantee**: at least once, exactly from the cursor on for as long as a host remembers (36 hours at Bluesky's own). On
another host it goes on `overlap` earlier; what comes twice there has the same id.

**Gaps**: reported when a host has forgotten what we have not read. On the second wire it says so; on the first it says
nothing, and a beginning more than a minute after the cursor is taken for it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from agents import clock
from agents.ingest.platforms.bluesky import Frame, Seen, author_of, from_micros, read_frame, to_micros
from agents.ingest.platforms.jetstream import PATHS, TIMES, Opening, Place, Reader, Wire, opening
from agents.ingest.recall import Recall
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Client
from agents.ingest.web.stream import Socket
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Edit, Gap, Heartbeat
from schemas.model import Duration
from schemas.topics import raw_topic

BEAT = timedelta(seconds=5)
"""How often the cursor moves although nothing that is wanted was said."""
CAUGHT_UP = 5.0
"""Seconds of silence that end a back-fill: then the host has told all it knows."""

Host = Annotated[str, Field(pattern=r"^wss?://[^\s/]+$")]
PUBLIC = ("wss://jetstream.us-east.bsky.network", "wss://jetstream.us-west.bsky.network")


class Config(Entry):
    """See the module. `quiet` is how long the stream may say nothing before it is opened again."""

    hosts: Annotated[tuple[Host, ...], Field(min_length=1)] = PUBLIC
    only: Literal["watched", "all"] = "watched"
    wire: Literal["auto", "v2", "v1"] = "auto"
    overlap: Duration = 10.0
    quiet: Duration = 60.0


class Bluesky(Source[Config]):
    """Follows Jetstream, host after host."""

    Config = Config
    platforms = ("bluesky",)
    _turn = 0
    _old: frozenset[str] = frozenset()
    _behind = 0.0

    @cached_property
    def recall(self) -> Recall:
        """What went on to the broker."""
        return Recall(self.settings, "bluesky", author_of)

    def facts(self) -> dict[str, str | float]:
        """Tell which host is read, and how far behind its last event we are."""
        return {"host": self._host, "behind_seconds": round(self._behind, 1)}

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is wanted until the stream ends, which it does as an error; see `Source.run`."""
        place = Place.resume(checkpoint)
        try:
            async for reading in self._follow(self._opening(place), place):
                yield reading
        except SourceError as error:
            if error.kind is not FailureKind.RATE_LIMITED:
                self._turn += 1
            raise
        raise SourceError("the host closed the stream")

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield what was posted from `start` to before `end`, as far back as the host remembers; see `Source`."""
        place = Place(micros=to_micros(start))
        opened = Opening(self._host, self._wire(self._host), place.micros, until=to_micros(end))
        try:
            async for reading in self._follow(opened, place):
                yield reading._replace(cursor=None)
        except SourceError as error:
            if not isinstance(error.__cause__, TimeoutError):
                raise

    async def check(self) -> AsyncIterator[Step]:
        """Open the stream of every host; see `Source.check`."""
        for host in self.config.hosts:
            tried = f"open the stream of {host}"
            try:
                async with Client(self.config.id, host) as client:
                    opened = Opening(host, self._wire(host))
                    for _ in Wire:
                        try:
                            async with self._frames(client, opened):
                                yield Step(tried, ok=True, detail=f"it speaks {opened.wire}")
                        except SourceError as error:
                            opened = self._otherwise(error, opened, Place())
                            continue
                        break
            except (SourceError, ConfigError) as error:
                yield Step(tried, ok=False, detail=f"{error}; no credentials are needed, only the way there")

    @property
    def _host(self) -> str:
        return self.config.hosts[self._turn % len(self.config.hosts)]

    def _wire(self, host: str) -> Wire:
        return Wire.V1 if self.config.wire == "v1" or host in self._old else Wire.V2

    def _opening(self, place: Place) -> Opening:
        overlap = int(self.config.overlap * 1_000_000)
        return opening(place, self._host, self._wire(self._host), overlap, to_micros(clock.now()))

    def _frames(self, client: Client, opened: Opening) -> AbstractAsyncContextManager[Socket]:
        quiet = CAUGHT_UP if opened.until else self.config.quiet
        return client.frames(PATHS[opened.wire], quiet=quiet, params=opened.params())

    async def _follow(self, opened: Opening, place: Place) -> Readings:
        """Read a connection to its end; one that is refused is tried in another way, where there is one."""
        async with Client(self.config.id, opened.host) as client:
            while True:
                reader, answered = Reader(opened, place), False
                try:
                    async with self._frames(client, opened) as socket:
                        answered = True
                        async for reading in self._read(socket, reader, opened.until):
                            yield reading
                        return
                except _OtherArchive:
                    lost = "the host has another archive than before"
                    opened = replace(opened, cursor=place.micros, lost=lost)
                except SourceError as error:
                    if answered:
                        raise
                    opened = self._otherwise(error, opened, place)

    def _otherwise(self, error: SourceError, opened: Opening, place: Place) -> Opening:
        """Return how else to open what was refused.

        Raises:
            SourceError: there is no other way.
            ConfigError: the host does not understand what we ask.
        """
        if error.status in (404, 405) and opened.wire is Wire.V2 and self.config.wire == "auto":
            self._old |= {opened.host}
            return replace(opened, wire=Wire.V1, cursor=place.micros or opened.cursor)
        if error.status == 400 and 0 < opened.cursor < TIMES:
            # CursorTooOld; with a time the host begins at the oldest it has, and says so
            return replace(opened, cursor=place.micros, lost="the host has forgotten what came after our last post")
        if error.status == 400:
            raise ConfigError("the host does not understand what we ask (400)", hint="try another `wire` or `hosts`")
        raise error

    async def _read(self, socket: Socket, reader: Reader, until: int) -> Readings:
        beat = clock.now()
        async for data in socket:
            now = clock.now()
            try:
                frame = read_frame(data, Seen(self.config.id, now, bool(until)))
            except InvalidMessage as error:
                yield self._buried(data, error, reader, now)
                continue
            if frame.error:
                raise SourceError(f"the host ended the stream ({frame.error})", kind=FailureKind.SERVER)
            if frame.notice:
                if frame.notice == "FutureCursor":
                    raise _OtherArchive
                reader.told(frame.notice)
                continue
            if until and frame.micros >= until:
                return
            since = reader.place.micros
            if reader.missed(frame):
                yield Reading(self._gap(since, frame.micros, reader.lost, now))
            new = reader.take(frame)
            self._behind = max(0.0, now.timestamp() - frame.micros / 1_000_000)
            if new and self._goes_on(frame) and frame.item is not None:
                yield Reading(frame.item, reader.place.cursor())
            elif now - beat >= BEAT:
                beat = now
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), reader.place.cursor())

    def _goes_on(self, frame: Frame) -> bool:
        item = frame.item
        if isinstance(item, Deletion):
            return self.recall.may_hold(item.id)
        if item is None or not (self.config.only == "all" or self.asks.wants(item)):
            return isinstance(item, Edit) and self.recall.may_hold(item.id)
        self.recall.note(item.id)
        return True

    def _gap(self, since: int, until: int, reason: str, now: datetime) -> Gap:
        begin, end = from_micros(since), from_micros(max(since, until))
        return Gap(source=self.config.id, seen=now, since=begin, until=end, reason=reason)

    def _buried(self, data: str | bytes, error: InvalidMessage, reader: Reader, now: datetime) -> Reading:
        value = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        where = {"topic": raw_topic("bluesky"), "partition": 0, "offset": reader.place.seq or reader.place.micros}
        return Reading(bury(value, reason=error.reason, detail=error.detail, at=now, **where))


class _OtherArchive(Exception):
    """The host has never got as far as our seq: its archive is another one."""
