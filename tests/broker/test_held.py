"""What is asked about when a platform wants something deleted: all that its topic holds, on every partition."""

import pytest
from kafka import KafkaProducer

from agents.ingest.held import held_ids
from agents.kafka import NoBroker
from agents.topics import apply_topics
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import raw_topic
from tests.broker.brokers import Broker

pytestmark = pytest.mark.broker


def test_all_ids_of_a_platform_are_read_back(fresh_broker: Broker) -> None:
    settings = load_settings(kafka=fresh_broker.address, partitions=3)
    apply_topics(settings)
    assert held_ids(settings, "x") == set(), "nothing is held yet"
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    keys = [f"x:{number}" for number in range(50)]
    sent = [producer.send(settings.topic(raw_topic("x")), b"{}", key=key.encode()) for key in [*keys, "x:1"]]
    sent.append(producer.send(settings.topic(raw_topic("reddit")), b"{}", key=b"reddit:t1_a"))
    for future in sent:
        future.get(timeout=20)
    producer.close()
    assert held_ids(settings, "x") == {str(number) for number in range(50)}


def test_a_broker_that_is_away_is_said_at_once() -> None:
    with pytest.raises(NoBroker):
        held_ids(load_settings(kafka=f"127.0.0.1:{free_port()}"), "x")
