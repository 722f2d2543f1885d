"""Posts, mentions and deletions that X pushes to us: filtered stream webhooks and the X Activity API.

    - {id: x-push, kind: xwebhook, consumer_secret: "env:X_CONSUMER_SECRET", token: "env:X_BEARER_TOKEN"}

**Reads**: `POST /hooks/<id>`, whose body is a post with the rules that it fits, or an activity: post.create,
post.mention.create, post.reply.create, post.quote.create, post.repost.create and post.delete. Answers 200 once the
broker has acknowledged it, 503 when it does not within `wait`. What is about something else is answered and dropped.
`GET /hooks/<id>?crc_token=…` is X's challenge. With a `token` the rules of the stream are made of the watches' queries
and kept as they are.

**Auth**: X signs each request with the application's consumer secret (`x-twitter-webhooks-signature`, HMAC-SHA256 of
the body as sent, in base64); the answer to the challenge is signed with the same.

**Limits**: HTTPS without a port in the address, answers within ten seconds: put a proxy before EARSHOT_WEBHOOK_PORT.
Filtered stream webhooks are for Enterprise accounts. What is pushed is paid; it is counted, and cannot be refused.

**Cursor**: only when somebody was here last; X sends again what was not answered with 200.

**Guarantee**: at least once for what was answered with 200.

**Gaps**: told when nobody was here for longer than `repeats` (5 minutes; how long X really repeats is not documented);
`POST /2/webhooks/replay` brings back a day.
"""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from agents import clock
from agents.ingest.auth import Bearer
from agents.ingest.budget import Budget, Spending
from agents.ingest.platforms.x import PLATFORM, Seen, read_activity, read_post
from agents.ingest.platforms.x_money import Prices, Purse
from agents.ingest.platforms.x_rules import Limits
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry, Reading, Readings, Step
from agents.ingest.web.client import Client, read_json
from agents.ingest.web.door import Pushed, Route, no
from agents.ingest.x.api import Api
from agents.ingest.x.run import Options, Run
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, InvalidMessage, SourceError
from schemas.event import Deletion, Event, Gap, Heartbeat
from schemas.model import Duration

SIGNATURE = "x-twitter-webhooks-signature"
LONGEST_CHALLENGE = 500


class Config(Entry):
    """See the module. An Enterprise account may have 25,000 rules of 2,048 characters."""

    consumer_secret: Secret
    token: Secret = ""
    base: Annotated[str, Field(pattern=r"^https?://[^\s/]")] = "https://api.x.com"
    rules: Annotated[int, Field(ge=1)] = 1000
    rule_characters: Annotated[int, Field(ge=256)] = 1024
    price_post: Annotated[float, Field(ge=0)] = 0.005
    wait: Duration = 5.0
    repeats: Duration = 300.0


class XWebhook(Pushed[Config]):
    """Takes what X pushes, if X signed it."""

    Config = Config
    platforms = (PLATFORM,)
    resumable = True

    @property
    def wait(self) -> float:  # type: ignore[override]
        """See `Config`."""
        return self.config.wait

    def prepare(self) -> None:
        """Read the secrets and take the path; see `Source.prepare`."""
        super().prepare()
        self._secret = reveal(self.config.consumer_secret).encode()
        self._token = reveal(self.config.token) if self.config.token else ""
        self._purse = Purse(Budget(), Prices(post=self.config.price_post), Spending())
        self._status: Mapping[str, str | float] = {}
        self._told_away = False

    def routes(self) -> list[Route]:
        """Return the challenge and where events are taken."""
        return [("GET", self.path, self._challenge), ("POST", self.path, self._receive)]

    async def pull(self, checkpoint: Checkpoint | None) -> Readings:
        """Tell whether nobody was here, and keep the rules those of the watches, where there is a token."""
        version, now = -1, clock.now()
        heard = checkpoint.heard if checkpoint else None
        if heard and now - heard > timedelta(seconds=self.config.repeats) and not self._told_away:
            reason = "nobody took what X pushes for longer than it is thought to repeat it"
            yield Reading(Gap(source=self.config.id, seen=now, since=heard, until=now, reason=reason))
        self._told_away = True
        # something must stand in the checkpoint, or the next start does not know how long nobody was here
        yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), {"door": "open"})
        async with AsyncExitStack() as stack:
            run = await self._begin(stack) if self._token else None
            while run is not None:
                if run.asks.version != version and run.asks.watches:
                    version = run.asks.version
                    await run.adopt_rules()
                await asyncio.sleep(1)

    async def check(self) -> AsyncIterator[Step]:
        """Try the token on the rules; whether X reaches us only X can tell."""
        yield Step("consumer secret", ok=True, detail="it is there; X says whether it is right (PUT /2/webhooks/<id>)")
        if not self._token:
            return
        async with AsyncExitStack() as stack:
            run = await self._begin(stack)
            try:
                yield Step("bearer token and rules", ok=True, detail=f"{len(await run.api.rules())} rules are there")
            except (ConfigError, SourceError) as error:
                what = error.message if isinstance(error, ConfigError) else str(error)
                yield Step("bearer token and rules", ok=False, detail=f"{what}: copy it in the developer console")

    def facts(self) -> Mapping[str, str | float]:
        """Return what was pushed in dollars, and how the rules stand."""
        return {**self._status, **self._purse.facts(clock.now())}

    async def _begin(self, stack: AsyncExitStack) -> Run:
        client = await stack.enter_async_context(Client(self.config.id, self.config.base, auth=Bearer(self._token)))
        limits = Limits(self.config.rule_characters, self.config.rules)
        options = Options(tag=f"earshot:{self.config.id}", stream_limits=limits, search_limits=limits)
        run = Run(
            self.config.id, Api(client, None, ("tweet", "post"), users=True), self._purse, self.asks, options, set()
        )
        self._status = run.status
        return run

    def _sign(self, message: bytes) -> str:
        return "sha256=" + base64.b64encode(hmac.new(self._secret, message, sha256).digest()).decode()

    async def _challenge(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("crc_token", "")
        if not token or len(token) > LONGEST_CHALLENGE:
            return no(HTTPStatus.BAD_REQUEST, "crc_token is missing or too long")
        return web.json_response({"response_token": self._sign(token.encode())})

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        return await self.held(request, self._answer)

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        given = request.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        if not hmac.compare_digest(self._sign(body).encode(), given):
            return no(HTTPStatus.UNAUTHORIZED, f"{SIGNATURE} does not fit the body and our consumer secret")
        try:
            item = self._read(read_json(body))
        except (InvalidMessage, SourceError) as error:
            return no(HTTPStatus.BAD_REQUEST, str(error))
        return await self.take([] if item is None else [item])

    def _read(self, message: Any) -> Event | Deletion | None:
        """Return what a body holds.

        Raises:
            InvalidMessage: it is neither a post nor an activity.
        """
        seen = Seen(self.config.id, clock.now())
        data = message.get("data") if isinstance(message, dict) else None
        if isinstance(data, dict) and "event_type" in data:
            item = read_activity(data, seen)
        else:
            item = read_post(data, message.get("includes") if isinstance(message, dict) else None, seen)
        if isinstance(item, Event):
            self._purse = self._purse.charge(clock.now(), self._purse.prices.post, {item.url or item.id}, set())
        return item
