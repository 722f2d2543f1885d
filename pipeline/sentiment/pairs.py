"""Two words of a clause that are one event, whatever stands between: *streicht in Zwickau 900 Stellen*, *jobs cut*.

One of them is a thing, the other what is done to it or said of it. Each knows its others; the first waits for the
second until the clause ends.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
Waiting = tuple[str, int, int]
"""A word that waits for its other: how it is looked up, where it stands in the text, and where among what was read."""


class Mate(NamedTuple, Generic[T]):
    """The other word of a pair: where it stands in the text, where among what was read, and what the pair is."""

    at: int
    place: int
    pair: T


def mate_of(waiting: Sequence[Waiting], others: Mapping[str, T], at: int, reach: int) -> Mate[T] | None:
    """Return the nearest word that waits less than `reach` words before `at` and is one of `others`; None for none."""
    for key, before, place in reversed(waiting):
        if at - before >= reach:
            return None
        if (pair := others.get(key)) is not None:
            return Mate(before, place, pair)
    return None
