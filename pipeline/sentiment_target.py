"""Towards whom: which part of a text is about the watched entity, where another one stands in it as well.

A text is cut into clauses at stops, line ends and words that turn to something else (aber, während, but …). What is
said of an entity is its own clauses and those after them that name nobody else. Where both stand in one clause, a
comparison with *als* or *than* is praise of what stands before it and blame of what stands after it; of anything else
nothing is taken away.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Range = tuple[int, int]
"""The characters of a text from the first up to the second."""

_TURNS = "aber|sondern|während|waehrend|wohingegen|dagegen|hingegen|jedoch|but|whereas|while|however|although"
_BETWEEN = re.compile(rf"[.!?;…\n]+(?=\s|$)|,?\s+(?:{_TURNS})\b|,", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:als|than)\b", re.IGNORECASE)

NEAR = 25
"""How many characters after *als* the beaten one is named at the latest."""


class Aim(NamedTuple):
    """What of a text speaks of the entity; `turned` where it is the losing side of a comparison."""

    text: str
    turned: bool = False


def aim(text: str, own: Sequence[Range], others: Sequence[Range]) -> Aim:
    """Return what of `text` is about whom `own` names, while `others` names somebody else."""
    if not own or not others:
        return Aim(text)
    kept: list[str] = []
    shared = speaking = False
    for start, end in _clauses(text):
        here = _within(own, start, end)
        there = _within(others, start, end)
        shared |= here and there
        speaking = here or (speaking and not there)
        if speaking:
            kept.append(text[start:end])
    if shared:
        return Aim(text, turned=_loses(text, own, others))
    return Aim(" ".join(kept)) if kept else Aim(text)


def _loses(text: str, own: Sequence[Range], others: Sequence[Range]) -> bool:
    """Tell whether a comparison names the others first and `own` right after its *als*."""
    for found in _COMPARES.finditer(text):
        before = any(end <= found.start() for _, end in others) and all(end > found.start() for _, end in own)
        if before and any(0 <= start - found.end() <= NEAR for start, _ in own):
            return True
    return False


def _clauses(text: str) -> list[Range]:
    edges = [0]
    for found in _BETWEEN.finditer(text):
        turns = found.group().strip(" ,.!?;…\n")
        edges += [found.start() if turns else found.end()]
    edges += [len(text)]
    return [(start, end) for start, end in pairwise(edges) if start < end]


def _within(spans: Sequence[Range], start: int, end: int) -> bool:
    return any(start <= first < end for first, _ in spans)
