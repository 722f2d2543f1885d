"""Pressure: what is slow holds up what waits for it and nothing else, and shows; a stop is quick whatever goes on."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep, time

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.ingest.web.signature import sign
from cli.broker import free_port
from schemas.metrics import INGEST_QUEUE_AGE, LAG
from schemas.settings import Settings, load_settings
from schemas.topics import ALERTS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.crisis import posts
from tests.broker.test_delivery import delivering, until
from tests.broker.test_ingest import SECRET, World, post, world
from tests.broker.test_stream_replay import ends
from tests.broker.test_stuck import get
from tests.broker.worker import WATCHES, Feed, Worker, provision, reading
from tests.servers.slack import Misbehave, SlackServer, slack_server

pytestmark = pytest.mark.broker

__all__ = ["world"]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


def gauge(text: str, name: str) -> float:
    families = text_string_to_metric_families(text)
    return max((one.value for family in families for one in family.samples if one.name == name), default=0.0)


def lag(settings: Settings) -> float:
    return gauge(get(settings, "/metrics")[1], LAG.name)


def test_a_slow_slack_never_slows_the_worker(fresh_broker: Broker, tmp_path: Path, slack: SlackServer) -> None:
    """Slack answers nothing; the worker reads, judges and writes all the same, and is behind with nothing."""
    watches = WATCHES.replace("{channel: console}", "{channel: slack, to: '#presse'}")
    settings = provision(fresh_broker, tmp_path, watches=watches).model_copy(update={"metrics_port": free_port()})
    slack.always["chat.postMessage"] = Misbehave("slow")
    telling = load_settings(kafka=settings.kafka, SLACK_BOT_TOKEN="xoxb-test", slack_api_url=slack.api_url)
    feed, made = Feed(settings), posts(700)
    with (
        reading(settings, ALERTS, RECEIPTS) as reader,
        Worker(settings, tmp_path / "log") as worker,
        delivering(telling) as delivery,
    ):
        feed.replay(made[:350])
        reader.until(lambda: len(reader.judged) >= 350 and len(reader.records[ALERTS]) > 0, 60, worker)
        until(lambda: any(partition.ledger.waiting for partition in delivery.partitions.values()))
        feed.replay(made[350:])
        reader.until(lambda: ends(reader), 60, worker)
        until(lambda: lag(settings) == 0, 10)
        assert slack.posted() == [], "and all the while Slack has taken nothing"
        assert worker.stop() == 0
        slack.always.clear()
        slack.released.set()
        until(lambda: len(slack.posted()) >= 1)


async def push_at(session: aiohttp.ClientSession, world: World, name: str, size: int) -> tuple[int, str | None]:
    parts = [post(f"{name}-{at}") | {"text": "x" * min(size, 10_000)} for at in range(0, size, 10_000)]
    body, now = json.dumps(parts).encode(), int(time())
    headers = {"X-Earshot-Timestamp": str(now), "X-Earshot-Signature": sign(SECRET, now, body)}
    async with session.post(f"http://127.0.0.1:{world.webhook}/v1/events", data=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After")


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_broker_that_hangs_slows_ingest_which_shows_it_and_stays_small(world: World, fresh_broker: Broker) -> None:
    """300 MB are pushed at a broker that answers nothing: senders are told to come back, and nobody holds 300 MB."""
    process = world.start("id: push, kind: webhook, wait: 2s")
    assert fresh_broker.process is not None

    async def flood(tag: str, count: int, size: int) -> list[tuple[int, str | None]]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300)) as session:
            return await asyncio.gather(*(push_at(session, world, f"{tag}{n}", size) for n in range(count)))

    until(lambda: world.probe("/readyz")[0] == 200)
    assert set(asyncio.run(flood("before", 20, 100))) == {(202, None)}
    before = resident(process.pid)
    os.kill(fresh_broker.process.pid, signal.SIGSTOP)
    try:
        answers = asyncio.run(flood("hung", 300, 1_000_000))
        assert set(answers) == {(503, "5")}
        assert resident(process.pid) - before < 200_000_000
        until(lambda: gauge(world.probe("/metrics")[1], INGEST_QUEUE_AGE.name) > 2, 10)
        assert world.probe("/healthz")[0] == 200
    finally:
        os.kill(fresh_broker.process.pid, signal.SIGCONT)
    until(lambda: world.probe("/readyz")[0] == 200, 60)
    until(lambda: asyncio.run(flood("after", 1, 100)) == [(202, None)], 30)
    until(lambda: gauge(world.probe("/metrics")[1], INGEST_QUEUE_AGE.name) < 1, 10)
    assert "before0-0" in world.posts(raw_topic("x"))


RUNS = "[pipeline.stream.boot] count=2"
"""What a worker logs once it has told of its watches, before it joins its groups."""
RECOVERS_FOR_EVER = """
import asyncio
from pipeline.stream.changelog import Changelog
async def for_ever(self, *arguments, **options):
    print("recovering", flush=True)
    await asyncio.Event().wait()
Changelog.rows = for_ever
"""


@pytest.mark.parametrize(
    ("sentence", "before", "sign_of_it"),
    [
        ("while it recovers its state", RECOVERS_FOR_EVER, "recovering"),
        ("as soon as it has begun", "", RUNS),
    ],
    ids=["recovery", "start"],
)
def test_a_stop_is_quick_during_a_start(
    fresh_broker: Broker, tmp_path: Path, sentence: str, before: str, sign_of_it: str
) -> None:
    settings = provision(fresh_broker, tmp_path)
    with Worker(settings, tmp_path / "log", before) as worker:
        until(lambda: sign_of_it in worker.log)
        asked = monotonic()
        assert worker.stop() == 0, sentence
        assert monotonic() - asked < 12


def test_a_stop_is_quick_during_a_rebalance(fresh_broker: Broker, tmp_path: Path) -> None:
    """Others join and leave while it is asked to end; what it had not finished, they do."""
    settings = provision(fresh_broker, tmp_path)
    feed, made = Feed(settings), posts(600)
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "one") as one:
        feed.replay(made[:300])
        reader.until(lambda: len(reader.judged) > 100, 60, one)
        with Worker(settings, tmp_path / "two") as two:
            until(lambda: RUNS in two.log)
            for starts, moment in enumerate((0.0, 0.4, 0.8), 2):
                feed.replay(made[300 + int(moment * 250) : 400 + int(moment * 250)])
                sleep(moment)  # the group is at another point of its rebalance each time
                asked = monotonic()
                assert one.stop() == 0
                assert monotonic() - asked < 12
                one.start()
                until(lambda starts=starts: one.log.count(RUNS) == starts)  # type: ignore[misc]
            feed.replay(made[580:])
            reader.until(lambda: ends(reader), 90, two)
        assert reader.judged == {post.key for post in made}
