"""How ingest writes, read off the wire: acknowledged by all replicas, idempotent, keyed by platform and native id."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from schemas.metrics import INGEST_QUEUE_AGE
from schemas.topics import raw_topic
from tests.broker.brokers import Broker
from tests.broker.tap import Tap, tapped
from tests.broker.test_ingest import World, ask, make, recording, until
from tests.broker.test_pressure import gauge

pytestmark = pytest.mark.broker

X = raw_topic("x")


@pytest.fixture
def world(fresh_broker: Broker, tmp_path: Path) -> Iterator[World]:
    yield from make(fresh_broker, tmp_path)


@pytest.fixture
def tap(world: World, fresh_broker: Broker) -> Iterator[Tap]:
    """What listens in on an ingest process that is ready to be pushed to."""
    with tapped(fresh_broker.port) as tap:
        direct = world.settings
        # what the test itself reads does not go this way
        world.settings = direct.model_copy(update={"kafka": f"127.0.0.1:{tap.port}"})
        world.start("id: push, kind: webhook")
        world.settings = direct
        until(lambda: world.probe("/readyz")[0] == 200, 60)
        yield tap


def test_it_asks_for_all_replicas_and_says_who_writes_what(world: World, tap: Tap) -> None:
    assert asyncio.run(ask(world, *range(50))) == 202
    posts = tap.about(X)
    assert {batch.acks for batch in posts} == {-1}, "acks=all"
    assert len({batch.producer for batch in posts}) == 1
    assert posts[0].producer >= 0, "an idempotent producer has a number"
    assert all(batch.sequence >= 0 for batch in posts), "and counts what it writes"
    assert {key for batch in posts for key in batch.keys} == {f"x:{number}" for number in range(50)}


def test_a_post_whose_acknowledgement_was_lost_stands_in_the_log_once(world: World, tap: Tap) -> None:
    assert asyncio.run(ask(world, "before")) == 202
    tap.lose_answer(X)
    assert asyncio.run(ask(world, "doubted")) == 202, "it is answered when the second try is acknowledged"
    assert tap.lost == 1
    tries = [batch for batch in tap.about(X) if "x:doubted" in batch.keys]
    assert len(tries) >= 2, "it was written twice"
    assert len({(batch.producer, batch.sequence) for batch in tries}) == 1, "by the same name"
    assert asyncio.run(ask(world, "after")) == 202
    assert sorted(world.posts(X)) == ["after", "before", "doubted"]


AT_MOST = 100
FEW_MAY_WAIT = f"from agents.ingest import writer; writer.MAX_WAITING = {AT_MOST}\n"


@pytest.mark.timeout(300)
def test_a_slow_broker_slows_a_source_that_is_read_which_shows(world: World, fresh_broker: Broker) -> None:
    """Each answer takes a second: what is under way stays below the limit, and the source is read no faster."""
    count, topic, direct = 1000, raw_topic("other"), world.settings
    recording(world.folder, count)
    with tapped(fresh_broker.port) as tap:
        tap.slow_down(topic, 1.0)
        world.settings = direct.model_copy(update={"kafka": f"127.0.0.1:{tap.port}"})
        process = world.start("id: old, kind: replay, path: a.jsonl, speed: 0", before=FEW_MAY_WAIT)
        world.settings = direct

        def written() -> int:
            return sum(len(batch.keys) for batch in tap.about(topic))

        until(lambda: written() > 0, 60)
        began, oldest = monotonic(), 0.0
        while (so_far := written()) < 5 * AT_MOST:
            seconds = monotonic() - began
            assert so_far <= AT_MOST * (seconds + 2), "no more than may wait is written in the time of an answer"
            assert seconds < 120
            oldest = max(oldest, gauge(world.probe("/metrics")[1], INGEST_QUEUE_AGE.name))
        assert oldest > 0.5, "and the metric shows how long the oldest has waited"
        tap.slow_down(topic, 0.0)
        assert process.wait(120) == 0
    assert set(world.posts(topic)) == {str(number) for number in range(count)}, "held back is not lost"
