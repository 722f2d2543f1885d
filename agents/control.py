"""What people tell judge from outside: the records that they write into its log, and the alerts these are about."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime

from confluent_kafka import KafkaError, Producer
from kafka import KafkaConsumer, TopicPartition

from agents.kafka import confluent_config, connect, read_to_end
from pipeline.relevance import terms
from schemas.alert import Alert
from schemas.control import Feedback, Heeded
from schemas.errors import SourceError
from schemas.model import Record
from schemas.settings import Settings
from schemas.topics import ALERTS, MENTIONS, NO_ALERTS

BROKER_SECONDS = 30.0
_AT_ONCE = 10_000
"""So many records are handed to the client before it is waited for: its queue takes ten times as many."""


def write(settings: Settings, watch: str, record: Record) -> None:
    """Write a record about `watch` to judge's log, and return once the broker has it; blocks.

    Raises:
        SourceError: the broker did not take it.
    """
    send(settings, (MENTIONS, watch), record)


def send(settings: Settings, to: tuple[str, str], record: Record) -> None:
    """Write a record to a topic under a key, and return once the broker has it; blocks.

    Raises:
        SourceError: the broker did not take it.
    """
    send_all(settings, to[0], {to[1]: record})


def send_all(settings: Settings, topic: str, records: Mapping[str, Record]) -> None:
    """Write records to a topic, each under its key, and return once the broker has them all; blocks.

    Raises:
        SourceError: the broker did not take them.
    """
    failed: list[str] = []
    producer = Producer({**confluent_config(settings), "acks": "all", "partitioner": "murmur2_random"})

    def told(error: KafkaError | None, _message: object) -> None:
        if error:
            failed.append(error.str())

    for number, (key, record) in enumerate(records.items()):
        producer.produce(settings.topic(topic), record.to_bytes(), key.encode(), on_delivery=told)
        if number % _AT_ONCE == _AT_ONCE - 1:
            producer.flush(BROKER_SECONDS)
    if producer.flush(BROKER_SECONDS) or failed:
        raise SourceError(f"the broker did not take it: {failed[0] if failed else 'no answer'}")


def history(settings: Settings, incident: str) -> list[Alert]:
    """Return what people were told of an incident as long as that is kept, in its order; blocks.

    Raises:
        NoBroker: none answers.
        KafkaError: the broker did not answer in time.
    """
    return [alert for alert in _alerts(settings, incident.encode()) if alert.incident.id == incident]


def _alerts(settings: Settings, key: bytes) -> Iterator[Alert]:
    topic = settings.topic(ALERTS)
    with closing(connect(KafkaConsumer, settings)) as consumer:
        places = [TopicPartition(topic, one) for one in sorted(consumer.partitions_for_topic(topic) or ())]
        # read is only what holds the id: a topic of a month is long, and where budgets are shared the key is an address
        for one in read_to_end(consumer, places) if places else ():
            if one.value and one.key not in NO_ALERTS and (one.key == key or key in one.value):
                yield Alert.from_bytes(one.value)


def about_alert(alert: Alert, by: str, at: datetime, *, useful: bool) -> Feedback:
    """Return the record of what `by` says of an alert: of posts whose words may not be kept nothing is learnt."""
    posts = tuple(
        Heeded(mention=quote.mention, words=terms(quote.text, quote.url)) for quote in alert.quotes if quote.text
    )
    rule = alert.incident.signal.rule
    return Feedback(watch=alert.watch, alert=alert.id, rule=rule, useful=useful, by=by, at=at, posts=posts)
