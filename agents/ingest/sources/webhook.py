"""Posts that other programs push to us, signed.

    - {id: push, kind: webhook}

**Reads**: `POST /v1/events`, whose body is one post in the replay line format, a JSON array of them, or one a line.
Answers 202 once the broker has acknowledged all of it; 503 with Retry-After when it does not within `wait`, and then
the sender sends the same again: ids make that harmless. 400 names the line and field that is wrong and takes nothing;
401 the signature or the time; 413 more than 1 MiB; 405 and 404 the rest. The content type does not matter.

**Auth**: `X-Earshot-Timestamp: <unix seconds>` and `X-Earshot-Signature: v1=<hex>`, the HMAC-SHA256 of the timestamp,
a full stop and the body as sent. EARSHOT_WEBHOOK_SECRETS holds one secret or, while they are being changed, several
with commas; one matching signature is enough. A request is good for EARSHOT_WEBHOOK_WINDOW seconds (300).

**Limits**: 1 MiB a request. 32 MiB of requests or 10,000 posts under way at one time; more is 503 with Retry-After. One
such source a process, on EARSHOT_HOST and EARSHOT_WEBHOOK_PORT.

**Cursor**: none; what was not answered with 202 is the sender's to send again.

**Guarantee**: at least once for what was answered with 202. What was answered with 503 may have been written in part.

**Gaps**: what nobody sends while we are down is not noticed here.
"""

import asyncio
import socket
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from agents import clock
from agents.ingest.posts import InvalidPost, read_posts
from agents.ingest.signature import refusal
from agents.ingest.source import Entry, Reading, Readings, Source
from agents.observe import counter
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError
from schemas.event import Event, Heartbeat, Post
from schemas.metrics import WEBHOOK_REQUESTS
from schemas.model import Duration

PATH = "/v1/events"
BODY_BYTES = 1_048_576
MAX_POSTS_WAITING = 10_000
MAX_BYTES_WAITING = 33_554_432
"""How much of requests may be read, or wait for the broker, at one time; more is told to come back."""
HEARTBEAT_SECONDS = 15.0
BODY_SECONDS = 30.0
RETRY_AFTER = "5"

_log = structlog.get_logger("ingest.webhook")


class Config(Entry):
    """`wait` is how long a sender is kept waiting for the broker before it is told to come back."""

    wait: Duration = 5.0


class Webhook(Source[Config]):
    """An HTTP server whose handlers hand posts to `run` and answer when the broker has them."""

    Config = Config
    resumable = False

    def prepare(self) -> None:
        """Read the secrets and take the port.

        Raises:
            ConfigError: there is no secret, or the port cannot be had.
        """
        settings = self.settings
        written = settings.webhook_secrets.get_secret_value().split(",")
        self._secrets = tuple(secret.strip().encode() for secret in written if secret.strip())
        if not self._secrets:
            raise ConfigError(
                "holds no secret, but the sources file lists a webhook",
                where="EARSHOT_WEBHOOK_SECRETS",
                hint="set it to a long random text that the senders know too",
            )
        self._socket = self._listen()
        self.port: int = self._socket.getsockname()[1]
        self._posts: asyncio.Queue[Reading] = asyncio.Queue(MAX_POSTS_WAITING)
        self._late: set[asyncio.Future[None]] = set()
        self._bytes = 0

    def _listen(self) -> socket.socket:
        host, port = self.settings.host, getattr(self, "port", self.settings.webhook_port)
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port} ({error.strerror})",
                where="EARSHOT_WEBHOOK_PORT",
                hint="choose a free port; one process has one webhook source",
            ) from error

    async def run(self, checkpoint: Checkpoint | None) -> Readings:  # noqa: ARG002 - it has none
        """Serve, and yield the posts of each request until cancelled; see `Source.run`."""
        if self._socket.fileno() < 0:
            self._socket = self._listen()
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[_count])
        app.router.add_post(PATH, self._receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self.config.wait + 1)
        await runner.setup()
        beating = asyncio.create_task(self._beat())
        try:
            await web.SockSite(runner, self._socket, backlog=1024).start()
            _log.info("webhook is served", host=self.settings.host, port=self.port, path=PATH)
            while True:
                yield await self._posts.get()
        finally:
            beating.cancel()
            await runner.cleanup()

    async def _beat(self) -> None:
        """Say that we listen: nobody else can tell silence from an outage."""
        while True:
            now = clock.now()
            await self._posts.put(Reading(Heartbeat(source=self.config.id, seen=now, at=now)))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _receive(self, request: web.Request) -> web.Response:
        """Answer one request, and hold it in memory only where there is room for it."""
        size = BODY_BYTES if request.content_length is None else min(request.content_length, BODY_BYTES)
        if self._bytes + size > MAX_BYTES_WAITING:
            return _later("too many requests are under way")
        self._bytes += size
        try:
            return await self._answer(request)
        finally:
            self._bytes -= size

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer one request, when the broker has its posts or has had its time."""
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return _no(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body uncompressed")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return _no(HTTPStatus.REQUEST_TIMEOUT, f"the body took longer than {BODY_SECONDS:.0f} s")
        moment = (clock.seconds(), self.settings.webhook_window)
        if reason := refusal(self._secrets, request.headers, body, moment):
            return _no(HTTPStatus.UNAUTHORIZED, reason)
        try:
            posts = read_posts(body)
        except InvalidPost as error:
            return _no(HTTPStatus.BAD_REQUEST, str(error), **error.where)
        return await self._hand_over(posts)

    async def _hand_over(self, posts: list[Post]) -> web.Response:
        if self._late or self._posts.qsize() + len(posts) > MAX_POSTS_WAITING:
            return _later("the broker does not acknowledge at the moment")
        now, loop = clock.now(), asyncio.get_running_loop()
        waiting = []
        for post in posts:
            event = Event.model_validate({**dict(post), "source": self.config.id, "seen": now})
            done: asyncio.Future[None] = loop.create_future()
            waiting.append(done)
            self._posts.put_nowait(Reading(event, None, done))
        _, late = await asyncio.wait(waiting, timeout=self.config.wait)
        for done in late:
            # while these are under way the broker is away, and whoever comes is told at once
            self._late.add(done)
            done.add_done_callback(self._no_longer_late)
        if late:
            return _later(f"the broker did not acknowledge within {self.config.wait:g} s")
        if refused := next((done.exception() for done in waiting if done.exception()), None):
            return _later(str(refused))
        return web.json_response({"accepted": len(posts)}, status=HTTPStatus.ACCEPTED)

    def _no_longer_late(self, done: asyncio.Future[None]) -> None:
        self._late.discard(done)
        if not done.cancelled() and (error := done.exception()):
            _log.warning("a late post was refused", source=self.config.id, reason=str(error))


def _no(status: HTTPStatus, error: str, **where: Any) -> web.Response:
    return web.json_response({"error": error, **where}, status=status)


def _later(reason: str) -> web.Response:
    answer = _no(HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}; send the whole request again")
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


@web.middleware
async def _count(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every answer by its status, and give those of the server itself the form of ours."""
    try:
        answer = await handler(request)
    except web.HTTPException as refused:
        answer = _no(HTTPStatus(refused.status), refused.text or refused.reason)
        if "Allow" in refused.headers:
            answer.headers["Allow"] = refused.headers["Allow"]
    counter(WEBHOOK_REQUESTS).labels(str(answer.status)).inc()
    return answer
