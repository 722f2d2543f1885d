"""Towards whom: which part of a text is about the watched entity, where another one stands in it as well.

A text is cut into clauses at stops, line ends and words that turn to something else (aber, während, but …). What is
said of an entity is its own clauses and those after them that name nobody else. Where both stand in one clause, a
comparison with *als* or *than* is praise of what stands before it and blame of what stands after it; who is named right
behind *anders als*, *statt*, *unlike* and the like is the one that the other is held against, and whom somebody has
changed *from* the one he left; of anything else nothing is taken away.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Range = tuple[int, int]
"""The characters of a text from the first up to the second."""

_TURNS = (
    "aber|sondern|während|waehrend|wohingegen|dagegen|hingegen|jedoch|doch|dafür|dafuer"
    "|but|whereas|while|however|although|yet"
)
_BETWEEN = re.compile(rf"[.!?;…\n]+(?=\s|$)|,?\s+(?:{_TURNS})\b|,", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:als(?!\s+(?:auch|ob|wenn)\b)|than)\b", re.IGNORECASE)
_HOLDS_AGAINST = re.compile(
    r"\b(?:anders\s+als|im\s+(?:gegensatz|vergleich)\s+(?:zu[rm]?|mit)|verglichen\s+mit|gegenüber|statt|anstatt|anstelle\s+von"
    r"|unlike|in\s+contrast\s+to|compared\s+(?:to|with)|next\s+to|instead\s+of|rather\s+than)\b",
    re.IGNORECASE,
)
_CHANGES = re.compile(
    r"\b(?:gewechselt|wechsel\w*|umgestiegen|umsteigen|switch\w*|moved?|moving|changed?|changing)\b", re.IGNORECASE
)
_FROM = re.compile(r"\b(?:von|vom|from)\b", re.IGNORECASE)

NEAR = 25
"""How many characters after *als* the beaten one is named at the latest."""
RIGHT_BEHIND = 12
"""How many characters after *statt* or *from* the one is named whom somebody is held against, or has left."""


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
    """Tell whether `own` is the losing side: of a comparison, of somebody held against it, or of a change."""
    markers = [*_HOLDS_AGAINST.finditer(text), *(_FROM.finditer(text) if _CHANGES.search(text) else ())]
    for found in markers:
        behind = [(start - found.end(), mine) for mine, spans in ((True, own), (False, others)) for start, _ in spans]
        if named := [one for one in behind if 0 <= one[0] <= RIGHT_BEHIND]:
            return min(named)[1]
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
