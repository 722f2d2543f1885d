"""What delivery tells Prometheus and the log: outcomes, ages, lag, and the time from a post to its message."""

from collections.abc import Iterable
from datetime import datetime

import structlog
from kafka import KafkaConsumer

from agents.alert.channel import channels
from agents.alert.partition import Partition
from agents.observe import counter, gauge, histogram
from schemas.alert import Alert
from schemas.dead import Dead
from schemas.delivery import Delivery, DeliveryState
from schemas.metrics import DEAD_RECORDS, DECISIONS, DELIVERIES, DELIVERY_QUEUE_AGE, LAG, SEEN_TO_ACCEPTED
from schemas.receipt import Decision

_log = structlog.get_logger("deliver")


def outcome(entry: Delivery, alert: Alert | None, now: datetime) -> None:
    """Record how an attempt ended."""
    word = {DeliveryState.SENT: "sent", DeliveryState.DEAD: "dead"}.get(entry.state, "retry")
    counter(DELIVERIES).labels(entry.channel, word).inc()
    if word == "sent":
        _log.info("delivered", delivery=entry.id, attempt=entry.attempt)
        if alert and alert.reason.by_post:
            histogram(SEEN_TO_ACCEPTED).labels(entry.channel).observe(max(0.0, (now - alert.seen).total_seconds()))
    else:
        _log.warning("not delivered", delivery=entry.id, attempt=entry.attempt, outcome=word, reason=entry.error)


def held(entries: Iterable[Delivery]) -> None:
    """Count what waits for a digest because its address has had its share."""
    for entry in entries:
        if entry.state is DeliveryState.HELD:
            counter(DELIVERIES).labels(entry.channel, "held").inc()
            counter(DECISIONS).labels(Decision.OVER_BUDGET).inc()
            _log.info("held for the digest", delivery=entry.id, until=str(entry.next_at))


def buried(dead: Dead) -> Dead:
    """Count a dead record and return it."""
    counter(DEAD_RECORDS).labels(dead.reason).inc()
    return dead


def queues(partitions: Iterable[Partition], now: datetime) -> None:
    """Set the age of the oldest delivery that waits, for every channel."""
    oldest = dict.fromkeys(channels(), now)
    for partition in partitions:
        for entry in partition.ledger.pending():
            if entry.state is DeliveryState.HELD:  # for the digest, as it is meant to be
                continue
            oldest[entry.channel] = min(oldest.get(entry.channel, now), entry.requested)
    for channel, since in oldest.items():
        gauge(DELIVERY_QUEUE_AGE).labels(channel).set((now - since).total_seconds())


def lag(consumer: KafkaConsumer) -> None:
    """Set how many alerts have not been read yet, for every partition we own."""
    for place in consumer.assignment():
        end = consumer.highwater(place)
        if end is not None:
            behind = max(0, end - consumer.position(place))
            gauge(LAG).labels(consumer.config["group_id"], place.topic, place.partition).set(behind)
