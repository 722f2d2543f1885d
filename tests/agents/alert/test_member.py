"""Delivery's place in its group: what it says of it, when it begins anew, and how it leaves whatever happens."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.structs import MemberState

from agents.alert import member
from agents.alert.member import OUTSIDE_SECONDS, Holding, Member, leave
from agents.observe import Status
from agents.roster import GroupState, Roster
from agents.standing import STANDSTILL
from schemas.settings import load_settings

STABLE, JOINING = MemberState.STABLE, MemberState.REBALANCING
DEALT, SILENT = GroupState.DEALT, GroupState.SILENT
BOTH, NONE = frozenset({0, 1}), frozenset[int]()


class Consumer:
    """A client with the partitions `given`, in a group where that stands at `state`."""

    def __init__(self, state: MemberState = JOINING, given: frozenset[int] = NONE) -> None:
        self.state, self.given = state, given
        self.done: list[str] = []

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("earshot.alerts", number) for number in self.given}

    def group_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(generation_id=7, member_id="me", state=self.state)

    def poll(self, *, timeout_ms: int) -> None:
        assert timeout_ms
        self.done.append("polled")

    def close(self, *, timeout_ms: int) -> None:
        assert timeout_ms
        self.done.append("closed")


class Told:
    """A coordinator that says the same whenever it is asked."""

    def __init__(self, roster: Roster | None) -> None:
        self.roster = roster

    def news(self, _now: float) -> Roster | None:
        return self.roster


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list with one number that a test may change."""
    now = [1000.0]
    monkeypatch.setattr(member, "monotonic", lambda: now[0])
    return now


def made(roster: Roster | None = None, session: float = 10) -> tuple[Member, Status]:
    status = Status(needs=("partitions",))
    found = Member(load_settings(session_timeout=session, partitions=2), status)
    found._coordinator = Told(roster)  # type: ignore[assignment]
    return found, status


OTHERS_HAVE_ALL = Roster(DEALT, {"me": NONE, "other": BOTH})
SOME_ARE_NOBODYS = Roster(DEALT, {"me": NONE, "other": frozenset({0})})
ROWS: list[tuple[str, MemberState, frozenset[int], set[int], Roster | None, Holding | None]] = [
    ("all it was given is open", STABLE, BOTH, {0, 1}, None, None),
    ("one of two is still being opened", STABLE, BOTH, {0}, None, Holding.OPENING),
    ("the group is being formed", JOINING, NONE, set(), None, Holding.JOINING),
    ("… also when it had partitions before", JOINING, BOTH, {0, 1}, None, Holding.JOINING),
    ("it has none, and nobody has said yet who has", STABLE, NONE, set(), None, Holding.ASKING),
    ("it has none, for others have all: it is a spare", STABLE, NONE, set(), OTHERS_HAVE_ALL, None),
    ("it has none, and one is nobody's", STABLE, NONE, set(), SOME_ARE_NOBODYS, Holding.NONE),
    ("the group does not know it", STABLE, NONE, set(), Roster(DEALT, {"other": BOTH}), Holding.NONE),
    ("the broker names no members, as the embedded one", STABLE, NONE, set(), Roster(SILENT), None),
]


@pytest.mark.parametrize(
    ("state", "given", "opened", "roster", "lacking"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_ready_is_who_has_what_it_should(
    state: MemberState, given: frozenset[int], opened: set[int], roster: Roster | None, lacking: Holding | None
) -> None:
    found, status = made(roster)
    found.look(Consumer(state, given), opened)
    assert status.not_ready() == (f"partitions: {lacking}" if lacking else "")


def test_what_was_said_of_a_spare_does_not_outlast_a_rebalance() -> None:
    found, status = made(OTHERS_HAVE_ALL)
    consumer: Any = Consumer(STABLE)
    found.look(consumer, ())
    assert not status.not_ready()
    found._coordinator = Told(None)  # type: ignore[assignment]
    consumer.state = JOINING
    found.look(consumer, ())
    consumer.state = STABLE
    found.look(consumer, ())
    assert status.not_ready() == f"partitions: {Holding.ASKING}"


def test_whose_group_has_not_formed_for_a_minute_begins_anew(passing: list[float]) -> None:
    found, consumer = made()[0], Consumer()
    found.look(consumer, ())
    passing[0] += OUTSIDE_SECONDS
    found.look(consumer, ())
    passing[0] += 1
    with pytest.raises(KafkaTimeoutError):
        found.look(consumer, ())


def test_who_is_in_it_stays_and_has_the_minute_again(passing: list[float]) -> None:
    found, consumer = made(OTHERS_HAVE_ALL)[0], Consumer(STABLE)
    for _ in range(10):
        passing[0] += OUTSIDE_SECONDS
        found.look(consumer, ())
    consumer.state = JOINING
    passing[0] += OUTSIDE_SECONDS
    found.look(consumer, ())


def test_a_long_session_has_to_run_out_first(passing: list[float]) -> None:
    found = made(session=300)[0]
    passing[0] += 590
    found.look(Consumer(), ())


def test_who_has_nothing_although_something_is_nobodys_begins_anew_after_a_minute(passing: list[float]) -> None:
    found, consumer = made(SOME_ARE_NOBODYS)[0], Consumer(STABLE)
    found.look(consumer, ())
    passing[0] += STANDSTILL
    with pytest.raises(KafkaTimeoutError):
        found.look(consumer, ())


class Joins(Consumer):
    """One whose join is answered when it is polled for the third time."""

    def poll(self, *, timeout_ms: int) -> None:
        super().poll(timeout_ms=timeout_ms)
        if len(self.done) == 3:
            self.state = STABLE


class Fails(Consumer):
    """One that has lost its broker: whatever it is asked for, it raises."""

    def poll(self, *, timeout_ms: int) -> None:
        super().poll(timeout_ms=timeout_ms)
        raise KafkaConnectionError

    def close(self, *, timeout_ms: int) -> None:
        super().close(timeout_ms=timeout_ms)
        raise KafkaTimeoutError


LEAVING = [
    ("one whose group has formed leaves at once", Consumer(STABLE), ["closed"]),
    ("a join under way is seen through", Joins(), ["polled"] * 3 + ["closed"]),
    ("one whose broker is gone is closed all the same, and says nothing", Fails(), ["polled", "closed"]),
]


@pytest.mark.parametrize(("consumer", "done"), [row[1:] for row in LEAVING], ids=[row[0] for row in LEAVING])
def test_leaving(consumer: Consumer, done: list[str]) -> None:
    leave(consumer)
    assert consumer.done == done


def test_a_join_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000, 9000))
    monkeypatch.setattr(member, "monotonic", lambda: next(seconds))
    consumer = Consumer(JOINING)
    leave(consumer)
    assert consumer.done[-1] == "closed"
