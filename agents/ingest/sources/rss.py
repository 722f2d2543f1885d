"""News and blogs by RSS or Atom; Google Alerts delivers this way too.

    - {id: railway-news, kind: rss, url: "https://example.org/feed.xml", every: 5m}

**Reads**: one feed, polled every `every`. Entries become posts of `platform` (`web`), their HTML text. An entry
without an id is known by its link and title, one without a date is taken to be of the moment it was seen.

**Auth**: none.

**Limits**: asks with ETag and Last-Modified and takes 304 for an answer; waits as long as Retry-After says; gives up
after `timeout`; reads at most `max_bytes` unpacked. 301 and 308 move it to the new address until `url` is changed;
410 ends it.

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
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urljoin, urlsplit

import aiohttp
from pydantic import Field

from agents import clock
from agents.ingest.feed import Document, read_feed
from agents.ingest.source import Entry, Reading, Readings, Source
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Gap, Heartbeat, Post
from schemas.model import Duration

MOST_REDIRECTS = 5
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
    timeout: Duration = 30.0
    max_bytes: Annotated[int, Field(ge=1024)] = 5_242_880


@dataclass(frozen=True, slots=True)
class State:
    """Where a feed stands. `written` is the address in the sources file, `url` where that has moved to."""

    written: str
    url: str
    etag: str = ""
    modified: str = ""
    polled: str = ""
    known: tuple[str, ...] = ()

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
        timeout = aiohttp.ClientTimeout(total=self.config.timeout)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(timeout=timeout, headers=HEADERS, cookie_jar=jar, trust_env=True) as session:
            while True:
                state, items = await self._poll(session, state)
                for item in items:
                    yield Reading(item)
                now = clock.now()
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), state.cursor())
                # spread, so that a hundred feeds of one host are not asked in one second
                await asyncio.sleep(self.config.every * random.uniform(0.9, 1.1))  # noqa: S311

    async def _poll(self, session: aiohttp.ClientSession, state: State) -> tuple[State, list[Event | Gap]]:
        """Ask once, and return where the feed stands then and what is new in it, oldest first."""
        try:
            state, document = await self._fetch(session, state)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceError(f"the feed could not be fetched ({type(error).__name__})") from error
        now = clock.now()
        if document is None:
            return replace(state, polled=now.isoformat()), []
        feed = await asyncio.to_thread(read_feed, document, self.config.platform)
        if not feed.whole:
            # it broke off: without these the next poll is answered in full, not with 304
            state = replace(state, etag="", modified="")
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

    async def _fetch(self, session: aiohttp.ClientSession, state: State) -> tuple[State, Document | None]:
        """Follow redirects to an answer; nothing where it is 304. Only what has moved for good is remembered."""
        url, stays = state.url, True
        asked = {"If-None-Match": state.etag, "If-Modified-Since": state.modified}
        for _ in range(MOST_REDIRECTS + 1):
            headers = {name: value for name, value in asked.items() if value}
            async with session.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    url = _redirected(url, answer.headers.get("Location", ""))
                    stays = stays and answer.status in (301, 308)
                    state = replace(state, url=url) if stays else state
                    continue
                if answer.status == 304:
                    return state, None
                self._refuse(answer)
                body = b"".join([chunk async for chunk in self._chunks(answer)])
                told = answer.headers
                document = Document(body, told.get("Content-Type", ""), url, state.written, clock.now())
                state = replace(state, etag=told.get("ETag", ""), modified=told.get("Last-Modified", ""))
                return state, document
        raise SourceError(f"the feed redirects more than {MOST_REDIRECTS} times")

    def _refuse(self, answer: aiohttp.ClientResponse) -> None:
        """Raise what an answer other than 200 means."""
        if answer.status == 410:
            raise ConfigError("the feed is gone for good (410)", hint=f"correct or remove source `{self.config.id}`")
        if answer.status != 200:
            wait = retry_after(answer.headers.get("Retry-After", ""), clock.now())
            raise SourceError(f"the feed answers {answer.status}", wait)

    async def _chunks(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in answer.content.iter_chunked(65_536):
            size += len(chunk)
            if size > self.config.max_bytes:
                raise SourceError(f"the feed is larger than {self.config.max_bytes} bytes")
            yield chunk


def retry_after(written: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, be it a number or a date."""
    if written.strip().isdecimal():
        return float(written)
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        fits = bool(location) and urlsplit(target).scheme in ("http", "https") and bool(urlsplit(target).hostname)
    except ValueError:
        fits = False
    if not fits:
        raise SourceError("the feed redirects to what is no web address")
    return target


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]
