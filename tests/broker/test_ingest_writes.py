"""How ingest writes, read off the wire: acknowledged by all replicas, idempotent, keyed by platform and native id."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import raw_topic
from tests.broker.brokers import Broker
from tests.broker.tap import Tap, tapped
from tests.broker.test_ingest import World, ask, make, until

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
