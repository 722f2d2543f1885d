"""A delivery that is in no group although nothing tells it so begins anew."""

from types import SimpleNamespace

import pytest
from kafka.errors import KafkaTimeoutError

from agents.alert import delivery
from agents.alert.delivery import OUTSIDE_SECONDS, Delivering
from agents.alert.ledger import Pace
from agents.observe import Status
from schemas.settings import load_settings


class Consumer:
    """A client that has no partition, and is in the group where `generation` is not negative."""

    def __init__(self) -> None:
        self.generation = -1

    def assignment(self) -> set[object]:
        return set()

    def group_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(generation_id=self.generation)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list with one number that a test may change."""
    now = [1000.0]
    monkeypatch.setattr(delivery, "monotonic", lambda: now[0])
    return now


def test_who_is_in_no_group_for_a_minute_begins_anew(passing: list[float]) -> None:
    worker, consumer = Delivering(load_settings(session_timeout=10), Pace(), Status()), Consumer()
    worker._follow(consumer)
    passing[0] += OUTSIDE_SECONDS
    worker._follow(consumer)
    passing[0] += 1
    with pytest.raises(KafkaTimeoutError):
        worker._follow(consumer)


def test_who_is_in_it_without_a_partition_stays_and_has_the_minute_again(passing: list[float]) -> None:
    worker, consumer = Delivering(load_settings(session_timeout=10), Pace(), Status()), Consumer()
    consumer.generation = 7
    for _ in range(10):
        passing[0] += OUTSIDE_SECONDS
        worker._follow(consumer)
    consumer.generation = -1
    passing[0] += OUTSIDE_SECONDS
    worker._follow(consumer)


def test_a_long_session_has_to_run_out_first(passing: list[float]) -> None:
    worker = Delivering(load_settings(session_timeout=300), Pace(), Status())
    passing[0] += 590
    worker._follow(Consumer())
