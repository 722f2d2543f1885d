"""Frozen values that are copied with a change are what `dataclasses.replace` would make of them."""

import dataclasses
import pickle

import pytest
from pydantic import TypeAdapter

from pipeline.alerts.hold import Desk
from pipeline.alerts.silence import Hush
from pipeline.detect import Armed, detectors
from pipeline.frozen import replace, swift
from pipeline.incidents.incident import Outcome
from pipeline.incidents.life import Life
from pipeline.state import Verdict, WatchState
from pipeline.stories.memory import Memory
from pipeline.stories.story import Story
from pipeline.windows.window import Window


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    label: str = dataclasses.field(default="", compare=False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "an equal copy"),
        ({"y": 5}, "one field"),
        ({"x": 7, "label": "b"}, "also one that does not count when values are compared"),
    ],
)
def test_replace_is_that_of_dataclasses(changes: dict[str, object], why: str) -> None:
    point = Point(1, label="a")
    found, expected = replace(point, **changes), dataclasses.replace(point, **changes)  # type: ignore[arg-type]
    assert (found, found.label) == (expected, expected.label), why
    assert (point, point.label) == (Point(1), "a"), "the value itself has not changed"


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="z"):
        replace(Point(1), z=3)


@swift
@dataclasses.dataclass(frozen=True, slots=True)
class Swift:
    x: int
    y: int = 2
    seen: list[int] = dataclasses.field(default_factory=list)


def test_what_is_made_swiftly_is_what_dataclasses_would_have_made() -> None:
    point = Swift(1, seen=[3])
    assert (point.x, point.y, point.seen) == (1, 2, [3])
    assert Swift(1).seen == []
    assert Swift(1).seen is not Swift(1).seen, "each has a default of its own"
    assert (point, repr(point)) == (Swift(x=1, y=2, seen=[3]), "Swift(x=1, y=2, seen=[3])")
    assert TypeAdapter(Swift).validate_json(b'{"x":1,"seen":[3]}') == point, "rows are read into it as before"
    assert pickle.loads(pickle.dumps(point)) == point, "it can go to another process"


@pytest.mark.parametrize("made", [Swift(1), replace(Swift(1), y=3), replace(Point(1), y=3)])
def test_no_field_can_be_set_once_it_is_made(made: Point | Swift) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del made.x
    assert type(made) in (Point, Swift)


def test_what_is_missing_or_too_much_is_refused() -> None:
    with pytest.raises(TypeError, match="x"):
        Swift()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="z"):
        Swift(1, z=3)  # type: ignore[call-arg]


def test_an_heir_is_refused() -> None:
    with pytest.raises(TypeError, match="heir"):
        type("Heir", (Swift,), {})


KINDS = [Memory, WatchState, Story, Window, Life, Outcome, Desk, Armed, Hush, Verdict]
STATES = [detector.State for detector in detectors().values()]


@pytest.mark.parametrize("kind", [*KINDS, *STATES])
def test_what_it_is_used_for_has_slots_and_no_work_to_do_when_it_is_made(kind: type) -> None:
    assert "__slots__" in vars(kind)
    assert not hasattr(kind, "__post_init__"), "a copy would not go through it"
