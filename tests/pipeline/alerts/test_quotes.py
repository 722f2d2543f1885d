"""Which posts a message shows: first what it is about, then the largest stories, and what has tripped the rule."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.state import WatchState
from schemas.alert import AlertReason
from schemas.mention import Score
from tests.pipeline.timeline import Timeline, match, minute, watch

HOUR = "1h"


def crowded(*rules: dict[str, Any], **fields: Any) -> Timeline:
    """A watch that has heard three stories of several copies each, which are more than any other."""
    line = Timeline(watch(*rules, **fields))
    for story in range(3):
        for copy in range(4 - story):
            line.post(story + copy / 10, f"{'abc'[story]}one {'abc'[story]}two three four five six")
    return line


def risky(line: Timeline) -> None:
    found = match("risky", 5, "this one is a danger to all", writer="9").model_copy(update={"score": Score(value=90.0)})
    line.take(found)


def liked(line: Timeline) -> None:
    line.post(5, "look at this", id="liked", metrics={"likes": 10.0})
    line.post(5, "look at this", id="liked", metrics={"likes": 900.0}, edited=True, seen=minute(9))


LARGEST = ["x:p1", "x:p5", "x:p8"]
Heard = Callable[[Timeline], Any]
ROWS: list[tuple[str, dict[str, Any], Heard, list[str]]] = [
    (
        "an influencer's post comes first, then the largest stories",
        {"kind": "influencer", "followers": 5000},
        lambda line: line.post(5, "I have heard of it, too", id="loud", followers=9000),
        ["x:loud", *LARGEST[:2]],
    ),
    (
        "an influencer's copy of a known story is shown, and the story not once more",
        {"kind": "influencer", "followers": 5000},
        lambda line: line.post(5, "aone atwo three four five six", id="loud", followers=9000),
        ["x:loud", *LARGEST[1:]],
    ),
    (
        "the post with which the risk is enough",
        {"kind": "amount", "of": "risk", "threshold": 150, "window": HOUR},
        risky,
        ["x:risky", *LARGEST[:2]],
    ),
    ("the one post that takes off", {"kind": "taking-off", "threshold": 500}, liked, ["x:liked", *LARGEST[:2]]),
    (
        "the hashtag that is counted by",
        {"kind": "count", "threshold": 2, "window": HOUR, "per": "hashtag"},
        lambda line: (line.post(5, "this is one #gate"), line.post(6, "here are two of #gate", id="again")),
        ["x:again", *LARGEST[:2]],
    ),
    (
        "the story that is counted, by the post that stands for it",
        {"kind": "count", "threshold": 5, "window": HOUR, "per": "story"},
        lambda line: [line.post(5 + n, "bone btwo three four five six", id=f"b{n}") for n in range(2)],
        ["x:p5", "x:p1", "x:p8"],
    ),
    (
        "a rule about the whole shows the largest stories, and at last the post that has tripped it",
        {"kind": "count", "threshold": 10, "window": HOUR},
        lambda line: line.post(5, "and one more", id="tenth"),
        [*LARGEST[:2], "x:tenth"],
    ),
    (
        "unless it is a copy of what is shown",
        {"kind": "count", "threshold": 10, "window": HOUR},
        lambda line: line.post(5, "cone ctwo three four five six", id="tenth"),
        LARGEST,
    ),
]


@pytest.mark.parametrize(("why", "rule", "heard", "shown"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_shown(why: str, rule: dict[str, Any], heard: Heard, shown: list[str]) -> None:
    line = crowded(rule)
    assert line.alerts == [], "the crowd alone is not enough"
    heard(line)
    (alert,) = line.alerts
    assert [quote.mention for quote in alert.quotes] == shown, why
    assert alert.mention == line.receipts[-1].mention


@pytest.mark.parametrize(
    ("case", "copies", "shown"),
    [
        ("an old story that one more has passed on comes after what is new", 1, ["x:new0", "x:new1", "x:new2"]),
        ("one that is passed on again as much as that is what it is about", 3, ["x:p1", "x:new0", "x:new2"]),
    ],
)
def test_a_story_counts_by_what_was_heard_of_it_since_the_incident_began(
    case: str, copies: int, shown: list[str]
) -> None:
    line = Timeline(watch({"kind": "count", "threshold": 3 + copies, "window": HOUR}))
    old = "aone atwo three four five six"
    for copy in range(3):
        line.post(200 * copy, old, followers=90_000)
    for copy in range(copies):
        line.post(1500 + copy, old, id=f"again{copy}")
    for new in range(3):
        line.post(1510 + new, id=f"new{new}")
    (alert,) = line.alerts
    assert [quote.mention for quote in alert.quotes] == shown, case


def test_a_post_that_tripped_a_rule_is_shown_as_it_reads_now_and_with_its_copies() -> None:
    line = crowded({"kind": "influencer", "followers": 5000})
    line.post(5, "aone atwo three four five six", id="loud", followers=9000)
    first = line.alerts[0].quotes[0]
    assert (first.copies, first.followers) == (5, 9000)


def test_what_is_told_later_goes_on_to_begin_with_it_after_a_restart() -> None:
    line = crowded({"kind": "influencer", "followers": 5000}, incidents={"remind": "30m"})
    line.post(5, "I have heard of it, too", id="loud", followers=9000)
    line.state = WatchState.restore(line.state.persist()[0].rows())
    line.tick(36)
    reminder = line.alerts[-1]
    assert (reminder.reason, reminder.mention) == (AlertReason.REMINDER, None)
    assert [quote.mention for quote in reminder.quotes] == ["x:loud", *LARGEST[:2]]


def test_what_is_told_later_no_longer_shows_it_when_it_was_deleted() -> None:
    line = crowded({"kind": "influencer", "followers": 5000}, incidents={"remind": "30m"})
    line.post(5, "I have heard of it, too", id="loud", followers=9000)
    line.delete("loud")
    line.tick(36)
    assert [quote.mention for quote in line.alerts[-1].quotes] == LARGEST


def test_an_incident_that_opens_later_is_about_something_else() -> None:
    line = crowded({"kind": "influencer", "followers": 5000}, {"kind": "count", "threshold": 3, "window": "10m"})
    line = Timeline(line.watch)
    line.post(0, "I have heard of it, too", id="loud", followers=9000)
    line.tick(60 * 12)
    line.posts(*(60 * 13 + step for step in range(3)))
    assert line.alerts[-1].reason is AlertReason.OPENED
    assert "x:loud" not in [quote.mention for quote in line.alerts[-1].quotes]
