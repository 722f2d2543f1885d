"""News and blogs by RSS or Atom; Google Alerts delivers this way too.

    - {id: railway-news, kind: rss, url: "https://example.org/feed.xml", every: 5m}

**Reads**: one feed, polled every `every`. Entries become posts of `platform` (`web`), their HTML text. An entry
without an id is known by its link and title, one without a date is taken to be of the moment it was seen.

**Auth**: none.

**Limits**: asks with ETag and Last-Modified and takes 304 for an answer; waits as long as Retry-After says; gives up
after `timeout`; reads at most `max_bytes` unpacked. A feed that asks for rarer visits (`<ttl>`, Cache-Control: max-age)
is visited as rarely, but at least every `longest` (1h). 301 and 308 move it to the new address until `url` is changed;
410 ends it. Redirects into our own network are refused.

**Cursor**: the address, ETag, Last-Modified, the time of the last poll and hashes of the entries delivered lately.

**Guarantee**: at least once for what is in the feed when it is polled. The first poll delivers all that is in it.

**Gaps**: if a poll finds none of the entries of the one before, the feed has moved on faster than we looked, and that
is reported. An entry that is changed later is not delivered again.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from agents import clock
from agents.ingest.formats.feed import Document, read_feed
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Client
from schemas.checkpoint import Checkpoint
from schemas.errors import EarshotError, FailureKind, SourceError
from schemas.event import Event, Gap, Heartbeat, Post
from schemas.model import Duration

LEAST_KNOWN, MOST_KNOWN = 500, 20_000
HEADERS = {
    "User-Agent": "Earshot/0.1 (feed reader)",
    "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5",
}


class Config(Entry):
    """See the module."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]")]
    every: Annotated[Duration, Field(ge=1)] = 300.0
    platform: Annotated[str, Field(pattern=r"^[a-z]+$")] = "web"
    longest: Duration = 3600.0
    timeout: Duration = 30.0
    max_bytes: Annotated[int, Field(ge=1024)] = 5_242_880


@dataclass(frozen=True, slots=True)
class State:
    """Where a feed stands. `written` is the address in the sources file, `url` where that has moved to.

    `rest` is for how many seconds it has asked not to be asked again.
    """

    written: str
    url: str
    etag: str = ""
    modified: str = ""
    polled: str = ""
    known: tuple[str, ...] = ()
    rest: float = 0.0

    def cursor(self) -> dict[str, str]:
        """Return the state as a cursor."""
        texts = {"written": self.written, "url": self.url, "etag": self.etag, "modified": self.modified}
        return texts | {"polled": self.polled, "known": ",".join(self.known)}

    @classmethod
    def resume(cls, written: str, checkpoint: Checkpoint | None) -> "State":
        """Return the state that a checkpoint holds; none of it counts for another address."""
        cursor = checkpoint.cursor if checkpoint else {}
        if cursor.get("written") != written:
            return cls(written, written)
        known = tuple(name for name in cursor["known"].split(",") if name)
        return cls(written, cursor["url"], cursor["etag"], cursor["modified"], cursor["polled"], known)


class Rss(Source[Config]):
    """Polls one feed."""

    Config = Config

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new at each poll; see `Source.run`."""
        state = State.resume(self.config.url, checkpoint)
        async with self._client() as client:
            while True:
                state, items = await self._poll(client, state)
                for item in items:
                    yield Reading(item)
                now = clock.now()
                # spread, so that a hundred feeds of one host are not asked in one second
                pause = max(self.config.every, min(state.rest, self.config.longest)) * random.uniform(0.9, 1.1)  # noqa: S311
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), state.cursor(), rest=pause)
                await asyncio.sleep(pause)

    async def check(self) -> AsyncIterator[Step]:
        """Ask once."""
        async with self._client() as client:
            try:
                _state, items = await self._poll(client, State.resume(self.config.url, None))
            except EarshotError as error:
                yield Step("feed", ok=False, detail=str(error))
            else:
                yield Step("feed", ok=True, detail=f"{len(items)} entries")

    async def _poll(self, client: Client, state: State) -> tuple[State, list[Event | Gap]]:
        """Ask once, and return where the feed stands then and what is new in it, oldest first."""
        state, document = await self._fetch(client, state)
        now = clock.now()
        if document is None:
            return replace(state, polled=now.isoformat()), []
        feed = await asyncio.to_thread(read_feed, document, self.config.platform)
        if not feed.whole:
            # it broke off: without these the next poll is answered in full, not with 304
            state = replace(state, etag="", modified="")
        state = replace(state, rest=max(state.rest, feed.ttl))
        return self._news(state, feed.posts, now)

    def _news(self, state: State, posts: tuple[Post, ...], now: datetime) -> tuple[State, list[Event | Gap]]:
        """Return which posts are new, and before them the gap if nothing of the last poll is left in the feed."""
        hashes = {_hash(post.id): post for post in posts}
        known = set(state.known)
        items: list[Event | Gap] = []
        if known and hashes and known.isdisjoint(hashes):
            since = datetime.fromisoformat(state.polled)
            reason = "no entry of the poll before is left in the feed"
            items.append(Gap(source=self.config.id, seen=now, since=since, until=now, reason=reason))
        items += [
            Event.model_validate({**dict(post), "source": self.config.id, "seen": now})
            for name, post in hashes.items()
            if name not in known
        ]
        kept = [*reversed(hashes), *(name for name in state.known if name not in hashes)]
        bound = min(max(LEAST_KNOWN, 2 * len(hashes)), MOST_KNOWN)
        return replace(state, polled=now.isoformat(), known=tuple(kept[:bound])), items

    async def _fetch(self, client: Client, state: State) -> tuple[State, Document | None]:
        """Ask; nothing where it is 304. Only what has moved for good is remembered."""
        asked = {"If-None-Match": state.etag, "If-Modified-Since": state.modified}
        headers = {name: value for name, value in asked.items() if value}
        # a site that keeps robots out for an hour, or asks for a password while it is being mended, is not gone
        answer = await client.get(state.url, headers=headers, accept=(200, 304, 401, 403))
        if answer.status in (401, 403):
            raise SourceError(f"the service answers {answer.status}", kind=FailureKind.REFUSED, status=answer.status)
        fresh = max_age(answer.headers.get("Cache-Control", ""))
        if answer.status == 304:
            # a <ttl> is said only with the feed itself
            return replace(state, url=answer.moved, rest=max(fresh, state.rest)), None
        state = replace(state, url=answer.moved, rest=fresh)
        told = answer.headers
        document = Document(answer.body, told.get("Content-Type", ""), answer.url, state.written, clock.now())
        return replace(state, etag=told.get("ETag", ""), modified=told.get("Last-Modified", "")), document

    def _client(self) -> Client:
        config = self.config
        return Client(config.id, config.url, headers=HEADERS, timeout=config.timeout, max_bytes=config.max_bytes)


def max_age(cache_control: str) -> float:
    """Return for how many seconds an answer is fresh, 0 where it does not say.

    >>> max_age('public, Max-Age="600"'), max_age("no-cache, max-age=600"), max_age("max-age=soon")
    (600.0, 0.0, 0.0)
    """
    told = [word.strip().lower() for word in cache_control.split(",")]
    if "no-cache" in told or "no-store" in told:
        return 0.0
    ages = [word.partition("=")[2].strip('"') for word in told if word.startswith("max-age=")]
    return float(ages[0]) if ages and ages[0].isascii() and ages[0].isdigit() and len(ages[0]) < 10 else 0.0


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]
