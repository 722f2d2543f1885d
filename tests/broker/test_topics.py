"""Topics: what provisioning makes, what it refuses, and what the check finds."""

from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from agents.access import check_access
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
    told = "earshot.mentions has 2 partitions instead of 3: set EARSHOT_PARTITIONS=2; to raise them, stop all processes"
    assert f"{told} and run: earshot topics raise 3" in check_topics(grown)


DIFFERENT: list[tuple[str, dict[str, Any], str, str]] = [
    ("more partitions", {"num_partitions": 3}, "mentions", "has 3 partitions instead of 2: set EARSHOT_PARTITIONS=3"),
    ("where order wants one", {"num_partitions": 2}, "dead", "2 partitions instead of 1: delete it and run: earshot"),
    ("kept longer than LinkedIn allows", {"configs": {"retention.ms": "604800000"}}, "raw.linkedin",
     "has retention.ms=604800000 instead of 36000000: less loses what is not read in time, more keeps"),
    ("a ledger that forgets", {"configs": {"cleanup.policy": "delete"}}, "deliveries",
     "kafka-configs.sh --alter --topic earshot.deliveries --add-config cleanup.policy=compact"),
    ("a sender's clock counts", {"configs": {"message.timestamp.type": "CreateTime"}}, "raw.web",
     "--add-config message.timestamp.type=LogAppendTime"),
    ("too little room", {"configs": {"max.message.bytes": "1000"}}, "raw.x",
     "has max.message.bytes=1000 instead of 16777216: less refuses records that are within our limits"),
    ("not there", {}, "receipts", "is missing: earshot topics apply, or kafka-topics.sh --create --topic"
     " earshot.receipts --partitions 2 --replication-factor 1 --config cleanup.policy=delete --config retention.ms="),
]  # fmt: skip
ROOMY = {"configs": {"retention.ms": "2592000000", "max.message.bytes": "99999999"}}


def test_each_difference_is_explained_with_what_to_do(fresh_broker: Broker) -> None:
    """On a broker where somebody else has made the topics, nearly right."""
    settings = load_settings(kafka=fresh_broker.address, partitions=2)
    changed = {f"earshot.{name}": changes for _, changes, name, _ in DIFFERENT if changes} | {"earshot.alerts": ROOMY}
    with closing(KafkaAdminClient(bootstrap_servers=fresh_broker.address)) as client:
        client.create_topics(
            {
                topic.name: {
                    "num_partitions": settings.partitions if topic.partitioned else 1,
                    "replication_factor": 1,
                    "configs": topic.config() | changed.get(topic.name, {}).get("configs", {}),
                }
                | {name: value for name, value in changed.get(topic.name, {}).items() if name != "configs"}
                for topic in TOPICS
                if topic.name != "earshot.receipts"
            }
        )
    findings = {finding.split()[0]: finding for finding in check_topics(settings)}
    assert set(findings) == {f"earshot.{name}" for _, _, name, _ in DIFFERENT}, "more room is welcome"
    for sentence, _, name, told in DIFFERENT:
        assert told in findings[f"earshot.{name}"], sentence
    three = load_settings(kafka=fresh_broker.address, partitions=2, replication=3)
    assert any("earshot.checkpoints has 1 copies of each record instead of 3" in found for found in check_topics(three))
    with pytest.raises(ConfigError, match="EARSHOT_TOPIC_PREFIX: topic earshot.receipts is missing"):
        check_access(settings, "worker")


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
