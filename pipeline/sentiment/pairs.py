"""Two words of a clause that are one event, whatever stands between: *streicht in Zwickau 900 Stellen*, *jobs cut*.

One of them is a thing, the other what is done to it or said of it. Most words of a text are neither, and a word waits
only for one of the other kind, so that a text without events costs next to nothing.
"""

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Half(NamedTuple, Generic[T]):
    """What a word is a pair with, and what that pair is; whether it is a thing, or what is done to one, or either."""

    others: Mapping[str, T]
    thing: bool
    deed: bool


class Mate(NamedTuple, Generic[T]):
    """The other word of a pair: where it stands in the text, where among what was read, and what the pair is."""

    at: int
    place: int
    pair: T


class Clause(Generic[T]):
    """The halves of pairs that a clause has held so far; a mate stands no more than `reach` words before a word."""

    __slots__ = ("_deeds", "_reach", "_things")

    def __init__(self, reach: int) -> None:
        self._reach = reach
        self._things: list[tuple[str, int, int]] = []
        self._deeds: list[tuple[str, int, int]] = []

    def mate(self, half: Half[T], at: int) -> Mate[T] | None:
        """Return the nearest word before `at` that makes a pair with this one; None where there is none."""
        if half.deed and self._things and (found := self._nearest(self._things, half, at)):
            return found
        return self._nearest(self._deeds, half, at) if half.thing and self._deeds else None

    def add(self, half: Half[T], key: str, at: int, place: int) -> None:
        """Remember a word under its key, with where it stands in the text and where among what was read."""
        if half.thing:
            self._things.append((key, at, place))
        if half.deed:
            self._deeds.append((key, at, place))

    def _nearest(self, some: list[tuple[str, int, int]], half: Half[T], at: int) -> Mate[T] | None:
        for key, before, place in reversed(some):
            if at - before >= self._reach:
                return None
            if (pair := half.others.get(key)) is not None:
                return Mate(before, place, pair)
        return None
