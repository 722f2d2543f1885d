"""Drives one source against a server, as the runner does, without a broker: everything is acknowledged at once."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from agents import clock
from agents.ingest.asks import Asks
from agents.ingest.source import Reading, Readings, Source, parse_sources
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import SourceError
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat
from schemas.settings import load_settings
from tests.pipeline.timeline import watch

SECONDS = 30.0
NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def source_of(entry: str, *asked: str) -> Source[Any]:
    """Return the source that `entry` describes, prepared, for watches with these queries."""
    [source] = parse_sources(f"sources: [{entry}]", load_settings())
    source.prepare()
    source.asks = Asks(watch(id=f"w{number}", query=query) for number, query in enumerate(asked))
    return source


def short(reading: Reading) -> str:
    """Return what was read in a few letters: `+key`, `~key`, `-key`, `-author:key`, `gap`, `dead:reason`, `beat`."""
    item = reading.item
    match item:
        case Dead():
            return f"dead:{item.reason}"
        case Gap():
            return "gap"
        case Heartbeat():
            return "beat"
        case Edit():
            return f"~{item.key}"
        case Event():
            return f"+{item.key}"
        case Deletion():
            return f"-author:{item.key}" if item.author else f"-{item.key}"


class Following:
    """A source that runs in the background; `told` is what it has yielded, heartbeats left out."""

    def __init__(self, source: Source[Any], cursor: dict[str, str] | None = None) -> None:
        self.source = source
        self.cursor = dict(cursor or {})
        self.readings: list[Reading] = []
        self.errors: list[SourceError] = []
        self.beats = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._task is not None
        self._task.cancel()
        done = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(done[0], Exception):
            raise done[0]

    @property
    def told(self) -> list[str]:
        return [short(reading) for reading in self.readings]

    @property
    def items(self) -> list[Any]:
        return [reading.item for reading in self.readings]

    async def until(self, *wanted: str) -> list[Any]:
        """Wait until all of `wanted` were told, and return everything that was."""
        await self.wait(lambda: set(wanted) <= set(self.told))
        return self.items

    async def wait(self, fits: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                while not fits():
                    if self._task is not None and self._task.done():
                        self._task.result()
                        raise AssertionError(f"the source has finished: {self.told}")
                    self._changed.clear()
                    await asyncio.wait({asyncio.ensure_future(self._changed.wait())}, timeout=0.1)
        except TimeoutError:
            pytest.fail(f"not told in time; told was {self.told}, failed was {[str(one) for one in self.errors]}")

    async def _keep(self) -> None:
        while True:
            checkpoint = Checkpoint(source="a", cursor=self.cursor, at=clock.now()) if self.cursor else None
            try:
                await self._drive(self.source.run(checkpoint))
            except SourceError as error:
                self.errors.append(error)
                self._changed.set()
                # the runner waits as long as was asked; here no test lasts so long
                await asyncio.sleep(min(error.retry_after or 0.05, 2.0))
            else:
                return

    async def _drive(self, readings: Readings) -> None:
        async with aclosing(readings):
            async for reading in readings:
                if reading.cursor is not None:
                    self.cursor = dict(reading.cursor)
                if isinstance(reading.item, Heartbeat):
                    self.beats += 1
                else:
                    self.readings.append(reading)
                self._changed.set()
