"""The life of an incident as timelines: opened, grown, resolved, cooled down, silenced, acknowledged."""

from typing import Any

import pytest

from pipeline.incidents.incident import describe, figure
from schemas.incident import IncidentState
from schemas.receipt import Decision
from schemas.signal import Signal
from tests.pipeline.timeline import Timeline, distinct, minute, watch

HOUR = {"kind": "count", "threshold": 3, "window": "1h"}


def test_people_are_told_again_when_it_has_doubled_and_some_time_has_passed() -> None:
    line = Timeline(watch(HOUR))
    #          opened at 3          doubled, too soon             16 minutes later
    receipts = [line.post(when) for when in (0, 1, 2, 3, 4, 5, 10, 18)]
    assert [receipt.decision.value for receipt in receipts[2:]] == ["opened", *["in-incident"] * 4, "updated"]
    assert line.told == [(2, "opened", 3), (18, "grew", 8)]
    assert [alert.incident.told for alert in line.alerts] == [3, 8]
    assert [alert.incident.revision for alert in line.alerts] == [1, 2]
    assert receipts[5].detail.endswith("but people were told within 15m")


def test_it_resolves_an_hour_after_the_last_signal_and_says_so_once() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    line.tick(61.9)
    assert len(line.alerts) == 1
    line.tick(62)
    line.tick(63)
    assert line.told == [(2, "opened", 3), (62, "resolved", 3)]
    assert line.alerts[1].incident.resolved == minute(62)
    assert line.alerts[1].respond_by is None


def test_however_late_the_tick_the_moment_is_the_one_that_was_due() -> None:
    late, post = Timeline(), Timeline()
    for line in (late, post):
        line.posts(0, 1, 2)
    late.tick(500)
    post.post(500)
    assert late.alerts == post.alerts
    assert late.told[-1] == (62, "resolved", 3)


def test_what_hovers_below_the_threshold_is_the_same_incident() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 4, "window": "1h"}))
    line.posts(0, 1, 2, 3)
    # two an hour is half of four
    line.posts(50, 80, 110, 140, 170)
    line.tick(229)
    assert [reason for _, reason, _ in line.told] == ["opened"]


def test_an_incident_of_many_hours_does_not_end_after_a_quiet_one() -> None:
    line = Timeline(watch(HOUR))
    line.posts(*range(0, 400, 10))
    line.tick(390 + 100)
    assert line.told[-1][1] != "resolved"
    line.tick(390 + 240)
    assert line.told[-1][1] == "resolved"


def test_after_it_only_more_than_the_peak_opens_a_new_one_for_an_hour() -> None:
    line = Timeline()
    line.posts(0, 1, 2, 3)
    line.tick(63)
    receipt = line.posts(70, 71, 72, 73)
    assert receipt.decision is Decision.COOLING_DOWN
    assert receipt.detail.endswith("an incident that peaked at 4 was resolved just before")
    assert line.post(74).decision is Decision.OPENED
    assert len({alert.incident.id for alert in line.alerts}) == 2


def test_after_the_cool_down_the_threshold_is_enough() -> None:
    line = Timeline()
    line.posts(0, 1, 2, 3)
    line.tick(63)
    assert line.posts(124, 125, 126).decision is Decision.OPENED


def test_in_a_silence_all_is_counted_and_nobody_told() -> None:
    line = Timeline()
    line.silence(30)
    assert line.posts(20, 21, 22).decision is Decision.SILENCED
    assert line.told == [(15, "silence-ends", 0)]
    assert line.post(30).decision is Decision.OPENED
    assert line.told[1:] == [(30, "opened", 3)]


def test_an_incident_that_ends_in_a_silence_says_so_after_it() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    line.silence(200)
    line.tick(199)
    assert line.told[1:] == [(185, "silence-ends", 0)]
    line.tick(200)
    assert line.told[-1] == (200, "resolved", 3)


def test_growth_in_a_silence_is_told_after_it() -> None:
    line = Timeline(watch(HOUR))
    line.posts(0, 1, 2)
    line.silence(30)
    assert line.posts(17, 18, 19).decision is Decision.SILENCED
    assert line.post(30).decision is Decision.UPDATED


def test_a_silence_can_be_ended() -> None:
    line = Timeline()
    line.silence(30)
    line.silence(10)
    assert line.posts(10, 11, 12).decision is Decision.OPENED


