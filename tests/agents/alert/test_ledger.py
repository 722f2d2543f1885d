"""The ledger: what an outcome means, whose turn it is, and that no order of events breaks the order of revisions."""

from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.alert.ledger import FINAL, Ledger, Pace, begin, settle
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.errors import DeliveryError
from tests.agents.alert.samples import AT, MAIL, SLACK, alert, incident, revision

PACE = Pace(first=1.0, longest=60.0, give_up=600.0, lease=25.0)
SENT = Sent(reference="1.0", place="C1")


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def requested(ledger: Ledger, number: int = 1, offset: int = 0) -> Delivery:
    made = alert(routes=(SLACK,)) if number == 1 else revision(number, routes=(SLACK,))
    [entry] = ledger.request(made, offset, AT)
    ledger.put(entry)
    return entry


def attempted(ledger: Ledger, entry: Delivery, outcome: Sent | DeliveryError, now: datetime = AT) -> Delivery:
    done = settle(begin(entry, now), outcome, now, PACE)
    ledger.put(done)
    return done


DAY = 86_400.0
FOREIGN = [
    ("requested by a clock that is a day ahead: due at once", None, DAY, [0.0]),
    ("failed by that clock: due after the rest of its pause", DeliveryError("x", retry_after=9.0), DAY, [9.0]),
    ("begun long ago: its call may be under way all the same", "begun", -DAY, [PACE.lease]),
    ("begun by a clock that is ahead: no longer than a lease", "begun", DAY, [PACE.lease]),
    ("in doubt, to be asked for after its pause", DeliveryError("x", ambiguous=True, retry_after=9.0), DAY, [9.0]),
    ("sent: never again", SENT, DAY, []),
]


@pytest.mark.parametrize(("sentence", "done", "off", "due"), FOREIGN, ids=[row[0] for row in FOREIGN])
def test_what_another_clock_has_written_waits_by_ours(
    sentence: str, done: Sent | DeliveryError | str | None, off: float, due: list[float]
) -> None:
    theirs, ledger = at(off), Ledger()
    [entry] = ledger.request(alert(routes=(SLACK,)), 0, theirs)
    entry = begin(entry, theirs) if done else entry
    ledger.put(settle(entry, done, theirs, PACE) if isinstance(done, Sent | DeliveryError) else entry)
    ledger.take_over(AT)
    found = next((wait for wait in range(2 * int(DAY)) if any(ledger.due(at(wait), PACE))), None)
    assert [found] == due or (found is None and not due), sentence
    assert all(one.requested <= AT for one in ledger.pending()), "it is not given up early"


OUTCOMES = [
    ("accepted: sent", SENT, DeliveryState.SENT, None),
    ("refused for good: dead", DeliveryError("x", permanent=True), DeliveryState.DEAD, None),
    ("a clean failure is tried again soon", DeliveryError("x"), DeliveryState.REQUESTED, 1.0),
    ("in doubt: SENDING, so that it is asked for", DeliveryError("x", ambiguous=True), DeliveryState.SENDING, 1.0),
    ("the service says when", DeliveryError("x", retry_after=42.0), DeliveryState.REQUESTED, 42.0),
    ("the service says later than we are patient", DeliveryError("x", retry_after=1e9), DeliveryState.DEAD, None),
]


@pytest.mark.parametrize(("sentence", "outcome", "state", "wait"), OUTCOMES, ids=[row[0] for row in OUTCOMES])
def test_what_an_outcome_means(
    sentence: str, outcome: Sent | DeliveryError, state: DeliveryState, wait: float | None
) -> None:
    done = attempted(ledger := Ledger(), requested(ledger), outcome)
    assert done.state is state, sentence
    assert done.next_at == (at(wait) if wait else None)


