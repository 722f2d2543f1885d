"""The dead topic as a person uses it: list, show, requeue."""

from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.dead import list_dead, requeue_dead, show_dead
from agents.topics import apply_topics
from schemas.dead import KEPT_BYTES, bury
from schemas.errors import ConfigError
from schemas.settings import Settings, load_settings
from schemas.topics import DEAD, raw_topic
from tests.broker.brokers import Broker

pytestmark = pytest.mark.broker

TOPIC = raw_topic("x")


@pytest.fixture
def settings(fresh_broker: Broker) -> Settings:
    settings = load_settings(kafka=fresh_broker.address, partitions=1)
    apply_topics(settings)
    return settings


def produce(settings: Settings, *records: tuple[str, str, bytes]) -> list[int]:
    producer = KafkaProducer(bootstrap_servers=settings.kafka, max_request_size=2**25)
    sent = [producer.send(topic, value, key=key.encode(), partition=0) for topic, key, value in records]
    offsets = [future.get(timeout=20).offset for future in sent]
    producer.close()
    return offsets


def last_value(settings: Settings, topic: str) -> bytes:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, consumer.end_offsets([partition])[partition] - 1)
    records = consumer.poll(timeout_ms=20_000, max_records=1)[partition]
    consumer.close()
    return bytes(records[0].value)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [(20, "a short original is kept whole"), (KEPT_BYTES + 1, "a long one is read from its own topic")],
)
def test_requeue_puts_the_original_back(settings: Settings, size: int, sentence: str) -> None:
    original = b"{" * size
    [offset] = produce(settings, (TOPIC, "x:1", original))
    about = {"topic": TOPIC, "partition": 0, "offset": offset, "at": datetime(2026, 1, 1, tzinfo=UTC), "key": "x:1"}
    dead = bury(original, reason="not-json", **about)
    produce(settings, (DEAD, dead.id, dead.to_bytes()), (TOPIC, "x:2", b"{}"))

    assert [found.id for found in list_dead(settings)] == [dead.id]
    assert show_dead(settings, dead.id).reason == "not-json"
    requeue_dead(settings, dead.id)
    assert last_value(settings, TOPIC) == original, sentence


def test_a_name_that_is_not_there_is_one_clear_error(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="no dead record is called earshot.raw.x/0/7"):
        requeue_dead(settings, "earshot.raw.x/0/7")
