"""A pushed source that runs, with a broker played by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.ingest.source import parse_sources
from agents.ingest.web.door import Pushed
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import SourceError
from schemas.event import Deletion, Delivered, Edit, Event, Gap, Heartbeat
from schemas.settings import load_settings


@dataclass
class Running:
    """The source, what it delivered (heartbeats apart), and the last cursor."""

    source: Any
    taken: list[Delivered | Dead] = field(default_factory=list)
    cursor: dict[str, str] = field(default_factory=dict)
    refuses: bool = False

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.source.port}{self.source.path}"

    @property
    def keys(self) -> list[str]:
        return [item.key for item in self.taken if isinstance(item, Event | Deletion)]

    @property
    def events(self) -> list[Event]:
        return [item for item in self.taken if type(item) is Event]

    @property
    def edits(self) -> list[Edit]:
        return [item for item in self.taken if isinstance(item, Edit)]

    @property
    def gaps(self) -> list[Gap]:
        return [item for item in self.taken if isinstance(item, Gap)]

    async def until(self, true: Callable[[], object], what: str) -> None:
        """Wait until something is true."""
        for _ in range(1200):
            if true():
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"it never came to this: {what}")

    async def drive(self, checkpoint: Checkpoint | None) -> None:
        async with aclosing(self.source.run(checkpoint)) as readings:
            async for item, cursor, done, _rest in readings:
                if not isinstance(item, Heartbeat):
                    self.taken.append(item)
                if done is not None and self.refuses:
                    done.set_exception(SourceError("the broker refused a record"))
                elif done is not None:
                    done.set_result(None)
                if cursor is not None:
                    self.cursor = dict(cursor)


def made(entry: str, secrets: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the source of an entry, prepared, on a port of its own."""
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    [source] = parse_sources(f"sources: [{entry}]", load_settings(webhook_port=0))
    assert isinstance(source, Pushed)
    source.prepare()
    return source


@asynccontextmanager
async def running(source: Any, checkpoint: Checkpoint | None = None) -> AsyncIterator[Running]:
    """Run a prepared source."""
    world = Running(source)
    driving = asyncio.create_task(world.drive(checkpoint))
    try:
        yield world
        if driving.done():
            driving.result()
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