def test_waits_double_up_to_the_longest_and_end() -> None:
    assert [PACE.wait(n) for n in (1, 2, 3, 7, 1000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    ledger = Ledger()
    entry = requested(ledger)
    now, tries = AT, 0
    while entry.state not in FINAL:
        entry = attempted(ledger, entry, DeliveryError("down"), now)
        now, tries = entry.next_at or now, tries + 1
    assert entry.error == "given up after 600 s: down"
    assert 10 < tries < 20


def test_a_call_of_a_dead_process_is_left_to_run_out_before_anybody_asks() -> None:
    ledger = Ledger()
    ledger.put(begin(requested(ledger), AT))
    assert list(ledger.due(at(24), PACE)) == []
    [entry] = ledger.due(at(25), PACE)
    assert begin(entry, at(25)).doubts == 1


#   revision 1:  requested ── fails ──────────── retried, sent
#   revision 2:          requested ─ waits ─ waits ───────── sent, in the thread of 1
def test_a_revision_waits_for_the_one_before() -> None:
    ledger = Ledger()
    first = attempted(ledger, requested(ledger, 1), DeliveryError("x"))
    second = requested(ledger, 2, offset=1)
    assert list(ledger.due(AT, PACE)) == []
    assert [entry.id for entry in ledger.due(at(1), PACE)] == [first.id]
    assert ledger.previous(second) is None
    attempted(ledger, first, SENT, at(1))
    assert [entry.id for entry in ledger.due(at(1), PACE)] == [second.id]
    assert ledger.previous(second) == SENT


def test_after_a_dead_first_revision_the_second_goes_out_on_its_own() -> None:
    ledger = Ledger()
    attempted(ledger, requested(ledger, 1), DeliveryError("no such channel", permanent=True))
    second = requested(ledger, 2, offset=1)
    assert [entry.id for entry in ledger.due(AT, PACE)] == [second.id]
    assert ledger.previous(second) is None


def test_addresses_do_not_wait_for_each_other() -> None:
    ledger = Ledger()
    for entry in ledger.request(alert(routes=(SLACK, MAIL)), 0, AT):
        ledger.put(entry)
    slack, mail = ledger.pending()
    attempted(ledger, slack, DeliveryError("x"))
    assert [entry.id for entry in ledger.due(AT, PACE)] == [mail.id]


AGAIN = [
    ("the same alert while it waits adds nothing", None, 1, False),
    ("the same alert after it was sent adds nothing", SENT, 1, False),
    ("the same record of a dead delivery adds nothing", DeliveryError("x", permanent=True), 0, False),
    ("a dead alert that is put back lives again", DeliveryError("x", permanent=True), 1, True),
]


@pytest.mark.parametrize(("sentence", "outcome", "offset", "lives"), AGAIN, ids=[row[0] for row in AGAIN])
def test_an_alert_that_comes_again(
    sentence: str, outcome: Sent | DeliveryError | None, offset: int, lives: bool
) -> None:
    ledger = Ledger()
    entry = requested(ledger, offset=0)
    if outcome:
        attempted(ledger, entry, outcome)
    assert bool(ledger.request(alert(routes=(SLACK,)), offset, AT)) is lives, sentence


def test_old_news_stays_dead_once_later_news_has_arrived() -> None:
    ledger = Ledger()
    attempted(ledger, requested(ledger, 1), DeliveryError("x", permanent=True))
    attempted(ledger, requested(ledger, 2, offset=1), SENT)
    assert ledger.request(alert(routes=(SLACK,)), 9, AT) == []


class Deliveries(RuleBasedStateMachine):
    """Alerts come and attempts end in any order, with crashes between: what is accepted is in order, never twice."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.now = AT
        self.offset = 0
        self.newest = {"a": 0, "b": 0}
        self.accepted: dict[str, list[int]] = {"a": [], "b": []}

    @rule(which=st.sampled_from("ab"))
    def an_incident_grows(self, which: str) -> None:
        self.newest[which] += 1
        self._hear(which, self.newest[which])

    @rule(which=st.sampled_from("ab"))
    @precondition(lambda self: any(self.newest.values()))
    def judge_repeats_itself(self, which: str) -> None:
        if self.newest[which]:
            self._hear(which, self.newest[which])

    def _hear(self, which: str, number: int) -> None:
        made = alert(incident=incident(id=which, revision=number), routes=(SLACK,))
        for entry in self.ledger.request(made, self.offset, self.now):
            self.ledger.put(entry)
        self.offset += 1

    @rule(how=st.sampled_from(["accept", "fail", "doubt", "refuse", "crash"]), wait=st.floats(0, 90))
    def something_is_attempted(self, how: str, wait: float) -> None:
        self.now += timedelta(seconds=wait)
        for entry in list(self.ledger.due(self.now, PACE)):
            begun = begin(entry, self.now)
            self.ledger.put(begun)
            if how == "crash":
                continue
            if how == "accept":
                number = int(entry.alert.partition(".")[2])
                self.accepted[entry.incident].append(number)
            outcomes: dict[str, Sent | DeliveryError] = {
                "accept": SENT,
                "fail": DeliveryError("x"),
                "doubt": DeliveryError("x", ambiguous=True),
                "refuse": DeliveryError("x", permanent=True),
            }
            self.ledger.put(settle(begun, outcomes[how], self.now, PACE))

    @rule()
    def the_process_restarts(self) -> None:
        written = [entry.to_bytes() for entry in self.ledger.entries.values()]
        self.ledger = Ledger()
        for value in written:
            self.ledger.put(Delivery.from_bytes(value))

    @invariant()
    def revisions_arrive_in_order_and_once(self) -> None:
        for numbers in self.accepted.values():
            assert numbers == sorted(set(numbers))

    @invariant()
    def what_is_not_final_waits(self) -> None:
        waiting = {entry.id for entry in self.ledger.entries.values() if entry.state not in FINAL}
        assert waiting == set(self.ledger.waiting)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
