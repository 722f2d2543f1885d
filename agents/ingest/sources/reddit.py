"""Reddit: new submissions and comments of subreddits, and what a search of all of Reddit finds.

    - {id: reddit, kind: reddit, client_id: "env:R_ID", client_secret: "env:R_SECRET", user: eva, subreddits: [de]}

**Reads**: `/new` and, with `comments`, `/comments` of all `subreddits` at once, and a search by time for each of
`searches`, every `every`. Of these only what a watch asks for goes on, unless `only` is `all`. What went on is looked
at again every `recheck` for 48 hours: edits and deletions are found so.

**Auth**: OAuth2 of an application (client credentials); its token lives an hour and is renewed. `user` is the
Reddit account that stands behind it, which Reddit wants to find in the User-Agent.

**Limits**: 100 requests a minute for all that use the client id; x-ratelimit-remaining and -reset are kept to, and five
are always left for others. A listing page has 100 posts and a listing no more than about 1,000.

**Cursor**: the last 100 names of each listing, since any of them may be deleted, and the posts to look at again.

**Guarantee**: at least once for what a listing still holds. The first poll reads the newest page.

**Gaps**: reported when a listing has moved on so far that nothing of the poll before is within its depth.
"""

import asyncio
import base64
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from agents import clock
from agents.ingest.auth import ClientCredentials
from agents.ingest.platforms.fault import read_as
from agents.ingest.platforms.reddit import Memory, Seen, number_of, read_thing
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Answer, Client, fetch_tokens
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Event, Gap, Heartbeat
from schemas.model import Duration
from schemas.topics import raw_topic

PAGE = 100
DEPTH = 1000
NEARLY = 900
"""A listing that ends after so many posts has ended because it is no deeper."""
SPARE = 5.0
DUTY = 48 * 3600.0
"""Seconds for which what went on is looked at again."""


class Config(Entry):
    """See the module. `site` gives tokens, `api` answers."""

    client_id: Secret
    client_secret: Secret
    user: Annotated[str, Field(pattern=r"^[\w-]{3,20}$")]
    subreddits: tuple[Annotated[str, Field(pattern=r"^\w{2,24}$")], ...] = ()
    comments: bool = True
    searches: tuple[str, ...] = ()
    only: Literal["watched", "all"] = "watched"
    every: Annotated[Duration, Field(ge=1)] = 60.0
    recheck: Annotated[Duration, Field(ge=1, le=DUTY)] = 6 * 3600.0
    site: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = "https://www.reddit.com"
    api: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = "https://oauth.reddit.com"


