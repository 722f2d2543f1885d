"""Clocks that are wrong: who begins with one does not begin, and who has one leap goes on as if it had not."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from cli.broker import free_port
from schemas.event import Post
from schemas.receipt import Decision, Receipt
from schemas.settings import Settings
from schemas.tick import Tick
from schemas.topics import MENTIONS, RECEIPTS
from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT, Broker
from tests.broker.test_stuck import get
from tests.broker.worker import Feed, Reader, Worker, provision, reading
from tests.faults.clocks import MachineClock

pytestmark = pytest.mark.broker

HOUR, DAY = 3600, 86_400
LEAPS = "from tests.faults.clocks import leaping; leaping()\n"
EARSHOT = LEAPS + "from cli.main import main; main()"


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """The clock of every process that the test starts."""
    made = MachineClock(tmp_path / "clock")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def ticks(reader: Reader) -> list[datetime]:
    values = [value for value in reader.values(MENTIONS) if value and b'"tick"' in value]
    return [tick.at for tick in map(Tick.from_bytes, values) if tick.at.year > 1970]


def said(number: int, at: datetime) -> list[Post | datetime]:
    return [Post(platform="x", id=str(number), time=at, text=f"acme {number}")]


def decision(reader: Reader, number: int) -> Decision:
    receipts = map(Receipt.from_bytes, reader.values(RECEIPTS))
    return next(one.decision for one in receipts if one.mention == f"x:{number}")


@pytest.mark.parametrize("leap", [DAY, -DAY])
def test_a_worker_whose_clock_leaps_ticks_on(
    fresh_broker: Broker, tmp_path: Path, clock: MachineClock, leap: int
) -> None:
    settings = provision(fresh_broker, tmp_path, clock="wall").model_copy(update={"metrics_port": free_port()})
    feed = Feed(settings)
    with reading(settings, MENTIONS, RECEIPTS) as reader, Worker(settings, tmp_path / "log", LEAPS) as worker:
        reader.until(lambda: bool(ticks(reader)), 60, worker)
        clock.set(leap)
        reader.until(lambda: "has leapt 86400 s" in get(settings, "/healthz")[1], 20, worker)
        assert get(settings, "/healthz")[0] == 200, "the work goes on"
        before = len(ticks(reader))
        reader.until(lambda: len(ticks(reader)) >= before + 3 * settings.partitions, 20, worker)
        feed.replay(said(1, datetime.now(UTC)))
        reader.until(lambda: len(reader.judged) == 1, 20, worker)
        clock.set(0)
        reader.until(lambda: get(settings, "/healthz")[1] == "ok\n", 20, worker)
        feed.replay(said(2, datetime.now(UTC)))
        reader.until(lambda: len(reader.judged) == 2, 20, worker)
        now = datetime.now(UTC)
        assert [tick for tick in ticks(reader) if abs(tick - now) > timedelta(seconds=100)] == []
        assert [decision(reader, number) for number in (1, 2)] == 2 * [Decision.BELOW_THRESHOLD], "neither is late"
        assert worker.stop() == 0


def worker(settings: Settings) -> dict[str, str]:
    return {"EARSHOT_WATCHES": str(settings.watches)}


def ingest(settings: Settings) -> dict[str, str]:
    sources = settings.watches.with_name("sources.yml")
    sources.write_text("sources: [{id: push, kind: webhook}]")
    secret = {"EARSHOT_WEBHOOK_SECRETS": "s" * 32, "EARSHOT_WEBHOOK_PORT": str(free_port())}
    return {"EARSHOT_SOURCES": str(sources)} | secret


def deliver(settings: Settings) -> dict[str, str]:
    return worker(settings)


PROCESSES: list[Callable[[Settings], dict[str, str]]] = [worker, ingest, deliver]


@pytest.mark.needs(Ability.STAMPS)
@pytest.mark.parametrize("process", PROCESSES, ids=[one.__name__ for one in PROCESSES])
def test_whoever_has_another_time_than_the_broker_does_not_begin(
    fresh_broker: Broker, tmp_path: Path, clock: MachineClock, process: Callable[[Settings], dict[str, str]]
) -> None:
    settings = provision(fresh_broker, tmp_path, clock="wall")
    environment = os.environ | {"EARSHOT_KAFKA": settings.kafka, "PYTHONPATH": str(ROOT)} | process(settings)
    for leap, words in ((HOUR, "s ahead of the broker's"), (-HOUR, "s behind the broker's")):
        clock.set(leap)
        began = monotonic()
        command = [sys.executable, "-c", EARSHOT, process.__name__]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode not in (0, -9), ended.stderr
        assert f"this machine's clock: it is {HOUR}" in ended.stderr
        assert words in ended.stderr
        assert monotonic() - began < 30


@pytest.mark.needs(Ability.STAMPS)
def test_whoever_has_begun_while_the_clock_was_wrong_does_not_go_on(
    fresh_broker: Broker, tmp_path: Path, clock: MachineClock
) -> None:
    """The clock is right again when the broker is asked, but the time here is still that of before."""
    settings = provision(fresh_broker, tmp_path, clock="wall")
    clock.set(DAY)
    begin = LEAPS + "import agents.clock\n"
    with Worker(settings, tmp_path / "log", begin + f"open({str(tmp_path / 'clock')!r}, 'w').write('0')\n") as worker:
        assert worker.process.wait(60) == 1
        assert f"it is {DAY} s ahead of the broker's here" in worker.log
