"""A source as the ingest process runs it, with the real keeper, a broker that the test plays, and a counterpart."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.ingest import keeper as keeping
from agents.ingest.asks import Asks
from agents.ingest.keeper import Keeper
from agents.ingest.source import Source, parse_sources
from agents.ingest.sources import x
from agents.ingest.web import door
from agents.ingest.writer import Outgoing, Told
from cli.broker import free_port
from schemas.checkpoint import Checkpoint
from schemas.event import Deletion, Delivered, Edit, Event, Gap, delivered
from schemas.settings import Settings, load_settings
from schemas.topics import CHECKPOINTS, RAW_PREFIX
from schemas.watch import Watch
from tests.contracts.counterpart import Counterpart

SECONDS = 30.0
"""How long something may take to come about on a busy machine."""
COUNTERPARTS = Path(__file__).parent.parent / "counterparts"
TEXT = "Die Bahn hat Verspätung, post {number}"
QUERY = "Bahn OR post OR edited"
"""What the suite publishes, and what the watches ask for; a counterpart may write `post` where it is given no text."""


def counterpart_of(kind: str) -> Counterpart:
    """Return the counterpart of a kind; it is an error, said in a sentence, that there is none."""
    path = COUNTERPARTS / f"{kind}.py"
    if not path.exists():
        pytest.fail(
            f"the source {kind} has no counterpart: write tests/counterparts/{kind}.py with a local server that "
            "speaks its protocol, and a function counterpart() that returns it (see tests/contracts/counterpart.py)"
        )
    found: Counterpart = importlib.import_module(f"tests.counterparts.{kind}").counterpart()
    return found


class Stand:
    """One entry of the sources file between its counterpart and a broker, started, killed and started again."""

    def __init__(self, counterpart: Counterpart, settings: Settings) -> None:
        self.counterpart = counterpart
        self.settings = settings
        self.stored: dict[str, Checkpoint] = {}
        self.records: list[Outgoing] = []
        self.waits: list[float | None] = []
        self.logs: list[Any] = []
        self.acknowledges: float = float("inf")
        """How many more records the broker acknowledges before it falls silent."""
        self.unanswered: list[Told] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # the broker

    async def write(self, record: Outgoing, told: Told) -> None:
        if record.topic == CHECKPOINTS:
            self.stored[record.key] = Checkpoint.from_bytes(record.value)
            told(None)
            return
        if self.acknowledges <= 0:
            self.unanswered.append(told)
        else:
            self.acknowledges -= 1
            self.records.append(record)
            told(None)
            await self.keeper.store()
        self._changed.set()

    # the process

    def source(self) -> Source[Any]:
        [source] = parse_sources(f"sources: [{self.counterpart.entry}]", self.settings)
        source.asks = Asks([watch(QUERY)])
        source.prepare()
        return source

    def start(self) -> None:
        async def known() -> dict[str, Checkpoint]:
            return dict(self.stored)

        self.keeper = Keeper(self.source(), self, asyncio.ensure_future(known()))  # type: ignore[arg-type]
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Run the source; one that is finished is started again, as whoever adds to a file does."""
        await self.keeper.keep()
        while self.keeper.ended_by is None:
            await self.keeper.store(leaving=True)
            await asyncio.sleep(0.1)
            await self.keeper.keep()

    async def connected(self) -> None:
        """Wait until the source has been heard of; or for three seconds."""
        deadline = monotonic() + 3
        while self.keeper._heard is None and monotonic() < deadline and not self.finished:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """Let the process die: nothing more is stored, and what was not acknowledged is gone."""
        if self._task is not None:
            self._task.cancel()
            async with asyncio.timeout(5):
                await asyncio.gather(self._task, return_exceptions=True)
        self.unanswered.clear()

    async def stop(self) -> None:
        """Let the process leave in good order."""
        await self.kill()
        await self.keeper.store(leaving=True)

    async def restart(self) -> None:
        await self.kill()
        self.start()

    @property
    def finished(self) -> bool:
        return self._task is not None and self._task.done()

    # what came of it

    @property
    def items(self) -> list[Delivered]:
        return [delivered.validate_json(one.value) for one in self.records if one.topic.startswith(RAW_PREFIX)]

    def keys(self) -> list[str]:
        return [item.key for item in self.items if isinstance(item, Event) and not isinstance(item, Edit)]

    def found(self, kind: type[Event | Deletion | Gap]) -> list[Any]:
        return [item for item in self.items if isinstance(item, kind)]

    async def publish(self, number: int) -> str:
        return await self.counterpart.publish(number, TEXT.format(number=number))

    async def until(self, check: Callable[[], object], sentence: str) -> None:
        """Wait until `check` is true."""
        deadline = monotonic() + SECONDS
        while not check():
            assert monotonic() < deadline, f"it did not come about that {sentence}; the log: {self.logs[-5:]}"
            assert not (self.finished and self.keeper.ended_by), f"it ended: {self.keeper.ended_by}"
            self._changed.clear()
            # the broker tells of records; other things are looked at now and then
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.1)

    async def arrived(self, *keys: str) -> None:
        await self.until(lambda: set(keys) <= set(self.keys()), f"{keys} arrived")


def watch(query: str) -> Watch:
    fields = {
        "id": "bahn",
        "purpose": {"goal": "reputation", "measure": "an answer within the hour"},
        "query": query,
        "rules": ({"kind": "count", "threshold": 10, "window": "1h"},),
        "owner": "Presse",
        "routes": ({"channel": "console"},),
    }
    return Watch.model_validate(fields)


@asynccontextmanager
async def stand_of(kind: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> AsyncIterator[Stand]:
    """Set a kind up: its counterpart runs, its secrets are in the environment, and the source is not started yet."""
    async with counterpart_of(kind) as counterpart:
        for name, value in counterpart.secrets.items():
            monkeypatch.setenv(name, value)
        port = free_port()
        counterpart.door = f"http://127.0.0.1:{port}"
        settings = load_settings(webhook_port=port, sources=folder / "sources.yml", state=folder)
        stand = Stand(counterpart, settings)

        def delay(_failures: int, retry_after: float | None, _chance: float) -> float:
            stand.waits.append(retry_after)
            return 0.05 if retry_after is None else min(retry_after, 3.0)

        def held(_settings: Settings, platform: str) -> set[str]:
            """Answer from what was written here: no broker could be asked, and waiting for one takes long."""
            posts = (item for item in stand.items if isinstance(item, Event))
            return {item.id for item in posts if item.platform == platform}

        monkeypatch.setattr(x, "held_ids", held)
        monkeypatch.setattr(keeping, "delay", delay)
        monkeypatch.setattr(door, "delay", delay)
        with capture_logs() as stand.logs:
            try:
                yield stand
            finally:
                await stand.kill()
