"""Batches: what an agent is handed in place of single records."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import faust

BATCH_BYTES = 4_194_304
"""The values of a batch are no larger than that, so that what a stage holds at a time is bounded."""
_SIZE = attrgetter("serialized_value_size")


@dataclass(slots=True)
class Batch:
    """The records of one poll from one partition, in order. `lost()` tells that the partition is no longer ours.

    `generation` is that of the group in which they were read.
    """

    topic: str
    partition: int
    records: list[Any]
    lost: Callable[[], bool]
    acknowledge: Callable[[], None]
    generation: int = 0

    @property
    def first(self) -> int:
        """The offset of the first record."""
        return int(self.records[0].offset)

    @property
    def last(self) -> int:
        """The offset of the last record."""
        return int(self.records[-1].offset)


def cut(records: list[Any]) -> list[list[Any]]:
    """Return `records` in pieces whose values have at most `BATCH_BYTES`; a larger record is a piece of its own."""
    if sum(map(_SIZE, records)) <= BATCH_BYTES:
        return [records]
    pieces: list[list[Any]] = []
    left = 0
    for record in records:
        left -= _SIZE(record)
        if left < 0 or not pieces:
            pieces.append([])
            left = BATCH_BYTES - _SIZE(record)
        pieces[-1].append(record)
    return pieces


class Schema(faust.Schema[Any, Any]):
    """Hands a batch to the agent as it is; nothing in it is decoded by Faust."""

    def loads_key(self, app: Any, message: Any, **_options: Any) -> None:
        """Return None: a batch has no key."""

    def loads_value(self, app: Any, message: Any, **_options: Any) -> Any:  # noqa: ARG002 - Faust's names
        """Return the batch."""
        return message.value
