"""The share of the fault runs that is part of `make test`; `make faults` runs as many as you like."""

import os
import random
from pathlib import Path

import pytest

from tests.broker.brokers import missing_for_kafka
from tests.faults.points import POINTS
from tests.faults.run import Outcome, play
from tests.faults.scenario import AIMS, Plan, plan, plan_points

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _kafka() -> None:
    if missing := missing_for_kafka():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"a real Kafka {missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the real Kafka {missing}")


def played(made: Plan, folder: Path) -> Outcome:
    print(f"EARSHOT_TEST_SEED={made.seed}\n{made}")
    outcome = play(made, folder)
    print(outcome.figures, outcome.happened)
    return outcome


def seed() -> int:
    return int(os.environ.get("EARSHOT_TEST_SEED") or random.randrange(10**6))


@pytest.mark.parametrize(
    ("nodes", "planned", "aim", "at_least"),
    [(1, 120, "everything", 96), (3, 100, "everything", 80), (1, 40, "delivery", 26)],
)
@pytest.mark.timeout(900)
def test_nothing_is_lost_and_nothing_doubled(nodes: int, planned: int, aim: str, at_least: int, tmp_path: Path) -> None:
    """So many faults hit something: 200 in all. A quarter more are planned, since some find nothing to hit.

    Those at delivery alone come at a point more often, and more of them are not reached: work there is soon done.
    """
    outcome = played(plan(seed(), planned, nodes, AIMS[aim]), tmp_path)
    assert outcome.complaints == []
    assert sum(outcome.happened.values()) >= at_least


@pytest.mark.timeout(600)
def test_every_point_is_sprung_and_nothing_is_lost_by_it(tmp_path: Path) -> None:
    """One kill or one freeze at each; `python -m tests.faults --points` does both."""
    outcome = played(plan_points(seed(), 1, both=False), tmp_path)
    assert outcome.complaints == []
    assert outcome.asleep == []
    assert {spring[:2] for spring in outcome.sprung} == {(kind, name) for kind, all_ in POINTS.items() for name in all_}
