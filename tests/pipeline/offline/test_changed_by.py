"""What `earshot explain` says would have changed a decision really does: each is tried, and people are told then."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipeline.offline.remedy import remedies
from schemas.about import About, Doubt
from schemas.control import Silence
from schemas.matcher import Matcher
from schemas.receipt import Decision, Receipt
from tests.pipeline.timeline import COUNT, Timeline, distinct, minute, watch

TOLD = {Decision.OPENED, Decision.UPDATED}
GRAVE = {"kind": "count", "name": "grave", "threshold": 4, "window": "10m", "severity": "crisis"}
SLEEP = {"begin": "12:00", "end": "16:00"}
LITTLE = {"alerts": 1, "per": "5h"}
MUTING = {"source": "severity=crisis", "target": "rule=every", "equal": ("entity",)}


def heard(*rules: dict[str, Any], at: tuple[float, ...] = (0, 1, 2), **fields: Any) -> Receipt:
    """Return the receipt of the last of posts at these minutes."""
    return Timeline(watch(*rules, **fields)).posts(*at)


def route(**fields: Any) -> dict[str, Any]:
    return {"routes": ({"channel": "slack", "to": "#press", **fields},)}


def silenced(*ids: str, ended: tuple[str, ...] = ()) -> Receipt:
    line = Timeline()
    fit = (Matcher(label="rule", values=("count",)),)
    for name in ids:
        line.take(Silence(watch="acme", at=minute(0), until=minute(60), by="Eva", id=name, matchers=fit))
    for name in ended:
        line.take(Silence(watch="acme", at=minute(0), until=minute(0), by="Eva", id=name))
    return line.posts(0, 1, 2)


def again(count: int, patience: str = "1m", **more: Any) -> Receipt:
    """Return the receipt of the last of so many posts: the third opens an incident."""
    line = Timeline(watch(COUNT, *more.pop("rules", ()), incidents={"patience": patience, **more}))
    return line.posts(*(0.5 * number for number in range(count)))


def storm(count: int) -> Receipt:
    """Return the receipt of the last of so many posts, all of which count."""
    line = Timeline(watch(COUNT | {"window": "1d"}, incidents={"patience": "1m"}))
    return line.posts(*(2.0 * number for number in range(count)))


def cooling(count: int, begin: float = 100, **handling: Any) -> Receipt:
    """Return the receipt of the last of so many posts after an incident of three, which ended at 12:62."""
    line = Timeline(watch(incidents=handling))
    line.posts(0, 1, 2)
    line.tick(70)
    return line.posts(*(begin + number for number in range(count)))


def copied(*, apart: bool) -> Receipt:
    line = Timeline(watch(COUNT | {"distinct": "stories"}))
    line.posts(0, 1)
    return line.post(2) if apart else line.post(2, text=distinct(2))


def muted(*, over: bool) -> Receipt:
    crisis = {"kind": "count", "name": "crisis", "threshold": 3, "window": "10m", "severity": "crisis"}
    line = Timeline(watch({"kind": "every"}, crisis, group_by=("story",), inhibit=(MUTING,)))
    line.posts(0, 1, 2)
    return line.post(600 if over else 3)


def doubted(least: float) -> Receipt:
    about = About(speaks_for=("zug",), speaks_against=("autobahn",))
    line = Timeline(watch({"kind": "every"}, about=about, relevance=Doubt(least=least)))
    return line.post(0, text="acme on the autobahn")


def late(hours: float) -> Receipt:
    line = Timeline(watch({"kind": "every"}))
    line.tick(60 * hours)
    return line.post(0)


Row = tuple[str, Callable[[], Receipt], Decision, str, Callable[[], Receipt]]
ROWS: list[Row] = [
    (
        "one more mention",
        lambda: heard(at=(0, 1)),
        Decision.BELOW_THRESHOLD,
        "count at 3 instead of 2",
        heard,
    ),
    (
        "a rule that is only tried, for good",
        lambda: heard(COUNT | {"shadow": True}),
        Decision.BELOW_THRESHOLD,
        "count without `shadow: true`: it tripped, and is only tried",
        heard,
    ),
    (
        "a copy that would have been another story",
        lambda: copied(apart=False),
        Decision.FOLDED,
        "count at 3 instead of 2",
        lambda: copied(apart=True),
    ),
    (
        "an incident that has grown enough",
        lambda: again(5),
        Decision.IN_INCIDENT,
        "count at 6 (`incidents: {worse_by}`): people know of 3",
        lambda: again(6),
    ),
    (
        "the same as told at a lower factor",
        lambda: again(5),
        Decision.IN_INCIDENT,
        "`incidents: {worse_by}`",
        lambda: again(5, worse_by=1.5),
    ),
    (
        "what is known to be far above the threshold, by much more and not by another factor",
        lambda: storm(13),
        Decision.IN_INCIDENT,
        "count at 48: people know of 12",
        lambda: storm(48),
    ),
    (
        "what has grown enough too soon, with less patience",
        lambda: again(6, patience="15m"),
        Decision.IN_INCIDENT,
        "and not before 2026-03-02 12:16 UTC (`incidents: {patience}`)",
        lambda: again(6, patience="1m"),
    ),
    (
        "a graver rule beside the leading one",
        lambda: again(4),
        Decision.IN_INCIDENT,
        "a rule that trips with a higher `severity` than the incident has",
        lambda: again(4, rules=(GRAVE,)),
    ),
    (
        "a peak that is higher than the last",
        lambda: cooling(3),
        Decision.COOLING_DOWN,
        "count above 3: the last incident peaked at 3",
        lambda: cooling(4),
    ),
    (
        "the same after the cool-down",
        lambda: cooling(3),
        Decision.COOLING_DOWN,
        "the same after 2026-03-02 14:02 UTC, when its cool-down is over",
        lambda: cooling(3, begin=123),
    ),
    (
        "a shorter cool-down",
        lambda: cooling(3),
        Decision.COOLING_DOWN,
        "`incidents: {cool_down}`",
        lambda: cooling(3, cool_down="10m"),
    ),
    (
        "the silence ended",
        lambda: silenced("s1"),
        Decision.SILENCED,
        "no silence s1: `earshot silence end acme s1 --by YOU` ends it",
        lambda: silenced("s1", ended=("s1",)),
    ),
    (
        "both silences ended, where two fit",
        lambda: silenced("s1", "s2"),
        Decision.SILENCED,
        "no silence s2: `earshot silence end acme s2 --by YOU` ends it",
        lambda: silenced("s1", "s2", ended=("s1", "s2")),
    ),
    (
        "a severity that quiet hours let through",
        lambda: heard(**route(quiet=SLEEP)),
        Decision.QUIET_HOURS,
        "slack #press: a severity that its `quiet: {except_from}` lets through, or no quiet hours",
        lambda: heard(COUNT | {"severity": "crisis"}, **route(quiet=SLEEP)),
    ),
    (
        "a larger budget",
        lambda: again_on(route(budget=LITTLE)),
        Decision.OVER_BUDGET,
        "slack #press: a larger `budget`, or a severity that its `except_from` lets through",
        lambda: again_on(route(budget=LITTLE | {"alerts": 2})),
    ),
    (
        "a severity that the budget lets through",
        lambda: again_on(route(budget=LITTLE)),
        Decision.OVER_BUDGET,
        "or a severity that its `except_from` lets through",
        lambda: again_on(route(budget=LITTLE | {"except_from": "watch"})),
    ),
    (
        "a rule that is graver",
        lambda: heard(**route(severity="review")),
        Decision.BELOW_SEVERITY,
        "a rule with a higher `severity`, or a route with a lower one",
        lambda: heard(COUNT | {"severity": "review"}, **route(severity="review")),
    ),
    (
        "the incident that inhibits being over",
        lambda: muted(over=False),
        Decision.INHIBITED,
        "being over, or another `inhibit` in the watch",
        lambda: muted(over=True),
    ),
    (
        "a lower doubt",
        lambda: doubted(0.9),
        Decision.IRRELEVANT,
        "a lower `relevance: {least}`",
        lambda: doubted(0.0),
    ),
    (
        "having been heard sooner",
        lambda: late(3),
        Decision.LATE,
        "its being heard sooner",
        lambda: late(0.5),
    ),
]


def again_on(about: dict[str, Any]) -> Receipt:
    """Return the receipt of an incident that has doubled, on one route."""
    line = Timeline(watch(COUNT, incidents={"patience": "1m"}, **about))
    return line.posts(*(0.5 * number for number in range(6)))


@pytest.mark.parametrize(("was", "decision", "said", "otherwise"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_what_would_have_changed_it_does(
    was: Callable[[], Receipt], decision: Decision, said: str, otherwise: Callable[[], Receipt]
) -> None:
    receipt = was()
    assert receipt.decision is decision
    assert any(said in one for one in remedies(receipt)), remedies(receipt)
    assert otherwise().decision in TOLD


def test_another_rule_beside_the_leading_one_is_not_said_to_be_enough() -> None:
    """In an incident its tripping is no news, so its figures are not what would have told people."""
    other = COUNT | {"name": "other", "threshold": 5}
    assert not any("other" in one for one in remedies(again(4, rules=(other,))))
    assert again(5, rules=(other,)).decision is Decision.IN_INCIDENT


def test_ending_one_of_two_silences_is_not_enough_and_both_are_named() -> None:
    assert len(remedies(silenced("s1", "s2"))) == 2
    assert silenced("s1", "s2", ended=("s1",)).decision is Decision.SILENCED


def test_the_moment_is_that_of_the_patience() -> None:
    found = again(6, patience="15m").again
    assert found is not None
    assert found.after == minute(1) + timedelta(minutes=15)
    assert again(6, patience="1m").again is None
