"""The watermark against a model: a partition is committed up to the first batch that is not done, never further."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stream.watermark import Delivered, Watermark

TIMELINES = [
    ("nothing delivered", [], [], None),
    ("delivered and not done", [10], [], None),
    ("one done", [10], [0], 10),
    ("the second is done before the first", [10, 20], [1], None),
    ("the gap closes", [10, 20, 30], [1, 0], 20),
    ("done twice", [10, 20], [0, 0], 10),
]


@pytest.mark.parametrize(("sentence", "ends", "done", "expected"), TIMELINES)
def test_the_end_is_the_longest_finished_prefix(
    sentence: str, ends: list[int], done: list[int], expected: int | None
) -> None:
    mark = Watermark()
    batches = [mark.deliver(end) for end in ends]
    for index in done:
        mark.acknowledge(batches[index])
    assert mark.end == expected, sentence
    assert mark.due == expected, sentence


def test_what_is_committed_is_not_due_again() -> None:
    mark = Watermark()
    mark.acknowledge(mark.deliver(5))
    mark.committed = mark.due
    assert mark.due is None
    mark.acknowledge(mark.deliver(9))
    assert mark.due == 9


def test_a_batch_from_before_a_seek_does_not_count() -> None:
    mark = Watermark()
    stale = mark.deliver(10)
    mark.clear()
    again = mark.deliver(10)
    mark.acknowledge(stale)
    assert mark.end is None
    mark.acknowledge(again)
    assert mark.end == 10


@given(st.lists(st.one_of(st.none(), st.just("clear"), st.integers(0, 9)), max_size=60))
def test_any_order_agrees_with_a_model(steps: list[str | int | None]) -> None:
    """None delivers a batch, a number finishes one of those delivered so far, "clear" is a seek."""
    mark, model, end = Watermark(), list[tuple[Delivered, int]](), None
    everything: list[Delivered] = []
    done: set[int] = set()
    last = 0
    for step in steps:
        if step == "clear":
            mark.clear()
            model, end = [], None
        elif step is None:
            last += 3
            batch = mark.deliver(last)
            model.append((batch, last))
            everything.append(batch)
        elif everything:
            batch = everything[int(step) % len(everything)]
            mark.acknowledge(batch)
            done.add(id(batch))
            while model and id(model[0][0]) in done:
                end = model.pop(0)[1]
        assert mark.end == end
