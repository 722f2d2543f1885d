"""Topics: what provisioning makes, what it refuses, and what the check finds."""

import pytest

from agents.topics import apply_topics, check_topics
from schemas.errors import ConfigError
from schemas.settings import load_settings
from schemas.topics import TOPICS
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
