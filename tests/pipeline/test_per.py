"""Rules with `per`: each author, site, hashtag … is looked at for itself, and incidents are of what is counted by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.detect import arm_rule
from pipeline.state import WatchState
from pipeline.windows.recent import MOST
from schemas.mention import Score
from schemas.watch import Rule
from tests.pipeline.timeline import Timeline, distinct, match, watch

SPIKE = {"kind": "spike", "window": "10m", "factor": 3, "floor": 3}
SHARE = {"kind": "negative-share", "window": "1h", "share": 0.5, "least": 5}
AMOUNT = {"kind": "amount", "of": "reach", "threshold": 1000, "window": "1h"}
Post = tuple[float, dict[str, Any]]


def burst(at: float, count: int, **about: Any) -> list[Post]:
    return [(at + number / 10, about) for number in range(count)]


X, WEB = {"platform": "x"}, {"platform": "web"}
FEW: list[Post] = [(0, {"followers": 5}), (1, {"followers": 2000, **WEB})]
BOTH: list[Post] = [(0, {"followers": 900}), (1, {"followers": 900, **WEB})]
TAGS = [(0.0, {}), *burst(10.2, 5, text="#rail is late"), *burst(21, 3, text="#rail has a #strike")]
SITES = [
    *burst(0, 40, url="https://a.example/1"),
    *burst(5, 8, url="https://b.example/1", negative=True),
]
HIDDEN = [*burst(0, 1), *burst(11, 2), *burst(12, 2), *burst(21, 3, **WEB)]
ROWS: list[tuple[str, dict[str, Any], list[Post], str | None, float]] = [
    ("a spike of one platform", SPIKE | {"per": "platform"}, [*burst(0, 9), *burst(21, 3, **WEB)], "web", 3),
    ("also where another one is loud", SPIKE | {"per": "platform", "floor": 4}, [*HIDDEN, (22, WEB)], "web", 4),
    ("none where it was as loud before", SPIKE | {"per": "platform"}, [(0, {}), *burst(10, 3), *burst(21, 5)], None, 0),
    ("of two hashtags the one that is new", SPIKE | {"per": "hashtag"}, TAGS, "strike", 3),
    ("a spike about a competitor", SPIKE | {"per": "entity"}, [(0, {}), *burst(21, 3, entities=("Bolt",))], "Bolt", 3),
    ("tone on one site, drowned in the calm of all others", SHARE | {"per": "site"}, SITES, "b.example", 0.5),
    ("too few say nothing", SHARE | {"per": "platform"}, [*burst(0, 9), *burst(5, 4, negative=True, **WEB)], None, 0),
    ("the reach of one platform", AMOUNT | {"per": "platform"}, FEW, "web", 2000),
    ("together it would be enough", AMOUNT | {"per": "platform"}, BOTH, None, 0),
    ("the mean of one platform", AMOUNT | {"per": "platform", "by": "mean"}, FEW, "web", 2000),
    ("a percentile of one platform", AMOUNT | {"per": "platform", "by": "p50"}, FEW, "web", 2000),
    ("at least so many", AMOUNT | {"per": "platform", "least": 2}, FEW, None, 0),
]


def hear(posts: list[Post], *rules: dict[str, Any], **fields: Any) -> Timeline:
    line = Timeline(watch(*rules, **fields))
    for at, (when, about) in enumerate(posts):
        line.post(when, distinct(at) + " " + about.get("text", ""), **{k: v for k, v in about.items() if k != "text"})
    return line


@pytest.mark.parametrize(("why", "rule", "posts", "name", "least"), ROWS, ids=[row[0] for row in ROWS])
def test_what_trips(why: str, rule: dict[str, Any], posts: list[Post], name: str | None, least: float) -> None:
    line = hear(posts, rule)
    if name is None:
        assert line.alerts == [], why
        return
    signal = line.alerts[0].incident.signal
    assert (signal.about, signal.kind) == (name, rule["kind"]), why
    assert signal.value >= least


def test_the_incident_is_of_what_is_counted_by_and_remembers_it_over_a_restart() -> None:
    line = hear([*burst(0, 9), *burst(21, 2, **WEB)], SPIKE | {"per": "platform"}, group_by=("platform",))
    line.state = WatchState.restore(line.state.persist()[0].rows())
    line.post(22, **WEB)
    (alert,) = line.alerts
    assert alert.incident.group == {"platform": "web"}


def test_no_authors_name_stands_in_the_state() -> None:
    line = hear([(0, {}), *burst(21, 3, writer="urn:anna")], SPIKE | {"per": "author"})
    assert line.alerts[0].incident.signal.about is None
    assert "urn:anna" not in str([rule.dump(line.state.readings[rule.id]) for rule in line.state.rules])


def test_a_spike_that_has_lost_what_was_before_is_silent_and_says_so() -> None:
    line = hear([(0, WEB)], SPIKE | {"per": "platform", "factor": 2, "floor": 1000})
    crowd = [match(f"c{at}", 21 + at / 1000, distinct(at)) for at in range(MOST + 10)]
    for one in crowd:
        line.take(one)
    measured = line.receipts[-1].rules
    assert measured is not None
    assert measured[0].warming, "who knows how much was said before"


WRONG = [
    ("tone towards a competitor", SHARE | {"per": "entity"}),
    ("risk of a competitor", AMOUNT | {"per": "entity"}),
    ("no key", SPIKE | {"per": "language"}),
    ("more than is remembered", SPIKE | {"per": "site", "floor": MOST + 1}),
]


@pytest.mark.parametrize(("why", "rule"), WRONG, ids=[row[0] for row in WRONG])
def test_what_cannot_be_told_is_refused(why: str, rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        arm_rule(Rule.model_validate(rule), why)


@given(st.lists(st.tuples(st.floats(0.1, 15), st.booleans(), st.integers(0, 900)), max_size=40))
def test_with_one_key_it_is_as_without(steps: list[tuple[float, bool, int]]) -> None:
    """All posts are of one platform, so that a rule per platform measures what the rule without it does."""
    for rule in (SPIKE, SHARE, AMOUNT, AMOUNT | {"by": "mean"}, AMOUNT | {"by": "p90"}):
        told = []
        for per in ({}, {"per": "platform"}):
            line, now = Timeline(watch(rule | per)), 0.0
            for at, (step, negative, followers) in enumerate(steps):
                now += step
                line.take(match(f"p{at}", now, distinct(at), negative=negative, followers=followers))
            told.append(
                [[(one.value, one.threshold, one.warming) for one in receipt.rules or ()] for receipt in line.receipts]
            )
        assert told[0] == told[1]


def test_risk_is_of_each_story() -> None:
    line = Timeline(watch(AMOUNT | {"of": "risk", "threshold": 150, "per": "story"}))
    for at in range(3):
        same = match(f"s{at}", at, "the very same text of one story", writer="1")
        line.take(same.model_copy(update={"score": Score(value=60.0)}))
        line.take(match(f"o{at}", at, distinct(at)).model_copy(update={"score": Score(value=90.0)}))
    (alert,) = line.alerts
    assert alert.incident.signal.value == pytest.approx(180, abs=30)
    assert alert.quotes[0].copies == 3, "the story comes first"
