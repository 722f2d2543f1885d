"""Praise that mocks: *Super, schon wieder ausgefallen* and *Delayed for three hours, great*.

A word of cheer that stands by itself at one end of a text whose other words blame is not meant, unless the two are held
against each other (*Toll, aber teuer*). Of 22 posts built so in PotTS dev, SB10k train and
GermEval 2017 dev 14 blame and 4 praise (docs/quality.md). Irony of any other build is not recognised.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.sentiment.words import Part

_WORDS = """super toll klasse prima bravo danke dankeschoen glueckwunsch herrlich wunderbar grossartig genial
perfekt spitze fantastisch top hurra juhu cool geil great brilliant fantastic wonderful lovely awesome perfect nice
thanks congratulations congrats amazing excellent superb cheers marvellous splendid"""
CHEERS = frozenset(_WORDS.split())
"""Praise that is a sentence of its own, folded."""
MOCKED = -0.5
"""What mockery makes of the lean of the word."""
SHORTEST = 4
"""A text of fewer parts has no other words that could blame."""
_TURNS = frozenset({"aber", "jedoch", "allerdings", "trotzdem", "dennoch", "but", "though", "however"})
_BOUNDS = ("stop", "mark")
_SIGNS = ("stop", "mark", "emoji", "emoticon")


class Cheer(NamedTuple):
    """A word of cheer that stands by itself: folded, and whether it is the first word of its text or else the last."""

    folded: str
    first: bool


def cheer_of(parts: Sequence[Part]) -> Cheer | None:
    """Return the word of cheer that stands by itself at the beginning of a text, else at its end; None for none."""
    last = len(parts) - 1
    if last < SHORTEST - 1:
        return None
    first = parts[0].folded in CHEERS and parts[1].kind in _BOUNDS
    if not first:
        while last > 1 and parts[last].kind in _SIGNS:
            last -= 1
        if parts[last].folded not in CHEERS or parts[last - 1].kind not in _BOUNDS:
            return None
    # who weighs praise against blame means both
    both = any(part.folded in _TURNS for part in parts)
    return None if both else Cheer(parts[0 if first else last].folded, first)
