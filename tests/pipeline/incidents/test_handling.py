"""How incidents are handled, as timelines: severity, escalation, reminders, silences, quiet hours, budgets."""

from typing import Any

import pytest

from schemas.alert import Alert, AlertReason
from schemas.control import Acknowledge, Silence, WatchRemoved
from schemas.incident import IncidentState
from schemas.matcher import Matcher
from schemas.receipt import Decision
from tests.pipeline.timeline import Timeline, minute, watch

HOUR = {"kind": "count", "threshold": 3, "window": "1h"}
CHIEF = {"channel": "email", "to": "chief@acme.example"}
PRESS = {"channel": "slack", "to": "#press"}
#  Berlin's noon is 11 UTC on that day; the timeline's noon is 13:00 in Berlin
NIGHT = {"begin": "14:00", "end": "16:00"}


def to(alert: Alert) -> list[str]:
    return [route.address for route in alert.routes]


def reasons(line: Timeline) -> list[str]:
    return [reason for _, reason, _ in line.told]


def state_of(line: Timeline) -> IncidentState | None:
    return line.state.life.incident.state if line.state.life.incident else None


def hush(line: Timeline, until: float, *matchers: Matcher, **more: Any) -> None:
    fields: dict[str, Any] = {"by": "ben", "reason": "trade fair", "id": "fair", "begins": minute(0)} | more
    line.take(Silence(watch="acme", at=minute(0), until=minute(until), matchers=matchers, **fields))


def test_severity_rises_as_the_rule_declares_and_is_told_at_once() -> None:
    line = Timeline(watch(HOUR | {"severity": "review", "rises": {"crisis": 5}}))
    line.posts(0, 1, 2)
    assert [alert.incident.severity for alert in line.alerts] == ["review"]
    assert line.post(3).decision is Decision.IN_INCIDENT
    receipt = line.post(4)
    assert (receipt.decision, line.told[-1]) == (Decision.UPDATED, (4, "rose", 5))
    assert "it is a case for crisis now" in receipt.detail
    assert line.alerts[-1].incident.severity == "crisis"


def test_severity_does_not_fall_while_the_incident_lasts() -> None:
    line = Timeline(watch(HOUR | {"rises": {"crisis": 5}}))
    line.posts(0, 1, 2, 3, 4)
    line.posts(60, 61, 62)
    line.tick(400)
    assert reasons(line) == ["opened", "rose", "resolved"]
    assert line.alerts[-1].incident.severity == "crisis"


def test_another_rule_may_raise_it_and_then_leads() -> None:
    grave = {"kind": "count", "name": "grave", "threshold": 4, "window": "10m", "severity": "crisis"}
    line = Timeline(watch(HOUR, grave))
    line.posts(0, 1, 2, 3)
    assert line.told[-1] == (3, "rose", 4)
    assert line.alerts[-1].incident.signal.rule == "grave"


@pytest.mark.parametrize(
    ("severity", "told", "decision"),
    [
        ("watch", ["slack #press"], Decision.OPENED),
        ("crisis", [], Decision.BELOW_SEVERITY),
    ],
)
def test_a_route_takes_nothing_more_harmless_than_it_says(severity: str, told: list[str], decision: Decision) -> None:
    line = Timeline(watch(HOUR, routes=(PRESS | {"severity": severity},)))
    receipt = line.posts(0, 1, 2)
    assert receipt.decision is decision
    assert [address for alert in line.alerts for address in to(alert)] == told
    assert receipt.detail.endswith("take nothing so harmless") is (not told)


def test_it_is_told_again_when_it_is_so_much_worse_as_the_watch_says() -> None:
    line = Timeline(watch(HOUR, incidents={"worse_by": 3.0, "patience": "1m"}))
    receipts = [line.post(when) for when in range(9)]
    assert [index for index, receipt in enumerate(receipts) if receipt.decision is Decision.UPDATED] == [8]


def test_each_incident_of_a_cool_down_doubles_the_next() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 2, "window": "10m"}, incidents={"cool_down": "2h"}))
    line.posts(0, 1)
    line.tick(61)  # resolved at 61, cools down until 181
    assert line.posts(100, 101).decision is Decision.COOLING_DOWN
    line.posts(102)  # three are more than the peak
    assert reasons(line) == ["opened", "resolved", "opened"]
    line.tick(162)  # resolved at 162, cools down until 402
    assert line.posts(390, 391).decision is Decision.COOLING_DOWN
    assert line.posts(410, 411).decision is Decision.OPENED
    assert line.state.life.cooling == 7200


