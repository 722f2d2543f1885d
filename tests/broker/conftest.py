"""Brokers for the tests: one shared per kind where topics may be shared, a fresh one where they may not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.broker.brokers import Broker, Embedded, Kafka, missing_for_kafka

K = TypeVar("K", bound=Kafka)
KINDS = ("embedded", "kafka")


def _require_kafka() -> None:
    if missing := missing_for_kafka():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"a real Kafka {missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the real Kafka {missing}")


def _make(kind: str, folder: Path) -> Broker:
    if kind == "embedded":
        return Embedded()
    _require_kafka()
    return Kafka(folder)


def _run(kind: str, folder: Path) -> Iterator[Broker]:
    broker = _make(kind, folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@contextmanager
def kafka_in(folder: Path, kind: type[K]) -> Iterator[K]:
    """Run a real Kafka of a special kind for as long as the context lasts."""
    _require_kafka()
    broker = kind(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session", params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker shared by all tests of a run: use groups, keys and ids of your own."""
    yield from _run(request.param, tmp_path_factory.mktemp("broker"))


@pytest.fixture(params=KINDS)
def fresh_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, empty, that it may stop and start."""
    yield from _run(request.param, tmp_path)


@pytest.fixture
def fresh_kafka(tmp_path: Path) -> Iterator[Broker]:
    """A real Kafka of the test's own: for what the embedded broker cannot do, such as keep its data over a restart."""
    yield from _run("kafka", tmp_path)
