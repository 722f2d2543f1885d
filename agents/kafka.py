"""How each Kafka client is told where the brokers are and how to log in, and how a topic is read to its end."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError, KafkaTimeoutError

from agents.refusal import listening, refusal
from agents.tls import tls_context
from agents.token import login
from schemas.errors import ConfigError
from schemas.settings import Settings

CONNECT_SECONDS = 15.0


class NoBroker(ConfigError):
    """Nobody answers at the address of the settings; the broker may only be away."""


def kafka_python_config(settings: Settings) -> dict[str, Any]:
    """Return the connection settings of kafka-python's clients.

    Raises:
        ConfigError: a certificate cannot be read.
    """
    protocol = settings.kafka_security_protocol
    config: dict[str, Any] = {"bootstrap_servers": settings.kafka.split(","), "security_protocol": protocol}
    if protocol.endswith("SSL"):
        config["ssl_context"] = tls_context(settings)
    if protocol.startswith("SASL"):
        config |= login(settings)
    return config


def confluent_config(settings: Settings) -> dict[str, Any]:
    """Return the connection settings of confluent-kafka's clients (librdkafka's own names).

    Raises:
        ConfigError: a certificate cannot be read.
    """
    protocol = settings.kafka_security_protocol
    config: dict[str, Any] = {"bootstrap.servers": settings.kafka, "security.protocol": protocol}
    if protocol.endswith("SSL"):
        tls_context(settings)  # says what is wrong with a file better than librdkafka would
        config |= {
            "ssl.ca.location": settings.kafka_ca_file,
            "ssl.certificate.location": settings.kafka_cert_file,
            "ssl.key.location": settings.kafka_key_file or settings.kafka_cert_file,
            "ssl.key.password": settings.kafka_key_password.get_secret_value(),
        }
    if protocol.startswith("SASL"):
        config |= _confluent_login(settings)
    return {name: value for name, value in config.items() if value}


def _confluent_login(settings: Settings) -> dict[str, Any]:
    password = settings.kafka_password.get_secret_value()
    if settings.kafka_sasl_mechanism != "OAUTHBEARER":
        return {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_username,
            "sasl.password": password,
        }
    return {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": settings.kafka_token_url,
        "sasl.oauthbearer.client.id": settings.kafka_username,
        "sasl.oauthbearer.client.secret": password,
        "sasl.oauthbearer.scope": settings.kafka_token_scope,
        "https.ca.location": settings.kafka_token_ca_file,
    }


def connect(client: Callable[..., Any], settings: Settings, seconds: float = CONNECT_SECONDS) -> Any:
    """Return a `client` of kafka-python that has reached the broker.

    Raises:
        NoBroker: none answers.
        ConfigError: one answers, but not to us; the text names the setting that is wrong.
    """
    config = kafka_python_config(settings)
    try:
        address = listening(settings)
        if not address:
            raise KafkaTimeoutError("nobody listens")
        with _silent():
            if wrong := refusal(address, settings):
                raise wrong
            return client(**config, bootstrap_timeout_ms=int(1000 * seconds))
    except AuthorizationError as error:
        raise ConfigError(
            f"{settings.kafka} refuses us ({type(error).__name__})", where="EARSHOT_KAFKA_USERNAME", hint=_ACLS
        ) from error
    except KafkaError as error:
        raise NoBroker(
            f"no Kafka broker answers at {settings.kafka} ({type(error).__name__})",
            where="EARSHOT_KAFKA",
            hint="start the broker or correct the address",
        ) from error


_ACLS = "`earshot topics acls` shows what each process must be allowed"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep kafka-python from logging each attempt: what comes of them is said in one line."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Raise `NoBroker` where a broker that had let us in does not answer any more."""
    try:
        yield
    except KafkaError as error:
        if not error.retriable:
            raise
        raise NoBroker(
            f"the Kafka broker at {settings.kafka} no longer answers ({type(error).__name__})",
            where="EARSHOT_KAFKA",
            hint="see whether it still runs",
        ) from error


def unpark(consumer: KafkaConsumer) -> None:
    """Have `consumer` hand out what it has kept of partitions that were paused; call it after `resume`.

    kafka-python 3.0.12 does so only where this is None, not where it is used up.
    """
    fetcher = consumer._fetcher
    if not fetcher._next_partition_records:
        fetcher._next_partition_records = None


def read_to_end(
    consumer: KafkaConsumer, places: Sequence[TopicPartition], seconds: float = 30.0, begin: int = 0
) -> Iterator[Any]:
    """Yield all records that `places` hold now, with a consumer that belongs to no group.

    From the offset `begin` on, or from the beginning where that is later.

    The embedded broker names the beginning of its last batch as the end, so the end is only believed once nothing
    more comes.

    Raises:
        KafkaTimeoutError: nothing came for `seconds` although the end was not reached.
    """
    consumer.assign(places)
    for place, earliest in consumer.beginning_offsets(places).items():
        consumer.seek(place, max(begin, earliest))
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
