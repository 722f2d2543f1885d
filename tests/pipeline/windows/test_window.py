"""Windows: the counts of any stretch of time, against a plain list."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.windows.window import EXACT, MENTIONS, PLATFORM, Window, from_rows, milliseconds, to_rows
from tests.pipeline.timeline import NOON, minute


def heard(*minutes: float, horizon: float = 3600.0) -> Window:
    window, at = Window(horizon=horizon), NOON
    for one in minutes:
        at = max(at, minute(one))
        window = window.add(minute(one), (MENTIONS,), at)
    return window


@pytest.mark.parametrize(
    ("posts", "after", "until", "count"),
    [
        # a window is open at its beginning and closed at its end
        ((0, 5, 10), 0, 10, 2),
        ((0, 5, 10), -1, 10, 3),
        ((0, 5, 10), -1, 9.99, 2),
        # a post that comes late stands where it belongs
        ((0, 10, 5), 4, 6, 1),
        # several at once are several
        ((3, 3, 3), 2, 3, 3),
        ((), 0, 60, 0),
    ],
)
def test_counts(posts: tuple[float, ...], after: float, until: float, count: int) -> None:
    assert heard(*posts).count(MENTIONS, minute(after), minute(until)) == count


def test_what_is_older_than_the_horizon_is_forgotten() -> None:
    window = heard(0, 30, 61)
    assert window.count(MENTIONS, minute(-1), minute(100)) == 2


def test_a_post_older_than_the_horizon_leaves_no_trace() -> None:
    window = heard(120, 0)
    assert window.count(MENTIONS, minute(-1), minute(200)) == 1
    assert heard(*([120.0] * 2000), 0).count(MENTIONS, minute(-1), minute(200)) == 2000


times = st.lists(st.floats(0, 600), max_size=60)


@settings(deadline=None)
@given(times, st.floats(-10, 610), st.floats(0, 610))
def test_few_mentions_are_counted_exactly(posts: list[float], after: float, length: float) -> None:
    window = heard(*posts, horizon=100_000)
    start, end = minute(after), minute(after + length)
    inside = [post for post in posts if milliseconds(start) < milliseconds(minute(post)) <= milliseconds(end)]
    assert window.count(MENTIONS, start, end) == len(inside)


@settings(max_examples=30, deadline=None)
@given(st.integers(EXACT, 3000), st.floats(0.2, 4), st.floats(0, 1))
def test_many_mentions_are_counted_to_half_a_bucket(count: int, rate: float, share: float) -> None:
    """`count` mentions at `rate` a second: a window's edges are right to half a minute's worth of mentions."""
    window = Window(horizon=36_000)
    for number in range(count):
        at = NOON + timedelta(seconds=number / rate)
        window = window.add(at, (MENTIONS,), at)
    end = NOON + timedelta(seconds=(count - 1) / rate)
    edge = NOON + timedelta(seconds=(count - 1) / rate * share)
    younger, older = window.count(MENTIONS, edge, end), window.count(MENTIONS, NOON - timedelta(days=1), edge)
    assert younger + older == count
    assert abs(younger - (count - 1) * (1 - share)) <= 30 * rate + 2


@settings(deadline=None)
@given(times)
def test_a_window_is_stored_and_read_again(posts: list[float]) -> None:
    window = heard(*posts)
    assert from_rows(to_rows(window)) == window.series


def test_a_longer_horizon_does_not_know_what_was_forgotten() -> None:
    window = heard(0, 300, horizon=3600).reach(36_000, minute(300))
    assert window.began == minute(240)


def test_a_longer_horizon_knows_of_every_sort_as_much_as_of_the_others() -> None:
    """On one platform nothing was said lately, so that nothing of it has been forgotten yet."""
    window = Window(horizon=3600.0)
    for when, platform in ((0, "x"), (1, "web"), (90, "web"), (91, "web")):
        window = window.add(minute(when), (MENTIONS, f"{PLATFORM}{platform}"), minute(when))
    longer = window.reach(36_000, minute(91))
    assert longer.counts(PLATFORM, NOON - timedelta(hours=1), minute(91)) == {"web": 2}
    assert longer.count(MENTIONS, NOON - timedelta(hours=1), minute(91)) == 2
