"""What an author wrote, as far as the raw topic of the platform still holds it: only there it stands who wrote what."""

import json
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from agents.access import check_access
from agents.kafka import answering, connect, read_to_end
from schemas.errors import ConfigError
from schemas.event import Deletion, Event, delivered
from schemas.settings import Settings
from schemas.topics import raw_topic


def posts_by(settings: Settings, platform: str, author: str) -> list[str]:
    """Return the ids of the posts of an author (by the author's id), each once, without those deleted since; blocks.

    The whole topic is read, which holds as many days as the platform may be kept; only what names the author is parsed.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing.
    """
    topic = settings.topic(raw_topic(platform))
    counts = check_access(settings, "forget")
    if topic not in counts:
        raise ConfigError(f"topic {topic} is missing", hint="run: earshot topics apply")
    places = [TopicPartition(topic, number) for number in range(counts[topic])]
    # as it is written in the records, whatever stands in it
    named = json.dumps(author, ensure_ascii=False).encode()
    found: dict[str, None] = {}
    with answering(settings), closing(connect(KafkaConsumer, settings)) as consumer:
        for record in read_to_end(consumer, places):
            if record.value and (named in record.value or b'"deletion"' in record.value):
                _take(found, record.value, platform, author)
    return list(found)


def _take(found: dict[str, None], record: bytes, platform: str, author: str) -> None:
    try:
        item = delivered.validate_json(record)
    except ValidationError:
        return  # a worker sets it aside
    if isinstance(item, Deletion):
        if not item.author and item.platform == platform:
            found.pop(item.id, None)
    elif isinstance(item, Event) and item.platform == platform and item.author and item.author.id == author:
        found[item.id] = None
