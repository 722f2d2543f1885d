"""The cursor never passes over what is not acknowledged."""

from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.progress import Progress
from agents.ingest.web.backoff import ASKED_AT_MOST, LONGEST, delay


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_the_cursor_is_that_of_the_longest_acknowledged_beginning(order: list[int], with_cursor: set[int]) -> None:
    progress = Progress({"at": "before"})
    steps = [progress.begin({"at": str(number)} if number in with_cursor else None) for number in range(8)]
    done: set[int] = set()
    for number in order:
        progress.finish(steps[number])
        done.add(number)
        beginning = next((n for n in range(8) if n not in done), 8)
        expected = max((n for n in with_cursor if n < beginning), default=None)
        assert progress.cursor["at"] == ("before" if expected is None else str(expected))
        assert 8 - len(done) <= progress.waiting <= 8 - beginning
        assert bool(progress.waiting) == (beginning < 8)


def test_heartbeats_of_a_long_outage_take_no_room() -> None:
    progress = Progress()
    first = progress.begin({"at": "first"})
    for number in range(1000):
        progress.finish(progress.begin({"at": str(number)} if number < 500 else None))
    assert progress.waiting == 2
    progress.finish(first)
    assert (progress.waiting, progress.cursor) == (0, {"at": "499"})


@given(st.integers(1, 10_000), st.none() | st.floats(-10, 1e12), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_bounded_and_never_shorter_than_asked(failures: int, asked: float | None, chance: float) -> None:
    seconds = delay(failures, asked, chance)
    assert 0.5 <= seconds <= ASKED_AT_MOST + LONGEST
    assert seconds > min(asked or 0.0, ASKED_AT_MOST)


def test_waits_double_up_to_five_minutes() -> None:
    assert [delay(failures, None, 0.0) for failures in (1, 2, 3, 20)] == [0.5, 1.0, 2.0, 150.0]
