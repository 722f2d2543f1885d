"""How the transport cuts what a poll brought into batches."""

from dataclasses import dataclass

import pytest

from pipeline.stream import transport


@dataclass
class Raw:
    """A record as aiokafka hands it out, as far as its size goes; a tombstone has -1."""

    serialized_value_size: int


CUTS = [
    ([], [[]], "nothing is one batch of nothing, which Faust never hands out"),
    ([4, 4], [[4, 4]], "what fits stays together"),
    ([5, 5], [[5, 5]], "up to the last byte"),
    ([5, 6], [[5], [6]], "one byte more does not"),
    ([3, 3, 3, 3, 3], [[3, 3, 3], [3, 3]], "each piece takes as much as it may"),
    ([25], [[25]], "a record that is too large goes alone"),
    ([2, 25, 2], [[2], [25], [2]], "and takes nobody along"),
    ([-1, 25, -1], [[-1], [25], [-1]], "tombstones have no size"),
]


@pytest.mark.parametrize(("sizes", "expected", "sentence"), CUTS)
def test_a_batch_is_bounded_in_bytes(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int], expected: list[list[int]], sentence: str
) -> None:
    monkeypatch.setattr(transport, "BATCH_BYTES", 10)
    pieces = transport.cut([Raw(size) for size in sizes])
    assert [[record.serialized_value_size for record in piece] for piece in pieces] == expected, sentence
