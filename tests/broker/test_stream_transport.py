"""The transport on real brokers: no partition waits for another, and nothing is lost when partitions move."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, closing
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from pipeline.stream.app import App
from pipeline.stream.batch import Batch, Schema
from pipeline.stream.connect import faust_settings
from schemas.settings import load_settings
from tests.broker.brokers import Broker

pytestmark = pytest.mark.broker

PARTITIONS = 4
_QUIET = logging.getLogger("librdkafka")


class Topic:
    """A topic of four partitions, each with `records` records."""

    def __init__(self, broker: Broker, records: int) -> None:
        self.name = f"source-{uuid4()}"
        self.group = f"group-{uuid4()}"
        self.address = broker.address
        admin = AdminClient({"bootstrap.servers": broker.address}, logger=_QUIET)
        admin.create_topics([NewTopic(self.name, PARTITIONS, 1)])[self.name].result(30)
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 20}, logger=_QUIET)
        for number in range(records):
            for partition in range(PARTITIONS):
                producer.produce(self.name, b"%d" % number, partition=partition)
        assert producer.flush(30) == 0
        self.offsets = {partition: list(range(records)) for partition in range(PARTITIONS)}
        self._client = Consumer({"bootstrap.servers": broker.address, "group.id": self.group}, logger=_QUIET)

    def committed(self) -> dict[int, int]:
        """Return how far the group is, by partition."""
        places = [TopicPartition(self.name, partition) for partition in range(PARTITIONS)]
        return {place.partition: max(0, place.offset) for place in self._client.committed(places, timeout=10)}

    def close(self) -> None:
        self._client.close()

    @property
    def is_done(self) -> bool:
        return self.committed() == {partition: len(offsets) for partition, offsets in self.offsets.items()}

    @asynccontextmanager
    async def worker(self, process: Callable[[Batch], Awaitable[None]], share: int = 4000) -> AsyncIterator[Any]:
        """Run a Faust app that reads this topic, `share` records of a partition at most in a poll."""
        given = faust_settings(load_settings(kafka=self.address, session_timeout=6))
        app: Any = App(self.group, **given | {"broker_max_poll_records": share})

        async def take(stream: Any) -> None:
            async for batch in stream:
                await process(batch)

        app.agent(app.topic(self.name, schema=Schema()), concurrency=1)(take)
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


def entries(found: Any) -> int:
    """Return how many entries a collection has, with those of the collections in it."""
    if isinstance(found, Mapping):
        return len(found) + sum(map(entries, found.values()))
    return len(found) if isinstance(found, Collection) and not isinstance(found, str | bytes) else 0


async def until(enough: Callable[[], bool], seconds: float = 60) -> None:
    deadline = monotonic() + seconds
    while not enough():
        assert monotonic() < deadline, "not in time"
        await asyncio.sleep(0.05)


class Log:
    """What was processed, in order; `slow` is how long each batch takes, in seconds."""

    def __init__(self, slow: float = 0.0) -> None:
        self.batches: list[tuple[int, list[int]]] = []
        self.done: dict[int, set[int]] = defaultdict(set)
        self._slow = slow

    async def process(self, batch: Batch) -> None:
        offsets = [record.offset for record in batch.records]
        self.batches.append((batch.partition, offsets))
        await asyncio.sleep(self._slow)
        if not batch.lost():
            self.done[batch.partition] |= set(offsets)
            batch.acknowledge()

    def holds(self, committed: dict[int, int]) -> bool:
        """Tell whether everything before the committed offsets was processed."""
        return all(set(range(end)) <= self.done[partition] for partition, end in committed.items())


async def test_a_backlog_is_read_from_all_partitions_in_turn(broker: Broker) -> None:
    """aiokafka by itself reads what it has of one partition to its end before it turns to the next."""
    log = Log()
    with closing(Topic(broker, 6000)) as topic:
        async with topic.worker(log.process, share=1000):
            await until(lambda: topic.is_done)
        read = {
            partition: [offset for at, batch in log.batches for offset in batch if at == partition]
            for partition in log.done
        }
        assert read == topic.offsets, "each record once and in order"
        assert max(len(batch) for _partition, batch in log.batches) <= 1000
        first_end = next(number for number, (_partition, batch) in enumerate(log.batches) if batch[-1] == 5999)
        assert {partition for partition, _batch in log.batches[:first_end]} == set(range(PARTITIONS))


async def test_partitions_that_move_while_batches_wait_lose_nothing(broker: Broker) -> None:
    """A second worker joins and the first leaves, each while more is queued than a stage has taken."""
    log = Log(slow=0.01)
    with closing(Topic(broker, 1500)) as topic:

        def processed(batches: int) -> Callable[[], bool]:
            def enough() -> bool:
                assert log.holds(topic.committed()), "a record was passed over"
                return len(log.batches) >= batches

            return enough

        async with topic.worker(log.process, share=20) as first:
            await until(processed(20))
            async with topic.worker(log.process, share=20) as second:
                await until(lambda: len(first.consumer.assignment()) == len(second.consumer.assignment()) == 2)
                await until(processed(len(log.batches) + 20))
                await first.stop()
                await until(lambda: processed(0)() and topic.is_done)
        assert {partition: sorted(done) for partition, done in log.done.items()} == topic.offsets


async def test_what_is_done_is_not_remembered(broker: Broker) -> None:
    """Faust notes the offset of every batch until a commit of its own, and ours takes its place."""
    log = Log()
    with closing(Topic(broker, 100)) as topic:
        async with topic.worker(log.process, share=1) as app:
            await until(lambda: topic.is_done)
            assert len(log.batches) == 400
            await until(lambda: entries(vars(app.consumer)) < 100, seconds=10)