class Reddit(Source[Config]):
    """Polls listings, and looks again at what went on."""

    Config = Config
    platforms = ("reddit",)

    def prepare(self) -> None:
        """Read the credentials.

        Raises:
            ConfigError: there are none, or nothing is to be read.
        """
        config = self.config
        pair = f"{reveal(config.client_id)}:{reveal(config.client_secret)}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        self._agent = {"User-Agent": f"linux:earshot:v0.1 (by /u/{config.user})"}
        where = f"{config.site}/api/v1/access_token"
        fetch = fetch_tokens(config.id, where, headers | self._agent)
        self._auth = ClientCredentials(fetch)
        self._listings = tuple(self._listed())
        if not self._listings:
            raise ConfigError(
                "has nothing to read", where=f"source {config.id}", hint="give `subreddits` or `searches`"
            )
        self._left, self._reset_at = 100.0, 0.0

    def _listed(self) -> list[tuple[str, dict[str, str]]]:
        """Return the path and query of each listing."""
        joined = "+".join(self.config.subreddits)
        found: list[tuple[str, dict[str, str]]] = []
        if joined:
            found.append((f"r/{joined}/new", {}))
            found += [(f"r/{joined}/comments", {})] if self.config.comments else []
        return found + [("search", {"q": query, "sort": "new", "type": "link"}) for query in self.config.searches]

    def facts(self) -> dict[str, str | float]:
        """Tell how many requests are left, and until when the token is good."""
        expires = self._auth.expires
        known: dict[str, str | float] = {"quota_left": self._left}
        return known | ({"token_expires": expires.isoformat()} if expires else {})

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new at each poll; see `Source.run`."""
        self._memory = Memory.resume(checkpoint)
        async with self._client() as client:
            while True:
                for where, query in self._listings:
                    async for reading in self._poll(client, where, query):
                        yield reading
                if clock.seconds() - self._memory.checked >= self.config.recheck:
                    async for reading in self._look_again(client):
                        yield reading
                now = clock.now()
                self._memory = replace(self._memory, polled=now.isoformat())
                pause = self.config.every * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._memory.cursor(), rest=pause)
                await asyncio.sleep(pause)

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield what the listings hold from `start` to before `end`; they are no deeper than 1,000 posts."""
        async with self._client() as client:
            for where, query in self._listings:
                found = []
                async for thing in self._pages(client, where, query):
                    try:
                        told = read_thing(thing, Seen(self.config.id, clock.now(), backfill=True))
                    except InvalidMessage:
                        continue
                    if told.created < start.timestamp():
                        break
                    if isinstance(told.item, Event) and told.item.time < end and self._wanted(told.item):
                        found.append(told.item)
                for event in reversed(found):
                    yield Reading(event)

    async def check(self) -> AsyncIterator[Step]:
        """Ask for a token, then for each listing; see `Source.check`."""
        try:
            await self._auth.headers()
            yield Step("the credentials are taken", ok=True)
        except (SourceError, ConfigError) as error:
            hint = "needed are client_id and client_secret of an application that Reddit has approved"
            yield Step("the credentials are taken", ok=False, detail=f"{error}: {hint}")
            return
        async with self._client() as client:
            names: list[tuple[str, str, dict[str, str]]] = [
                (f"r/{name} can be read", f"r/{name}/new", {}) for name in self.config.subreddits
            ]
            names += [(f"search {number}", *listing) for number, listing in enumerate(self._listings, 1) if listing[1]]
            for name, where, query in names:
                try:
                    await self._ask(client, where, query | {"limit": "1"})
                    yield Step(name, ok=True)
                except (SourceError, ConfigError) as error:
                    yield Step(name, ok=False, detail=f"{error}: is it private, banned or misspelt?")

    def _client(self) -> Client:
        return Client(self.config.id, self.config.api, auth=self._auth, headers=self._agent)

    async def _poll(self, client: Client, where: str, query: dict[str, str]) -> Readings:
        """Yield what is new in one listing, oldest first, and before it the gap, if there is one."""
        listing = f"{where}?{query['q']}" if query else where
        ring = self._memory.rings.get(listing, ())
        oldest = number_of(ring[0]) if ring else 0
        found: list[Any] = []
        count, met = 0, False
        async for thing in self._pages(client, where, query):
            name = _name_of(thing)
            count += 1
            # what was approved late stands among what we know; what is older than that is none of our business
            met = met or (bool(ring) and name != "" and number_of(name) <= oldest) or name in ring
            if name not in ring and (not name or number_of(name) > oldest):
                found.append(thing)
            if count % PAGE == 0 and (met or not ring):
                break
        now = clock.now()
        if ring and not met and count >= NEARLY:
            since = datetime.fromisoformat(self._memory.polled) if self._memory.polled else now
            reason = "nothing of the poll before is left in what the listing shows"
            yield Reading(Gap(source=self.config.id, seen=now, since=since, until=now, reason=reason))
        for thing in reversed(found):
            if (reading := self._take(listing, thing, now)) is not None:
                yield reading

    def _take(self, listing: str, thing: Any, now: datetime) -> Reading | None:
        try:
            told = read_thing(thing, Seen(self.config.id, now))
        except InvalidMessage as error:
            where = {"topic": raw_topic("reddit"), "partition": 0, "offset": int(now.timestamp() * 1000)}
            return Reading(bury(repr(thing).encode(), reason=error.reason, detail=error.detail, at=now, **where))
        self._memory = self._memory.saw(listing, told.name)
        if isinstance(told.item, Deletion) or told.name in self._memory.stored or not self._wanted(told.item):
            return None
        self._memory = self._memory.passed_on(told, now.timestamp())
        return Reading(told.item, self._memory.cursor())

    def _wanted(self, event: Event) -> bool:
        return self.config.only == "all" or self.asks.wants(event)

    async def _look_again(self, client: Client) -> Readings:
        """Yield what has changed of the posts that went on in the last 48 hours, or is gone."""
        now = clock.now()
        due = [name for name, (seen, _edited) in self._memory.stored.items() if now.timestamp() - seen <= DUTY]
        self._memory = self._memory.without(*(set(self._memory.stored) - set(due)))
        for start in range(0, len(due), PAGE):
            names = due[start : start + PAGE]
            answer = await self._ask(client, "api/info", {"id": ",".join(names)})
            found = {_name_of(thing): thing for thing in _children(answer)}
            for name in names:
                reading = self._looked_at(name, found.get(name), now)
                if reading is not None:
                    yield reading
        self._memory = replace(self._memory, checked=clock.seconds())

    def _looked_at(self, name: str, thing: Any, now: datetime) -> Reading | None:
        gone = Deletion(source=self.config.id, seen=now, platform="reddit", id=name)
        try:
            told = read_thing(thing, Seen(self.config.id, now), edited=True) if thing is not None else None
        except InvalidMessage:
            return None
        if told is None or isinstance(told.item, Deletion):
            self._memory = self._memory.without(name)
            return Reading(gone, self._memory.cursor())
        if told.edited == self._memory.stored[name][1]:
            return None
        self._memory = self._memory.passed_on(told, now.timestamp())
        return Reading(told.item, self._memory.cursor())

    async def _pages(self, client: Client, where: str, query: dict[str, str]) -> AsyncGenerator[Any]:
        """Yield what a listing holds, newest first."""
        after: str | None = ""
        for _ in range(DEPTH // PAGE):
            asked = query | {"limit": str(PAGE)} | ({"after": after} if after else {})
            answer = await self._ask(client, where, asked)
            for thing in _children(answer):
                yield thing
            after = answer["data"].get("after")
            if not after:
                return

    async def _ask(self, client: Client, where: str, query: dict[str, str]) -> Any:
        """Return an answer, once the limit that all users of the client id share allows it."""
        if self._left <= SPARE and (wait := self._reset_at - clock.seconds()) > 0:
            raise SourceError("the requests of this period are used up", wait, kind=FailureKind.RATE_LIMITED)
        answer = await client.get(where, [*query.items(), ("raw_json", "1")])
        self._note(answer)
        found = answer.json()
        if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
            raise SourceError("the service answers with no listing", kind=FailureKind.BROKEN_ANSWER)
        return found

    def _note(self, answer: Answer) -> None:
        try:
            self._left = float(answer.headers.get("x-ratelimit-remaining", self._left))
            self._reset_at = clock.seconds() + float(answer.headers.get("x-ratelimit-reset", "0"))
        except ValueError:
            return


def _children(answer: Any) -> list[Any]:
    children = answer["data"].get("children")
    if not isinstance(children, list):
        raise SourceError("the service answers with no listing", kind=FailureKind.BROKEN_ANSWER)
    return children


def _name_of(thing: Any) -> str:
    """Return the full name of a thing, or nothing where it has none that can be read."""
    try:
        with read_as("a thing"):
            name = f"{thing['kind']}_{thing['data']['id']}"
            number_of(name)
            return name
    except InvalidMessage:
        return ""
