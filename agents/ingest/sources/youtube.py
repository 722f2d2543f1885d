"""YouTube: videos that a search finds, and the comments under them and under one's own channel.

    - {id: youtube, kind: youtube, key: "env:YOUTUBE_API_KEY", searches: ["acme"], channels: ["UCexample"]}

**Reads**: for each of `searches` the newest videos, and the comments under the latest of those that went on, every
`search_every`; the comments under all videos of `channels` every `every`. Replies come with their comment; those to an
old one are not seen. Only what a watch asks for goes on, unless `only` is `all`. What went on is asked for again every
`recheck` for 7 days: changed counts and texts are edits, what is gone is a deletion. (30 days are allowed.)

**Auth**: an API key of a Google Cloud project with the YouTube Data API v3 switched on.

**Limits**: a search is one of `searches_a_day` (100), anything else one of `units_a_day` (10,000), both until midnight
in California. What does not fit is not asked for; 403 `quotaExceeded` ends asking until that midnight. Since when there
are fifty new authors costs a unit.

**Cursor**: what was spent, when each search and thread was last read, and what went on lately.

**Guarantee**: at least once for what a search or a list of comments shows. A search is no complete list of new videos.
The first poll reads the videos of the last day and the newest page of comments.

**Gaps**: reported when more comments came between two polls than `pages` pages hold.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from agents import clock
from agents.ingest.budget import Budget
from agents.ingest.platforms.followed import Memory
from agents.ingest.platforms.youtube import (
    Seen,
    comments_query,
    found_ids,
    id_of,
    items_of,
    published_of,
    read_comment,
    read_video,
    state_of,
)
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Client
from agents.ingest.youtube.ages import Ages
from agents.ingest.youtube.quota import PAGE, Api, NoComments, NoSearch, Quotas, read_all
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Event, Gap, Heartbeat
from schemas.model import Duration
from schemas.topics import raw_topic

FOLLOWED = 25
"""Under so many of the latest videos found the comments are read."""
OVERLAP = timedelta(hours=1)  # a video enters the search some time after it was published
FIRST = timedelta(days=1)


class Config(Entry):
    """See the module."""

    key: Secret
    searches: tuple[str, ...] = ()
    channels: tuple[Annotated[str, Field(pattern=r"^UC[\w-]{1,30}$")], ...] = ()
    only: Literal["watched", "all"] = "watched"
    every: Annotated[Duration, Field(ge=1)] = 300.0
    search_every: Annotated[Duration, Field(ge=1)] = 1800.0
    recheck: Annotated[Duration, Field(ge=1, le=30 * 86400)] = 6 * 3600.0
    pages: Annotated[int, Field(ge=1, le=100)] = 10
    searches_a_day: Annotated[int, Field(ge=0)] = 100
    units_a_day: Annotated[int, Field(ge=0)] = 10_000
    api: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = "https://www.googleapis.com"


class Youtube(Source[Config]):
    """Polls searches and comments within two budgets, and asks again for what went on."""

    Config = Config
    platforms = ("youtube",)

    def prepare(self) -> None:
        """Read the key.

        Raises:
            ConfigError: there is none, or nothing is to be read.
        """
        config = self.config
        self._key = {"X-Goog-Api-Key": reveal(config.key)}
        if not config.searches and not config.channels:
            hint = "give `searches` or `channels`"
            raise ConfigError("has nothing to read", where=f"source {config.id}", hint=hint)
        searches, units = (
            Budget(day=config.searches_a_day, unit="searches"),
            Budget(day=config.units_a_day, unit="units"),
        )
        self._quotas = Quotas(searches, units)
        self._memory, self._ages = Memory(), Ages()

    def facts(self) -> dict[str, str | float]:
        """Tell what is left of both budgets today."""
        quotas = self._quotas
        spent: dict[str, str | float] = {"spent_day": quotas.spent.units.at(clock.now()).today, "spent_unit": "units"}
        return {"quota_left": quotas.units_left, "searches_left": quotas.searches_left, **spent}

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new at each poll; see `Source.run`."""
        self._memory = Memory.resume(checkpoint)
        self._quotas.resume(checkpoint.cursor if checkpoint else {})
        async with self._api() as api:
            while True:
                began = clock.seconds()
                try:
                    async for reading in self._round(api, began):
                        yield reading
                except SourceError as error:
                    if error.kind is FailureKind.BUDGET:
                        # what was spent is kept, so that a restart does not spend it again
                        yield self._heartbeat()
                    raise
                pause = self.config.every * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
                yield self._heartbeat()._replace(rest=pause)
                await asyncio.sleep(pause)

    async def _round(self, api: Api, began: float) -> Readings:
        async for reading in self._search_all(api, began):
            yield reading
        for channel in self.config.channels:
            async for reading in self._comments(api, {"allThreadsRelatedToChannelId": channel}, began):
                yield reading
        if self._is_due("followed", self.config.search_every, began):
            for video in self._memory.followed:
                async for reading in self._comments(api, {"videoId": video}, began):
                    yield reading
            self._memory = self._memory.did("followed", began)
        if self._is_due("recheck", self.config.recheck, began):
            async for reading in self._look_again(api):
                yield reading
            self._memory = self._memory.did("recheck", began)

    def _is_due(self, what: str, every: float, began: float) -> bool:
        return began - self._memory.times.get(what, 0.0) >= every

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the videos that the searches find from `start` to before `end`; comments have no such search."""
        async with self._api() as api:
            for query in self.config.searches:
                async for event in self._found(api, query, start, end, backfill=True):
                    if isinstance(event, Event) and event.time < end and self._wanted(event):
                        yield Reading(event)

    async def check(self) -> AsyncIterator[Step]:
        """Ask whether the key is taken, then for each channel; see `Source.check`."""
        async with self._api() as api:
            for name, what, query in (
                ("the key is taken", "videos", {"part": "id", "chart": "mostPopular", "maxResults": "1"}),
                *(
                    (f"the comments of {one}", "commentThreads", comments_query({"allThreadsRelatedToChannelId": one}))
                    for one in self.config.channels
                ),
            ):
                try:
                    await api.ask(what, query)
                    yield Step(name, ok=True)
                except (SourceError, ConfigError) as error:
                    yield Step(name, ok=False, detail=str(error))
                except NoComments:
                    yield Step(name, ok=False, detail="there is no such channel, or its comments are switched off")

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[Api]:
        async with Client(self.config.id, self.config.api, headers=self._key) as client:
            yield Api(client, self._quotas)

    async def _search_all(self, api: Api, began: float) -> Readings:
        every = self.config.search_every
        for query in (one for one in self.config.searches if self._is_due(f"search {one}", every, began)):
            try:
                async for reading in self._search(api, query, began):
                    yield reading
            except NoSearch:
                return

    async def _search(self, api: Api, query: str, began: float) -> Readings:
        last = self._memory.times.get(f"search {query}")
        now = clock.now()
        after = now - FIRST if last is None else datetime.fromtimestamp(last, now.tzinfo) - OVERLAP
        found: list[Event] = []
        async for event in self._found(api, query, after, None):
            if isinstance(event, Reading):
                yield event
            else:
                found.append(event)
        for event in await self._ages.told(api, self._new(found)):
            self._memory = self._memory.passed_on(event.id, state_of(event), began).follow(event.id, FOLLOWED)
            yield Reading(event, self._cursor())
        self._memory = self._memory.did(f"search {query}", began)

    async def _found(
        self, api: Api, query: str, after: datetime, before: datetime | None, *, backfill: bool = False
    ) -> AsyncGenerator[Event | Reading]:
        """Yield the videos that a search finds, oldest first, and what could not be read of them."""
        asked = {"part": "id", "type": "video", "order": "date", "q": query, "maxResults": str(PAGE)}
        asked["publishedAfter"] = f"{after:%Y-%m-%dT%H:%M:%SZ}"
        if before is not None:
            asked["publishedBefore"] = f"{before:%Y-%m-%dT%H:%M:%SZ}"
        answer = await api.ask("search", asked)
        names = read_all(found_ids, answer)
        seen = Seen(self.config.id, clock.now(), backfill)
        videos = await api.resources("videos", "snippet,statistics", names)
        for video in sorted(videos, key=published_of):
            try:
                yield read_video(video, seen)
            except InvalidMessage as error:
                yield self._buried(video, error)

    async def _comments(self, api: Api, of: dict[str, str], began: float) -> Readings:
        """Yield the comments under a video or a channel that are newer than those of the last poll, oldest first."""
        place = f"threads {next(iter(of.values()))}"
        last, query = self._memory.times.get(place), comments_query(of)
        found: list[Event] = []
        reached = False
        for _ in range(self.config.pages if last is not None else 1):
            try:
                answer = await api.ask("commentThreads", query)
            except NoComments:
                return
            for thread in read_all(items_of, answer):
                try:
                    events = await api.thread(thread, Seen(self.config.id, clock.now()), self._memory.known)
                except InvalidMessage as error:
                    yield self._buried(thread, error)
                    continue
                found += events
                # a thread that got a reply is not moved to the front, so a page more than what is new is read
                reached = reached or (last is not None and events[0].time.timestamp() < last)
            if reached or not answer.get("nextPageToken"):
                reached = True
                break
            query |= {"pageToken": str(answer["nextPageToken"])}
        now = clock.now()
        if last is not None and not reached:
            since = datetime.fromtimestamp(last, now.tzinfo)
            reason = f"more comments came than {self.config.pages} pages hold"
            yield Reading(Gap(source=self.config.id, seen=now, since=min(since, now), until=now, reason=reason))
        for event in await self._ages.told(api, self._new(found)):
            self._memory = self._memory.passed_on(event.id, state_of(event), began)
            yield Reading(event, self._cursor())
        newest = max((event.time.timestamp() for event in found), default=0.0)
        self._memory = self._memory.did(place, max(newest, last or 1.0))

    async def _look_again(self, api: Api) -> Readings:
        """Yield what has changed of the videos and comments that went on, or is gone."""
        seen = Seen(self.config.id, clock.now())
        self._memory = self._memory.fresh(clock.seconds())
        videos = [name for name in self._memory.known if name in self._memory.videos]
        comments = [name for name in self._memory.known if name not in self._memory.videos]
        for what, part, names in (("videos", "snippet,statistics", videos), ("comments", "snippet", comments)):
            read = read_video if what == "videos" else read_comment
            found = {id_of(one): one for one in await api.resources(what, part, names)}
            for name in names:
                if name not in found:
                    self._memory = self._memory.without(name)
                    gone = Deletion(source=self.config.id, seen=seen.now, platform="youtube", id=name)
                    yield Reading(gone, self._cursor())
                    continue
                try:
                    event = read(found[name], seen, edited=True)
                except InvalidMessage:
                    continue
                if not self._memory.same(name, state_of(event)):
                    self._memory = self._memory.passed_on(name, state_of(event), None)
                    yield Reading(event, self._cursor())

    def _new(self, found: list[Event]) -> list[Event]:
        """Return what is wanted of `found` and did not go on yet, oldest first, each once."""
        new = {one.id: one for one in found if one.id not in self._memory.known and self._wanted(one)}
        return sorted(new.values(), key=lambda event: event.time)

    def _wanted(self, event: Event) -> bool:
        return self.config.only == "all" or self.asks.wants(event)

    def _cursor(self) -> dict[str, str]:
        return self._memory.cursor() | self._quotas.spent.cursor()

    def _heartbeat(self) -> Reading:
        now = clock.now()
        return Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._cursor())

    def _buried(self, value: Any, error: InvalidMessage) -> Reading:
        now = clock.now()
        where = {"topic": raw_topic("youtube"), "partition": 0, "offset": int(now.timestamp() * 1000)}
        return Reading(bury(repr(value).encode(), reason=error.reason, detail=error.detail, at=now, **where))
