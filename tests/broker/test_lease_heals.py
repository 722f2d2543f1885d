"""A client of the leases that stands still is replaced by itself; one that has nothing because others do is not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from agents.topics import apply_topics
from schemas.settings import Settings, load_settings
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

PROCESS = """
import asyncio, json, sys
from pathlib import Path
from time import monotonic
import confluent_kafka
from agents import roster, standing
from agents.ingest import lease, membership
from agents.logs import configure
from agents.observe import counter
from schemas.metrics import LEASES_RENEWED
from schemas.settings import load_settings

name, how, trigger = sys.argv[1], sys.argv[2], Path(sys.argv[3])
standing.STANDSTILL, standing.LONGEST = 4.0, 64.0
lease.UNPROVEN_SECONDS, roster.LOOK_EVERY = 1.0, 0.5
made = []

class Stuck(confluent_kafka.Consumer):
    "The first client; it stands still once the file is there."
    first = True

    def poll(self, timeout):
        if self.first and trigger.exists():
            if how == "leaves" and not made:
                self.unsubscribe()
            if how == "deaf":
                made.append(self)
                threading.Event().wait(timeout)
                return None
            made.append(self)
        return super().poll(timeout)

import threading
def client(*args, **more):
    Stuck.first, one = False, Stuck(*args, **more)
    one.first = not clients
    clients.append(one)
    return one

clients = []
if how != "sound":
    membership.Consumer = client
settings = load_settings()
configure(settings, "ingest")

def say(**more):
    print(json.dumps({"by": name, "at": monotonic(), **more}), flush=True)

async def main():
    leases = lease.Leases(settings)
    leases.start()
    say(started=True)
    while True:
        await leases.acquired("source")
        say(runs=True)
        await leases.lost("source")
        say(runs=False, renewed=counter(LEASES_RENEWED)._value.get())
        leases.released("source")

asyncio.run(main())
"""


@dataclass
class World:
    """Processes with one lease between them, and what each has said so far."""

    folder: Path
    settings: Settings
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, how: str = "sound") -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EARSHOT_")} | {
            "EARSHOT_KAFKA": self.settings.kafka,
            "EARSHOT_PARTITIONS": str(self.settings.partitions),
        }
        command = [sys.executable, "-c", PROCESS, name, how, str(self.folder / "trigger")]
        with (self.folder / f"{name}.said").open("wb") as said, (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(command, env=environment, stdout=said, stderr=log)
        self.until(lambda: bool(self.said(name)), f"{name} has begun")

    def said(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / f"{name}.said").read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b'{"by"')]

    def log(self, name: str) -> str:
        return "".join(path.read_text() for path in (self.folder / f"{name}.log", self.folder / f"{name}.said"))

    def runs(self, name: str) -> bool:
        return bool(self.said(name)[-1].get("runs"))

    def until(self, check: Callable[[], bool], sentence: str, seconds: float = 90) -> None:
        deadline = monotonic() + seconds
        while not check():
            gone = {name: process.poll() for name, process in self.running.items()}
            assert monotonic() < deadline, f"not within {seconds:.0f} s: {sentence}; {gone}\n{self._logs()}"
            sleep(0.05)

    def _logs(self) -> str:
        return "\n".join(self.log(name)[-3000:] for name in self.running)


@pytest.fixture
def world(fresh_broker: Broker, tmp_path: Path) -> Iterator[World]:
    settings = load_settings(kafka=fresh_broker.address, partitions=1)
    apply_topics(settings)
    world = World(tmp_path, settings)
    yield world
    for process in world.running.values():
        process.kill()
        process.wait()


REPLACED = "stands still and is replaced"


@pytest.mark.needs(Ability.NAMES_MEMBERS)
@pytest.mark.parametrize("how", ["leaves", "deaf"])
def test_a_client_that_stands_still_is_replaced_and_its_source_runs_again(world: World, how: str) -> None:
    world.start("one", how)
    world.until(lambda: world.runs("one"), "it runs the source")
    (world.folder / "trigger").touch()
    world.until(lambda: not world.runs("one"), "it lets go of what it cannot prove")
    assert REPLACED not in world.log("one"), "first the source has stopped"
    world.until(lambda: world.runs("one"), "and has it again")
    assert world.log("one").count(REPLACED) == 1
    assert world.running["one"].poll() is None, "the sentinel had nothing to end"


@pytest.mark.needs(Ability.NAMES_MEMBERS)
def test_who_has_nothing_because_another_has_it_all_is_left_alone_and_takes_over_in_time(world: World) -> None:
    world.start("one", "deaf")
    world.until(lambda: world.runs("one"), "the first runs the source")
    world.start("two")
    # three times as long as one that stood still would be left
    waited = monotonic() + 12.0
    world.until(lambda: monotonic() > waited, "time passes")
    assert world.runs("one")
    assert REPLACED not in world.log("two")

    (world.folder / "trigger").touch()
    world.until(lambda: world.runs("two") or world.log("one").count(REPLACED) > 0, "somebody does something about it")
    world.until(lambda: world.runs("one") or world.runs("two"), "and the source runs again")
    _never_two(world.said("one"), world.said("two"))


def _never_two(*told: list[dict[str, Any]]) -> None:
    """See that no process began to run the source while another did."""
    runs: set[str] = set()
    for line in sorted((line for lines in told for line in lines), key=lambda line: line["at"]):
        if line.get("runs"):
            assert not runs - {line["by"]}, f"{line['by']} began while {runs} ran"
            runs.add(line["by"])
        elif "runs" in line:
            runs.discard(line["by"])
