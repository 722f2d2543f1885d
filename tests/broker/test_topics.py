"""Topics: what provisioning makes, what it refuses, and what the check finds."""

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from agents.kafka import read_to_end
from agents.topics import apply_topics, check_topics
from schemas.errors import ConfigError
from schemas.settings import load_settings
from schemas.topics import DEAD, TOPICS
from tests.broker.brokers import Broker

pytestmark = pytest.mark.broker


def test_applying_twice_creates_once_and_leaves_nothing_to_find(fresh_broker: Broker) -> None:
    settings = load_settings(kafka=fresh_broker.address, partitions=2)
    assert len(check_topics(settings)) == len(TOPICS)
    assert apply_topics(settings) == sorted(topic.name for topic in TOPICS)
    assert apply_topics(settings) == []
    assert check_topics(settings) == []


def test_another_number_of_partitions_is_refused_and_found(fresh_broker: Broker) -> None:
    apply_topics(load_settings(kafka=fresh_broker.address, partitions=2))
    grown = load_settings(kafka=fresh_broker.address, partitions=3)
    with pytest.raises(ConfigError, match="has 2 partitions, the settings say 3"):
        apply_topics(grown)
    assert "earshot.mentions has 2 partitions instead of 3" in check_topics(grown)


def test_no_broker_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="EARSHOT_KAFKA: no Kafka broker answers at 127.0.0.1:1"):
        apply_topics(load_settings(kafka="127.0.0.1:1"))


@pytest.mark.parametrize("batches", [(1,), (1, 4000), (3, 1, 1200)], ids=str)
def test_a_topic_is_read_to_its_very_end(fresh_broker: Broker, batches: tuple[int, ...]) -> None:
    """Also on the embedded broker, which names the beginning of its last batch as the end."""
    apply_topics(load_settings(kafka=fresh_broker.address, partitions=1))
    for size in batches:
        producer = Producer({"bootstrap.servers": fresh_broker.address, "linger.ms": 50})
        for number in range(size):
            producer.produce(DEAD, f"{number}".encode(), partition=0)
        producer.flush()
    consumer = KafkaConsumer(bootstrap_servers=fresh_broker.address)
    values = [record.value for record in read_to_end(consumer, [TopicPartition(DEAD, 0)])]
    consumer.close()
    assert values == [f"{number}".encode() for size in batches for number in range(size)]
