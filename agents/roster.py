"""What the coordinator of a group says of its members."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Thread
from typing import Any

import structlog
from kafka.admin import KafkaAdminClient

from agents.kafka import connect
from schemas.settings import Settings

LOOK_EVERY = 5.0
ANSWER_SECONDS = 5.0
"""How long a broker may take until it is there to be asked."""
_log = structlog.get_logger("group")


class GroupState(StrEnum):
    """What the coordinator of a group says of it."""

    DEALT = "dealt"
    """Every member knows what it has."""
    FORMING = "forming"
    """Members are joining, so what each has is about to change."""
    SILENT = "silent"
    """It does not answer, may not tell us, or names no member of a group that has some (the embedded broker)."""


@dataclass(frozen=True, slots=True)
class Roster:
    """A group as its coordinator describes it; `members` is which partitions each has, by the member's id."""

    state: GroupState
    members: Mapping[str, frozenset[int]] = field(default_factory=dict)


_STATES = {
    "Stable": GroupState.DEALT,
    "Empty": GroupState.DEALT,
    "Dead": GroupState.DEALT,
    "PreparingRebalance": GroupState.FORMING,
    "CompletingRebalance": GroupState.FORMING,
}


class Coordinator:
    """Who is asked about the group, now and then, without waiting for the answer.

    Not by librdkafka: one that asks a coordinator whose connection is lost meanwhile ends the process (its issue 4605).
    """

    def __init__(self, settings: Settings, process: str, topic: str) -> None:
        self._settings = settings
        self._group, self._topic = settings.group(process), settings.topic(topic)
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
        _log.debug("a group could not be asked", group=self._group, reason=type(error).__name__)
        return Roster(GroupState.SILENT)

    def _ask(self) -> "Future[Roster]":
        answer: Future[Roster] = Future()

        def ask() -> None:
            try:
                with closing(connect(KafkaAdminClient, self._settings, ANSWER_SECONDS)) as client:
                    answer.set_result(roster(client.describe_groups([self._group])[self._group], self._topic))
            except Exception as error:  # noqa: BLE001 - the seam to another thread: whoever asks for the result gets it
                answer.set_exception(error)

        Thread(target=ask, name="group-look", daemon=True).start()
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
