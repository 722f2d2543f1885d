"""Listens in on what a client tells a broker: a TCP proxy that reads the requests to write, and can lose an answer or
pass it on late.

A broker names its own address to who asks for it. The tap writes its own port over that in every answer, so that a
client which begins here stays here, whichever broker it is.
"""

import asyncio
import struct
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecords

PRODUCE = 0
_SECONDS = 10.0


@dataclass(frozen=True)
class Batch:
    """What one request wrote into one partition. `producer` is the number of an idempotent producer, -1 of no such."""

    topic: str
    acks: int
    producer: int
    sequence: int
    keys: tuple[str, ...]


class Tap:
    """The way of clients to the broker at `target` (a port on loopback). `batches` is what they wrote."""

    def __init__(self, target: int) -> None:
        self.batches: list[Batch] = []
        self.lost = 0
        self.port = 0
        self._target = target
        self._losing = ""
        self._unanswered = set[bytes]()
        self._slow = ("", 0.0)
        self._late = dict[bytes, float]()
        self._open = dict[asyncio.StreamWriter, asyncio.Task[None] | None]()

    def lose_answer(self, topic: str) -> None:
        """Break the connection instead of passing on the next answer about `topic`: the broker has the records."""
        self._losing = topic

    def slow_down(self, topic: str, seconds: float) -> None:
        """Pass on each answer about `topic` so much later, as a broker does that is slow; 0 ends it."""
        self._slow = (topic, seconds)

    def about(self, topic: str) -> list[Batch]:
        return [batch for batch in self.batches if batch.topic == topic]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open[writer] = asyncio.current_task()
        both = (asyncio.create_task(self._ask(reader, outer)), asyncio.create_task(self._answer(inner, writer)))
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        outer.transport.abort()
        writer.transport.abort()
        await asyncio.gather(*both)
        del self._open[writer]

    async def close(self) -> None:
        """End every connection."""
        tasks = [task for task in self._open.values() if task]
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*tasks)

    async def _ask(self, reader: asyncio.StreamReader, outer: asyncio.StreamWriter) -> None:
        async for frame in _frames(reader):
            key, version = struct.unpack_from(">hh", frame, 4)
            if key == PRODUCE:
                self._note(ProduceRequest.decode(frame[4:], version=version, header=True), frame[8:12])
            await _pass_on(outer, frame)

    def _note(self, request: ProduceRequest, correlation: bytes) -> None:
        for topic in request.topic_data:
            if topic.name == self._losing:
                self._losing = ""
                self._unanswered.add(correlation)
            if topic.name == self._slow[0] and self._slow[1]:
                self._late[correlation] = self._slow[1]
            for partition in topic.partition_data:
                records = MemoryRecords(bytes(partition.records))
                while batch := records.next_batch():
                    keys = tuple(record.key.decode() for record in batch)
                    wrote = Batch(topic.name, request.acks, batch.producer_id, batch.base_sequence, keys)
                    self.batches.append(wrote)

    async def _answer(self, inner: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = (b"127.0.0.1" + struct.pack(">i", port) for port in (self._target, self.port))
        async for frame in _frames(inner):
            if frame[4:8] in self._unanswered:
                self._unanswered.discard(frame[4:8])
                self.lost += 1
                return
            if late := self._late.pop(frame[4:8], 0.0):
                await asyncio.sleep(late)
            await _pass_on(writer, frame.replace(there, here))


async def _pass_on(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(frame)
    with suppress(ConnectionError):  # the other direction has ended meanwhile
        await writer.drain()


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(asyncio.IncompleteReadError, OSError):
        while True:
            length = await reader.readexactly(4)
            yield length + await reader.readexactly(int.from_bytes(length))


@contextmanager
def tapped(target: int) -> Iterator[Tap]:
    """Run a tap before the broker at `target`, in a thread of its own, as long as the context lasts."""
    loop, tap = asyncio.new_event_loop(), Tap(target)
    thread = threading.Thread(target=loop.run_forever, name="tap", daemon=True)
    thread.start()

    def run(what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, loop).result(_SECONDS)

    server = run(asyncio.start_server(tap.connected, "127.0.0.1", 0))
    tap.port = server.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        loop.call_soon_threadsafe(server.close)
        run(tap.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_SECONDS)
        loop.close()
