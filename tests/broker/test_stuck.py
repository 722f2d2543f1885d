"""A worker that hangs is noticed and ends; one that waits for its broker, or was frozen, does not."""

import asyncio
import os
import signal
from collections import defaultdict
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.broker import free_port
from pipeline.stream.burial import GuardedOutbox
from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Commit
from schemas.metrics import COMMIT_AGE
from schemas.settings import Settings
from schemas.topics import JUDGE_CHANGELOG, RECEIPTS
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker
from tests.broker.crisis import posts
from tests.broker.test_stream_replay import ends
from tests.broker.worker import Feed, Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

HANGS = """
import asyncio
from pipeline.stream import {stage}
async def hang(self, batch):
    await asyncio.Event().wait()
{stage}.{stage_class}.process = hang
"""
FETCHES_NOTHING = """
from aiokafka.consumer.fetcher import Fetcher
import asyncio
async def nothing(self):
    await asyncio.Event().wait()
Fetcher._fetch_requests_routine = nothing
from pipeline.stream import ends
ends.EVERY_SECONDS = 1.0
"""
SPINS = """
from agents import observe
alive = observe.Status.__init__
observe.Status.__init__ = lambda self, needs=(), stale_after=4.0: alive(self, needs, stale_after)
from pipeline import enrich
def spin(*arguments):
    while True:
        pass
enrich.prefilter = spin
"""


HOLDS = """
from pipeline import enrich
import re
def hold(*arguments):
    re.fullmatch("(a+)+b", 64 * "a")
enrich.prefilter = hold
"""


def get(settings: Settings, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", settings.metrics_port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def commit_age(settings: Settings) -> float:
    families = text_string_to_metric_families(get(settings, "/metrics")[1])
    return max((one.value for found in families for one in found.samples if one.name == COMMIT_AGE.name), default=0.0)


@pytest.mark.parametrize("stage", ["listen", "judge"])
def test_a_stage_that_hangs_shows_in_healthz_and_ends_the_process(
    fresh_broker: Broker, tmp_path: Path, stage: str
) -> None:
    settings = provision(fresh_broker, tmp_path)
    settings = settings.model_copy(update={"stuck_after": 4.0, "metrics_port": free_port()})
    feed, made = Feed(settings), posts(1)
    feed.replay(made)
    with Worker(settings, tmp_path / "log", HANGS.format(stage=stage, stage_class=stage.title())) as worker:
        deadline, oldest = monotonic() + 60, 0.0
        while (found := get(settings, "/healthz"))[0] != 503:
            oldest = max(oldest, commit_age(settings))
            assert monotonic() < deadline, "healthz never said so"
            assert worker.process.poll() is None, worker.log
            sleep(0.1)
        assert f"earshot-{stage} on earshot." in found[1]
        assert oldest > 1, "the metric rises before"
        assert worker.process.wait(30) == 1
        assert "has got nowhere for" in worker.log
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "next") as worker:
        reader.until(lambda: ends(reader), 60, worker)
        assert reader.judged == {post.key for post in made}
        assert get(settings, "/healthz") == (200, "ok\n")


@pytest.mark.parametrize(
    ("sentence", "breaks", "said"),
    [
        (
            "a consumer that has stopped fetching and so never hears of new records",
            FETCHES_NOTHING,
            ["got nowhere for"],
        ),
        ("an event loop that does not turn", SPINS, ["the main loop has not turned for", "in spin\n"]),
        (
            "compiled code that lets no other thread run, so that nobody answers",
            HOLDS,
            ["Timeout (0:00:08)!", "in hold"],
        ),
    ],
    ids=["fetches nothing", "spins", "holds the interpreter"],
)
def test_what_the_stages_themselves_cannot_notice_ends_the_process_too(
    fresh_broker: Broker, tmp_path: Path, sentence: str, breaks: str, said: list[str]
) -> None:
    settings = provision(fresh_broker, tmp_path).model_copy(update={"stuck_after": 4.0})
    Feed(settings).replay(posts(1))
    with Worker(settings, tmp_path / "log", breaks) as worker:
        assert worker.process.wait(60) == 1, sentence
        assert [one for one in said if one not in worker.log] == []


