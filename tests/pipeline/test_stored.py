"""State that an earlier version stored is read by this one: a file of rows for each form, never written anew."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.state import WatchState
from pipeline.stream.rows import Commit, Row
from schemas.incident import IncidentState
from schemas.receipt import Decision
from tests.pipeline.timeline import Timeline, minute

STORED = sorted(Path(__file__).with_name("stored").glob("*.json"))


@pytest.fixture(params=STORED, ids=[path.stem for path in STORED])
def stored(request: pytest.FixtureRequest) -> dict[str, object]:
    """What was stored: 257 copies of one story, three more posts, an acknowledged incident, a silence."""
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
    assert line.state.life.silenced == minute(90)


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


def test_the_windows_still_count(line: Timeline) -> None:
    assert line.state.window.count("mentions", minute(0) - timedelta(seconds=1), minute(30)) == 259
    assert {name: reading.value for name, reading in line.state.readings.items()}.keys() == {"count", "spike"}


def test_a_row_with_its_previous_value_is_read(stored: dict[str, str]) -> None:
    assert Row.from_bytes(bytes.fromhex(stored["row"])) == Row(7, b"now", b"before")
    assert Commit.model_validate_json(stored["commit"]) == Commit(applied=7, now=minute(30))


def test_it_is_stored_again_without_loss(line: Timeline) -> None:
    assert WatchState.restore(line.state.rows()) == line.state
