"""Which posts of a platform we still hold: what its topic of raw events says, which is the truth about it."""

from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from agents.kafka import connect, read_to_end
from schemas.errors import SourceError
from schemas.settings import Settings
from schemas.topics import raw_topic


def held_ids(settings: Settings, platform: str) -> set[str]:
    """Return the native ids of all posts in the raw topic of `platform`; blocks until it is read to its end.

    Raises:
        NoBroker: none answers.
        SourceError: the topic cannot be read, for instance because this process may not.
    """
    topic, prefix = settings.topic(raw_topic(platform)), f"{platform}:"
    try:
        with closing(connect(KafkaConsumer, settings)) as consumer:
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            records = read_to_end(consumer, places) if places else ()
            keys = {record.key.decode("utf-8", "replace") for record in records if record.key}
    except KafkaError as error:
        raise SourceError(f"{topic} cannot be read back ({type(error).__name__})") from error
    return {key.removeprefix(prefix) for key in keys if key.startswith(prefix)}
