"""Delivery as a member of its group: how it joins, how it leaves whatever happens, and whether it has what it should.

A rebalance waits for every member that still sends heartbeats. A consumer that is no longer polled and was not closed
goes on sending them, from a thread of its own, and so holds up all others: nobody may leave one behind.
"""

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import count
from time import monotonic
from typing import Any

import structlog
from kafka import KafkaConsumer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import MemberState

from agents.alert.partition import BROKER_SECONDS, GROUP, within
from agents.kafka import kafka_python_config
from agents.observe import Status
from agents.roster import Coordinator, GroupState
from agents.standing import Move, Standing, Standstill, standing
from schemas.settings import Settings
from schemas.topics import ALERTS

JOIN_SECONDS = 30.0
"""How long a rebalance may wait for a delivery that is there and does not join; a transaction takes half of it."""
OUTSIDE_SECONDS = 60.0
"""How long, at least, delivery may be in no group that has formed before it begins anew, with another consumer."""
HELD_UP_SECONDS = 15.0
"""How long a group may take to form before the log says who is in it."""
LEAVE_SECONDS = 5.0
"""How long leaving may wait for a group that is being formed; `earshot up` waits ten for us."""
CLOSE_SECONDS = 3.0
"""How long the coordinator may take to let us go."""

_lives = count(1)
_log = structlog.get_logger("deliver")


class Holding(StrEnum):
    """Whether delivery has the partitions that it should have: the reason in `/readyz` where it has not."""

    ALL = "has what it was given"
    SPARE = "others have every partition"
    UNTOLD = "has no partition, and the broker does not say who has"
    JOINING = "is joining its group"
    OPENING = "is opening its partitions"
    ASKING = "has no partition, and asks who has"
    NONE = "has no partition, although some are nobody's"

    @property
    def ready(self) -> bool:
        """Whether work can be expected, or is done by others."""
        return self in (Holding.ALL, Holding.SPARE, Holding.UNTOLD)


@contextmanager
def membership(settings: Settings, most: int) -> Iterator[KafkaConsumer]:
    """Yield a consumer of the alerts that joins the group and takes `most` at a time; leave the group afterwards.

    Raises:
        KafkaError: the broker did not answer in time.
    """
    consumer = _consumer(settings, most)
    try:
        # kafka-python that joins before it knows the partitions may be given none, and never asks again
        consumer.partitions_for_topic(settings.topic(ALERTS))
        consumer.subscribe([settings.topic(ALERTS)])
        yield consumer
    finally:
        leave(consumer)


class _Joining(KafkaConsumer):  # type: ignore[misc] # kafka-python has no types
    """A consumer that sees through a join which it has begun.

    kafka-python 3.0.12 joins anew when it leads its group and learns that the topic has other partitions. Dealing them
    out it forgets why it has joined; if `poll` has run out of time by then, no other one takes the answer, no heartbeat
    is sent any more, and each `poll` returns at once.
    """

    def poll(self, *arguments: Any, **options: Any) -> Any:
        """Fetch records, as the base class does."""
        if self._coordinator.rejoining:
            self._coordinator.request_rejoin()
        return super().poll(*arguments, **options)


def _consumer(settings: Settings, most: int) -> KafkaConsumer:
    session = int(1000 * settings.session_timeout)
    group = settings.group(GROUP)
    return _Joining(
        **kafka_python_config(settings),
        # a member's id begins with it, so the coordinator tells which process is meant, and which of its lives
        client_id=f"{group}-{socket.gethostname()}-{os.getpid()}-{next(_lives)}",
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=session,
        heartbeat_interval_ms=session // 3,
        # the others wait so long for one that has heard of a rebalance and does not join; by default five minutes
        max_poll_interval_ms=max(int(1000 * JOIN_SECONDS), 2 * session),
        max_poll_records=most,
        bootstrap_timeout_ms=int(1000 * BROKER_SECONDS),
    )


def leave(consumer: KafkaConsumer) -> None:
    """Take `consumer` out of its group and end its heartbeats; a broker that does not answer is not waited for.

    A join under way is first seen through, if it does not take too long: kafka-python asks to leave, then is told that
    it has joined, and then takes its share. The embedded broker keeps such a member for ever.
    """
    deadline = monotonic() + LEAVE_SECONDS
    try:
        while consumer.group_metadata().state is MemberState.REBALANCING and monotonic() < deadline:
            consumer.poll(timeout_ms=100)
    except KafkaError as error:
        _log.debug("a group was left while it formed", reason=type(error).__name__)
    try:
        # what is not over by then goes on in its thread: heartbeats end first of all
        within(2 * CLOSE_SECONDS, lambda: consumer.close(timeout_ms=int(1000 * CLOSE_SECONDS)))
    except KafkaError as error:
        _log.warning("a consumer takes long to close", reason=type(error).__name__)


class Member:
    """What delivery knows of its place in the group, in one life."""

    def __init__(self, settings: Settings, status: Status) -> None:
        self._settings = settings
        self._status = status
        self._coordinator = Coordinator(settings, GROUP, ALERTS)
        self._standstill = Standstill()
        self._formed = monotonic()
        self._told = False
        self._spare: Holding = Holding.ASKING

    def look(self, consumer: KafkaConsumer, opened: Collection[int]) -> None:
        """See how we stand and say so in the status; `opened` are the partitions that can be worked on.

        Raises:
            KafkaTimeoutError: with this consumer nothing is to be expected any more: begin anew with another.
        """
        now = monotonic()
        group = consumer.group_metadata()
        if group.generation_id >= 0:  # in the group, perhaps without a partition
            self._status.ready("broker")
        if group.state is MemberState.STABLE:
            self._formed, self._told = now, False
            holding = self._held({place.partition for place in consumer.assignment()}, opened, group.member_id, now)
        else:
            self._spare, holding = Holding.ASKING, Holding.JOINING
            self._wait(now)
        if holding.ready:
            self._status.ready("partitions")
        else:
            self._status.unready("partitions", holding)

    def _held(self, assigned: set[int], opened: Collection[int], member: str, now: float) -> Holding:
        """Return what we have of what we should have, in a group that has formed."""
        if assigned:
            self._spare = Holding.ASKING
            return Holding.ALL if assigned <= set(opened) else Holding.OPENING
        if (roster := self._coordinator.news(now)) is not None:
            seen = standing(roster, member, (), self._settings.partitions)
            self._standstill, move = self._standstill.step(seen, now)
            self._spare = {Standing.SPARE: Holding.SPARE, Standing.UNTOLD: Holding.UNTOLD}.get(seen, Holding.NONE)
            if move is Move.RENEW:
                _log.warning("delivery has no partition, and begins anew", standing=seen)
                raise KafkaTimeoutError("no partition for too long")
        return self._spare

    def _wait(self, now: float) -> None:
        """Bear it that the group is being formed, but not for ever; say once who is in it."""
        waited = now - self._formed
        # joining may take a session that has to run out first, and one more
        if waited > max(OUTSIDE_SECONDS, 2 * self._settings.session_timeout):
            _log.warning("delivery is in no group, and begins anew")
            raise KafkaTimeoutError("in no group for too long")
        if waited < HELD_UP_SECONDS or self._told:
            return
        if (roster := self._coordinator.news(now)) is not None and roster.state is not GroupState.SILENT:
            self._told = True
            _log.warning("the group takes long to form", seconds=round(waited), members=sorted(roster.members))
