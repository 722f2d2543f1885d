"""When the client of the leases is replaced: not while it may rightly have nothing, and never in quick succession."""

from itertools import pairwise
from time import monotonic, sleep
from typing import Any

import pytest

from agents.roster import Coordinator, GroupState, Roster, roster
from agents.standing import LONGEST, STANDSTILL, Move, Standing, Standstill, standing
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import LEASES

DEALT, FORMING, SILENT = GroupState.DEALT, GroupState.FORMING, GroupState.SILENT
ALL, NONE = frozenset({0, 1}), frozenset[int]()

STANDINGS = [
    ("the others have all there is", DEALT, {"me": NONE, "a": ALL}, Standing.SPARE),
    ("… two of them together", DEALT, {"me": NONE, "a": frozenset({0}), "b": frozenset({1})}, Standing.SPARE),
    ("it is being dealt out anew", FORMING, {"me": NONE, "a": ALL}, Standing.FORMING),
    ("the coordinator does not answer", SILENT, {}, Standing.UNTOLD),
    ("the group has nobody", DEALT, {}, Standing.OUT),
    ("the group has others, and not us", DEALT, {"a": ALL}, Standing.OUT),
    ("it is dealt out anew without us", FORMING, {"a": ALL}, Standing.OUT),
    ("it gave us what we could not prove", DEALT, {"me": ALL}, Standing.UNPROVEN),
    ("nobody has the second partition", DEALT, {"me": NONE, "a": frozenset({0})}, Standing.ORPHANED),
    ("only our own former client has all", DEALT, {"me": NONE, "before": ALL}, Standing.ORPHANED),
]


@pytest.mark.parametrize(("sentence", "state", "members", "expected"), STANDINGS, ids=[row[0] for row in STANDINGS])
def test_how_a_process_without_a_lease_stands(
    sentence: str, state: GroupState, members: dict[str, frozenset[int]], expected: Standing
) -> None:
    assert standing(Roster(state, members), "me", {"before"}, 2) is expected, sentence


def test_a_client_without_an_id_is_in_no_group() -> None:
    assert standing(Roster(DEALT, {"a": ALL}), "", (), 2) is Standing.OUT


class Client:
    """A timeline: `see` says for how long the process stands how, and returns when its client was replaced."""

    def __init__(self) -> None:
        self.state, self.now = Standstill(), 0.0

    def see(self, seen: Standing, seconds: float) -> list[float]:
        replaced, end = [], self.now + seconds
        while self.now < end:
            self.state, move = self.state.step(seen, self.now)
            replaced += [self.now] if move is Move.RENEW else []
            self.now += 5.0
        return replaced


@pytest.mark.parametrize("seen", [Standing.OUT, Standing.UNPROVEN, Standing.ORPHANED])
def test_who_stands_still_is_replaced_after_a_minute_then_after_two_then_after_four(seen: Standing) -> None:
    assert Client().see(seen, 8 * STANDSTILL) == [60.0, 60.0 + 5 + 120, 60.0 + 5 + 120 + 5 + 240]


def test_it_is_never_tried_more_seldom_than_that() -> None:
    replaced = Client().see(Standing.OUT, 10 * LONGEST)
    gaps = [later - earlier for earlier, later in pairwise(replaced)]
    assert max(gaps) == gaps[-1] == LONGEST + 5


@pytest.mark.parametrize("seen", [Standing.PROVEN, Standing.SPARE, Standing.FORMING, Standing.UNTOLD])
def test_who_rightly_has_nothing_or_cannot_know_is_left_alone(seen: Standing) -> None:
    assert Client().see(seen, 20 * LONGEST) == []


@pytest.mark.parametrize("seen", [Standing.PROVEN, Standing.SPARE, Standing.FORMING, Standing.UNTOLD])
def test_a_minute_counts_on_end(seen: Standing) -> None:
    client = Client()
    for _ in range(20):
        assert client.see(Standing.OUT, STANDSTILL - 5) == []
        assert client.see(seen, 5) == []


def test_after_an_outage_the_minute_begins_when_somebody_answers() -> None:
    client = Client()
    client.see(Standing.PROVEN, 60)
    client.see(Standing.UNTOLD, 600)
    assert client.see(Standing.OUT, 300)[:1] == [660.0 + 60.0]


def test_what_has_helped_is_not_held_against_it_the_next_time() -> None:
    client = Client()
    assert len(client.see(Standing.OUT, 3 * STANDSTILL + 10)) == 2
    client.see(Standing.PROVEN, 60)
    began = client.now
    assert client.see(Standing.OUT, STANDSTILL + 5) == [began + STANDSTILL]


def member(name: str, *numbers: int) -> dict[str, Any]:
    """A member as kafka-python tells of it; one that has not been dealt to has bytes for an assignment."""
    dealt = [{"topic": "another", "partitions": [7]}, {"topic": "leases", "partitions": list(numbers)}]
    return {"member_id": name, "member_assignment": {"assigned_partitions": dealt} if numbers else b""}


DESCRIBED: list[tuple[str, str, list[dict[str, Any]], Roster]] = [
    ("who has what", "Stable", [member("a", 0, 1), member("b")], Roster(DEALT, {"a": ALL, "b": NONE})),
    ("nobody is left", "Empty", [], Roster(DEALT)),
    ("there is no such group", "Dead", [], Roster(DEALT)),
    ("members are joining", "PreparingRebalance", [member("a")], Roster(FORMING, {"a": NONE})),
    ("they have joined", "CompletingRebalance", [member("a")], Roster(FORMING, {"a": NONE})),
    ("there are members whom it does not name", "Stable", [], Roster(SILENT)),
    ("it does not know either", "", [], Roster(SILENT)),
]


@pytest.mark.parametrize(("sentence", "state", "members", "expected"), DESCRIBED, ids=[row[0] for row in DESCRIBED])
def test_what_a_coordinator_says(sentence: str, state: str, members: list[dict[str, Any]], expected: Roster) -> None:
    assert roster({"group_state": state, "members": members}, "leases") == expected, sentence


def test_a_broker_that_is_not_there_says_nothing() -> None:
    coordinator = Coordinator(load_settings(kafka=f"127.0.0.1:{free_port()}"), "ingest", LEASES)
    deadline = monotonic() + 60
    while (told := coordinator.news(1.0)) is None:
        assert monotonic() < deadline
        sleep(0.05)
    assert told == Roster(SILENT)
