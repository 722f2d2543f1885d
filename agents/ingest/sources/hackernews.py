"""Hacker News: stories and comments, by the search that anybody may use.

    - {id: hn, kind: hackernews, every: 1m}

**Reads**: `/api/v1/search_by_date` of hn.algolia.com (`url`), newest first, since the last post read. Without `queries`
it asks for everything, about ten posts a minute, and passes on what the watches ask for, decided as the worker does.
With `queries: ["Acme", "acme.com"]` it asks for each of these words instead and passes on what comes.

**Auth**: none.

**Limits**: the service allows 10,000 requests an hour and address; this asks once every `every` and query, and once
for each further thousand posts. Waits as long as Retry-After says.

**Cursor**: the time of the newest post, and the ids of those of the last `overlap` (10m): what the search shows late
is found all the same.

**Guarantee**: at least once for what the search shows within `overlap`. The first poll goes `first` (1d) back.

**Gaps**: none: after an outage it asks for all the time since. Edits and deletions are not told.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from agents import clock
from agents.ingest.platforms.hackernews import post_of
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Client
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import EarshotError, FailureKind, InvalidMessage, SourceError
from schemas.event import Event, Heartbeat
from schemas.model import Duration

PAGE = 1000
MOST_PAGES = 200
MOST_KNOWN = 5_000


class Config(Entry):
    """See the module."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]")] = "https://hn.algolia.com/api/v1"
    queries: tuple[str, ...] = ()
    every: Annotated[Duration, Field(ge=1)] = 60.0
    overlap: Duration = 600.0
    first: Duration = 86_400.0
    timeout: Duration = 30.0


@dataclass(frozen=True, slots=True)
class State:
    """The time of the newest post read (unix seconds), and when the posts of the last `overlap` were, by id."""

    newest: int
    known: dict[str, int] = field(default_factory=dict)

    def cursor(self) -> dict[str, str]:
        """Return the state as a cursor."""
        return {"newest": str(self.newest), "known": " ".join(f"{name}:{at}" for name, at in self.known.items())}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None, begin: int) -> "State":
        """Return the state that a checkpoint holds, or `begin`."""
        cursor = checkpoint.cursor if checkpoint else {}
        pairs = (one.partition(":") for one in cursor.get("known", "").split())
        return cls(int(cursor.get("newest", begin)), {name: int(at) for name, _, at in pairs if at.isdigit()})


class HackerNews(Source[Config]):
    """Polls the search."""

    Config = Config
    platforms = ("hackernews",)

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new at each poll, the oldest first; see `Source.run`."""
        state = State.resume(checkpoint, int(clock.seconds() - self.config.first))
        async with self._client() as client:
            while True:
                since, until = state.newest - int(self.config.overlap), int(clock.seconds()) + 3600
                hits = await self._search(client, since, until)
                for reading in self._news(state, hits):
                    yield reading
                state = self._after(state, hits)
                now = clock.now()
                pause = self.config.every * random.uniform(0.9, 1.1)  # noqa: S311
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), state.cursor(), rest=pause)
                await asyncio.sleep(pause)

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of that time; see `Source.backfill`."""
        async with self._client() as client:
            hits = await self._search(client, int(start.timestamp()) - 1, int(end.timestamp()))
            for reading in self._news(State(0), hits):
                if isinstance(reading.item, Event):
                    yield Reading(reading.item.model_copy(update={"backfill": True}))

    async def check(self) -> AsyncIterator[Step]:
        """Ask once for the last hour."""
        now = int(clock.seconds())
        async with self._client() as client:
            try:
                hits = await self._search(client, now - 3600, now)
            except EarshotError as error:
                yield Step("search", ok=False, detail=str(error))
            else:
                yield Step("search", ok=True, detail=f"{len(hits)} posts in the last hour")

    async def _search(self, client: Client, since: int, until: int) -> dict[str, Any]:
        """Return all hits between two times (exclusive, unix seconds), the oldest first, by their ids."""
        found: dict[str, Any] = {}
        for query in self.config.queries or ("",):
            before = until
            for _ in range(MOST_PAGES):
                hits = await self._page(client, query, since, before)
                found |= {str(hit.get("objectID")): hit for hit in hits}
                if len(hits) < PAGE:
                    break
                # a second may be cut in half by the page: it is asked for again
                oldest = min((_at(hit) for hit in hits), default=since) + 1
                before = oldest if oldest < before else oldest - 1
        return dict(sorted(found.items(), key=lambda pair: (_at(pair[1]), pair[0])))

    async def _page(self, client: Client, query: str, since: int, before: int) -> list[dict[str, Any]]:
        params = {
            "query": query,
            "tags": "(story,comment)",
            "numericFilters": f"created_at_i>{since},created_at_i<{before}",
            "hitsPerPage": str(PAGE),
        }
        answer = (await client.get("search_by_date", params)).json()
        hits = answer.get("hits") if isinstance(answer, dict) else None
        if not isinstance(hits, list):
            raise SourceError("the search answers without `hits`", kind=FailureKind.BROKEN_ANSWER)
        return [hit for hit in hits if isinstance(hit, dict)]

    def _news(self, state: State, hits: dict[str, Any]) -> Iterator[Reading]:
        now = clock.now()
        for name, hit in hits.items():
            if name in state.known:
                continue
            try:
                event = Event.model_validate({**dict(post_of(hit)), "source": self.config.id, "seen": now})
            except InvalidMessage as fault:
                yield Reading(self._dead(name, fault, now))
                continue
            if self.config.queries or self.asks.wants(event):
                yield Reading(event)

    def _after(self, state: State, hits: dict[str, Any]) -> State:
        """Return where we stand after a poll; what lies further back than it is asked for again is forgotten."""
        known = state.known | {name: _at(hit) for name, hit in hits.items()}
        # a post from the future must not hide those of the present
        newest = max([state.newest, *(at for at in known.values() if at <= clock.seconds())])
        kept = [(name, at) for name, at in known.items() if at > newest - self.config.overlap]
        return replace(state, newest=newest, known=dict(kept[-MOST_KNOWN:]))

    def _dead(self, name: str, fault: InvalidMessage, now: datetime) -> Dead:
        number = int(name) if name.isdigit() else 0
        about = {"topic": f"hackernews.{self.config.id}", "partition": 0, "offset": number, "at": now}
        return bury(b"", reason=fault.reason, detail=fault.detail, **about)

    def _client(self) -> Client:
        return Client(self.config.id, self.config.url, timeout=self.config.timeout)


def _at(hit: dict[str, Any]) -> int:
    at = hit.get("created_at_i")
    return at if isinstance(at, int) and not isinstance(at, bool) else 0
