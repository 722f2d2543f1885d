"""What an open incident keeps from being told, as tables and timelines; and that nothing of it is lost from sight."""

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.incidents.inhibit import inhibitor, source_labels, target_labels
from pipeline.offline.remedy import remedies, say_held
from schemas.control import WatchRemoved
from schemas.handling import Inhibition
from schemas.incident import Incident, IncidentState
from schemas.receipt import Decision
from schemas.signal import Signal
from tests.pipeline.timeline import NOON, Timeline, minute, watch

EVERY = {"kind": "every"}
CRISIS = {"kind": "count", "name": "crisis", "threshold": 4, "window": "1h", "severity": "crisis"}
SINGLE = {"source": "severity=crisis", "target": "rule=every", "equal": ("entity",)}
PER_ENTITY = CRISIS | {"per": "entity", "threshold": 3}
Labels = Mapping[str, tuple[str, ...]]


def signal(rule: str = "every") -> Signal:
    return Signal(rule=rule, kind=rule, at=NOON, value=1, threshold=1, window=60)


def opened(severity: str = "crisis", rule: str = "count", **more: Any) -> Incident:
    fields: dict[str, Any] = {"opened": NOON, "updated": NOON, "last_signal": NOON, "mentions": 1, "stories": 1} | more
    return Incident(
        id=fields.pop("id", "1"),
        watch="acme",
        state=IncidentState.OPEN,
        revision=1,
        signal=signal(rule),
        severity=severity,  # type: ignore[arg-type]
        peak=1,
        told=1,
        **fields,
    )


def rule(**changed: Any) -> Inhibition:
    return Inhibition.model_validate(SINGLE | changed)


@pytest.mark.parametrize(
    ("why", "written", "source", "target", "held"),
    [
        ("both are about the own brand", {}, opened(), {"entity": ("own",)}, True),
        ("it is about another entity", {}, opened(group={"entity": "Bolt"}), {"entity": ("own",)}, False),
        ("one value in common is enough", {}, opened(), {"entity": ("Bolt", "own")}, True),
        ("it is no crisis yet", {}, opened("escalate"), {"entity": ("own",)}, False),
        ("a label that the signal lacks is not equal", {}, opened(), {}, False),
        ("a label that the incident lacks is not equal", {"equal": ("story",)}, opened(), {"story": ("s",)}, False),
        ("a label that both lack is not equal: there Alertmanager mutes", {"equal": ("site",)}, opened(), {}, False),
        ("nothing must be equal", {"equal": ()}, opened(), {}, True),
        ("all labels must be", {"equal": ("entity", "platform")}, opened(), {"entity": ("own",)}, False),
        ("letters in capitals are no difference", {}, opened(group={"entity": "OWN"}), {"entity": ("own",)}, True),
        ("what is not the target", {"target": "rule=other"}, opened(), {"entity": ("own",)}, False),
        ("a matcher that is turned around", {"target": "rule!=count"}, opened(), {"entity": ("own",)}, True),
        ("several must all fit", {"target": ("rule=every", "kind=count")}, opened(), {"entity": ("own",)}, False),
        ("watch and rule are labels too", {"equal": ("watch", "entity")}, opened(), {"entity": ("own",)}, True),
        (
            "what fits both sides is not held back by what does so too",
            {"source": "watch=acme", "target": "watch=acme"},
            opened(),
            {"entity": ("own",)},
            False,
        ),
    ],
)
def test_what_holds_back_what(why: str, written: dict[str, Any], source: Incident, target: Labels, held: bool) -> None:
    about = watch()
    labels = target_labels(about, signal(), "watch", target)
    found = inhibitor((rule(**written),), labels, [("", source, source_labels(about, source))])
    assert (found is not None) is held, why


