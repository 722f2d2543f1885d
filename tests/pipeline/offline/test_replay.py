"""How time passes in a replay."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.offline.backtest import backtest
from pipeline.offline.replay import LONGEST, MINUTE, with_ticks
from schemas.event import Post
from schemas.receipt import Decision, Receipt
from tests.pipeline.timeline import NOON, minute, watch


def post(when: float) -> Post:
    return Post(platform="x", id=str(when), time=minute(when), text="text")


def told(*when: float) -> list[float | str]:
    """The timeline: minutes as numbers, posts by name; the day after the last post is left out."""
    found = list(with_ticks(post(one) for one in when))
    last = max(index for index, item in enumerate(found) if isinstance(item, Post))
    return [item.id if isinstance(item, Post) else (item - NOON) / timedelta(minutes=1) for item in found[: last + 1]]


@pytest.mark.parametrize(
    ("posts", "expected"),
    [
        ((0.0,), ["0.0"]),
        # whole minutes later than the post before, up to the next
        ((0.0, 2.5), ["0.0", 1, 2, "2.5"]),
        ((0.5, 3.0), ["0.5", 1, 2, 3, "3.0"]),
        ((0.1, 0.9), ["0.1", "0.9"]),
        # an older post lets no time pass, and none passes twice
        ((0.0, 2.0, 1.0, 3.0), ["0.0", 1, 2, "2.0", "1.0", 3, "3.0"]),
    ],
)
def test_minutes_between_posts(posts: tuple[float, ...], expected: list[float | str]) -> None:
    assert told(*posts) == expected


def test_a_long_silence_is_told_for_a_day_and_then_jumped_over() -> None:
    found = told(0.0, 10_000.0)
    assert found[1 : LONGEST + 1] == [float(one) for one in range(1, LONGEST + 1)]
    assert found[LONGEST + 1 :] == [10_000.0, "10000.0"]


def test_a_day_passes_after_the_last_post() -> None:
    *_, last = with_ticks([post(0.5)])
    assert last == minute(LONGEST)


def test_nothing_passes_without_posts() -> None:
    assert list(with_ticks([])) == []


def test_the_end_of_time_is_no_error() -> None:
    end = Post(platform="x", id="1", time=datetime.max.replace(tzinfo=UTC), text="acme")
    first, *_, last = with_ticks([end])
    assert first == end
    assert last == end.time + LONGEST * MINUTE
    # nor is it one where spans are added to it: stories expire, incidents cool down
    assert [item.decision for item in backtest([watch({"kind": "every"})], [end]) if isinstance(item, Receipt)] == [
        Decision.OPENED
    ]
