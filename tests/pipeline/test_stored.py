"""State that an earlier version stored is read by this one: a file of rows for each form, never written anew."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts.route import quotes
from pipeline.incidents.life import Life
from pipeline.state import WatchState
from pipeline.stream.rows import Commit, Row
from schemas.incident import IncidentState
from schemas.receipt import Decision
from tests.pipeline.timeline import Timeline, minute

STORED = sorted(Path(__file__).with_name("stored").glob("*.json"))


@pytest.fixture(params=STORED, ids=[path.stem for path in STORED])
def stored(request: pytest.FixtureRequest) -> dict[str, object]:
    """What was stored: 257 copies of one story, three more posts, an acknowledged incident, a silence.

    In the second form two posts with one address as well, whose words differ, and feedback of both kinds. In the third
    a story is found by its smallest triples, and not by bands. In the fourth it remembers what a post had gathered.
    """
    found: dict[str, object] = json.loads(request.param.read_text("utf-8"))
    return found


@pytest.fixture
def line(stored: dict[str, dict[str, str]]) -> Timeline:
    """The watch as it goes on from what was stored."""
    state = WatchState.restore({name: value.encode() for name, value in stored["rows"].items()})
    assert state.watch is not None
    return Timeline(watch=state.watch, state=state, now=minute(30))


def test_the_incident_is_as_it_was_left(stored: dict[str, object], line: Timeline) -> None:
    found = line.state.life.open
    assert found is not None
    assert found.id == stored["incident"]
    assert found.state is IncidentState.ACKNOWLEDGED
    assert found.acknowledged_by == "ben"
    until = [line.state.life.silenced, *(one.until for one in line.state.life.silences)]
    assert minute(90) in until


def test_every_post_is_still_known(line: Timeline) -> None:
    for name in ("copy0", "copy255", "copy256", "figures", "rival", "repost"):
        assert line.post(29, id=name).decision is Decision.REDELIVERED, name


def test_copies_still_fold_into_the_stories(line: Timeline) -> None:
    before = line.state.memory.size
    line.post(31, "Der Zug nach Ulm fällt heute leider wieder aus", id="same words")
    line.post(31, "RT @db: der zug nach ulm faellt heute leider wieder aus, schade", id="nearly the same words")
    line.post(31, "something quite different", id="root")
    assert line.state.memory.size == before
    line.post(31, "zug 14 und zug 15 fallen aus", id="other figures")
    assert line.state.memory.size == before + 1


def test_the_windows_still_count(stored: dict[str, Any], line: Timeline) -> None:
    counted = line.state.window.count("mentions", minute(0) - timedelta(seconds=1), minute(30))
    assert counted == stored.get("mentions", 259)
    assert sorted(line.state.readings) == stored.get("readings", ["count", "spike"])


def test_a_row_with_its_previous_value_is_read(stored: dict[str, Any]) -> None:
    term = stored.get("term", 0)
    assert Row.from_bytes(bytes.fromhex(stored["row"])) == Row(7, b"now", b"before", term)
    assert Commit.model_validate_json(stored["commit"]) == Commit(applied=7, now=minute(30), term=term)


def test_what_was_quoted_before_risk_was_is_told_without_it(line: Timeline) -> None:
    found = {one.mention: one for one in quotes(line.state.memory, Life(since=minute(-1)))}
    assert found["x:copy0"].copies == 257
    assert (found["x:copy0"].risk, found["x:copy0"].factors) == (None, {})
    line.post(31, "der zug nach ulm faellt heute leider wieder aus", id="copy0", edited=True)
    edited = {one.mention: one for one in quotes(line.state.memory, Life(since=minute(-1)))}
    assert edited["x:copy0"].risk == 10.0


@pytest.fixture
def second() -> Timeline:
    """The watch of the second form, which had more to remember."""
    rows: dict[str, str] = json.loads(STORED[1].read_text("utf-8"))["rows"]
    return Timeline(state=WatchState.restore({name: value.encode() for name, value in rows.items()}), now=minute(30))


def test_how_a_story_has_spread_is_still_known(second: Timeline) -> None:
    story = second.state.memory.known("x:copy0")
    assert story is not None
    assert (story.spread.platforms, len(story.spread.read)) == ({"x": 257}, 32)
    assert story.spread.distinct_authors > 50
    assert story.spread.reach == sum(range(266 - 31, 267))


def test_an_address_and_both_wordings_still_lead_to_the_story(second: Timeline) -> None:
    before, known = second.state.memory.size, second.state.memory.known("x:linked")
    assert known is second.state.memory.known("x:linked too")
    second.post(31, "somebody else says something else", id="l3", url="https://example.com/a?utm_medium=mail")
    second.post(32, "ein neues werk entsteht im norden", id="l4")
    second.post(32, "die foerde bekommt eine fabrik", id="l5")
    assert second.state.memory.size == before


def test_what_feedback_has_taught_is_still_known(second: Timeline) -> None:
    assert second.state.learnt.tallies() == {"count": (1, 0), "spike": (0, 1)}
    told = second.post(31, "fallen zwei").relevance
    assert told is not None
    assert (told.by, [one.word for one in told.words]) == ("feedback", ["fallen"])
    second.delete("figures")
    assert [one.us for one in second.state.learnt.examples] == [True]


def test_a_post_that_was_looked_at_before_spreads_and_one_of_an_earlier_form_does_from_its_second_look_on(
    stored: dict[str, Any], line: Timeline
) -> None:
    told = []
    for at, likes in ((89, 540.0), (149, 640.0)):
        score = line.post(28.2, id="linked", edited=True, seen=minute(at), metrics={"likes": likes}).score
        assert score is not None
        told.append([one.detail.partition(",")[0] for one in score.factors if one.name == "spread"])
    knew = "gathered" in "".join(stored["rows"].values())
    assert told == [["spreads at 500 an hour"] if knew else [], ["spreads at 100 an hour"]]


def test_the_crowd_goes_on_from_where_it_was(second: Timeline) -> None:
    score = second.post(31, "der zug nach ulm faellt heute leider wieder aus", id="copy999", writer="w1").score
    assert score is not None
    assert "coordination" in {one.name for one in score.factors}


def test_it_is_stored_again_without_loss(line: Timeline) -> None:
    assert WatchState.restore(line.state.rows()) == line.state
