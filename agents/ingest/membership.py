"""One client in the group of the leases, and what the coordinator of the group says of all its members."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from threading import Thread
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from kafka.admin import KafkaAdminClient

from agents.ingest.standing import GroupState, Roster
from agents.kafka import confluent_config, connect
from schemas.settings import Settings
from schemas.topics import LEASES

PROVE_EVERY = 1.0
LOOK_EVERY = 5.0
ANSWER_SECONDS = 5.0
"""How long a broker may take until it is there to be asked."""
_STATES = {
    "Stable": GroupState.DEALT,
    "Empty": GroupState.DEALT,
    "Dead": GroupState.DEALT,
    "PreparingRebalance": GroupState.FORMING,
    "CompletingRebalance": GroupState.FORMING,
}
_log = structlog.get_logger("ingest.lease")


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


class Coordinator:
    """Who is asked about the group, now and then, without waiting for the answer.

    Not by librdkafka: one that asks a coordinator whose connection is lost meanwhile ends the process (its issue 4605).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group, self._topic = settings.group("ingest"), settings.topic(LEASES)
        self._answer: Future[Roster] | None = None
        self._next = 0.0

    def news(self, now: float) -> Roster | None:
        """Return what has been answered since the last call, or None; ask again once it is time."""
        if self._answer is None:
            if now >= self._next:
                self._next = now + LOOK_EVERY
                self._answer = self._ask()
            return None
        if not self._answer.done():
            return None
        answer, self._answer = self._answer, None
        if (error := answer.exception()) is None:
            return answer.result()
        # no broker, a coordinator that is not there yet, an answer that is none: in any case nothing was said
        _log.debug("the group of the leases could not be asked", reason=type(error).__name__)
        return Roster(GroupState.SILENT)

    def _ask(self) -> "Future[Roster]":
        answer: Future[Roster] = Future()

        def ask() -> None:
            try:
                with closing(connect(KafkaAdminClient, self._settings, ANSWER_SECONDS)) as client:
                    answer.set_result(roster(client.describe_groups([self._group])[self._group], self._topic))
            except Exception as error:  # noqa: BLE001 - the seam to another thread: whoever asks for the result gets it
                answer.set_exception(error)

        Thread(target=ask, name="leases-look", daemon=True).start()
        return answer


def roster(described: Mapping[str, Any], topic: str) -> Roster:
    """Return what a coordinator says of a group, as far as it concerns `topic`; `described` is kafka-python's."""
    members = {one["member_id"]: _given(one["member_assignment"], topic) for one in described["members"]}
    state = described["group_state"]
    if state not in _STATES or (state == "Stable" and not members):
        return Roster(GroupState.SILENT)
    return Roster(_STATES[state], members)


def _given(assignment: Any, topic: str) -> frozenset[int]:
    """Return the partitions of `topic` in an assignment; a member that has not been dealt to has an empty one."""
    places = assignment["assigned_partitions"] if assignment else ()
    return frozenset(number for place in places if place["topic"] == topic for number in place["partitions"])
