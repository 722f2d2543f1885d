"""The outbox on real brokers: what it says is written can be read, in order, and nobody waits for somebody else."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from pipeline.stream import producer
from pipeline.stream.producer import Outbox, Outgoing
from schemas.settings import load_settings
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker

pytestmark = pytest.mark.broker

_QUIET = logging.getLogger("librdkafka")


def topic_on(broker: Broker) -> str:
    name = f"earshot.target-{uuid4()}"
    admin = AdminClient({"bootstrap.servers": broker.address}, logger=_QUIET)
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
    return name


@contextmanager
def outbox(broker: Broker) -> Iterator[Outbox]:
    with closing(Outbox(load_settings(kafka=broker.address, session_timeout=3))) as found:
        yield found


def records(topic: str, count: int) -> list[Outgoing]:
    return [Outgoing(topic, b"key", b"%d" % number, 0) for number in range(count)]


def read(broker: Broker, topic: str, count: int) -> list[bytes | None]:
    client = Consumer({"bootstrap.servers": broker.address, "group.id": "reader"}, logger=_QUIET)
    client.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes | None] = []
    deadline = monotonic() + 30
    while len(found) < count and monotonic() < deadline:
        found += [message.value() for message in client.consume(count, timeout=1) if not message.error()]
    client.close()
    return found


@pytest.mark.parametrize(
    ("room", "sentence"), [(1_000_000, "all fit into the queue"), (100, "the queue is full again and again")]
)
async def test_what_is_delivered_is_there_in_its_order(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, room: int, sentence: str
) -> None:
    monkeypatch.setattr(producer, "_QUEUED_RECORDS", room)
    topic = topic_on(broker)
    sent = records(topic, 3000)
    with outbox(broker) as writes:
        assert await writes.deliver(sent)
    assert read(broker, topic, len(sent)) == [record.value for record in sent], sentence


@pytest.mark.needs(Ability.REFUSES)
async def test_a_batch_waits_for_its_own_records_only(fresh_broker: Broker) -> None:
    """Two stages share the outbox; one that cannot write does not hold up the other."""
    gone = asyncio.Event()
    with outbox(fresh_broker) as shared:
        stuck = asyncio.create_task(shared.deliver(records(f"earshot.missing-{uuid4()}", 10), gone.is_set))
        assert await shared.deliver(records(topic_on(fresh_broker), 10))
        assert not stuck.done()
        gone.set()
        assert await stuck is False, "it ends when its partition is lost, and does not call it written"