def test_acknowledged_means_told_until_it_gets_worse() -> None:
    line = Timeline(watch(HOUR))
    line.posts(0, 1, 2, 3, 4)
    line.acknowledge(line.alerts[0].incident.id)
    assert line.posts(20, 21, 22, 23).decision is Decision.IN_INCIDENT, "9 is not twice 5"
    assert line.post(24).decision is Decision.UPDATED
    assert line.alerts[-1].incident.state is IncidentState.ACKNOWLEDGED
    assert line.alerts[-1].incident.acknowledged_by == "ben"
    line.tick(600)
    assert line.told[-1][1] == "resolved"


def test_acknowledging_what_is_not_open_changes_nothing() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    before = line.state
    line.acknowledge("another")
    assert line.state is before


def test_a_second_rule_joins_the_incident() -> None:
    line = Timeline(watch(HOUR, {"kind": "count", "name": "many", "threshold": 5, "window": "10m"}))
    receipts = [line.post(when) for when in (0, 1, 2, 3, 4)]
    assert receipts[-1].decision is Decision.IN_INCIDENT
    assert len(line.alerts) == 1
    assert line.state.life.signal is not None
    assert line.state.life.signal.rule == "count", "the rule that opened it goes on leading"


def test_a_story_counts_once_and_an_old_one_that_returns_counts_too() -> None:
    line = Timeline(watch(HOUR))
    old, new = distinct(901), distinct(902)
    line.post(0, old)
    line.posts(100, 101)
    line.post(102, new)
    line.post(103, new)
    line.post(104, old)
    line.post(105, old)
    line.post(118, new)
    assert [(alert.incident.mentions, alert.incident.stories) for alert in line.alerts] == [(3, 3), (7, 4)]


@pytest.mark.parametrize(
    ("kind", "value", "threshold", "expected", "said"),
    [
        ("count", 10, 10, None, "count: 10 in 6h, 10 is enough"),
        ("spike", 34, 20, 8, "spike: 34 in 6h after 8 in the window before, 20 is enough"),
        ("unusual-volume", 8, 7, 1.3, "unusual-volume: 8 in 6h where 1.3 is usual, 7 is enough"),
        ("silence", 12.5, 12, None, "silence: 12.5 hours without a mention, 12 is enough"),
        ("negative-share", 0.43, 0.4, 0.64, "negative-share: 0.43 in 6h for sure, 0.64 measured, 0.4 is enough"),
        ("share-of-voice", 0.88, 0.7, 0, "share-of-voice: 0.88 in 6h for sure, the own share is 0, 0.7 is enough"),
        (
            "sentiment-shift",
            0.19,
            0.15,
            0.2,
            "sentiment-shift: 0.19 in 6h more for sure, after 0.2 before, 0.15 is enough",
        ),
    ],
)
def test_what_was_expected_is_called_what_it_is(
    kind: str, value: float, threshold: float, expected: float | None, said: str
) -> None:
    about = {"rule": kind, "kind": kind, "at": minute(0), "window": 21_600.0}
    found = Signal.model_validate({**about, "value": value, "threshold": threshold, "expected": expected}, strict=False)
    assert describe(found) == said


@pytest.mark.parametrize("fields", [{}, {"group_by": ("story",)}], ids=["one incident", "an incident for each story"])
def test_a_silence_is_over_when_something_is_heard(fields: dict[str, Any]) -> None:
    line = Timeline(watch({"kind": "silence", "window": "3h"}, **fields))
    line.post(0)
    line.tick(180)
    line.post(250)
    line.post(251)
    line.tick(252)
    assert line.told == [(180, "opened", 0), (250, "resolved", 1)]
    line.tick(431)
    assert line.told[2:] == [(431, "opened", 0)], "three hours after what was heard last it is silent again"


def test_a_silence_that_others_rules_have_joined_ends_as_these_do() -> None:
    line = Timeline(watch({"kind": "silence", "window": "3h"}, {"kind": "count", "threshold": 2, "window": "1h"}))
    line.post(0)
    line.tick(180)
    line.posts(250, 251)
    line.tick(252)
    assert [reason for _, reason, _ in line.told] == ["opened"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(5.0, "5"), (5.08382, "5.1"), (1_000_000.0, "1,000,000"), (0.15, "0.15"), (0.0, "0"), (1.0, "1")],
)
def test_a_figure_is_written_as_people_write_it(value: float, said: str) -> None:
    assert figure(value) == said
