"""A real Kafka lets go in time of what a platform forbids to keep: an hour is a second here."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka.admin import KafkaAdminClient

from schemas.topics import TOPICS, raw_topic
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker, Embedded, Kafka
from tests.broker.conftest import KINDS, require_kafka
from tests.broker.watermarks import watermarks

pytestmark = pytest.mark.broker
SECONDS = 90.0
HOUR = 3600


class Hasty(Kafka):
    """Looks for what has had its time twice a second instead of every five minutes, and from the start."""

    def properties(self) -> str:
        hasty = {"retention.check.interval.ms": 500, "initial.task.delay.ms": 500, "segment.delete.delay.ms": 0}
        return "\n".join([super().properties(), *(f"log.{name}={value}" for name, value in hasty.items())])


@pytest.fixture(params=KINDS)
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == Embedded.name:
        broker: Broker = Embedded()
    else:
        require_kafka()
        broker = Hasty(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.needs(Ability.EXPIRES)
def test_a_quiet_topic_lets_go_of_its_oldest_record_although_others_come(hasty: Broker) -> None:
    """Without short segments the first record stays as long as any other comes within the time: that is the trap."""
    [topic] = [topic for topic in TOPICS if topic.name == raw_topic("linkedin")]
    config = topic.config()
    for setting in ("retention.ms", "segment.ms"):
        config[setting] = str(int(config[setting]) // HOUR)
    usual = {name: value for name, value in config.items() if name != "segment.ms"}
    configs = {"strict": config, "usual": usual}
    with closing(KafkaAdminClient(bootstrap_servers=hasty.address)) as client:
        client.create_topics(
            {name: {"num_partitions": 1, "replication_factor": 1, "configs": found} for name, found in configs.items()}
        )
        client.wait_for_topics(list(configs))
    producer = Producer({"bootstrap.servers": hasty.address})
    consumer = Consumer({"bootstrap.servers": hasty.address, "group.id": "test"})
    try:
        deadline = monotonic() + SECONDS
        while first(consumer, "strict") == 0 and monotonic() < deadline:
            for name in configs:
                producer.produce(name, b"words")
            producer.flush(10)
            sleep(0.2)
        assert first(consumer, "strict") > 0, "the oldest records are gone"
        assert first(consumer, "usual") == 0, "and would not be without short segments"
    finally:
        consumer.close()


def first(consumer: Consumer, topic: str) -> int:
    return watermarks(consumer, TopicPartition(topic, 0))[0]
