"""The one HTTP server that a process has for all that is pushed to it, and the source that stands behind a path of it.

Whoever pushes is answered when the broker has what they sent, or is told to come back.
"""

import asyncio
import random
import socket
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from socket import AF_INET, AF_INET6
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import structlog
from aiohttp import web

from agents import clock
from agents.ingest.source import C, Reading, Readings, Source
from agents.ingest.web.backoff import delay
from agents.ingest.web.reply import later, no
from agents.listening import cannot_listen
from agents.observe import counter
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import ConfigError, SourceError
from schemas.event import Delivered, Heartbeat
from schemas.metrics import SOURCE_ERRORS, WEBHOOK_REQUESTS
from schemas.settings import Settings

__all__ = ["Door", "Handler", "Pushed", "Route", "later", "no"]

MAX_POSTS_WAITING = 10_000
MAX_BYTES_WAITING = 33_554_432
"""How much of requests may be read, or wait for the broker, at one time; more is told to come back."""
LARGEST_BODY = 4_194_304
HEARTBEAT_SECONDS = 15.0
BODY_SECONDS = 30.0
LEAVING_SECONDS = 4.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BodyHandler = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
"""Method, path and who answers."""

_log = structlog.get_logger("ingest.door")


class Door:
    """The server on EARSHOT_HOST and EARSHOT_WEBHOOK_PORT. It is there while at least one source stands behind it."""

    _doors: ClassVar["WeakValueDictionary[int, Door]"] = WeakValueDictionary()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.bytes = 0
        self._names: dict[str, str] = {}
        self._routes: dict[str, dict[str, Handler]] = {}
        self._socket: socket.socket | None = None
        self._runner: web.AppRunner | None = None
        self._lock = asyncio.Lock()
        self._port = settings.webhook_port

    @classmethod
    def of(cls, settings: Settings) -> "Door":
        """Return the door of the process that runs with `settings`: the same for all its sources."""
        door = cls._doors.get(id(settings))
        if door is None:
            cls._doors[id(settings)] = door = cls(settings)
        return door

    @property
    def port(self) -> int:
        """The port it listens on, once it is prepared."""
        return self._port

    def prepare(self, source: str, paths: Iterable[str]) -> None:
        """Take the port, and keep `paths` for a source.

        Raises:
            ConfigError: the port cannot be had, or a path is taken.
        """
        for path in paths:
            if self._names.setdefault(path, source) != source:
                both = f"sources `{self._names[path]}` and `{source}` both want {path}"
                raise ConfigError(both, where=str(self.settings.sources), hint="one path is for one source")
        if self._socket is None or self._socket.fileno() < 0:
            self._socket = self._listen()
            self._port = self._socket.getsockname()[1]

    async def open(self, routes: Iterable[Route]) -> None:
        """Answer `routes` from now on."""
        async with self._lock:
            for method, path, handler in routes:
                self._routes.setdefault(path, {})[method] = handler
            if self._runner is not None:
                return
            if self._socket is None or self._socket.fileno() < 0:
                self._socket = self._listen()
            app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_count])
            app.router.add_route("*", "/{path:.*}", self._answer)
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LEAVING_SECONDS)
            await self._runner.setup()
            await web.SockSite(self._runner, self._socket, backlog=1024).start()
            _log.info("the door is open", host=self.settings.host, port=self._port)

    async def close(self, routes: Iterable[Route]) -> None:
        """Answer `routes` no longer; the last to leave closes the door."""
        for method, path, _handler in routes:
            self._routes.get(path, {}).pop(method, None)
        self._routes = {path: found for path, found in self._routes.items() if found}
        async with self._lock:
            if not self._routes and self._runner is not None:
                runner, self._runner = self._runner, None
                await runner.cleanup()

    def _listen(self) -> socket.socket:
        host, port = self.settings.host, self._port
        try:
            return socket.create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=1024)
        except OSError as error:
            hint = "choose a free port; each process needs one of its own"
            raise cannot_listen(host, port, error, variable="EARSHOT_WEBHOOK_PORT", hint=hint) from error

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        known = self._routes.get(request.path)
        if known is None:
            # a source that is just being started again is not gone
            if request.path in self._names:
                return later("the source does not run at the moment")
            raise web.HTTPNotFound
        if request.method not in known:
            raise web.HTTPMethodNotAllowed(request.method, list(known))
        return await known[request.method](request)


