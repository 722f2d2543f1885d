"""A network that can be cut: a TCP proxy between every process and every broker, in a thread of its own."""

import asyncio
import socket
import threading
from collections import defaultdict
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class Link:
    """The way of one process to one broker: it connects to `port`, and the broker listens at `target`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._socket.getsockname()[1]
        self._passes = asyncio.Event()
        self._passes.set()
        self._refuses = False
        self.met = 0
        """How often something was severed, refused or held."""
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, sock=self._socket)

    def cut(self) -> None:
        """Sever what is connected and refuse what comes."""
        self._refuses = True
        self.met += len(self._open)
        for writer in self._open:
            writer.transport.abort()

    def hold(self) -> None:
        """Let nothing pass; it is kept, as a network does that loses packets which are then sent again."""
        self._passes.clear()

    def heal(self) -> None:
        """Let pass what was held, and what comes, connections of which one end is gone included."""
        self._refuses = False
        self._passes.set()

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._may_pass()
            if self._refuses:
                self.met += 1
                return
            inner, outer = await asyncio.open_connection("127.0.0.1", self.target)
            self._open |= {writer, outer}
            try:
                await asyncio.gather(self._pump(reader, outer), self._pump(inner, writer))
            finally:
                self._open -= {writer, outer}
                outer.transport.abort()
        except OSError:
            pass  # the broker is down: so is this connection
        finally:
            writer.transport.abort()

    async def _may_pass(self) -> None:
        self.met += not self._passes.is_set()
        await self._passes.wait()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._may_pass()
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.write_eof()


class Network:
    """All links, by process."""

    def __init__(self) -> None:
        self._links: defaultdict[str, list[Link]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def link(self, process: str, target: int) -> int:
        """Make a way for `process` to the port `target`, and return the port where it begins."""
        made = Link(target)
        self._links[process].append(made)
        self._do(made.listen()).result(10)
        return made.port

    def _do(self, what: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    def cut(self, process: str) -> None:
        self._each(process, "cut")

    def hold(self, process: str) -> None:
        self._each(process, "hold")

    def heal(self, process: str) -> None:
        self._each(process, "heal")

    def met(self, process: str) -> int:
        """Return how often something of the process was severed, refused or held so far."""
        return sum(link.met for link in self._links[process])

    def _each(self, process: str, verb: str) -> None:
        for link in self._links[process]:
            self._loop.call_soon_threadsafe(getattr(link, verb))

    def close(self) -> None:
        for links in self._links.values():
            for link in links:
                self._do(link.close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
