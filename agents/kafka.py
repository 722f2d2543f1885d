"""How each Kafka client is told where the brokers are and how to log in, and how a topic is read to its end."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from schemas.errors import ConfigError
from schemas.settings import Settings


def kafka_python_config(settings: Settings) -> dict[str, Any]:
    """Return the connection settings of kafka-python's clients."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.kafka.split(","),
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    if settings.kafka_ca_file:
        config["ssl_cafile"] = settings.kafka_ca_file
    return config


def confluent_config(settings: Settings) -> dict[str, Any]:
    """Return the connection settings of confluent-kafka's clients (librdkafka's own names)."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka,
        "security.protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_username,
            "sasl.password": settings.kafka_password.get_secret_value(),
        }
    if settings.kafka_ca_file:
        config["ssl.ca.location"] = settings.kafka_ca_file
    return config


def connect(client: Callable[..., Any], settings: Settings) -> Any:
    """Return a `client` of kafka-python that has reached the broker, for what a person does by hand.

    Raises:
        ConfigError: no broker answers.
    """
    try:
        return client(**kafka_python_config(settings), bootstrap_timeout_ms=15_000)
    except KafkaError as error:
        raise ConfigError(
            f"no Kafka broker answers at {settings.kafka} ({type(error).__name__})",
            where="EARSHOT_KAFKA",
            hint="start the broker or correct the address",
        ) from error


def read_to_end(consumer: KafkaConsumer, places: Sequence[TopicPartition], seconds: float = 30.0) -> Iterator[Any]:
    """Yield all records that `places` hold now, from the beginning, with a consumer that belongs to no group.

    The embedded broker names the beginning of its last batch as the end, so the end is only believed once nothing
    more comes.

    Raises:
        KafkaTimeoutError: nothing came for `seconds` although the end was not reached.
    """
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    deadline = monotonic() + seconds
    while True:
        reached = all(consumer.position(place) >= ends[place] for place in places)
        batches = consumer.poll(timeout_ms=100 if reached else 500)
        for records in batches.values():
            yield from records
        if batches:
            deadline = monotonic() + seconds
        elif reached:
            return
        elif monotonic() > deadline:
            raise KafkaTimeoutError(f"{places[0].topic} could not be read to its end")