def test_in_the_cool_down_only_so_much_worse_opens_it_again() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 2, "window": "10m"}, incidents={"reopens_by": 2.0}))
    line.posts(0, 1)
    line.tick(61)
    receipts = [line.post(when) for when in (70, 71, 72, 73, 74)]
    assert [receipt.decision.value for receipt in receipts[1:]] == ["cooling-down"] * 3 + ["opened"]
    assert receipts[3].detail.endswith("was resolved just before and opens again above 4")


def test_a_resolved_incident_is_closed_when_it_has_cooled_down() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    line.tick(62)
    assert state_of(line) is IncidentState.RESOLVED
    line.tick(122)
    assert state_of(line) is IncidentState.CLOSED
    assert reasons(line) == ["opened", "resolved"], "nobody is told"


STEPS = ({"after": "20m", "routes": (CHIEF,)}, {"after": "40m", "severity": "crisis", "routes": (CHIEF,)})


def test_who_does_not_acknowledge_is_escalated() -> None:
    line = Timeline(watch(HOUR, routes=(PRESS,), escalation=STEPS))
    line.posts(0, 1, 2)
    line.tick(30)
    assert line.told[-1] == (22, "escalated", 3), "at the moment that was due"
    assert to(line.alerts[-1]) == ["email chief@acme.example"]
    line.tick(60)
    assert reasons(line) == ["opened", "escalated"], "the second step is for crises only"
    line.tick(300)
    assert to(line.alerts[-1]) == ["slack #press", "email chief@acme.example"], "who was told hears how it ended"


def test_a_step_for_crises_is_due_when_it_has_become_one() -> None:
    line = Timeline(watch(HOUR | {"rises": {"crisis": 5}}, routes=(PRESS,), escalation=STEPS))
    line.posts(0, 1, 2)
    line.posts(50, 51)
    line.tick(52)
    assert line.told[-2:] == [(51, "rose", 5), (51, "escalated", 5)]


def test_acknowledging_stops_the_escalation() -> None:
    line = Timeline(watch(HOUR, escalation=STEPS, incidents={"remind": "10m"}))
    line.posts(0, 1, 2)
    line.tick(5)
    line.acknowledge(line.alerts[0].incident.id)
    line.tick(60)
    assert reasons(line) == ["opened"]


def test_people_are_reminded_until_somebody_acknowledges() -> None:
    line = Timeline(watch(HOUR, incidents={"remind": "25m"}))
    line.posts(0, 1, 2)
    line.tick(55)
    assert [when for when, reason, _ in line.told if reason == "reminder"] == [27, 52]


def test_an_acknowledgement_lapses_and_all_begins_anew() -> None:
    line = Timeline(watch(HOUR, escalation=STEPS, incidents={"acknowledged_for": "30m"}))
    line.posts(0, 1, 2)
    line.tick(10)
    line.acknowledge(line.alerts[0].incident.id)
    line.posts(30, 50)
    line.tick(62)
    assert line.told[1:] == [(40, "lapsed", 4), (60, "escalated", 5)]
    assert line.alerts[1].incident.state is IncidentState.OPEN
    assert line.alerts[1].incident.acknowledged_by == "ben", "it says whose it was"


def test_whose_acknowledgement_has_lapsed_can_acknowledge_again() -> None:
    line = Timeline(watch(HOUR, incidents={"acknowledged_for": "20m"}))
    line.posts(0, 1, 2)
    for when in (5, 30):
        line.tick(when)
        line.acknowledge(line.alerts[0].incident.id)
        assert line.state.life.open is not None
        assert line.state.life.open.state is IncidentState.ACKNOWLEDGED
    line.tick(49)
    assert [reason for _, reason, _ in line.told] == ["opened", "lapsed"]