def test_of_several_the_oldest_holds_it_back_whatever_their_order() -> None:
    about = watch()
    incidents = [opened(id="b"), opened(id="a"), opened(id="0", opened=minute(1))]
    labels = target_labels(about, signal(), "watch", {"entity": ("own",)})
    for order in (incidents, incidents[::-1]):
        found = inhibitor((rule(),), labels, [(one.id, one, source_labels(about, one)) for one in order])
        assert found is not None
        assert found[0] == "a"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"source": "severity"}, "is no matcher"),
        ({"source": "sevrity=crisis"}, "did you mean `severity`"),
        ({"target": "language=de"}, "there is no label 'language'"),
        ({"equal": ("language",)}, "Input should be"),
    ],
)
def test_what_is_no_rule_is_refused(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rule(**written)


def line_of(*rules: dict[str, Any], **fields: Any) -> Timeline:
    about: dict[str, Any] = {"group_by": ("entity", "story"), "inhibit": (SINGLE,)} | fields
    return Timeline(watch(*(rules or (EVERY, CRISIS)), **about))


def decisions(line: Timeline) -> list[str]:
    return [receipt.decision.value for receipt in line.receipts]


def test_a_crisis_mutes_the_single_posts_of_its_entity_and_says_so_when_it_is_over() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3, 4, 5)
    assert decisions(line) == ["opened"] * 4 + ["inhibited"] * 2, "the fourth opens the crisis"
    assert [alert.incident.severity for alert in line.alerts] == ["watch"] * 3 + ["crisis"]
    crisis = line.alerts[-1].incident
    receipt = line.receipts[-1]
    (held,) = receipt.held or ()
    assert (held.by, held.incident, held.watch, held.group) == ("inhibition", crisis.id, "acme", crisis.group)
    assert f"held back while the incident {crisis.id}" in receipt.detail
    assert say_held(held) == f"incident {crisis.id} of acme (entity own), which is open"
    assert remedies(receipt)[-1] == f"the incident {crisis.id} being over, or another `inhibit` in the watch"
    line.tick(600)
    (over,) = [alert for alert in line.alerts if alert.incident.id == crisis.id and alert.reason == "resolved"]
    assert over.incident.inhibited == 3, "the post that opened it is one of them"


def test_what_opened_before_it_goes_on_to_its_end() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3)
    line.tick(600)
    assert [alert.reason.value for alert in line.alerts].count("resolved") == 4


def test_when_it_is_over_single_posts_are_told_again() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3, 4)
    line.tick(600)
    assert line.post(601).decision is Decision.OPENED


def test_whoever_has_taken_the_crisis_has_not_ended_it() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3)
    line.acknowledge(line.alerts[-1].incident.id)
    assert line.post(4).decision is Decision.INHIBITED


def test_a_crisis_of_a_competitor_mutes_nothing_of_ours() -> None:
    line = line_of(EVERY, PER_ENTITY)
    for when in range(3):
        line.post(when, entities=("Bolt",))
    assert line.alerts[-1].incident.group == {"entity": "Bolt"}
    assert line.post(5).decision is Decision.OPENED
    assert line.post(6, entities=("own", "Bolt")).decision is Decision.INHIBITED, "it is about that one, too"


def test_a_silence_is_not_asked_where_an_incident_holds_it_back() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3)
    line.silence(30)
    assert line.post(5).decision is Decision.INHIBITED
    assert line.state.life.silences[0].held == 1, "the crisis itself has tripped again, and that is silenced"


def test_the_count_stands_in_the_digest_where_the_end_is_not_told_at_once() -> None:
    night = {"begin": "14:00", "end": "20:00", "except_from": None}
    quiet = ({"channel": "slack", "to": "#press", "quiet": night},)
    line = line_of(routes=quiet)
    line.posts(0, 1, 2, 3, 4)
    line.tick(600)
    (digest,) = [alert for alert in line.alerts if alert.reason == "digest"]
    assert [one.inhibited for one in digest.lines if one.inhibited] == [2]


def test_a_watch_that_is_removed_says_what_its_crisis_held_back() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3, 4)
    line.take(WatchRemoved(watch="acme", at=minute(5)))
    assert [alert.incident.inhibited for alert in line.alerts if alert.incident.inhibited] == [2]


def test_it_is_counted_as_if_it_had_been_told() -> None:
    line = line_of()
    line.posts(0, 1, 2, 3, 4, 5)
    crisis = line.state.groups.lives["entity=own"]
    assert crisis.heard.mentions == 6


def test_without_a_rule_nothing_is_held_back() -> None:
    line = line_of(inhibit=())
    line.posts(0, 1, 2, 3, 4)
    assert Decision.INHIBITED.value not in decisions(line)
