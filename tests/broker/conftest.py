"""Brokers for the tests: one shared per kind where topics may be shared, a fresh one where they may not.

Every test runs on both kinds. What it needs that the embedded broker cannot do, it says: `@pytest.mark.needs(ability)`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker.abilities import Ability, Unable, lacking
from tests.broker.brokers import Broker, Embedded, Kafka, missing_for_kafka
from tests.broker.secured import Secured

KINDS = ("embedded", "kafka")


def _needed(item: pytest.Item) -> Iterator[Ability]:
    """Yield what a test needs beyond the embedded broker, if it is to run on that."""
    callspec = getattr(item, "callspec", None)
    if callspec and KINDS[0] in callspec.params.values():
        for mark in item.iter_markers("needs"):
            yield from mark.args


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect of each test that needs what the embedded broker cannot do that it fails there, for that reason only."""
    for item in items:
        for ability in _needed(item):
            reason = f"the embedded broker {ability.value}"
            item.add_marker(pytest.mark.xfail(strict=True, raises=Unable, reason=reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail at once where the embedded broker still cannot do what is needed."""
    for ability in _needed(item):
        if lacking(ability):
            raise Unable(ability.value)


def require_kafka() -> None:
    """Skip the test where there is no real Kafka; fail it where nothing may be left out."""
    if missing := missing_for_kafka():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"a real Kafka {missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the real Kafka {missing}")


def _make(kind: str, folder: Path) -> Broker:
    if kind == "embedded":
        return Embedded()
    require_kafka()
    return Kafka(folder)


def _run(kind: str, folder: Path) -> Iterator[Broker]:
    broker = _make(kind, folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@contextmanager
def secured_in(folder: Path, kind: str) -> Iterator[Secured]:
    """Run a broker that wants to know who is there for as long as the context lasts."""
    if kind == "embedded":
        pytest.fail("the embedded broker can be secured by now: say here how")
    require_kafka()
    broker = Secured(folder)
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
