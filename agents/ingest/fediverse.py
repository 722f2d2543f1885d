"""The streams of a Mastodon server, over one WebSocket or one SSE connection each, told as one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from agents.ingest.platforms.fediverse import Stream, Told, read_event, read_frame
from agents.ingest.web.client import Client
from schemas.errors import ConfigError, InvalidMessage, SourceError

WAITING = 1000
"""How many events of all SSE connections may wait to be read before the server is made to wait."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What came by a stream and could not be read, and why."""

    data: str | bytes
    error: InvalidMessage


Came = AsyncGenerator[Told | Unread, None]


@dataclass(frozen=True, slots=True)
class Streams:
    """Opens `streams` at `where` (`https://…`), with the headers `proof`; see `Client` for `quiet` and errors.

    The server itself names where it streams, and wants the token there, whatever host it is.
    """

    client: Client
    where: str
    streams: tuple[Stream, ...]
    quiet: float
    proof: Mapping[str, str]

    @asynccontextmanager
    async def over_websocket(self) -> AsyncIterator[Came]:
        """Give what comes by one socket that is subscribed to all streams.

        Raises:
            ConfigError: from what it gives: the server does not take a subscription.
        """
        where = f"{self.where}/api/v1/streaming"
        async with self.client.frames(where, quiet=self.quiet, headers=self.proof) as socket:
            for stream in self.streams:
                await socket.send_json(stream.subscription)
            yield _frames(aiter(socket))

    @asynccontextmanager
    async def over_sse(self) -> AsyncIterator[Came]:
        """Give what comes by all streams, each with a connection of its own, until one of them ends."""
        came: asyncio.Queue[Told | Unread | SourceError | None] = asyncio.Queue(WAITING)
        tasks: list[asyncio.Task[None]] = []
        async with AsyncExitStack() as stack:
            for stream in self.streams:
                params = {"tag": stream.tag} if stream.tag else None
                where = f"{self.where}/{stream.events}"
                opening = self.client.lines(where, params, quiet=self.quiet, headers=self.proof)
                lines = await stack.enter_async_context(opening)
                tasks.append(asyncio.create_task(_pass_on(stream, lines, came)))
            try:
                yield _taken(came)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _frames(frames: AsyncIterator[str | bytes]) -> Came:
    async for data in frames:
        try:
            told = read_frame(data)
        except InvalidMessage as error:
            if error.reason == "refused":
                hint = "is the token good for it, and does the server have it?"
                raise ConfigError(f"the server refuses a stream ({error.detail})", hint=hint) from None
            yield Unread(data, error)
            continue
        if told is not None:
            yield told


async def _pass_on(
    stream: Stream, lines: AsyncIterator[bytes], came: "asyncio.Queue[Told | Unread | SourceError | None]"
) -> None:
    """Read one stream to its end; what it ends by is passed on too."""
    try:
        async for one in _events(stream, lines):
            await came.put(one)
    except SourceError as error:
        await came.put(error)
    else:
        await came.put(None)


async def _events(stream: Stream, lines: AsyncIterator[bytes]) -> Came:
    """Yield the events of an SSE stream; a line that begins with a colon only says that it is alive."""
    event, data = "", list[str]()
    async for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name == "event":
            event = value.strip()
        elif name == "data":
            data.append(value.strip())
        elif line:
            yield Told(stream.key, "", None)
        elif event:
            whole = "\n".join(data)
            try:
                yield read_event(stream.key, event, whole)
            except InvalidMessage as error:
                yield Unread(whole, error)
            event, data = "", []


async def _taken(came: "asyncio.Queue[Told | Unread | SourceError | None]") -> Came:
    while (one := await came.get()) is not None:
        if isinstance(one, SourceError):
            raise one
        yield one