def test_who_gives_an_incident_back_has_it_escalated_as_if_it_were_new() -> None:
    line = Timeline(watch(HOUR, incidents={"remind": "20m"}))
    line.posts(0, 1, 2)
    name = line.alerts[0].incident.id
    line.tick(5)
    line.acknowledge(name)
    line.tick(30)
    line.take(Acknowledge(watch="acme", incident=name, at=minute(30), by="eva", released=True))
    line.tick(50)
    assert [(when, reason) for when, reason, _ in line.told] == [(2, "opened"), (50, "reminder")]
    assert line.alerts[-1].incident.acknowledged_by is None


def test_after_it_is_given_back_each_step_is_taken_anew_and_once() -> None:
    line = Timeline(watch(HOUR | {"window": "1d"}, escalation=STEPS))
    line.posts(0, 1, 2)
    name = line.alerts[0].incident.id
    line.tick(25)
    line.acknowledge(name)
    line.tick(50)
    for by in ("eva", "ben"):
        line.take(Acknowledge(watch="acme", incident=name, at=minute(50), by=by, released=True))
    for when in (60, 69, 70, 71, 90, 120):
        line.tick(when)
    assert [when for when, reason, _ in line.told if reason == "escalated"] == [22, 70]
    line.take(Acknowledge(watch="acme", incident="another", at=minute(120), by="eva", released=True))
    line.tick(200)
    assert [when for when, reason, _ in line.told if reason == "escalated"] == [22, 70]


def test_in_a_silence_nobody_is_escalated_until_it_is_over() -> None:
    line = Timeline(watch(HOUR, escalation=STEPS))
    line.posts(0, 1, 2)
    line.tick(3)
    line.silence(25)
    line.tick(30)
    assert [told for told in line.told if told[1] == "escalated"] == [(25, "escalated", 3)]


@pytest.mark.parametrize(
    ("matcher", "held", "why"),
    [
        (Matcher(label="rule", values=("count",)), True, "the rule"),
        (Matcher(label="rule", values=("spike",)), False, "another rule"),
        (Matcher(label="platform", values=("web", "X")), True, "one of several, in any case"),
        (Matcher(label="platform", values=("x",), negated=True), False, "all but this one"),
        (Matcher(label="author", values=("Anna",)), True, "the author's name"),
        (Matcher(label="severity", values=("watch",)), True, "how bad it is"),
        (Matcher(label="entity", values=("Bolt",)), False, "it is not about the competitor"),
    ],
)
def test_a_silence_holds_back_what_it_fits(matcher: Matcher, held: bool, why: str) -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60, matcher)
    receipt = line.posts(0, 1, 2)
    assert (receipt.decision is Decision.SILENCED) is held, why
    if held:
        assert receipt.detail.endswith("silenced by ben until 2026-03-02 13:00 UTC: trade fair")
        assert line.state.life.silences[0].held == 1


def test_a_label_that_is_not_there_fits_nothing() -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60, Matcher(label="author", values=("bot",), negated=True))
    for when in (0, 1, 2):
        last = line.post(when, author=None)
    assert last.decision is Decision.OPENED


def test_all_matchers_must_fit() -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60, Matcher(label="rule", values=("count",)), Matcher(label="platform", values=("web",)))
    assert line.posts(0, 1, 2).decision is Decision.OPENED


def test_the_end_of_a_silence_is_told_before_and_with_what_it_held() -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60, Matcher(label="rule", values=("count",)))
    line.posts(0, 1, 2, 3)
    line.tick(59)
    assert line.told == [(45, "silence-ends", 0)]
    told = line.alerts[0].silence
    assert told is not None
    assert (told.by, told.reason, told.held, told.until) == ("ben", "trade fair", 2, minute(60))
    line.tick(61)
    assert line.state.life.silences == ()
    assert len(line.alerts) == 1


def test_a_silence_begins_when_it_says() -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60, begins=minute(30))
    assert line.posts(0, 1, 2).decision is Decision.OPENED
    line.tick(40)
    assert line.state.life.quiet_at(minute(40))
    assert not line.state.life.quiet_at(minute(60))


def test_a_silence_is_ended_by_its_id() -> None:
    line = Timeline(watch(HOUR))
    hush(line, 60)
    hush(line, -1)
    assert line.state.life.silences == ()


