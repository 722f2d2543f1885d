"""Garbage in a worker: what is kept for good is not looked at, what goes round in circles is found all the same."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from pipeline.stream import garbage


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Circle:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_worker_has_loaded_is_not_looked_at_again() -> None:
    loaded = [Circle()]
    garbage.look_rarely()
    assert not any(one is loaded for one in gc.get_objects())


def test_what_was_restored_is_not_looked_at_again() -> None:
    restored = [Circle()]
    garbage.keep()
    assert not any(one is restored for one in gc.get_objects())


def test_what_goes_round_in_circles_is_found_while_a_state_grows() -> None:
    garbage.look_rarely()
    lost = weakref.ref(Circle())
    grown = [[number] for number in range(2 * garbage.YOUNG)]
    assert lost() is None, f"not found while {len(grown)} objects were made"
