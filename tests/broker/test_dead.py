"""The dead topic as a person uses it: list, show, requeue."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from agents.dead import list_dead, requeue_dead, show_dead
from agents.layout import write_layout
from agents.topics import apply_topics
from pipeline.stream.repartition import raise_partitions
from schemas.dead import KEPT_BYTES, bury
from schemas.errors import ConfigError
from schemas.settings import Settings, load_settings
from schemas.topics import DEAD, MENTIONS, raw_topic
from tests.broker.abilities import Ability
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


def last_value(settings: Settings, topic: str, number: int = 0) -> bytes:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    partition = TopicPartition(topic, number)
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


MOVED = [
    ("trains", 3, "where its watch lives since there are four partitions"),
    ("acme", 0, "where its watch has lived all along, though it died elsewhere"),
    (None, 1, "where it was, since no key says more"),
]


@pytest.mark.needs(Ability.GROWS)
def test_after_a_raise_it_goes_to_where_its_key_belongs(fresh_broker: Broker) -> None:
    settings = load_settings(kafka=fresh_broker.address, partitions=2)
    apply_topics(settings)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for offset, (key, _, sentence) in enumerate(MOVED):
        about = {"topic": MENTIONS, "partition": 1, "offset": offset, "at": at, "key": key}
        dead = bury(sentence.encode(), reason="wrong-type", **about)
        produce(settings, (DEAD, dead.id, dead.to_bytes()))
    raise_partitions(settings, 4)
    for offset, (_, number, sentence) in enumerate(MOVED):
        requeue_dead(settings, f"{MENTIONS}/1/{offset}")
        assert last_value(settings, MENTIONS, number) == sentence.encode()


@pytest.mark.needs(Ability.GROWS)
def test_nothing_is_requeued_while_the_state_lies_elsewhere(fresh_broker: Broker) -> None:
    """It would wait where nobody reads, and `topics raise` would wait for it to be read."""
    settings = load_settings(kafka=fresh_broker.address, partitions=2)
    apply_topics(settings)
    write_layout(settings, 2)
    dead = bury(b"{", reason="not-json", topic=TOPIC, partition=0, offset=0, at=datetime(2026, 1, 1, tzinfo=UTC))
    produce(settings, (DEAD, dead.id, dead.to_bytes()))
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka)) as admin:
        admin.create_partitions({TOPIC: 3})
    with pytest.raises(ConfigError, match=r"lies in 2 partitions, the topics have 3 .*earshot topics raise 3"):
        requeue_dead(settings, dead.id)


def test_a_name_that_is_not_there_is_one_clear_error(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="no dead record is called earshot.raw.x/0/7"):
        requeue_dead(settings, "earshot.raw.x/0/7")


def test_without_its_topic_the_list_says_so_and_does_not_wait(fresh_broker: Broker) -> None:
    with pytest.raises(ConfigError, match=r"topic earshot\.dead is missing"):
        list_dead(load_settings(kafka=fresh_broker.address))
