"""Frozen values that are copied with a change are what `dataclasses.replace` would make of them."""

import dataclasses

import pytest

from pipeline.detect import Armed, detectors
from pipeline.frozen import replace
from pipeline.hold import Desk
from pipeline.incident import Outcome
from pipeline.life import Life
from pipeline.memory import Memory
from pipeline.silence import Hush
from pipeline.state import Verdict, WatchState
from pipeline.story import Story
from pipeline.window import Window


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
    with pytest.raises(KeyError, match="z"):
        replace(Point(1), z=3)


KINDS = [Memory, WatchState, Story, Window, Life, Outcome, Desk, Armed, Hush, Verdict]
STATES = [detector.State for detector in detectors().values()]


@pytest.mark.parametrize("kind", [*KINDS, *STATES])
def test_what_it_is_used_for_has_slots_and_no_work_to_do_when_it_is_made(kind: type) -> None:
    assert "__slots__" in vars(kind)
    assert not hasattr(kind, "__post_init__"), "a copy would not go through it"
