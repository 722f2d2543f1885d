"""Provisioning: make the broker's topics agree with `schemas/topics.py`, and say where they do not."""

from contextlib import closing

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from agents.kafka import connect
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import TOPICS, Topic


def _partitions(topic: Topic, settings: Settings) -> int:
    return settings.partitions if topic.partitioned else 1


def _found(client: KafkaAdminClient) -> dict[str, int]:
    """Return the number of partitions of every topic there is."""
    names = [topic.name for topic in TOPICS if topic.name in set(client.list_topics())]
    return {found["name"]: len(found["partitions"]) for found in client.describe_topics(names)} if names else {}


def apply_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing, with their retention, and return their names.

    Raises:
        ConfigError: no broker answers, or a topic has another number of partitions than the settings say: keys would
            move between partitions and state with them, so nothing is changed.
    """
    with closing(connect(KafkaAdminClient, settings)) as client:
        found = _found(client)
        for topic in TOPICS:
            wanted = _partitions(topic, settings)
            if found.get(topic.name, wanted) != wanted:
                raise ConfigError(
                    f"topic {topic.name} has {found[topic.name]} partitions, the settings say {wanted}",
                    where="EARSHOT_PARTITIONS",
                    hint="partitions cannot be changed once records are keyed to them; use the number there is",
                )
        missing = {
            topic.name: {
                "num_partitions": _partitions(topic, settings),
                "replication_factor": settings.replication,
                "configs": topic.config(),
            }
            for topic in TOPICS
            if topic.name not in found
        }
        if missing:
            client.create_topics(missing)
            client.wait_for_topics(list(missing))
        return sorted(missing)


def check_topics(settings: Settings) -> list[str]:
    """Return one sentence for each way in which the broker's topics differ from what Earshot needs."""
    with closing(connect(KafkaAdminClient, settings)) as client:
        found = _found(client)
        findings = [f"{topic.name} is missing" for topic in TOPICS if topic.name not in found]
        present = [topic for topic in TOPICS if topic.name in found]
        findings += [
            f"{topic.name} has {found[topic.name]} partitions instead of {_partitions(topic, settings)}"
            for topic in present
            if found[topic.name] != _partitions(topic, settings)
        ]
        for topic in present:
            findings += _differing(client, topic)
        return findings


def _differing(client: KafkaAdminClient, topic: Topic) -> list[str]:
    """Compare the retention of one topic; a broker that tells no configuration (the embedded one) is believed."""
    wanted = topic.config()
    # every value is asked for: the embedded broker hangs up when single ones are named
    answer = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)], config_filter="all")
    values: dict[str, dict[str, str]] = answer["topic"].get(topic.name, {})
    return [
        f"{topic.name} has {name}={values[name]['value']} instead of {value}"
        for name, value in wanted.items()
        if name in values and values[name]["value"] != value
    ]
