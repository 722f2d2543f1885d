"""A state in memory that comes back from its rows: stories stay in their rows until they are asked for."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from pipeline.flow import judge
from pipeline.form import read_story
from pipeline.state import WatchState
from pipeline.stream import store as module
from pipeline.stream.rows import Commit, Row, Rows
from pipeline.stream.store import MemoryStore, Place
from schemas.control import WatchVersion
from tests.pipeline.timeline import NOON, match, watch

TEXTS = [f"{word} says {word} of the {word} again and again" for word in ("one", "two", "three", "four", "five")]


@pytest.fixture
def told() -> WatchState:
    """A watch that has heard five stories."""
    state, _ = judge(WatchState.empty(), WatchVersion(watch=watch(), version="1", at=NOON), NOON)
    for number, text in enumerate(TEXTS):
        state, _ = judge(state, match(str(number), 0, text), NOON)
    return state


def opened(state: WatchState, **rows: Row) -> tuple[MemoryStore, WatchState]:
    """Return a store that holds the rows of `state`, and the state over it; `rows` replace those of stories."""
    held = MemoryStore({f"0/acme/{name}".encode(): Row(3, row, None).to_bytes() for name, row in state.rows().items()})
    held[b"0"] = Commit(applied=3, now=NOON).model_dump_json().encode()
    for story, row in rows.items():
        held[f"0/acme/story/{story}".encode()] = row.to_bytes()
    [(_, found, memory)] = held.states(Rows(0, held))
    return held, WatchState.restore(found, memory=memory)


def test_what_comes_back_is_what_was_there(told: WatchState) -> None:
    _, back = opened(told)
    assert back.rows() == told.rows()
    again = match("9", 0, TEXTS[2])
    assert judge(back, again, NOON)[1] == judge(told, again, NOON)[1]


def test_only_what_is_asked_for_is_read(told: WatchState) -> None:
    with patch.object(module, "read_story", side_effect=read_story) as read:
        _, back = opened(told)
        assert read.call_count == 0, "the indexes need no whole story"
        _, verdict = judge(back, match("9", 0, TEXTS[2]), NOON)
        assert verdict.folded
        assert read.call_count == 1, "the one that the text is a copy of"
        judge(back, match("10", 0, TEXTS[2]), NOON)
        assert read.call_count == 1, "it is not read again"


def test_a_story_is_as_it_was_before_a_batch_that_does_not_count(told: WatchState) -> None:
    first = min(told.memory.stories)
    row = told.rows()[f"story/{first}"]
    changed = row.replace(b'"copies":1', b'"copies":7')
    assert changed != row
    _, back = opened(told, **{first: Row(4, changed, row)})
    story = back.memory.stories.get(first)
    assert story is not None
    assert story.copies == 1


def test_what_a_batch_changes_and_forgets_is_not_read_from_old_rows(told: WatchState) -> None:
    held, back = opened(told)
    later = match("new", 30 * 24 * 60, "six is something else altogether")
    state, _ = judge(back, later, NOON + timedelta(days=30))
    state, _ = state.persist()
    settled = held.settle({"acme": state.memory}, Place(9))["acme"]
    assert set(settled.stories) == set(state.memory.stories)
    assert not set(told.memory.stories) & set(settled.stories), "all five have expired"
