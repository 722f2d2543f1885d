"""Several ingest processes with the same sources file: one owner for each source, whoever dies or is frozen."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

import pytest
from aiohttp import web

from agents.topics import apply_topics
from cli.broker import free_port
from schemas.settings import Settings, load_settings
from tests.broker.brokers import Broker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

SOURCES = tuple(f"stream-{number}" for number in range(8))
TAKEOVER = {"kafka": 15.0, "embedded": 40.0}
"""Seconds; the embedded broker lets those who are left wait for ten seconds and more before it shares anew."""

SOURCE = '''
"""A stream of numbers, of which a reader may have one connection."""
from datetime import UTC, datetime
from agents import clock
from agents.ingest.web.client import Client
from agents.ingest.source import Entry, Reading, Readings, Source
from schemas.event import Event

class Config(Entry):
    """Where it is."""
    url: str

class Numbers(Source[Config]):
    """Reads it."""
    Config = Config

    async def run(self, checkpoint) -> Readings:
        async with Client(self.config.id, self.config.url) as client:
            async with client.lines(self.config.id, {"by": self.settings.instance}, quiet=5) as lines:
                async for line in lines:
                    name = f"{self.config.id}-{line.decode()}"
                    about = {"source": self.config.id, "seen": clock.now(), "time": datetime.now(UTC)}
                    event = Event(platform="web", id=name, text="a number", **about)
                    yield Reading(event, {"at": line.decode()})
'''
MAIN = """
import sys
import agents.ingest.sources
agents.ingest.sources.__path__.append(sys.argv[1])
from agents.ingest.runner import run_ingest
from agents.logs import configure
from schemas.settings import load_settings
settings = load_settings()
configure(settings, "ingest")
run_ingest(settings)
"""


@dataclass
class Platform:
    """A server in a thread of its own that counts who is connected to what."""

    open: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    owner: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def __enter__(self) -> "Platform":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/{source}", self._stream)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        source = request.match_info["source"]
        self.open[source] += 1
        self.most[source] = max(self.most[source], self.open[source])
        self.owner[source] = request.query["by"]
        answer = web.StreamResponse()
        number = 0
        try:
            await answer.prepare(request)
            while request.transport is not None and not request.transport.is_closing():
                await answer.write(b"%d\n" % number)
                number += 1
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            self.open[source] -= 1
        return answer

    def served(self, *, but: str = "") -> bool:
        """Tell whether every source has a reader, who is none that is gone."""
        return all(self.open[source] == 1 and self.owner[source] != but for source in SOURCES)


@dataclass
class World:
    """The processes, by their instance names."""

    folder: Path
    settings: Settings
    platform: Platform
    takeover: float
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EARSHOT_")} | {
            "EARSHOT_KAFKA": self.settings.kafka,
            "EARSHOT_PARTITIONS": str(self.settings.partitions),
            "EARSHOT_SOURCES": str(self.folder / "sources.yml"),
            "EARSHOT_WEBHOOK_PORT": str(free_port()),
            "EARSHOT_INSTANCE": name,
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-c", MAIN, str(self.folder / "kinds")]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        self.running[name] = process
        return process

    def owned(self) -> Counter[str]:
        """Return how many sources each process has."""
        return Counter(self.platform.owner[source] for source in SOURCES if self.platform.open[source])

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))


@pytest.fixture
def world(fresh_broker: Broker, tmp_path: Path) -> Iterator[World]:
    settings = load_settings(kafka=fresh_broker.address, partitions=8)
    apply_topics(settings)
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "numbers.py").write_text(SOURCE)
    with Platform() as platform:
        entries = [f"- {{id: {name}, kind: numbers, url: 'http://127.0.0.1:{platform.port}'}}" for name in SOURCES]
        (tmp_path / "sources.yml").write_text("\n".join(["sources:", *entries]))
        world = World(tmp_path, settings, platform, TAKEOVER[fresh_broker.name])
        yield world
        for process in world.running.values():
            process.kill()
            process.wait()


def until(world: World, check: Callable[[], bool], seconds: float, sentence: str) -> float:
    """Wait until `check` holds, and return how long that took."""
    began = monotonic()
    while not check():
        assert monotonic() < began + seconds, f"{sentence}: {world.owned()}\n{world.logs()[-4000:]}"
        sleep(0.05)
    return monotonic() - began


def test_each_source_has_one_owner_whoever_dies_is_frozen_or_leaves(world: World) -> None:
    platform = world.platform
    world.start("one")
    until(world, platform.served, 60, "one process has all")
    world.start("two")
    until(world, lambda: platform.served() and len(world.owned()) == 2, 60, "two share them")

    world.running["one"].kill()
    killed = until(world, lambda: platform.served(but="one"), world.takeover, "what a killed process had is taken over")
    assert set(platform.most.values()) == {1}, "and never had two readers"

    world.start("three")
    until(world, lambda: platform.served() and len(world.owned()) == 2, 60, "a new one gets its share")
    frozen = world.running["two"]
    os.kill(frozen.pid, signal.SIGSTOP)
    stopped = until(
        world, lambda: platform.served(but="two"), world.takeover, "what a frozen process had is taken over"
    )
    assert set(platform.most.values()) == {1}, "its connections were closed before"
    assert frozen.wait(10) == -signal.SIGKILL, "its sentinel ended it"

    world.start("four")
    until(world, lambda: platform.served() and len(world.owned()) == 2, 60, "and again")
    world.running["four"].terminate()
    until(world, lambda: platform.served(but="four"), world.takeover, "who leaves hands over")
    assert world.running["four"].wait(20) == 0
    assert set(platform.most.values()) == {1}
    assert "Traceback" not in world.logs()
    print(f"taken over {killed:.1f} s after a kill and {stopped:.1f} s after a freeze")
