"""Which silence, quiet hours, budget or incident kept whom from being told: in the receipt, and as it is explained."""

import json
from typing import Any

import pytest

import pipeline.stream.lookup
from cli.decided import say_receipt
from cli.main import run
from pipeline.stream.lookup import Known
from schemas.control import Silence
from schemas.matcher import Matcher
from schemas.receipt import Decision, Held
from tests.pipeline.timeline import COUNT, Timeline, minute, watch

HOUR = {"kind": "count", "threshold": 3, "window": "1h"}
NIGHT = {"channel": "slack", "to": "#press", "quiet": {"begin": "12:00", "end": "16:00"}}
LITTLE = {"channel": "email", "to": ("a@a.example", "b@a.example"), "budget": {"alerts": 1, "per": "5h"}}
OPEN = {"channel": "slack", "to": "#open"}
EVERY = {"kind": "every"}
CRISIS = {"kind": "count", "name": "crisis", "threshold": 3, "window": "1h", "severity": "crisis"}
MUTING = {"source": "severity=crisis", "target": "rule=every", "equal": ("entity",)}


def silenced() -> Timeline:
    line = Timeline(watch(HOUR))
    fit = (Matcher(label="rule", values=("count",)),)
    line.take(Silence(watch="acme", at=minute(0), until=minute(60), by="Eva", reason="Messe", id="s1", matchers=fit))
    line.posts(0, 1, 2)
    return line


def asleep() -> Timeline:
    line = Timeline(watch(HOUR, routes=(NIGHT,)))
    line.posts(0, 1, 2)
    return line


def spent() -> Timeline:
    line = Timeline(watch(HOUR | {"rises": {"review": 4}}, routes=(LITTLE,)))
    line.posts(0, 1, 2, 3)
    return line


def partly() -> Timeline:
    line = Timeline(watch(HOUR, routes=(NIGHT, OPEN)))
    line.posts(0, 1, 2)
    return line


def muted() -> Timeline:
    line = Timeline(watch(EVERY, CRISIS, group_by=("story",), inhibit=(MUTING,)))
    line.posts(0, 1, 2, 3)
    return line


@pytest.mark.parametrize(
    ("line", "decision", "held", "said", "otherwise"),
    [
        pytest.param(
            silenced(),
            "silenced",
            {"by": "silence", "id": "s1", "author": "Eva", "reason": "Messe", "until": minute(60)},
            "held back by silence s1 of Eva until 2026-03-02 13:00 UTC: Messe",
            "no silence s1: `earshot silence end acme s1 --by YOU` ends it",
            id="a silence, whose it is and until when",
        ),
        pytest.param(
            asleep(),
            "quiet-hours",
            {"by": "quiet-hours", "channel": "slack", "to": "#press", "until": minute(180)},
            "held back by the quiet hours of slack #press until 2026-03-02 15:00 UTC",
            "slack #press: a severity that its `quiet: {except_from}` lets through, or no quiet hours",
            id="the quiet hours of a route",
        ),
        pytest.param(
            spent(),
            "over-budget",
            {
                "by": "over-budget",
                "channel": "email",
                "to": "a@a.example, b@a.example",
                "limit": "1 in 5h",
                "until": minute(302),
            },
            "held back by the budget of email a@a.example, b@a.example, 1 in 5h; the digest comes at 2026-03-02 17:02",
            "email a@a.example, b@a.example: a larger `budget`, or a severity that its `except_from` lets through",
            id="the budget of a channel and address",
        ),
        pytest.param(
            partly(),
            "opened",
            {"by": "quiet-hours", "channel": "slack", "to": "#press", "until": minute(180)},
            "held back by the quiet hours of slack #press",
            "",
            id="one route is told, and another is not",
        ),
    ],
)  # fmt: skip
def test_which_it_was(line: Timeline, decision: str, held: dict[str, Any], said: str, otherwise: str) -> None:
    receipt = line.receipts[-1]
    assert receipt.decision == decision
    assert receipt.held == (Held(**held),)
    shown = [one.plain.strip() for one in say_receipt(receipt)]
    assert [one for one in shown if one.startswith(said)]
    assert [one.removeprefix("- ") for one in shown if one.startswith("- ")] == ([otherwise] if otherwise else [])


def test_which_incident_held_it_back_is_explained() -> None:
    line = muted()
    receipt, crisis = line.receipts[-1], line.state.life.open
    assert crisis is not None
    assert receipt.decision is Decision.INHIBITED
    shown = "\n".join(one.plain for one in say_receipt(receipt))
    assert f"held back by incident {crisis.id} of acme, which is open" in shown
    assert f"the incident {crisis.id} being over" in shown


def test_what_held_nothing_back_says_nothing_of_it() -> None:
    line = Timeline(watch(COUNT))
    line.posts(0, 1, 2)
    assert all(b'"held"' not in one.to_bytes() and b'"group"' not in one.to_bytes() for one in line.receipts)


def test_open_incidents_are_listed_by_their_groups(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = muted()
    found = [Known("acme", line.now, line.state.life, line.state.groups.lives)]
    monkeypatch.setattr(pipeline.stream.lookup, "lives", lambda _: found)
    assert run(["incidents", "--json"]) == 0
    listed = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    stories = [one["group"]["story"] for one in listed if "group" in one]
    assert len(listed) == 3, "the crisis, and the two stories before it"
    assert run(["incidents"]) == 0
    shown = capsys.readouterr().out
    assert all(story[:8] in shown for story in stories)
    assert "holds back 2" in shown
