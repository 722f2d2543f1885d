"""When people are told again: by how much an incident has grown, and by which rule's measure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frozen import replace
from pipeline.incidents import incident, worse
from pipeline.incidents.incident import Opening
from pipeline.incidents.life import Life, Mentions
from schemas.handling import Handling
from schemas.receipt import Decision
from schemas.signal import Signal
from tests.pipeline.timeline import Timeline, minute, watch

DAY = {"kind": "count", "threshold": 3, "window": "1d"}
HOUR = {"kind": "count", "threshold": 8, "window": "1h"}
REACH = {"kind": "amount", "of": "reach", "by": "mean", "threshold": 1000, "window": "1d", "least": 1}
EVERY = {"kind": "every"}
IMPATIENT = {"patience": "1m"}


def signal(rule: str, value: float, threshold: float) -> Signal:
    return Signal(rule=rule, kind="count", at=minute(0), value=value, threshold=threshold, window=3600.0)


def values(line: Timeline) -> list[tuple[str, float]]:
    return [(alert.reason, alert.incident.signal.value) for alert in line.alerts]


@pytest.mark.parametrize(
    ("case", "handling", "expected"),
    [
        ("at one, two, four and sixteen times what the rule needs", {}, [3, 6, 12, 48]),
        ("at the factor of the watch, until more is known than that", {"worse_by": 3.0}, [3, 9, 27]),
        ("seldom, where it has to be ten times as bad", {"worse_by": 10.0}, [3, 30]),
    ],
)
def test_the_worse_people_know_it_to_be_the_more_it_takes(
    case: str, handling: dict[str, Any], expected: list[float]
) -> None:
    line = Timeline(watch(DAY, incidents=IMPATIENT | handling))
    line.posts(*(2.0 * at for at in range(120)))
    assert [value for _, value in values(line)] == expected, case


def test_the_receipt_names_what_is_enough_next() -> None:
    line = Timeline(watch(DAY, incidents=IMPATIENT))
    receipt = line.posts(*(2.0 * at for at in range(13)))
    assert receipt.detail == "count: 13 in 1d, 3 is enough; people know of 12 and are told again at 48"
    assert receipt.again is not None
    assert receipt.again.value == 48


def test_what_one_voice_has_opened_is_told_again_when_many_join() -> None:
    line = Timeline(watch(REACH, HOUR, incidents=IMPATIENT))
    # whoever comes later reaches as many, so the rule that has opened it stays tripped and does not grow
    receipts = [line.post(2.0 * at, followers=1100) for at in range(30)]
    assert values(line) == [("opened", 1100), ("grew", 18)]
    assert (
        receipts[17].detail
        == "count: 18 in 1h, 8 is enough; that is much worse than amount at 1100, which people know of"
    )
    assert (line.alerts[1].incident.signal.rule, line.alerts[1].incident.told) == ("count", 18)


def test_another_rule_that_people_knew_as_much_of_is_no_news() -> None:
    line = Timeline(watch({**HOUR, "severity": "review"}, EVERY, incidents=IMPATIENT))
    line.post(0)
    line.posts(*(1 + at / 10 for at in range(7)))
    assert line.told[-1] == (1.6, "rose", 8), "the count of 8 is graver than each single post"
    told = len(line.told)
    line.posts(*(3 + at / 10 for at in range(7)))
    assert len(line.told) == told, "eight single posts were known as well, so fifteen are not much"
    assert line.post(4).decision is Decision.UPDATED, "sixteen are twice as many, by either measure"


def test_a_rule_that_takes_the_lead_does_not_make_people_know_what_they_were_not_told() -> None:
    slow = {"kind": "count", "name": "slow", "threshold": 4, "window": "10m"}
    burst = {"kind": "count", "name": "burst", "threshold": 2, "window": "1m"}
    line = Timeline(watch(slow, burst, incidents=IMPATIENT))
    line.posts(0, 3, 6, 9)
    assert line.posts(25, 25.2).decision is Decision.IN_INCIDENT
    assert (line.state.life.told, line.state.life.far) == (2, 1), "both rules have measured what they need"
    line.posts(40, 40.1, 40.2, 40.3)
    assert values(line) == [("opened", 4), ("grew", 4)], "a burst of four is twice what it needs"


def at_noon() -> Life:
    """An incident that opened with 60 where 40 were enough, at a rule that needs five at night."""
    opening = Opening("acme", "x:1", "watch", Handling())
    return incident.open_at(Life(), opening, signal("volume", 60, 40), Mentions())


@pytest.mark.parametrize(
    ("case", "rule", "known", "enough"),
    [
        ("the same rule is told again at twice what people know of", signal("volume", 50, 5), 60, 120),
        ("another is measured by how bad it was at noon, one and a half times", signal("count", 20, 8), 12, 24),
    ],
)
def test_what_people_were_told_at_noon_is_not_worse_because_less_is_enough_at_night(
    case: str, rule: Signal, known: float, enough: float
) -> None:
    life = incident.join(at_noon(), signal("volume", 50, 5), "watch", Decision.IN_INCIDENT)
    assert (worse.known(life, rule), worse.enough(life, rule, Handling())) == (known, enough), case


def test_what_peaked_at_noon_does_not_hold_back_another_rule_at_night() -> None:
    life = incident.told(incident.join(at_noon(), signal("volume", 5, 5), "watch", Decision.IN_INCIDENT))
    assert worse.peak(life, signal("count", 20, 8)) == 12


def test_how_bad_an_incident_of_an_earlier_release_was_is_not_forgotten_when_it_goes_on() -> None:
    life = replace(at_noon(), peak=400, height=0.0, needed=0.0)
    life = incident.told(incident.join(life, signal("volume", 50, 40), "watch", Decision.IN_INCIDENT))
    assert worse.peak(life, signal("count", 20, 8)) == 80, "ten times what was needed"


def test_who_acknowledges_knows_how_bad_it_has_been() -> None:
    life = incident.join(at_noon(), signal("volume", 90, 30), "watch", Decision.IN_INCIDENT)
    life = incident.acknowledge(life, life.incident.id if life.incident else "", "ben", minute(1))
    assert worse.known(life, signal("count", 20, 8)) == 24, "three times what was needed"


@given(
    signals=st.lists(st.tuples(st.sampled_from("abc"), st.floats(1, 100)), min_size=1, max_size=5),
    thresholds=st.fixed_dictionaries({name: st.floats(0.1, 100) for name in "abc"}),
)
def test_without_an_incident_the_farthest_speaks_whatever_the_thresholds(
    signals: list[tuple[str, float]], thresholds: dict[str, float]
) -> None:
    made = [signal(rule, times * thresholds[rule], thresholds[rule]) for rule, times in signals]
    found = worse.lead(Life(), made, Handling())
    assert found.value / found.threshold == worse.far(made)


@given(told=st.floats(1, 1000), worse_by=st.floats(1.01, 10), more=st.floats(0, 1000))
def test_what_is_enough_is_at_least_the_factor_and_rises_with_what_is_known(
    told: float, worse_by: float, more: float
) -> None:
    handling = Handling(worse_by=worse_by)
    rule = signal("a", told, 1.0)
    once, later = (worse.enough(Life(signal=rule, told=known), rule, handling) for known in (told, told + more))
    assert worse_by * told <= once <= later
