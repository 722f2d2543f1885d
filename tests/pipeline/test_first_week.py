"""The first week of rules that learn what is usual: what they know from silence, and when they dare to speak."""

import json
from datetime import timedelta
from typing import Any

import pytest

from pipeline.state import WatchState
from schemas.control import WatchVersion
from schemas.receipt import Decision
from tests.pipeline.timeline import NOON, Timeline, watch

VOLUME = {"kind": "unusual-volume"}
DAY, HOUR = 1440.0, 60.0


def listening(rule: dict[str, Any] = VOLUME) -> Timeline:
    """A watch that has been published, and time has begun to pass."""
    line = Timeline(watch(rule))
    line.tick(0)
    return line


def hourly(line: Timeline, hours: int, each: int) -> None:
    """Hear so many posts an hour, each of them apart from the others."""
    for hour in range(hours):
        for number in range(each):
            line.post(hour * HOUR + 50 * number / each)


def burst(line: Timeline, when: float, count: int) -> int:
    """Hear so many posts within minutes; return at which of them people were told, 0 for at none."""
    for number in range(1, count + 1):
        line.post(when + number / 10)
        if line.alerts:
            return number
    return 0


@pytest.mark.parametrize(
    ("sentence", "days", "each", "count", "told"),
    [
        ("a brand that nobody has spoken of for a week is told of at the floor", 8, 0, 12, 5),
        ("on the second day at twice the floor", 1, 0, 12, 10),
        ("after half of what it learns in at one and a half times the floor", 4, 0, 12, 8),
        ("on the first day not at all", 0.5, 0, 40, 0),
        ("one mention after silence is none", 8, 0, 1, 0),
        ("one mention in the first week is none", 3, 0, 1, 0),
        ("where six an hour are usual, on the second day at the 43rd in an hour, with five from before", 1, 6, 60, 38),
        ("on the fourth day at the 35th, as an hour may be less unlike those that were heard", 3, 6, 60, 30),
    ],
)
def test_when_it_speaks(sentence: str, days: float, each: int, count: int, told: int) -> None:
    line = listening()
    hourly(line, int(days * 24), each)
    assert burst(line, days * DAY, count) == told, sentence


@pytest.mark.parametrize(("day", "told"), [(1, 60), (4, 46), (6, 36)])
def test_what_the_busiest_hour_has_held_must_be_exceeded_by_ever_less(day: int, told: int) -> None:
    line = listening()
    burst(line, 5 * HOUR, 30)
    assert burst(line, day * DAY, 80) == told


def test_a_composite_listens_from_the_beginning_too() -> None:
    line = listening({"kind": "composite", "all_of": [VOLUME]})
    assert burst(line, 8 * DAY, 12) == 5


def test_a_rule_that_comes_later_does_not_take_what_it_did_not_hear_for_silence() -> None:
    line = listening({"kind": "count", "threshold": 1000, "window": "1h"})
    hourly(line, 24 * 9, 6)
    line.take(WatchVersion(watch=watch(VOLUME), version="2", at=NOON + timedelta(days=9)))
    line.tick(9 * DAY)
    assert burst(line, 9 * DAY + 1, 30) == 0
    detail = line.receipts[-1].detail
    assert detail == "unusual-volume: warming up until 2026-03-12 12:00 UTC"
    assert line.receipts[-1].rules is not None
    assert line.receipts[-1].rules[0].until == NOON + timedelta(days=10)
    assert line.receipts[-1].decision is Decision.WARMING_UP


def test_time_begins_for_a_rule_once_and_after_a_restart_as_well() -> None:
    line = Timeline(watch(VOLUME))
    line.state = WatchState.restore(line.state.rows())
    assert line.state.due(NOON)
    line.tick(0)
    assert not line.state.due(NOON + timedelta(minutes=1))
    line.state = WatchState.restore(line.state.rows())
    assert not line.state.due(NOON + timedelta(minutes=1))
    assert burst(line, 8 * DAY, 12) == 5


def test_posts_of_the_past_do_not_pretend_that_it_has_listened_for_so_long() -> None:
    line = listening()
    for day in range(8):
        line.post(-day * DAY, backfill=True)
    assert burst(line, HOUR, 12) == 0


def test_something_new_is_told_where_nothing_was_heard_for_as_long_as_it_learns() -> None:
    rule = {"kind": "new", "of": "hashtag", "least": 2, "learn": "2d"}
    line = listening(rule)
    assert line.post(3 * DAY, "one two three #gate").decision is not Decision.OPENED
    assert line.post(3 * DAY + 1, "four five six #gate").decision is Decision.OPENED


def as_stored_before(line: Timeline, **known: Any) -> None:
    """Let the state be one of a release that knew no first week: it has no `ready`, and what was enough then."""
    rows = line.state.rows()
    head = json.loads(rows["head"])
    for reading in head["readings"].values():
        reading.pop("ready", None)
        reading.update(known)
    line.state = WatchState.restore(rows | {"head": json.dumps(head).encode()})


def test_what_an_earlier_release_found_enough_while_it_was_silent_is_not_told_of_now() -> None:
    line = listening()
    hourly(line, 72, 1)
    as_stored_before(line, usual=[{"mean": 1.0, "enough": 5.0}, {"mean": 1.0, "enough": 6.0}])
    assert burst(line, 71 * HOUR + 20, 12) == 8, "nearly twice the floor, of which one was there before"


def test_a_state_of_an_earlier_release_says_until_when_it_warms_up() -> None:
    line = listening()
    hourly(line, 12, 1)
    as_stored_before(line)
    assert line.post(11 * HOUR + 20).detail == "unusual-volume: warming up until 2026-03-03 12:00 UTC"


def test_what_is_heard_of_the_past_lets_something_new_speak_sooner_and_says_so() -> None:
    line = listening({"kind": "new", "of": "hashtag", "least": 2, "learn": "2d"})
    line.post(-DAY, "one two three #rail", backfill=True)
    assert line.post(HOUR, "four five six #gate").detail == "new: warming up until 2026-03-03 12:00 UTC"
    assert line.post(DAY + 1, "seven eight nine #gate").decision is Decision.OPENED


def test_one_old_post_that_comes_late_is_no_past_that_was_listened_to() -> None:
    line = listening({"kind": "new", "of": "hashtag", "least": 1, "learn": "2d"})
    line.post(1, "one two three #rail")
    assert line.post(-3 * DAY, "said long ago #gate").decision is Decision.LATE
    assert line.post(2, "four five six #strike").detail == "new: warming up until 2026-03-04 12:00 UTC"


@pytest.mark.parametrize(
    ("sentence", "parts", "until"),
    [
        ("all have to be ready", {"all_of": [VOLUME, {"kind": "new", "of": "site"}]}, " until 2026-03-16 12:00 UTC"),
        ("the first is enough", {"any_of": [VOLUME, {"kind": "new", "of": "site"}]}, " until 2026-03-03 12:00 UTC"),
        ("one does not know", {"all_of": [VOLUME, {"kind": "spike", "window": "1h", "factor": 3, "floor": 2}]}, ""),
    ],
)
def test_a_composite_says_until_when_it_warms_up(sentence: str, parts: dict[str, Any], until: str) -> None:
    line = listening({"kind": "composite"} | parts)
    assert line.post(1).detail == f"composite: warming up{until}", sentence
