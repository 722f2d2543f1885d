"""What a word weighs in a judgement of feeling."""

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


def share_of(count: int, enough: int) -> float:
    """Return what each of `count` entries counts: all of its weight up to `enough` of them, then ever less.

    The words of a text repeat each other. Their sum grows with the length of the text, what they know only with its
    square root, so a plain sum claims more of long texts than it keeps.
    """
    return 1.0 if count <= enough else float((enough / count) ** 0.5)


class Weighed(NamedTuple):
    """The words of a text with their weights, what each of these counts, and their sum.

    `total` begins with what a text without any known word weighs, `swing` is how far the words alone lean.
    """

    words: tuple[tuple[str, Weight], ...]
    total: Weight
    share: float
    swing: float

    @classmethod
    def of(cls, words: list[tuple[str, Weight]], start: Weight, share: float = 1.0) -> Self:
        """Add up `words` from `start`, which is what a text without any known word weighs."""
        leans = feelings = 0.0
        for _, (lean, feeling) in words:
            leans += lean
            feelings += feeling
        swing = share * leans
        lean = max(-LIMIT, min(LIMIT, start.lean + swing))
        feeling = start.feeling + share * feelings
        return cls(tuple(words), Weight(lean, max(-LIMIT, min(LIMIT, feeling))), share, swing)

    def turned(self) -> "Weighed":
        """Return the same seen from the other side: what was praise is blame."""
        words = tuple([(text, weight.times(-1.0, 1.0)) for text, weight in self.words])
        return Weighed(words, self.total.times(-1.0, 1.0), self.share, -self.swing)

    def stirred(self, by: float) -> "Weighed":
        """Return the same with `by` more feeling in all, leaning as its words alone do."""
        lean = max(-LIMIT, min(LIMIT, self.swing))
        return Weighed(self.words, Weight(lean, self.total.feeling + by), self.share, self.swing)
