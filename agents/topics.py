"""Provisioning: make the broker's topics agree with `schemas/topics.py`, and explain where they do not."""

from contextlib import closing
from time import monotonic, sleep
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import BrokerResponseError, UnknownBrokerIdError

from agents.kafka import CONNECT_SECONDS, NoBroker, connect
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import TOPICS, Topic

_AGAIN_SECONDS = 0.5
RAISE = "to raise them, stop all processes and run: earshot topics raise {wanted}"


def wanted_partitions(topic: Topic, settings: Settings) -> int:
    """Return how many partitions the settings ask for."""
    return settings.partitions if topic.partitioned else 1


def apply_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing, with their retention, and return their names.

    Raises:
        ConfigError: no broker answers, it does not let us create them, or a topic has another number of partitions
            than the settings say: keys would move between partitions and state with them, so nothing is changed.
    """
    until = monotonic() + CONNECT_SECONDS
    while True:
        try:
            return _apply(settings)
        except UnknownBrokerIdError as error:
            # a cluster that has only just begun names a controller before it tells everybody where that is
            if monotonic() > until:
                raise NoBroker(
                    f"the cluster at {settings.kafka} does not say where its controller is",
                    where="EARSHOT_KAFKA",
                    hint="wait until all its brokers are up, and try again",
                ) from error
            sleep(_AGAIN_SECONDS)


def _apply(settings: Settings) -> list[str]:
    with closing(connect(KafkaAdminClient, settings)) as client:
        found = describe(client, settings)
        for topic in TOPICS:
            name, wanted = settings.topic(topic.name), wanted_partitions(topic, settings)
            has = len(found[name]["partitions"]) if name in found else wanted
            if has != wanted:
                raise ConfigError(
                    f"topic {name} has {has} partitions, the settings say {wanted}",
                    where="EARSHOT_PARTITIONS",
                    hint=f"use {has}; {RAISE.format(wanted=wanted)}" if has < wanted else f"use {has}",
                )
        missing = {
            settings.topic(topic.name): {
                "num_partitions": wanted_partitions(topic, settings),
                "replication_factor": settings.replication,
                "configs": topic.config(),
            }
            for topic in TOPICS
            if settings.topic(topic.name) not in found
        }
        if missing:
            _create(client, missing)
        return sorted(missing)


def _create(client: KafkaAdminClient, missing: dict[str, Any]) -> None:
    try:
        client.create_topics(missing)
    except BrokerResponseError as error:
        raise ConfigError(
            f"the broker does not create {min(missing)} ({type(error).__name__})",
            where="earshot topics apply",
            hint="`earshot topics acls` shows what it must be allowed, `earshot topics check` what else would do",
        ) from error
    client.wait_for_topics(list(missing))


def describe(client: KafkaAdminClient, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what the broker tells about each of our topics that exists, by its name there."""
    names = {settings.topic(topic.name) for topic in TOPICS}
    there = sorted(names & set(client.list_topics()))
    return {found["name"]: found for found in client.describe_topics(there)} if there else {}


def check_topics(settings: Settings) -> list[str]:
    """Return a sentence for each way in which the broker's topics differ from what Earshot needs: what, and what to do.

    Raises:
        ConfigError: no broker answers, or it does not let us in.
    """
    with closing(connect(KafkaAdminClient, settings)) as client:
        found = describe(client, settings)
        findings: list[str] = []
        for topic in TOPICS:
            name = settings.topic(topic.name)
            if name not in found:
                findings.append(f"{name} is missing: {_recipe(topic, settings)}")
                continue
            findings += _placed_wrong(topic, found[name], settings)
            findings += _configured_wrong(client, topic, name)
        return findings


def _recipe(topic: Topic, settings: Settings) -> str:
    """Say how the topic comes into being, by us or by whoever owns the broker."""
    config = " ".join(f"--config {name}={value}" for name, value in topic.config().items())
    return (
        f"earshot topics apply, or kafka-topics.sh --create --topic {settings.topic(topic.name)} --partitions"
        f" {wanted_partitions(topic, settings)} --replication-factor {settings.replication} {config}"
    )


def _placed_wrong(topic: Topic, found: dict[str, Any], settings: Settings) -> list[str]:
    """Compare the number of partitions and of copies; more copies than asked for are welcome."""
    name, wanted, findings = found["name"], wanted_partitions(topic, settings), []
    has = len(found["partitions"])
    if has != wanted:
        todo = f"set EARSHOT_PARTITIONS={has}" if topic.partitioned else "delete it and run: earshot topics apply"
        more = f"; {RAISE.format(wanted=wanted)}" if topic.partitioned and has < wanted else ""
        findings.append(f"{name} has {has} partitions instead of {wanted}: {todo}{more}")
    copies = min((len(partition["replica_nodes"]) for partition in found["partitions"]), default=0)
    if 0 < copies < settings.replication:
        findings.append(
            f"{name} has {copies} copies of each record instead of {settings.replication}:"
            " raise them with kafka-reassign-partitions.sh, or set EARSHOT_REPLICATION to what the cluster has"
        )
    return findings


_WHY = {
    "cleanup.policy": "otherwise state or cursors are thrown away, or what must not be kept is kept",
    "retention.ms": "less loses what is not read in time, more keeps what a platform forbids to keep",
    "segment.ms": "a broker deletes whole segments, so longer ones keep what a platform forbids to keep",
    "max.message.bytes": "less refuses records that are within our limits",
    "message.timestamp.type": "a sender whose clock is wrong must neither be refused nor decide how long is kept",
}


def _configured_wrong(client: KafkaAdminClient, topic: Topic, name: str) -> list[str]:
    """Compare the settings of one topic; a broker that tells none (the embedded one) is believed."""
    # every value is asked for: the embedded broker hangs up when single ones are named
    answer = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
    values: dict[str, dict[str, str]] = answer["topic"].get(name, {})
    return [
        f"{name} has {setting}={values[setting]['value']} instead of {wanted}: {_WHY[setting]};"
        f" kafka-configs.sh --alter --topic {name} --add-config {setting}={wanted}"
        for setting, wanted in topic.config().items()
        if setting in values and not _fits(setting, values[setting]["value"], wanted)
    ]


def _fits(setting: str, has: str, wanted: str) -> bool:
    return int(has) >= int(wanted) if setting == "max.message.bytes" else has == wanted
