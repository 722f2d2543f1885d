"""A plan and a world are values that follow from a seed, and the points that a plan names are where it says."""

import functools
import importlib
from collections import Counter
from itertools import pairwise

import pytest

from tests.faults import world
from tests.faults.checker import expectations
from tests.faults.history import History
from tests.faults.points import POINTS, Point
from tests.faults.scenario import AIMS, DELIVERIES, Kind, plan, plan_points, springs


def test_a_seed_is_enough_to_play_a_run_again() -> None:
    assert plan(7, 200, 3) == plan(7, 200, 3)
    assert plan(7, 200, 3) != plan(8, 200, 3)
    assert world.make(7, 5) == world.make(7, 5)


def test_a_plan_has_as_many_faults_as_was_asked_for() -> None:
    assert sum(len(storm) for storm in plan(1, 200, 1).storms) == 200


@pytest.mark.parametrize("faults", [len(Kind), 100])
@pytest.mark.parametrize("nodes", [1, 3])
def test_a_plan_has_every_kind_whatever_its_seed(nodes: int, faults: int) -> None:
    for seed in range(50):
        kinds = {fault.kind for storm in plan(seed, faults, nodes).storms for fault in storm}
        assert kinds == set(Kind) - (set() if nodes > 1 else {Kind.LEADERS}), seed


def test_a_plan_can_be_aimed_at_delivery_alone() -> None:
    """In three seeds of forty every point of delivery is among it, and nobody else is touched."""
    found = [fault for seed in (1, 2, 3) for storm in plan(seed, 40, 1, AIMS["delivery"]).storms for fault in storm]
    assert {fault.target for fault in found if fault.kind is not Kind.SERVICE} == set(DELIVERIES)
    assert {fault.kind for fault in found} == {kind for kind, weight in AIMS["delivery"].weights.items() if weight}
    assert {fault.point for fault in found if fault.point} == set(POINTS["deliver"])


@pytest.mark.parametrize("both", [False, True])
def test_the_plan_of_points_has_each_once(both: bool) -> None:
    made = plan_points(3, 1, both=both)
    assert made == plan_points(3, 1, both=both)
    found = Counter(fault.spring for storm in made.storms for fault in storm if fault.point)
    assert set(found.values()) == {1}
    wanted = springs()
    assert found.keys() == set(wanted) if both else found.keys() < set(wanted)
    assert {spring[:2] for spring in found} == {spring[:2] for spring in wanted}


def test_a_world_has_what_must_be_told_apart() -> None:
    """Incidents of one, two and three revisions, waves that are none, copies, and posts about two watches."""
    found = expectations(History(world.make(3, 10).lanes()))
    reasons = {tuple(one.reason for one in each.alerts) for each in found.values()}
    assert {"opened", "grew", "resolved"} == {reason for alerts in reasons for reason in alerts}
    decisions = {what for each in found.values() for what in each.decisions.values()}
    assert decisions == {"below-threshold", "folded", "opened", "in-incident", "updated"}
    assert set(found["alvora"].decisions) & set(found["bexim"].decisions)


def test_time_passes_in_every_lane_and_all_of_it_is_remembered() -> None:
    """A story is kept for seven days: the checker counts on it."""
    for lane in world.make(5, 17).lanes():
        times = [said.time for said in lane]
        assert all((after - before).total_seconds() > -3600 for before, after in pairwise(times))
        assert (max(times) - min(times)).days < 7


@pytest.mark.parametrize(
    ("name", "point"), [(name, point) for points in POINTS.values() for name, point in points.items()]
)
def test_a_point_is_where_it_is_said_to_be(name: str, point: Point) -> None:
    module, _, path = point.where.partition(":")
    assert callable(functools.reduce(getattr, path.split("."), importlib.import_module(module))), name