@pytest.mark.needs(Ability.KEEPS)
def test_a_broker_that_is_away_makes_nobody_stuck(fresh_broker: Broker, tmp_path: Path) -> None:
    """That it is away is known after ten seconds; it stays so for longer than the worker may be stuck."""
    settings = provision(fresh_broker, tmp_path)
    settings = settings.model_copy(update={"stuck_after": 12.0, "metrics_port": free_port()})
    feed, made = Feed(settings), posts(20)
    feed.replay(made[:10])
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(reader.judged) >= 5, 60, worker)
        fresh_broker.stop()
        deadline = monotonic() + 25
        while monotonic() < deadline:
            assert get(settings, "/healthz") == (200, "ok\n")
            sleep(0.5)
        fresh_broker.start()
        feed.replay(made[10:])
        reader.until(lambda: ends(reader), 60, worker)
        assert reader.judged == {post.key for post in made}
        assert worker.stop() == 0


async def test_nothing_is_written_while_nobody_knows_whose_it_is(fresh_broker: Broker, tmp_path: Path) -> None:
    """What a revived process has in hand waits for the group's answer, and is dropped if that is no."""
    with closing(GuardedOutbox(provision(fresh_broker, tmp_path))) as outbox:
        sure, lost = False, False
        outbox.sure = lambda: sure
        record = Outgoing(RECEIPTS, b"key", b"value", 0)
        writing = asyncio.create_task(outbox.deliver([record], lambda: lost))
        assert not (await asyncio.wait({writing}, timeout=0.5))[0], "it waits"
        lost = True
        assert await writing is False
        lost = False
        writing = asyncio.create_task(outbox.deliver([record], lambda: lost))
        assert not (await asyncio.wait({writing}, timeout=0.5))[0]
        sure = True
        assert await writing is True
        assert await outbox.deliver([], lambda: lost) is True


FREEZES = """
import os, signal
from pathlib import Path
from pipeline.stream import judge
write, frozen = judge.Judge._write, Path({frozen!r})
async def freeze(self, partition, batch, outcome):
    if batch.last >= 100 and not frozen.exists():
        frozen.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    return await write(self, partition, batch, outcome)
judge.Judge._write = freeze
"""


def commits(reader: Reader) -> dict[int, list[int]]:
    """Return how far each partition was committed, one commit record after the other."""
    found: dict[int, list[int]] = defaultdict(list)
    for record in reader.records[JUDGE_CHANGELOG]:
        if record.key().isdigit():
            found[record.partition()].append(Commit.model_validate_json(record.value()).applied)
    return found


@pytest.mark.timeout(200)
def test_a_worker_that_was_frozen_with_a_batch_in_hand_writes_nothing_of_it(
    fresh_broker: Broker, tmp_path: Path
) -> None:
    """It stands still just before it writes; another takes over; revived, it must join again and not write over it."""
    settings = provision(fresh_broker, tmp_path)
    feed, made, frozen = Feed(settings), posts(400), tmp_path / "is-frozen"
    freezes = FREEZES.format(frozen=str(frozen))
    with reading(settings, RECEIPTS, JUDGE_CHANGELOG) as reader, Worker(settings, tmp_path / "one", freezes) as one:
        feed.replay(made[:200])
        reader.until(frozen.exists, 60, one)
        with Worker(settings, tmp_path / "other") as other:
            feed.replay(made[200:300])
            reader.until(lambda: {post.key for post in made[:300]} <= reader.judged, 60, other)
            os.kill(one.process.pid, signal.SIGCONT)
            feed.replay(made[300:])
            reader.until(lambda: ends(reader), 60, other)
            assert one.stop() == 0
            assert other.stop() == 0
        reader.read(1.0)
        assert reader.judged == {post.key for post in made}
        for partition, applied in commits(reader).items():
            assert applied == sorted(applied), f"partition {partition} was written over by the past"
