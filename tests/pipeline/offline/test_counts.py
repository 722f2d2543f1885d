"""Counts: one rule over series of every shape."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.detect import arm_rule
from pipeline.offline.counts import Scored, score_counts
from schemas.watch import Rule

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
UNUSUAL = {"kind": "unusual-volume"}


def scored(rule: dict[str, Any], step: timedelta, counts: list[int]) -> list[Scored]:
    armed = arm_rule(Rule.model_validate(rule), "rule")
    return list(score_counts(armed, [(BEGIN + place * step, count) for place, count in enumerate(counts)]))


@pytest.mark.parametrize(
    ("step", "usual", "burst"),
    [
        pytest.param(timedelta(minutes=5), 0, 50, id="nothing, and then a burst"),
        pytest.param(timedelta(minutes=5), 8, 90, id="every five minutes"),
        pytest.param(timedelta(hours=1), 60, 600, id="every hour"),
        pytest.param(timedelta(days=1), 300, 4_000, id="every day"),
        pytest.param(timedelta(days=7), 1_500, 20_000, id="every week"),
    ],
)
def test_a_burst_is_an_alert_and_what_is_usual_is_none(step: timedelta, usual: int, burst: int) -> None:
    before = int(timedelta(days=60) / step)
    series = [usual + usual * (place % 3) // 10 for place in range(before)]
    found = scored(UNUSUAL, step, [*series, burst, *series[:3]])
    assert [place for place, one in enumerate(found) if one.starts] == [before]
    assert [one.count for one in found][-4:] == [burst, *series[:3]]


def test_a_count_of_a_day_is_no_count_of_an_hour() -> None:
    rule = {"kind": "count", "threshold": 40, "window": "1h"}
    assert not any(one.starts for one in scored(rule, timedelta(days=1), [240] * 30))
    assert any(one.starts for one in scored(rule, timedelta(days=1), [240] * 30 + [2_400]))


def test_no_part_of_a_count_stands_behind_the_next() -> None:
    times = [BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=1, hours=2), BEGIN + timedelta(days=2)]
    armed = arm_rule(Rule.model_validate({"kind": "count", "threshold": 100, "window": "1h"}), "rule")
    found = list(score_counts(armed, [(time, 96) for time in times]))
    assert [one.time for one in found] == times
    assert [one.starts for one in found] == [False] * 4, "two hours have 48 each"


@pytest.mark.parametrize("kind", [UNUSUAL, {"kind": "spike", "window": "3h", "factor": 3, "floor": 20}])
def test_counts_may_be_larger_than_could_stand_in_a_row(kind: dict[str, Any]) -> None:
    found = scored(kind, timedelta(hours=1), [10**11] * 240 + [10**12])
    assert found[-1].starts
    assert found[-1].value >= 10**12


def test_a_row_is_compared_with_its_own_hour_and_not_with_the_one_before() -> None:
    day = [20 if 8 <= hour < 20 else 0 for hour in range(24)]
    found = scored({"kind": "unusual-volume", "zone": "UTC"}, timedelta(hours=1), day * 20)
    late = found[24 * 14 :]
    assert [one.time for one in late if one.starts] == []
    assert min(one.threshold for one in late if one.count) > 20, "at eight as many are usual as at noon"
