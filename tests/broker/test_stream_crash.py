"""What the stream survives: kill -9 at any time, and a broker that goes away."""

import os
import random
from pathlib import Path
from time import sleep

import pytest

from schemas.topics import ALERTS, RECEIPTS
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker
from tests.broker.crisis import alerts_of, items, posts
from tests.broker.test_stream_replay import alerts, ends
from tests.broker.worker import Feed, Worker, provision, reading

pytestmark = pytest.mark.broker

MENTIONS_FED = 5000
KILLS = 10


@pytest.mark.timeout(400)
@pytest.mark.parametrize("state", ["memory", "disk"])
def test_kill_9_ten_times_leads_to_the_same_incidents(fresh_broker: Broker, tmp_path: Path, state: str) -> None:
    """Every alert of a backtest is there, none differs when it was written twice, and there are no others."""
    seed = int(os.environ.get("EARSHOT_TEST_SEED") or random.randrange(10**6))
    print(f"EARSHOT_TEST_SEED={seed}")
    draw = random.Random(seed)
    settings = provision(fresh_broker, tmp_path, state=state)
    made = posts(MENTIONS_FED, seed)
    timed = items(made)
    feed, step = Feed(settings), len(timed) // KILLS + 1
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        for kill in range(KILLS):
            feed.replay(timed[kill * step : (kill + 1) * step])
            known = len(reader.judged)
            share = sum(1 for item in timed[kill * step : (kill + 1) * step] if hasattr(item, "key"))
            goal = known + int(share * draw.random() * 0.8)
            reader.until(lambda goal=goal: len(reader.judged) > goal, 60, worker)  # type: ignore[misc]
            sleep(draw.random() * 0.2)
            worker.kill()
            worker.start()
        reader.until(lambda: ends(reader), 90, worker)
        assert alerts(reader) == alerts_of(made)
        assert reader.judged == {post.key for post in made}


BROKEN = """
from pipeline import enrich, flow
def broken(*arguments):
    raise RuntimeError("secret words of a post")
{entry} = broken
"""


@pytest.mark.parametrize("entry", ["enrich.prefilter", "flow.judge"])
def test_an_error_nobody_expected_ends_the_process_and_loses_nothing(
    fresh_broker: Broker, tmp_path: Path, entry: str
) -> None:
    """Faust would take the batch for done and go on with the next."""
    settings = provision(fresh_broker, tmp_path)
    feed, made = Feed(settings), posts(1)
    feed.replay(made)
    with Worker(settings, tmp_path / "broken", BROKEN.format(entry=entry)) as broken:
        assert broken.process.wait(60) == 1
        assert "RuntimeError" in broken.log
        assert "secret words" not in broken.log, "an error's message may quote a post"
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: ends(reader), 60, worker)
        assert reader.judged == {post.key for post in made}


@pytest.mark.needs(Ability.KEEPS)
@pytest.mark.timeout(400)
def test_a_broker_that_goes_away_is_waited_for(fresh_broker: Broker, tmp_path: Path) -> None:
    """Nothing is lost and the worker is the same process; `.ci/run` lets the broker be away for a minute."""
    seconds = float(os.environ.get("EARSHOT_TEST_AWAY") or 8)
    settings = provision(fresh_broker, tmp_path)
    made = posts(700, seed=3)
    timed = items(made)
    feed = Feed(settings)
    feed.replay(timed[: len(timed) // 2])
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(reader.judged) > 100, 60, worker)
        fresh_broker.stop()
        sleep(seconds)
        fresh_broker.start()
        feed.replay(timed[len(timed) // 2 :])
        reader.until(lambda: ends(reader), 90, worker)
        assert alerts(reader) == alerts_of(made)
        assert reader.judged == {post.key for post in made}
        assert worker.stop() == 0