def test_in_quiet_hours_nothing_comes_and_one_digest_at_their_end() -> None:
    line = Timeline(watch(HOUR, routes=(PRESS | {"quiet": NIGHT}, CHIEF)))
    line.tick(60)
    receipt = line.posts(65, 66, 67)
    assert receipt.decision is Decision.OPENED, "the chief is told"
    assert receipt.detail.endswith("slack #press has it in the digest (quiet-hours)")
    line.posts(*range(68, 95))
    line.tick(400)
    press = [(alert.reason.value, alert.at) for alert in line.alerts if "slack #press" in to(alert)]
    assert press[0] == ("digest", minute(180))
    digest = next(alert for alert in line.alerts if alert.reason is AlertReason.DIGEST)
    assert [(one.reason.value, one.mentions, one.held) for one in digest.lines] == [("resolved", 30, 3)]
    assert digest.withheld == "quiet-hours"
    assert to(digest) == ["slack #press"]


def test_where_everybody_sleeps_the_receipt_says_so() -> None:
    line = Timeline(watch(HOUR, routes=(PRESS | {"quiet": NIGHT},)))
    line.tick(60)
    assert line.posts(65, 66, 67).decision is Decision.QUIET_HOURS
    line.tick(200)
    assert reasons(line)[0] == "digest"


def test_a_crisis_wakes_people_up() -> None:
    line = Timeline(watch(HOUR | {"rises": {"crisis": 4}}, routes=(PRESS | {"quiet": NIGHT},)))
    line.tick(60)
    line.posts(65, 66, 67, 68)
    assert line.told == [(68, "rose", 4)]


def test_what_is_over_budget_becomes_a_digest_with_its_count() -> None:
    rule = {"kind": "count", "threshold": 1, "window": "1m"}
    budget = {"alerts": 2, "per": "4h"}
    line = Timeline(watch(rule, routes=(PRESS | {"budget": budget},), incidents={"cool_down": "1m"}))
    assert line.post(0).decision is Decision.OPENED
    line.tick(61)  # resolved: that was the second message
    receipt = line.post(70)
    assert receipt.decision is Decision.OVER_BUDGET
    line.tick(239)
    assert reasons(line) == ["opened", "resolved"]
    line.tick(240)
    assert line.told[-1][:2] == (240, "digest"), "when the first of the two is four hours old"
    digest = line.alerts[-1]
    assert (digest.withheld, [(one.reason.value, one.held) for one in digest.lines]) == (
        "over-budget",
        [("resolved", 2)],
    )


def test_desks_and_silences_survive_a_restart_between_any_two_records() -> None:
    written = watch(
        HOUR | {"rises": {"crisis": 30}},
        routes=(PRESS | {"quiet": NIGHT}, CHIEF | {"budget": {"alerts": 1, "per": "1h"}}),
        escalation=STEPS,
        incidents={"remind": "20m", "acknowledged_for": "30m"},
    )
    lines = Timeline(written), Timeline(written)
    for index, line in enumerate(lines):
        hush(line, 90, Matcher(label="platform", values=("web",)))
        for when in (*range(40, 100, 3), 150, 200, 400):
            line.post(when)
            line.tick(when)
            if when == 70:
                line.acknowledge(line.alerts[0].incident.id)
            if index:
                line.state = type(line.state).restore(line.state.rows())
    assert lines[0].alerts == lines[1].alerts
    assert [one.to_bytes() for one in lines[0].receipts] == [one.to_bytes() for one in lines[1].receipts]


def test_what_waits_is_told_when_the_watch_is_removed() -> None:
    line = Timeline(watch(HOUR, routes=(PRESS | {"quiet": NIGHT},)))
    line.tick(60)
    line.posts(65, 66, 67)
    line.take(WatchRemoved(watch="acme", at=minute(70)))
    assert reasons(line) == ["withdrawn", "digest"]


def test_a_budget_that_watches_share_is_kept_by_delivery_and_holds_back_nothing_here() -> None:
    rule = HOUR | {"rises": {"review": 4, "escalate": 5}}
    budget = {"alerts": 1, "per": "4h", "shared": True}
    line = Timeline(watch(rule, routes=(PRESS | {"budget": budget},)))
    line.posts(0, 1, 2, 3, 4)
    assert reasons(line) == ["opened", "rose", "rose"]
    assert line.state.desks == {}
