"""What a word weighs in a judgement of feeling."""

from dataclasses import dataclass
from typing import NamedTuple, Self

LIMIT = 8.0
"""Sums are cut off here, so that no text, however long, makes a probability of exactly 0 or 1."""


class Weight(NamedTuple):
    """`lean`: which way (below zero negative); `feeling`: how far from neutral. Both in natural logarithms of odds."""

    lean: float
    feeling: float

    def times(self, lean: float, feeling: float) -> "Weight":
        """Return this weight with both numbers multiplied."""
        return Weight(self.lean * lean, self.feeling * feeling)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The words of a text with their weights, and their sum."""

    words: tuple[tuple[str, Weight], ...]
    total: Weight

    @classmethod
    def of(cls, words: list[tuple[str, Weight]], start: Weight) -> Self:
        """Add up `words` from `start`, which is what a text without any known word weighs."""
        lean = start.lean + sum(weight.lean for _, weight in words)
        feeling = start.feeling + sum(weight.feeling for _, weight in words)
        return cls(tuple(words), Weight(max(-LIMIT, min(LIMIT, lean)), max(-LIMIT, min(LIMIT, feeling))))

    def turned(self) -> "Weighed":
        """Return the same seen from the other side: what was praise is blame."""
        words = tuple([(text, weight.times(-1.0, 1.0)) for text, weight in self.words])
        return Weighed(words, self.total.times(-1.0, 1.0))
