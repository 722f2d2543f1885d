"""Ingest as the process it is, against a broker: nothing lost, whatever is killed, taken away or broken."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import aiohttp
import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.dead import list_dead
from agents.ingest.web.signature import sign
from agents.kafka import read_to_end
from agents.topics import apply_topics
from cli.broker import free_port
from schemas.settings import Settings, load_settings
from schemas.topics import CHECKPOINTS, raw_topic
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker, Embedded

pytestmark = pytest.mark.broker

SECRET = b"a long secret"
MAIN = """
from agents.ingest.runner import run_ingest
from agents.logs import configure
from schemas.errors import ConfigError
from schemas.settings import load_settings
settings = load_settings()
configure(settings, "ingest")
try:
    run_ingest(settings)
except ConfigError as error:
    raise SystemExit(f"config: {error}")
"""


@dataclass
class World:
    """A folder with a sources file, and the broker's address as settings."""

    folder: Path
    settings: Settings
    metrics: int
    webhook: int
    running: list[subprocess.Popen[bytes]]

    def start(self, *sources: str, before: str = "") -> subprocess.Popen[bytes]:
        """Start ingest with these sources; `before` is code that runs first, for a test to change something."""
        (self.folder / "sources.yml").write_text("\n".join(["sources:", *(f"- {{{one}}}" for one in sources)]))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")} | {
            "EARSHOT_KAFKA": self.settings.kafka,
            "EARSHOT_SOURCES": str(self.folder / "sources.yml"),
            "EARSHOT_METRICS_PORT": str(self.metrics),
            "EARSHOT_WEBHOOK_PORT": str(self.webhook),
            "EARSHOT_WEBHOOK_SECRETS": SECRET.decode(),
        }
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-c", before + MAIN], env=environment, stdout=log, stderr=log)
        self.running.append(process)
        return process

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def probe(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used so far."""
        [line] = [one for one in self.probe("/metrics")[1].splitlines() if one.startswith("process_cpu_seconds_total ")]
        return float(line.split()[1])

    def values(self, topic: str) -> list[tuple[int, dict[str, Any]]]:
        """Return every record of a topic that says something, with its partition."""
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        records = list(read_to_end(consumer, partitions))
        consumer.close()
        return [(record.partition, json.loads(record.value)) for record in records if record.value]

    def posts(self, topic: str) -> list[str]:
        return [value["id"] for _, value in self.values(topic) if value["type"] == "event"]


def make(broker: Broker, folder: Path) -> Iterator[World]:
    settings = load_settings(kafka=broker.address, partitions=2)
    apply_topics(settings)
    world = World(folder, settings, free_port(), free_port(), [])
    yield world
    for process in world.running:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def world(fresh_broker: Broker, tmp_path: Path) -> Iterator[World]:
    yield from make(fresh_broker, tmp_path)


def until(check: Callable[[], bool], seconds: float = 30) -> None:
    deadline = monotonic() + seconds
    while not check():
        assert monotonic() < deadline, "it did not come about in time"
        sleep(0.05)


def post(name: object, minute: int = 0) -> dict[str, Any]:
    time = f"2013-12-01T{12 + minute // 60:02}:{minute % 60:02}:00Z"
    return {"platform": "x", "id": str(name), "time": time, "text": f"post {name}"}


def recording(folder: Path, count: int) -> None:
    lines = [json.dumps(post(number, number // 20)) for number in range(count)]
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n{broken\n")


async def push(session: aiohttp.ClientSession, port: int, *names: object) -> int:
    body, now = json.dumps([post(name) for name in names]).encode(), int(time())
    headers = {"X-Earshot-Timestamp": str(now), "X-Earshot-Signature": sign(SECRET, now, body)}
    async with session.post(f"http://127.0.0.1:{port}/v1/events", data=body, headers=headers) as answer:
        return answer.status


async def ask(world: World, *names: object) -> int:
    async with aiohttp.ClientSession() as session:
        return await push(session, world.webhook, *names)


def test_a_replay_goes_into_one_partition_in_order_and_ends(world: World) -> None:
    recording(world.folder, 3000)
    process = world.start("id: old, kind: replay, path: a.jsonl, speed: 0")
    assert process.wait(60) == 0, world.log()

    records = world.values(raw_topic("other"))
    assert {partition for partition, _ in records} == {0}
    assert [value["id"] for _, value in records if value["type"] == "event"] == [str(n) for n in range(3000)]
    clocks = [value["at"] for _, value in records if value["type"] == "heartbeat" and value["clock"]]
    assert len(clocks) == 149 + 1440
    assert clocks == sorted(clocks)
    [dead] = list_dead(world.settings)
    assert (dead.id, dead.reason, dead.original) == ("a.jsonl/0/3001", "not-json", b"{broken")

    assert world.start("id: old, kind: replay, path: a.jsonl, speed: 0").wait(60) == 0
    assert len(world.values(raw_topic("other"))) == len(records), "what was read is not read again"


def test_killed_in_the_middle_it_goes_on_and_loses_nothing(world: World) -> None:
    recording(world.folder, 3000)
    # the posts take 22 seconds: long enough to be in the middle of, however slow the machine is
    source = "id: old, kind: replay, path: a.jsonl, speed: 400, max_pause: 9s"
    process = world.start(source)
    until(lambda: len(world.values(CHECKPOINTS)) >= 2)
    process.kill()
    process.wait()
    before = world.posts(raw_topic("other"))
    assert 0 < len(before) < 3000, "it was killed in the middle"

    assert world.start(source.replace("400", "0")).wait(60) == 0, world.log()
    after = world.posts(raw_topic("other"))
    assert set(after) == {str(number) for number in range(3000)}
    assert after[: len(before)] == before
    resumed = int(after[len(before)])
    assert 0 < resumed <= len(before), "it went on at its checkpoint, not at the beginning"


def test_asked_to_stop_it_writes_what_is_under_way_and_its_place(world: World) -> None:
    recording(world.folder, 3000)
    process = world.start("id: old, kind: replay, path: a.jsonl, speed: 400", "id: push, kind: webhook")
    until(lambda: len(world.posts(raw_topic("other"))) > 100)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, world.log()
    posts = world.posts(raw_topic("other"))
    last = [value for _, value in world.values(CHECKPOINTS) if value["source"] == "old"][-1]
    assert int(last["cursor"]["line"]) == len(posts), "the checkpoint is exactly where it stopped"


def test_one_source_that_fails_never_stops_another(world: World) -> None:
    process = world.start(
        f'id: away, kind: rss, url: "http://127.0.0.1:{free_port()}/feed"',
        "id: push, kind: webhook",
    )
    until(lambda: world.probe("/readyz")[0] == 200)
    assert asyncio.run(ask(world, 1, 2)) == 202
    assert sorted(world.posts(raw_topic("x"))) == ["1", "2"]
    until(lambda: 'earshot_source_errors_total{kind="network",source="away"}' in world.probe("/metrics")[1])
    metrics = world.probe("/metrics")[1]
    assert 'earshot_events_ingested_total{platform="x",source="push"} 2.0' in metrics
    assert 'earshot_source_heard_timestamp_seconds{source="push"}' in metrics
    assert process.poll() is None
    assert "Traceback" not in world.log()


def test_a_thousand_posts_a_second_are_taken(world: World) -> None:
    world.start("id: push, kind: webhook")
    until(lambda: world.probe("/readyz")[0] == 200)

    async def load() -> None:
        async with aiohttp.ClientSession() as session:

            async def sender(first: int) -> list[int]:
                return [await push(session, world.webhook, *range(n, n + 10)) for n in range(first, first + 500, 10)]

            answers = await asyncio.gather(*(sender(500 * n) for n in range(10)))
        assert {status for one in answers for status in one} == {202}

    before = world.cpu_seconds()
    asyncio.run(load())
    # by its own processor time, since the machine of a test run has others to serve
    rate = 5000 / (world.cpu_seconds() - before)
    assert len(set(world.posts(raw_topic("x")))) == 5000
    assert rate > 1000, f"{rate:.0f} posts a second"


def test_what_is_wrong_is_one_clear_error(world: World) -> None:
    assert world.start("id: old, kind: replay, path: none.jsonl").wait(30) == 1
    assert f"config: {world.folder}/none.jsonl: cannot be read" in world.log()
    assert "Traceback" not in world.log()


@pytest.mark.needs(Ability.KEEPS)
@pytest.mark.timeout(400)
def test_a_broker_away_for_a_minute_loses_nothing_and_needs_no_restart(world: World, fresh_broker: Broker) -> None:
    recording(world.folder, 3000)
    # 150 minutes in 38 seconds: the broker goes away and comes back in the middle of it
    process = world.start("id: push, kind: webhook", "id: old, kind: replay, path: a.jsonl, speed: 240")
    until(lambda: world.probe("/readyz")[0] == 200, 60)
    accepted, refused = asyncio.run(_push_through_an_outage(world, fresh_broker, 60))
    assert len(accepted) > 20
    assert len(refused) > 5
    assert accepted - set(world.posts(raw_topic("x"))) == set(), "what was accepted is there"
    assert process.poll() is None, "it was never restarted"
    # the file was paused while nobody could say whose it is, and has all that is left of its 38 seconds to play
    until(lambda: world.posts(raw_topic("other"))[-1:] == ["2999"], 150)
    assert world.posts(raw_topic("other")) == [str(number) for number in range(3000)], "in order, each once"


def test_a_broker_that_lost_its_memory_is_written_to_again(tmp_path: Path) -> None:
    """The embedded one, restarted; Kafka keeps what it has."""
    broker = Embedded()
    broker.start()
    for world in make(broker, tmp_path):
        try:
            world.start("id: push, kind: webhook")
            _until_accepted(world, "before")
            # before that, missing topics end it
            _until_checkpoints_read(world)
            broker.stop()
            assert asyncio.run(ask(world, "meanwhile")) == 503
            broker.start()
            _until_accepted(world, "after")
            assert {"meanwhile", "after"} <= set(world.posts(raw_topic("x"))), "what waited is written too"
        finally:
            broker.stop()


def _until_accepted(world: World, name: str) -> None:
    until(lambda: world.probe("/healthz")[0] == 200)
    until(lambda: asyncio.run(ask(world, name)) == 202, 60)


def _until_checkpoints_read(world: World) -> None:
    until(lambda: "checkpoints read" in world.log())


async def _push_through_an_outage(world: World, broker: Broker, seconds: float) -> tuple[set[str], set[str]]:
    """Push a post every tenth of a second, take the broker away for `seconds`, and tell which were answered how."""
    accepted, refused = set[str](), set[str]()
    over = asyncio.Event()

    async def sender(session: aiohttp.ClientSession) -> None:
        number = 0
        while not over.is_set():
            status = await push(session, world.webhook, number)
            (accepted if status == 202 else refused).add(str(number))
            assert status in (202, 503)
            number += 1
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession() as session:
        sending = asyncio.create_task(sender(session))
        await _until(lambda: len(accepted) > 10)
        await asyncio.to_thread(broker.stop)
        await _until(lambda: len(refused) > 2)
        await _until(lambda: world.probe("/readyz")[0] == 503)
        assert world.probe("/healthz")[0] == 200, "it waits, it is not dead"
        assert "broker: " in world.probe("/readyz")[1]
        await asyncio.sleep(seconds)  # the outage itself
        await asyncio.to_thread(broker.start)
        before = len(accepted)
        await _until(lambda: len(accepted) > before + 10)
        await _until(lambda: world.probe("/readyz")[0] == 200)
        over.set()
        await sending
    return accepted, refused


async def _until(check: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, check, 60)
