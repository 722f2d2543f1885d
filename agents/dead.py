"""The dead topic, for people: list what could not be processed, look at one record, put it back where it came from."""

from contextlib import closing

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from agents.kafka import connect, kafka_python_config, read_to_end
from agents.layout import check_layout
from agents.strays import Tell, ours, warn
from schemas.dead import Dead
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import DEAD


def list_dead(settings: Settings, tell: Tell = warn) -> list[Dead]:
    """Return every dead record the topic still holds, oldest first; a newer burial of the same record replaces it.

    What is there and is none is named to `tell`.

    Raises:
        ConfigError: the topic is not there.
    """
    with closing(connect(KafkaConsumer, settings)) as consumer:
        topic = settings.topic(DEAD)
        if not consumer.partitions_for_topic(topic):
            raise ConfigError(f"topic {topic} is missing", where="EARSHOT_TOPIC_PREFIX", hint="earshot topics apply")
        records = read_to_end(consumer, [TopicPartition(topic, 0)])
        return list({dead.id: dead for record in records if (dead := ours(Dead.from_bytes, record, tell))}.values())


def show_dead(settings: Settings, name: str) -> Dead:
    """Return the dead record called `topic/partition/offset`.

    Raises:
        ConfigError: there is none of that name.
    """
    for dead in list_dead(settings):
        if dead.id == name:
            return dead
    raise ConfigError(f"no dead record is called {name}", hint="earshot dead list shows their names")


def requeue_dead(settings: Settings, name: str) -> Dead:
    """Put the original of a dead record at the end of the topic it came from, and return the dead record.

    Its key decides on the partition: there may be more than when it died, and what is known of the key lies where the
    key belongs by now. Without a key it goes where it was. The dead record stays, as a trace; what is processed twice
    has the same id and counts once.

    Raises:
        ConfigError: there is none of that name, it never stood in a topic, its original is no longer kept, or
            partitions are being raised.
    """
    dead = show_dead(settings, name)
    if not dead.topic.startswith(settings.topic_prefix):
        raise ConfigError(f"{name} never reached a topic", hint="correct the file and replay it")
    value = dead.original if dead.complete else _original(settings, dead)
    producer = KafkaProducer(**kafka_python_config(settings), max_request_size=2**25)
    try:
        # else it would wait unread, and the raising with it
        check_layout(settings, len(producer.partitions_for(dead.topic)))
        key, partition = (None, dead.partition) if dead.key is None else (dead.key.encode(), None)
        producer.send(dead.topic, value, key=key, partition=partition).get(timeout=30)
    except KafkaError as error:
        raise ConfigError(f"the broker did not take {name} back ({type(error).__name__})") from error
    finally:
        producer.close()
    return dead


def _original(settings: Settings, dead: Dead) -> bytes:
    """Read an original that is too long to be kept in the dead topic from where it still stands."""
    with closing(connect(KafkaConsumer, settings)) as consumer:
        partition = TopicPartition(dead.topic, dead.partition)
        consumer.assign([partition])
        if consumer.beginning_offsets([partition])[partition] <= dead.offset:
            consumer.seek(partition, dead.offset)
            for records in consumer.poll(timeout_ms=10_000, max_records=1).values():
                for record in records:
                    if record.offset == dead.offset:
                        return bytes(record.value)
    raise ConfigError(
        f"the original of {dead.id} is past its retention",
        hint="only its first 64 KiB are kept, and nothing of LinkedIn",
    )