class Pushed(Source[C]):
    """A source that others push to, at paths of the door; `take` hands what they sent to the runner.

    `wait` is how long a sender is kept waiting for the broker before it is told to come back, `largest` how many
    bytes a body may have.
    """

    resumable: ClassVar[bool] = False
    exclusive: bool = False
    largest: ClassVar[int] = 1_048_576
    wait: float = 5.0

    @abstractmethod
    def routes(self) -> list[Route]:
        """Return what it answers: method, path (`self.path`, or one below) and handler."""

    @property
    def path(self) -> str:
        """The path of this source: `/hooks/<id>`."""
        return f"/hooks/{self.config.id}"

    @property
    def port(self) -> int:
        """The port of the door."""
        return self._door.port

    def prepare(self) -> None:
        """Take the port and the paths; see `Source.prepare`. Call it first where it is extended."""
        self._door = Door.of(self.settings)
        self._items: asyncio.Queue[Reading] = asyncio.Queue(MAX_POSTS_WAITING)
        self._late: set[asyncio.Future[None]] = set()
        self._door.prepare(self.config.id, [path for _method, path, _handler in self.routes()])

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Serve, and yield what is pushed, and what `pull` yields beside it, until cancelled; see `Source.run`."""
        routes = self.routes()
        await self._door.open(routes)
        beside = [asyncio.create_task(self._beat()), asyncio.create_task(self._pull(checkpoint))]
        following: asyncio.Task[Reading] | None = None
        try:
            while True:
                following = asyncio.create_task(self._items.get())
                await asyncio.wait({following, *beside}, return_when=asyncio.FIRST_COMPLETED)
                for task in beside:
                    if task.done():
                        task.result()
                beside = [task for task in beside if not task.done()]
                yield await following
        finally:
            for task in beside:
                task.cancel()
            if following is not None:
                following.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._door.close(routes)

    async def pull(self, checkpoint: Checkpoint | None) -> Readings:  # noqa: ARG002 - most have nothing to pull
        """Yield what is fetched beside what is pushed, such as a nightly reconciliation; ends where there is none.

        Called again after an error, always with the checkpoint of the run: what was pulled since is the source's to
        know.

        Raises:
            SourceError: it could not be fetched now. What is pushed is taken all the same.
        """
        return
        yield

    async def read(self, request: web.Request) -> bytes | web.Response:
        """Return the body as it was sent, for a signature to be checked before it is parsed; or what to answer."""
        limit = self.largest
        size = limit if request.content_length is None else request.content_length
        if size > limit:
            return no(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {limit} bytes")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return no(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body uncompressed")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return no(HTTPStatus.REQUEST_TIMEOUT, f"the body took longer than {BODY_SECONDS:.0f} s")
        if len(body) > limit:
            return no(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {limit} bytes")
        return body

    async def take(
        self, items: Iterable[Delivered | Dead], status: int = HTTPStatus.OK, said: Mapping[str, Any] | None = None
    ) -> web.Response:
        """Hand over what was sent, and answer `status` with `said` once the broker has all of it, else "come back"."""
        given = list(items)
        if len(given) > MAX_POSTS_WAITING:
            return no(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may hold {MAX_POSTS_WAITING} posts")
        if self._late or self._items.qsize() + len(given) > MAX_POSTS_WAITING:
            return later("the broker does not acknowledge at the moment")
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Future[None]] = [loop.create_future() for _ in given]
        for item, done in zip(given, waiting, strict=True):
            self._items.put_nowait(Reading(item, None, done))
        late = (await asyncio.wait(waiting, timeout=self.wait))[1] if waiting else ()
        for done in late:
            # while these are under way the broker is away, and whoever comes is told at once
            self._late.add(done)
            done.add_done_callback(self._no_longer_late)
        if late:
            return later(f"the broker did not acknowledge within {self.wait:g} s")
        if refused := next((done.exception() for done in waiting if done.exception()), None):
            return later(str(refused))
        return web.json_response({"accepted": len(given)} if said is None else said, status=status)

    async def held(self, request: web.Request, answer: BodyHandler) -> web.StreamResponse:
        """Answer one request by its body, and hold that in memory only where there is room for it."""
        size = self.largest if request.content_length is None else min(request.content_length, self.largest)
        if self._door.bytes + size > MAX_BYTES_WAITING:
            return later("too many requests are under way")
        self._door.bytes += size
        try:
            body = await self.read(request)
            return await answer(request, body) if isinstance(body, bytes) else body
        finally:
            self._door.bytes -= size

    async def _pull(self, checkpoint: Checkpoint | None) -> None:
        failures = 0
        while True:
            try:
                async for reading in self.pull(checkpoint):
                    failures = 0
                    await self._items.put(reading)
            except SourceError as error:
                # whoever pushes must not stand before a closed door because somebody else does not answer us
                failures += 1
                counter(SOURCE_ERRORS).labels(self.config.id, error.kind).inc()
                seconds = delay(failures, error.retry_after, random.random())  # noqa: S311 - spreads load
                _log.warning("pull failed", source=self.config.id, reason=str(error), again_in=round(seconds, 1))
                await asyncio.sleep(seconds)
            else:
                return

    async def _beat(self) -> None:
        """Say that we listen: nobody else can tell silence from an outage."""
        while True:
            now = clock.now()
            await self._items.put(Reading(Heartbeat(source=self.config.id, seen=now, at=now)))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _no_longer_late(self, done: asyncio.Future[None]) -> None:
        self._late.discard(done)
        if not done.cancelled() and (error := done.exception()):
            _log.warning("a late post was refused", source=self.config.id, reason=str(error))


@web.middleware
async def _count(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every answer by its status, and give those of the server itself the form of ours."""
    try:
        answer = await handler(request)
    except web.HTTPException as refused:
        answer = no(HTTPStatus(refused.status), refused.text or refused.reason)
        if "Allow" in refused.headers:
            answer.headers["Allow"] = refused.headers["Allow"]
    counter(WEBHOOK_REQUESTS).labels(str(answer.status)).inc()
    return answer
