"""A post that is looked at again: how fast it spreads, what that does to its risk, and which rules see it."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerts.route import quotes
from pipeline.incidents.life import Life
from pipeline.score import score, sentence
from pipeline.state import WatchState
from pipeline.stories.gathered import POSTS, Gathered, first, keep, look, read
from schemas.control import WatchVersion
from schemas.mention import Match
from schemas.receipt import Decision, Receipt
from tests.pipeline.timeline import Timeline, distinct, match, minute, watch

QUIET = watch({"kind": "count", "threshold": 10**6, "window": "10m"})


def seen(name: str, at: float, likes: float | None, **about: Any) -> Match:
    """Return a post of noon as it is seen so many minutes later, scored as listen would."""
    metrics = None if likes is None else {"likes": likes, "views": 9e6}
    heard = match(name, 0, about.pop("text", "acme burns down"), seen=minute(at), metrics=metrics, **about)
    return heard.model_copy(update={"score": score(heard.mention, heard.sentiment)})


def spread(receipt: Receipt) -> str:
    """Return what a receipt says of speed."""
    assert receipt.score is not None
    return next((one.detail for one in receipt.score.factors if one.name == "spread"), "")


Looks = list[tuple[float, float | None]]
"""Minutes after noon, and likes."""
SPEEDS: list[tuple[str, Looks, float | None]] = [
    ("the first look tells no speed: it is unknown, not none", [(1, 50)], None),
    ("the second tells it, by the hour between them", [(60, 100), (120, 500)], 400),
    ("by two hours", [(0, 100), (120, 500)], 200),
    ("who stood still is slow, and that is known", [(0, 100), (60, 100)], 0),
    ("what has begun with nothing", [(0, 0), (30, 50)], 100),
    ("fewer than before is no speed", [(0, 100), (60, 90)], None),
    ("and is no beginning: what is made up is no gain", [(0, 100), (60, 90), (120, 100)], 0),
    ("what comes out of order is no speed", [(60, 100), (0, 10)], None),
    ("even with more", [(60, 100), (0, 900)], None),
    ("and changes none later", [(60, 100), (0, 10), (120, 500)], 400),
    ("the very same look again is no other look", [(60, 100), (60, 100)], None),
    ("a second one again says the same again", [(60, 100), (120, 500), (120, 500)], 400),
    ("a look that counts nothing is none", [(60, 100), (90, None), (120, 500)], 400),
    ("a few seconds count as a quarter of an hour", [(0, 100), (0.1, 110)], 40),
    ("looks a minute apart are measured from a quarter of an hour ago", [(at, 10 * at) for at in range(60)], 600),
    ("of seldom looks only the last two count", [(0, 0), (60, 5_000), (120, 5_100)], 100),
]


@pytest.mark.parametrize(("why", "looks", "speed"), SPEEDS, ids=[row[0] for row in SPEEDS])
def test_how_fast_a_post_spreads(why: str, looks: Looks, speed: float | None) -> None:
    line = Timeline(QUIET)
    for at, likes in looks:
        receipt = line.take(seen("one", at, likes, edited=True)).receipts[-1]
        line.state = WatchState.restore(line.state.rows())
    told = "between looks unknown" if speed is None else f"spreads at {speed:g} an hour"
    assert told in spread(receipt), why


LOOKS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 10**6) | st.none()), min_size=1, max_size=12)


@settings(deadline=None)
@given(LOOKS)
def test_of_a_post_three_looks_are_remembered_at_most_and_none_shrinks(
    looks: list[tuple[int, int | None]],
) -> None:
    known: Gathered | None = None
    for at, likes in looks:
        one = seen("one", at, likes)
        known, speed = (first(one), None) if known is None else look(known, one)
        assert speed is None or speed >= 0
        if known:
            assert len(known.looks) <= 3
            assert all(a[0] < b[0] and a[1] <= b[1] for a, b in itertools.pairwise(known.looks))
            assert look(known, one)[0] == known, "the same look again is no news"


def test_of_a_story_so_many_posts_are_remembered_those_that_gathered_most_and_the_latest() -> None:
    line = Timeline(QUIET)
    for number in range(3 * POSTS):
        line.take(seen(f"p{number}", number, 100 + number))
    line.take(seen("last", 60, 0))
    (story,) = (line.state.memory.stories[name] for name in line.state.memory.stories)
    assert sorted(one.looks[-1][1] for one in read(story.gathered)) == [0, *range(100 + 2 * POSTS + 1, 100 + 3 * POSTS)]
    assert WatchState.restore(line.state.rows()) == line.state
    line.delete("last")
    (story,) = (line.state.memory.stories[name] for name in line.state.memory.stories)
    assert len(read(story.gathered)) == POSTS - 1, "of what is deleted nothing is remembered"
    some, others = ([Gathered(at, 1.0, ((1, float(at)),)) for at in range(start, start + POSTS)] for start in (0, 50))
    assert len(read(keep(keep("", *some), *others))) == POSTS


GRAVE = {"kind": "amount", "of": "risk", "window": "6h", "rises": {"crisis": 45}}
RISK_RULES: list[tuple[str, dict[str, Any]]] = [
    ("the sum", GRAVE | {"threshold": 38}),
    ("the mean", GRAVE | {"threshold": 38, "by": "mean"}),
    ("a percentile", GRAVE | {"threshold": 38, "by": "p95"}),
    ("each author for himself", GRAVE | {"threshold": 38, "per": "author"}),
    ("each story for itself", GRAVE | {"threshold": 38, "per": "story"}),
    ("a part of a composite", {"kind": "composite", "all_of": ({**GRAVE, "threshold": 38} | {"rises": {}},)}),
]


@pytest.mark.parametrize("edited", [True, False], ids=["an edit", "the same post once more"])
@pytest.mark.parametrize(("why", "rule"), RISK_RULES, ids=[row[0] for row in RISK_RULES])
def test_a_rule_about_risk_trips_on_a_post_that_begins_to_spread(why: str, rule: dict[str, Any], edited: bool) -> None:
    line = Timeline(watch(rule))
    line.take(seen("one", 1, 3, writer="7"))
    line.take(seen("one", 60, 4, writer="7", edited=edited))
    assert line.alerts == [], why
    receipt = line.take(seen("one", 120, 4_004, writer="7", edited=edited)).receipts[-1]
    assert receipt.decision is Decision.OPENED, why
    assert receipt.score is not None
    assert "spreads at 4,000 an hour" in sentence(receipt.score)
    assert [alert.reason for alert in line.alerts] == ["opened"]
    (quoted,) = line.alerts[0].quotes
    assert (quoted.risk, quoted.factors["spread"]) == (receipt.score.value, 14.4)
    before = line.state
    line.take(seen("one", 120, 4_004, writer="7"))
    assert line.state.memory == before.memory, "the same look again changes nothing"
    assert line.state.readings == before.readings


def test_a_severity_rises_with_a_risk_that_has_risen() -> None:
    line = Timeline(watch(GRAVE | {"threshold": 15, "by": "p95", "rises": {"crisis": 38}}))
    line.take(seen("one", 1, 3))
    assert [alert.incident.severity for alert in line.alerts] == ["watch"]
    line.take(seen("one", 61, 4_003, edited=True))
    assert [alert.incident.severity for alert in line.alerts] == ["watch", "crisis"]


def test_a_post_counts_once_in_a_rule_about_risk_however_often_it_is_looked_at() -> None:
    for by in ("sum", "mean", "p50"):
        line = Timeline(watch(GRAVE | {"threshold": 1000, "by": by}))
        for hour, likes in enumerate((3, 300, 3_000, 30_000)):
            line.take(seen("one", 1 + 60 * hour, likes, edited=True))
        measured = (line.receipts[-1].rules or ())[0]
        assert line.receipts[-1].score is not None
        assert measured.value == pytest.approx(line.receipts[-1].score.value), by


UNSEEN: list[tuple[str, dict[str, Any]]] = [
    ("what stands still", {"likes": 3}),
    ("what falls", {"likes": 1}),
    ("what is older than the last look", {"likes": 900, "at": 0.5}),
    ("what was asked for from the past", {"likes": 900, "backfill": True}),
    ("what is about a competitor", {"likes": 900, "entities": ("Bolt",)}),
]


@pytest.mark.parametrize(("why", "about"), UNSEEN, ids=[row[0] for row in UNSEEN])
def test_what_is_no_more_than_before_is_a_redelivery(why: str, about: dict[str, Any]) -> None:
    line = Timeline(watch(GRAVE | {"threshold": 38}))
    line.take(seen("one", 1, 3))
    before = line.state
    assert line.take(seen("one", about.pop("at", 60), **about)).receipts[-1].decision is Decision.REDELIVERED, why
    assert line.state is before


def test_a_rule_that_came_later_does_not_count_what_it_never_heard() -> None:
    line = Timeline(QUIET)
    line.take(seen("one", 1, 3))
    rules = [GRAVE | {"name": by, "by": by, "threshold": 38} for by in ("sum", "p95")]
    line.take(WatchVersion(watch=watch(*rules), version="2", at=minute(2)))
    line.take(seen("one", 61, 4_003, edited=True))
    assert [one.value for one in line.receipts[-1].rules or ()] == [0, 0]


def test_what_stands_for_a_story_is_shown_with_its_speed_and_each_copy_has_its_own() -> None:
    line = Timeline(QUIET)
    line.take(seen("one", 0, 10))
    line.take(seen("copy", 1, 500))
    assert "spreads at 490 an hour" in spread(line.take(seen("one", 60, 500)).receipts[-1])
    assert "spreads at 0 an hour" in spread(line.take(seen("copy", 61, 500, edited=True)).receipts[-1])
    (shown,) = quotes(line.state.memory, Life(since=minute(-1)))
    assert shown.factors["spread"] == 10.8


RESTARTS = st.lists(
    st.tuples(st.sampled_from(["one", "copy", "other"]), st.integers(0, 400), st.integers(0, 5_000), st.booleans()),
    max_size=14,
)


@settings(deadline=None, max_examples=60)
@given(RESTARTS)
def test_a_restart_between_any_two_looks_changes_nothing(steps: list[tuple[str, int, int, bool]]) -> None:
    rules = [GRAVE | {"name": name, "threshold": 40, **more} for name, more in (("a", {}), ("b", {"per": "author"}))]
    straight, restarted = Timeline(watch(*rules)), Timeline(watch(*rules))
    for name, at, likes, edited in steps:
        text = distinct(9) if name == "other" else "acme burns down"
        one = seen(name, at, likes, text=text, writer=name, edited=edited)
        straight.take(one)
        restarted.take(Match.from_bytes(one.to_bytes()))
        restarted.state = WatchState.restore(restarted.state.rows())
    assert straight.state.rows() == restarted.state.rows()
    assert straight.receipts == restarted.receipts
    assert straight.alerts == restarted.alerts
