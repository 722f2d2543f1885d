"""Mastodon: one server's public posts by tag or all of them, and the mentions of one's own account there.

    - {id: fedi, kind: mastodon, server: "https://mastodon.example", token: "env:MASTODON_TOKEN", tags: [acme]}

**Reads**: the streams of `tags`, of everything the server sees (`public`: `all`, `local` or `none`) and the mentions in
`notifications`. Only public and unlisted posts, of people who did not turn search engines away (`people`). Of these
only what a watch asks for goes on, unless `only` is `all`. Several servers are several entries: a post has the same id
on all of them.

**Auth**: a user's access token with `read:statuses`, and `read:notifications` for `notifications`.

**Limits**: 300 requests in five minutes a user; X-RateLimit-Reset and Retry-After are kept to. One connection over a
WebSocket, or over SSE (`transport: sse`) one for each stream.

**Cursor**: the number of the last post of each stream, and the numbers of the last 200 posts that went on.

**Guarantee**: at least once for what a timeline still holds: after every break of the stream it is read from the last
post on, and two minutes back for what arrived late. The first run reads the newest page. A deletion is recognised of
the last 200 posts that went on, of the last 1,000 while the process runs.

**Gaps**: reported when more came while we were away than `catch_up` posts a stream.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from agents import clock
from agents.ingest.auth import Bearer
from agents.ingest.fediverse import Came, Streams, Unread
from agents.ingest.platforms.fediverse import Memory, Stream, Told, look_back
from agents.ingest.platforms.mastodon import Passed, People, Seen, read_status
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import Answer, Client
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError, InvalidMessage, SourceError
from schemas.event import Deletion, Gap, Heartbeat
from schemas.model import Duration
from schemas.topics import raw_topic

PAGE = 40
BEAT = timedelta(seconds=5)
DELETED = 1000
"""So many deletions are remembered: one may come before the post it is about."""

Tag = Annotated[str, Field(pattern=r"^\w+$")]


class Config(Entry):
    """See the module. `quiet` is how long the stream may say nothing before it is opened again and caught up with."""

    server: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")]
    token: Secret
    tags: tuple[Tag, ...] = ()
    public: Literal["none", "local", "all"] = "none"
    notifications: bool = False
    people: People = People.INDEXABLE
    only: Literal["watched", "all"] = "watched"
    transport: Literal["websocket", "sse"] = "websocket"
    catch_up: Annotated[int, Field(ge=PAGE)] = 1000
    quiet: Duration = 120.0


class Mastodon(Source[Config]):
    """Follows the streams of one server, and fills what they leave out from its timelines."""

    Config = Config
    platforms = ("mastodon",)

    def prepare(self) -> None:
        """Read the token.

        Raises:
            ConfigError: there is none, or nothing is to be read.
        """
        config = self.config
        self._auth = Bearer(reveal(config.token))
        self._host = urlsplit(config.server).netloc
        streams = [Stream("hashtag", tag.lower()) for tag in config.tags]
        streams += [Stream("public" if config.public == "all" else "public:local")] if config.public != "none" else []
        streams += [Stream("user:notification")] if config.notifications else []
        if not streams:
            hint = "give `tags`, `public: all` or `notifications: true`"
            raise ConfigError("has nothing to read", where=f"source {config.id}", hint=hint)
        self._streams = tuple(streams)
        self._gone: dict[str, None] = {}
        self._quota: dict[str, str | float] = {}

    def facts(self) -> dict[str, str | float]:
        """Tell how many requests are left, and until when."""
        return dict(self._quota)

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new, first from the timelines and then as it comes; see `Source.run`."""
        self._memory = Memory.resume(checkpoint)
        async with self._client() as client:
            while True:
                opened = False
                try:
                    async with await self._open(client) as told, aclosing(told):
                        for stream in self._streams:
                            async for reading in self._catch_up(client, stream):
                                yield reading
                        opened = True
                        async for reading in self._follow(told):
                            yield reading
                except SourceError as error:
                    # a quiet stream is no failure: it is opened anew, and its timelines say whether it was quiet
                    if not opened or not isinstance(error.__cause__, TimeoutError):
                        raise
                else:
                    raise SourceError("the server closed the stream")

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield what the timelines of the tags hold from `start` to before `end`; see `Source.backfill`."""
        self._memory = Memory({}, {})
        least, most = (int(moment.timestamp() * 1000) << 16 for moment in (start, end))
        async with self._client() as client:
            for stream in self._streams:
                async for status in self._pages(client, stream, str(least)):
                    local = status.get("id") if isinstance(status, dict) else None
                    if isinstance(local, str) and local.isdecimal() and int(local) >= most:
                        break
                    if (reading := self._take(stream, status, "update", backfill=True)) is not None:
                        yield reading._replace(cursor=None)

    async def check(self) -> AsyncIterator[Step]:
        """Ask who we are, then each timeline, then for the stream; see `Source.check`."""
        needs = {stream.key: "read:statuses" for stream in self._streams} | {"user:notification": "read:notifications"}
        async with self._client() as client:
            for name, where, scope, takes in (
                # whose it is, it need not be allowed to say (read:accounts): that it is known is enough
                ("the token is taken", "api/v1/accounts/verify_credentials", "a user's access token", (200, 403)),
                *(
                    (f"{one.key} can be read", one.timeline, f"the scope {needs[one.key]}", (200,))
                    for one in self._streams
                ),
            ):
                try:
                    await client.get(where, [("limit", "1")] if takes == (200,) else [], accept=takes)
                    yield Step(name, ok=True)
                except (SourceError, ConfigError) as error:
                    yield Step(name, ok=False, detail=f"{error}: needed is {scope}")
            try:
                async with await self._open(client):
                    yield Step("the stream opens", ok=True)
            except (SourceError, ConfigError) as error:
                yield Step("the stream opens", ok=False, detail=f"{error}: try another `transport`")

    def _client(self) -> Client:
        return Client(self.config.id, self.config.server, auth=self._auth)

    async def _streaming(self, client: Client) -> str:
        """Return where the server streams, which may be a host of its own."""
        about = (await client.get("api/v2/instance")).json()
        try:
            written = str(about["configuration"]["urls"]["streaming"]).rstrip("/")
        except (KeyError, TypeError):
            return self.config.server
        return written.replace("ws", "http", 1)

    async def _open(self, client: Client) -> AbstractAsyncContextManager[Came]:
        """Return the streams, yet to be opened, as `transport` says."""
        where, proof = await self._streaming(client), await self._auth.headers()
        streams = Streams(client, where, self._streams, self.config.quiet, proof)
        return streams.over_sse() if self.config.transport == "sse" else streams.over_websocket()

    async def _follow(self, told: Came) -> Readings:
        beat = clock.now()
        async for one in told:
            reading = self._buried(one.data, one.error) if isinstance(one, Unread) else self._heard(one)
            now = clock.now()
            if reading is not None:
                yield reading
            elif now - beat >= BEAT:
                beat = now
                yield self._heartbeat(now)

    def _heard(self, told: Told) -> Reading | None:
        """Return what an event of a stream means for us."""
        stream = next((one for one in self._streams if one.key == told.stream.lower()), self._streams[0])
        if told.event == "delete":
            return self._delete(str(told.payload))
        if told.event in ("update", "status.update", "notification"):
            return self._take(stream, told.payload, told.event)
        return None

    def _delete(self, local: str) -> Reading | None:
        self._gone[local] = None
        while len(self._gone) > DELETED:
            del self._gone[next(iter(self._gone))]
        uri = self._memory.known.get(local)
        if uri is None:
            return None
        self._memory = self._memory.forgot(local)
        deletion = Deletion(source=self.config.id, seen=clock.now(), platform="mastodon", id=uri)
        return Reading(deletion, self._memory.cursor())

    def _take(self, stream: Stream, payload: Any, event: str, *, backfill: bool = False) -> Reading | None:
        """Return the reading of a status, or of a notification that holds one; nothing where it is passed over."""
        now = clock.now()
        seen = Seen(self.config.id, now, self._host, self.config.people, backfill)
        place = payload
        if stream.name == "user:notification":
            if not isinstance(payload, dict) or payload.get("type") != "mention":
                return None
            payload = payload.get("status")
        edited = event == "status.update"
        try:
            told = read_status(payload, seen, self._memory.known, edited=edited)
        except InvalidMessage as error:
            return self._buried(repr(payload), error)
        if not edited and isinstance(place.get("id"), str):
            self._memory = self._memory.saw(stream.key, place["id"])
        before = told.local in self._memory.known
        if isinstance(told.item, Passed):
            return self._delete(told.local) if before else None
        if told.local in self._gone or (before and not edited):
            return None
        if not before and self.config.only == "watched" and not self.asks.wants(told.item):
            return None
        self._memory = self._memory.passed_on(told.local, told.item.id)
        return Reading(told.item, self._memory.cursor())

    async def _catch_up(self, client: Client, stream: Stream) -> Readings:
        """Yield what `stream` would have said since the last post of it that we saw, or its newest page."""
        last = self._memory.last.get(stream.key)
        if last is None:
            answer = await self._get(client, stream, [])
            for status in reversed(_listed(answer)):
                if (reading := self._take(stream, status, "update")) is not None:
                    yield reading
        else:
            count, since = 0, self._memory.heard
            async for status in self._pages(client, stream, look_back(last)):
                if (reading := self._take(stream, status, "update")) is not None:
                    yield reading
                count += 1
                if count >= self.config.catch_up:
                    now = clock.now()
                    begin = datetime.fromisoformat(since) if since else now
                    reason = f"more than {self.config.catch_up} posts came by {stream.key} while it was not read"
                    yield Reading(Gap(source=self.config.id, seen=now, since=begin, until=now, reason=reason))
                    break
        yield self._heartbeat(clock.now())

    async def _pages(self, client: Client, stream: Stream, least: str) -> AsyncGenerator[Any]:
        """Yield what a timeline holds after `least`, oldest first."""
        while page := _listed(await self._get(client, stream, [("min_id", least)])):
            for status in reversed(page):
                yield status
            newest = page[0].get("id") if isinstance(page[0], dict) else None
            if not isinstance(newest, str) or newest == least:
                return
            least = newest

    async def _get(self, client: Client, stream: Stream, more: list[tuple[str, str]]) -> Answer:
        answer = await client.get(stream.timeline, [("limit", str(PAGE)), *stream.filters, *more])
        left, reset = answer.headers.get("X-RateLimit-Remaining", ""), answer.headers.get("X-RateLimit-Reset", "")
        if left.isdecimal():
            self._quota = {"quota_left": float(left), "quota_resets": reset[:40]}
        return answer

    def _heartbeat(self, now: datetime) -> Reading:
        self._memory = replace(self._memory, heard=now.isoformat())
        return Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._memory.cursor())

    def _buried(self, data: str | bytes, error: InvalidMessage) -> Reading:
        value = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        now = clock.now()
        where = {"topic": raw_topic("mastodon"), "partition": 0, "offset": int(now.timestamp() * 1000)}
        return Reading(bury(value, reason=error.reason, detail=error.detail, at=now, **where))


def _listed(answer: Answer) -> list[Any]:
    """Return the items of an answer, newest first; what is no list holds none."""
    page = answer.json()
    return page if isinstance(page, list) else []
