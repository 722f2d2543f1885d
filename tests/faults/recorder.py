"""Reads what a run leaves in the broker: as it goes, to know how far it is; and once at the end, for the checker."""

import json
import logging
from collections import defaultdict
from time import monotonic

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.broker.watermarks import watermarks
from tests.faults.checker import ALERTS, CHANGELOG, TOPICS
from tests.faults.history import Place, Record
from tests.faults.world import PARTITIONS

GROUPS = ("earshot-listen", "earshot-judge", "earshot-deliver")
RECEIPTS, DELIVERIES = "earshot.receipts", "earshot.deliveries"
_LOG = logging.getLogger("faults.recorder")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
_SECONDS = 10.0


def places() -> list[Place]:
    """Return the partitions that a run is judged by."""
    return [(topic, part) for topic in TOPICS for part in range(1 if topic == "earshot.dead" else PARTITIONS)]


def _consumer(kafka: str) -> Consumer:
    return Consumer(
        {"bootstrap.servers": kafka, "group.id": "faults", "enable.auto.commit": False, "log_level": 3}, logger=_LOG
    )


class Follower:
    """Follows receipts, alerts and ledger. `judged` are (watch, mention), `alerts` ids; `final` the deliveries over."""

    def __init__(self, kafka: str) -> None:
        self.judged: set[tuple[str, str]] = set()
        self.alerts: set[str] = set()
        self.final: dict[str, str] = {}
        self._over: defaultdict[str, set[str]] = defaultdict(set)
        self._consumer = _consumer(kafka)
        wanted = [place for place in places() if place[0] in (RECEIPTS, ALERTS, DELIVERIES)]
        self._consumer.assign([TopicPartition(topic, part, 0) for topic, part in wanted])

    def read(self, seconds: float = 0.05) -> None:
        for message in self._consumer.consume(2000, timeout=seconds):
            if message.error() or (value := message.value()) is None:
                continue
            found = json.loads(value)
            if message.topic() == RECEIPTS:
                self.judged.add((found["watch"], found["mention"]))
            elif message.topic() == ALERTS:
                self.alerts.add(found["id"])
            elif found["state"] in ("sent", "dead"):
                self.final[found["id"]] = found["state"]
                self._over[found["alert"]].add(found["id"])

    def undelivered(self, alerts: set[str], routes: int) -> int:
        """Return how many deliveries of `alerts` are not over, where each leads to as many as there are `routes`."""
        return sum(routes - min(routes, len(self._over[one])) for one in alerts)

    def close(self) -> None:
        self._consumer.close()


def records(kafka: str) -> tuple[dict[str, list[Record]], dict[Place, int]]:
    """Return everything that the topics hold, as committed readers see it, and where they end."""
    consumer = _consumer(kafka)
    found: defaultdict[str, list[Record]] = defaultdict(list)
    try:
        ends = {(topic, part): _end(consumer, topic, part) for topic, part in places()}
        consumer.assign([TopicPartition(topic, part, 0) for (topic, part), end in ends.items() if end])
        behind = {place for place, end in ends.items() if end}
        deadline = monotonic() + 60
        while behind:
            assert monotonic() < deadline, f"could not be read: {sorted(behind)}"
            for message in consumer.consume(5000, timeout=0.2):
                if not message.error():
                    place = int(message.partition() or 0), int(message.offset() or 0)
                    found[str(message.topic())].append(Record(*place, message.key() or b"", message.value()))
            at = consumer.position([TopicPartition(*place) for place in behind])
            behind -= {(one.topic, one.partition) for one in at if one.offset >= ends[one.topic, one.partition]}
    finally:
        consumer.close()
    return dict(found), {place: end for place, end in ends.items() if end}


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    return watermarks(consumer, TopicPartition(topic, partition))[1]


def committed(kafka: str) -> dict[str, dict[Place, int]]:
    """Return how far each group is."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 3}, logger=_LOG)
    found = {}
    for group in GROUPS:
        answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=_SECONDS)
        offsets = answer[group].result(_SECONDS).topic_partitions
        found[group] = {(one.topic, one.partition): one.offset for one in offsets if one.offset >= 0}
    return found


__all__ = ["CHANGELOG", "Follower", "committed", "records"]
