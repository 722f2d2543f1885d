"""Partitions are opened beside the loop, all at once; what is taken away meanwhile is closed and never handed out."""

import threading
from collections.abc import Iterator
from time import monotonic, sleep

import pytest
from kafka.errors import KafkaTimeoutError

from agents.alert import opening
from agents.alert.ledger import Ledger
from agents.alert.opening import Opening
from schemas.settings import Settings, load_settings


class Partition:
    """One that opens when it is let, or fails."""

    let = threading.Event()
    made: list["Partition"] = []
    failing: set[int] = set()

    def __init__(self, _settings: Settings, number: int) -> None:
        self.number, self.ledger, self.closed, self.begun = number, Ledger(), False, False
        self.made.append(self)

    def open(self) -> None:
        self.begun = True
        assert self.let.wait(30)
        if self.number in self.failing:
            raise KafkaTimeoutError

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    monkeypatch.setattr(opening, "Partition", Partition)
    Partition.let, Partition.made, Partition.failing = threading.Event(), [], set()
    yield Opening(load_settings())
    Partition.let.set()


def opened(found: Opening, wanted: set[int]) -> list[int]:
    """Let them open, and return which are handed out until none is left."""
    Partition.let.set()
    numbers: list[int] = []
    deadline = monotonic() + 30
    while found:
        assert monotonic() < deadline
        numbers += [one.number for one in found.turn(wanted - set(numbers))]
        sleep(0.01)
    return sorted(numbers)


def test_all_are_opened_at_once_and_nobody_waits(found: Opening) -> None:
    assert found.turn({0, 1, 2}) == []
    deadline = monotonic() + 30
    while not all(one.begun for one in Partition.made):
        assert monotonic() < deadline
        sleep(0.01)
    assert found.turn({0, 1, 2}) == [], "none is open yet"
    assert [one.number for one in Partition.made] == [0, 1, 2], "and none is begun twice"
    assert opened(found, {0, 1, 2}) == [0, 1, 2]


def test_one_that_is_taken_away_meanwhile_is_closed_and_comes_anew_if_it_is_given_again(found: Opening) -> None:
    found.turn({0, 1})
    assert found.turn({0}) == []
    assert [one.closed for one in Partition.made] == [False, True]
    found.turn({0, 1})
    assert [one.number for one in Partition.made] == [0, 1, 1]
    assert opened(found, {0, 1}) == [0, 1]
    assert [one.closed for one in Partition.made] == [False, True, False]


def test_one_that_fails_says_so_and_all_are_let_go(found: Opening) -> None:
    Partition.failing = {1}
    found.turn({0, 1})
    with pytest.raises(KafkaTimeoutError):
        opened(found, {0, 1})
    found.close()
    assert not found
    assert Partition.made[1].closed, "a failed one may have a client already"
