"""Checkpoints in the broker: read once at start, written behind what has been acknowledged."""

import logging

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from pydantic import ValidationError

from agents.kafka import confluent_config
from agents.strays import Stray, Tell, warn
from schemas.checkpoint import Checkpoint
from schemas.errors import SourceError
from schemas.settings import Settings
from schemas.topics import CHECKPOINTS

_SECONDS = 5.0
_END = KafkaError._PARTITION_EOF


def read_checkpoints(settings: Settings, tell: Tell = warn) -> dict[str, Checkpoint]:
    """Return the last checkpoint of every source, by its id; blocks. What is there and is none is named to `tell`.

    Raises:
        SourceError: the broker does not answer, or the topic is not there yet; ask again.
    """
    topic = settings.topic(CHECKPOINTS)
    consumer = Consumer(
        {
            **confluent_config(settings),
            # librdkafka wants a group, though nothing here ever joins one or commits
            "group.id": settings.group("ingest"),
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            # only at the end is there nothing to wait for
            "fetch.wait.max.ms": 10,
            "log_level": 3,
        },
        logger=logging.getLogger("ingest.rdkafka"),
    )
    try:
        if topic not in consumer.list_topics(timeout=_SECONDS).topics:
            raise SourceError(f"{topic} is missing: run `earshot topics apply`")
        consumer.assign([TopicPartition(topic, 0, 0)])
        return _read_to_end(consumer, topic, tell)
    except KafkaException as error:
        raise SourceError(f"no checkpoints from {settings.kafka} ({error.args[0].name()})") from error
    finally:
        consumer.close()


def _read_to_end(consumer: Consumer, topic: str, tell: Tell) -> dict[str, Checkpoint]:
    found: dict[str, Checkpoint] = {}
    while True:
        message = consumer.poll(_SECONDS)
        if message is None:
            raise SourceError(f"{topic} could not be read to its end")
        error = message.error()
        if error is not None and error.code() == _END:
            return found
        if error is not None:
            raise KafkaException(error)
        if (value := message.value()) is None:
            continue
        try:
            checkpoint = Checkpoint.from_bytes(value)
        except ValidationError:
            tell(Stray(topic, int(message.partition() or 0), int(message.offset() or 0), message.key()))
            continue
        found[checkpoint.source] = checkpoint
