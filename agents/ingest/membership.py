"""One client in the group of the leases."""

import logging
from contextlib import suppress
from threading import Thread
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.kafka import confluent_config
from schemas.settings import Settings
from schemas.topics import LEASES

PROVE_EVERY = 1.0


class RebalanceListener(Protocol):
    """Who is told what happens to a membership; called in the thread that calls `turn`."""

    def assigned(self, partitions: frozenset[int]) -> None:
        """Partitions have been given to us, besides those that we have."""

    def revoked(self, partitions: frozenset[int]) -> None:
        """Partitions are somebody else's once this returns."""

    def proved(self, asked: float) -> None:
        """The coordinator has known us at `asked` (monotonic seconds) or later."""


class Membership:
    """A client of the group. After `leave` it tells its owner nothing more, whatever still comes."""

    def __init__(self, settings: Settings, session: float, owner: RebalanceListener) -> None:
        self._topic = settings.topic(LEASES)
        self._owner = owner
        self._left = False
        self._asked: float | None = None
        config: dict[str, Any] = {
            **confluent_config(settings),
            "group.id": settings.group("ingest"),
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "session.timeout.ms": int(1000 * session),
            "heartbeat.interval.ms": 1000,
            "max.poll.interval.ms": 60_000,
            "partition.assignment.strategy": "cooperative-sticky",
            "topic.metadata.refresh.interval.ms": 10_000,
            "on_commit": self._proved,
            "error_cb": lambda _error: None,
            "log_level": 3,
        }
        self._consumer = Consumer(config, logger=logging.getLogger("ingest.rdkafka"))

    @property
    def id(self) -> str:
        """The id that the group knows it by, "" before it has one."""
        return self._consumer.memberid() or ""

    def count(self, seconds: float) -> int:
        """Return how many partitions there are; 0 if the broker does not say so within `seconds`."""
        try:
            return len(self._consumer.list_topics(self._topic, timeout=seconds).topics[self._topic].partitions)
        except KafkaException:
            return 0

    def join(self) -> None:
        """Join the group, as soon as `turn` is called."""
        revoked = self._revoked
        self._consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=revoked, on_lost=revoked)

    def turn(self, seconds: float) -> None:
        """Hear for so long what the group says."""
        self._consumer.poll(seconds)

    def prove(self, mine: frozenset[int], now: float) -> None:
        """Ask the coordinator, as a member would who has read something, to take an offset.

        When it was asked goes with the question and comes back with the answer: an answer that was left lying, in a
        process that was frozen, is no proof of later.
        """
        if not mine or (self._asked is not None and now < self._asked + PROVE_EVERY):
            return
        self._asked = now
        with suppress(KafkaException):
            offsets = [TopicPartition(self._topic, number, 0, metadata=repr(now)) for number in mine]
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """Leave the group and wait until that is done."""
        self._consumer.close()

    def leave(self) -> None:
        """Leave in a thread of its own, which keeps nobody waiting: a client that stands still may stand in this, too.

        If it never ends, the client is out of the group after its `max.poll.interval.ms`: nobody hears it any more.
        """
        self._left = True
        Thread(target=self._consumer.close, name="leases-leave", daemon=True).start()

    def _proved(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if self._left or error is not None or any(one.error for one in partitions):
            return
        with suppress(ValueError):  # a commit that is none of ours
            self._owner.proved(min(float(one.metadata or "") for one in partitions))

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not self._left:
            self._asked = None
            self._owner.assigned(frozenset(one.partition for one in partitions))

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not self._left:
            self._owner.revoked(frozenset(one.partition for one in partitions))
