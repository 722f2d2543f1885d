"""Provisioning a cluster that has only just begun."""

from typing import Any

import pytest
from kafka.errors import UnknownBrokerIdError

from agents import topics
from agents.kafka import NoBroker
from schemas.settings import Settings, load_settings
from schemas.topics import TOPICS


class Cluster:
    """An admin client's view of brokers of which the controller is not known at first."""

    def __init__(self, unknown: int) -> None:
        self.unknown, self.created = unknown, 0

    def list_topics(self) -> list[str]:
        return []

    def create_topics(self, missing: dict[str, Any]) -> None:
        if self.unknown:
            self.unknown -= 1
            raise UnknownBrokerIdError(1)
        self.created = len(missing)

    def wait_for_topics(self, names: list[str]) -> None:
        assert len(names) == self.created

    def close(self) -> None:
        pass


def apply(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the topics in `cluster`; no time passes but by waiting."""
    now = 0.0

    def pass_by(seconds: float) -> None:
        nonlocal now
        now += seconds

    def connect(_client: Any, _settings: Settings) -> Cluster:
        return cluster

    monkeypatch.setattr(topics, "connect", connect)
    monkeypatch.setattr(topics, "monotonic", lambda: now)
    monkeypatch.setattr(topics, "sleep", pass_by)
    return topics.apply_topics(load_settings(kafka="broker:9092"))


def test_a_controller_that_is_not_known_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python 3.0.12 is told the controller's number before it has heard of that broker, and gives up at once."""
    assert len(apply(Cluster(unknown=3), monkeypatch)) == len(TOPICS)


def test_one_that_never_gets_known_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoBroker, match="does not say where its controller is .wait until all its brokers are up"):
        apply(Cluster(unknown=10**6), monkeypatch)
