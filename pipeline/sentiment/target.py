"""Towards whom: which part of a text is about the watched entity, where another one stands in it as well.

Where the build of the text prefers one of the two (`preference.py`), that is the answer. Where both are named
together (*beide*, *weder … noch*, *A und B*), all of it is about both. Else it is cut into clauses at stops, line ends,
words that turn to something else (aber, während, but …) and an *und* between a clause about the one and a clause about
the other. What is said of an entity is its own clauses and those after them that name nobody else, and at the beginning
those before its first. A clause that only says *auch* or *no better* shares what the clauses before it say. Where both
stand in one clause, who is named right behind *anders als*, *statt*, *unlike* and the like is the one that the other is
held against; of anything else nothing is taken away. Where a word sets the two against each other, or they stand side
by side in one sentence, what is said of the other one is kept as well: of one of whom no word is known, its contrary is
said.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.sentiment.preference import Leans, Preference, Range, prefer

_CONTRASTS = (
    "während|waehrend|wohingegen|dagegen|hingegen|jedoch|aber|doch|dafür|dafuer|whereas|while|however|but|although|yet"
)
_BETWEEN = re.compile(rf"[.!?;…\n]+(?=\s|$)|,?\s+(?:sondern|{_CONTRASTS})\b|,|\s+(?:und|and)\b", re.IGNORECASE)
_TURNS = re.compile(rf"\b(?:sondern|{_CONTRASTS})\b", re.IGNORECASE)
_CONTRAST = re.compile(
    rf"\b(?:{_CONTRASTS}|im\s+gegensatz|anders\s+als|unlike|in\s+contrast|zum\s+glück|luckily|fortunately|was\s+man\s+von"
    r"|(?:can(?:not|'t)|could\s*n[o']t)\s+(?:be\s+said|say)|not\s+so)\b",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?…\n]")
_ALIKE = re.compile(r"\b(?:beide[nrsm]?|both|weder|neither|sowohl|alle\s+zwei|either\s+of)\b", re.IGNORECASE)
_JOINS = re.compile(
    r"\s*,?\s*(?:\bund\b|\band\b|\boder\b|\bor\b|&|\+|/|\bsowie\b|\bnoch\b|\bnor\b|\b(?:wie|als)\s+auch\b|\bas\s+well\s+as\b)"
    r"\s*(?:(?:der|die|das|dem|den|bei|von|mit|in|im|the|at|by|with|from|auch)\s+){0,2}",
    re.IGNORECASE,
)
_ECHOES = re.compile(
    r"\b(?:auch|ebenso|ebenfalls|genauso|so\s+(?:is|are|was|were|does|do|did|has)|too|as\s+well|likewise|neither\s+(?:is|do|does)"
    r"|no\s+better|nicht\s+(?:viel\s+|auch\s+)?besser|keinen?\s+deut\s+besser)\b",
    re.IGNORECASE,
)
_ECHO_WORDS = 5
"""A clause that echoes has no more words than this beside the name and the echo."""
_BARE_WORDS = 2
"""A clause that only holds somebody against the other has no more words than this beside the name."""
_HOLDS_AGAINST = re.compile(
    r"\b(?:anders\s+als|im\s+(?:gegensatz|vergleich)\s+(?:zu[rm]?|mit)|verglichen\s+mit|gegenüber|statt|anstatt|anstelle\s+von"
    r"|unlike|in\s+contrast\s+to|compared\s+(?:to|with)|next\s+to|instead\s+of|rather\s+than)\b",
    re.IGNORECASE,
)
_THAN = re.compile(r"\b(?:als(?!\s+(?:auch|ob|wenn)\b)|than)\b", re.IGNORECASE)
NEAR = 25
"""How many characters after *als* the beaten one is named at the latest."""
RIGHT_BEHIND = 12
"""How many characters after *statt* the one is named whom somebody is held against."""


class Aim(NamedTuple):
    """What of a text speaks of the entity.

    `turned` where it is the losing side, `preference` where the build of the text says who is preferred, `against` what
    is said of the other one where the text sets the two against each other.
    """

    text: str
    turned: bool = False
    preference: Preference | None = None
    against: str = ""


def aim(text: str, own: Sequence[Range], others: Sequence[Range], leans: Leans = lambda _word: 0.0) -> Aim:
    """Return what of `text` is about whom `own` names, while `others` names somebody else."""
    if not own or not others:
        return Aim(text)
    if preference := prefer(text, own, others, leans):
        return Aim(text, preference=preference)
    if _ALIKE.search(text) or _together(text, own, others):
        return Aim(text)
    return _by_clauses(text, own, others)


def _by_clauses(text: str, own: Sequence[Range], others: Sequence[Range]) -> Aim:
    clauses = _clauses(text, own, others)
    if bare := [one for one in clauses if _only_holds_against(text, one, [*own, *others])]:
        rest = [text[start:end] for start, end in clauses if (start, end) not in bare]
        return Aim(" ".join(rest), turned=_within(own, *bare[0]))
    if any(_within(own, *one) and _within(others, *one) for one in clauses):
        return Aim(text, turned=_loses(text, own, others))
    kept, left = _said(text, clauses, own, others), _said(text, clauses, others, own)
    if not kept:
        return Aim(text)
    if not _CONTRAST.search(text) and _STOP.search(text, *_between(own, others)):
        return Aim(kept)
    # the word that turns is no feeling of either
    return Aim(_TURNS.sub("", kept).strip(), against=_TURNS.sub("", left).strip())


def _between(own: Sequence[Range], others: Sequence[Range]) -> Range:
    """Return the characters between the first names of the two."""
    first, second = sorted((own[0], others[0]))
    return first[1], second[0]


def _said(text: str, clauses: Sequence[Range], mine: Sequence[Range], theirs: Sequence[Range]) -> str:
    """Return the clauses about `mine`: from where these are named until `theirs` are; an echo takes those before it."""
    kept: list[Range] = []
    nobody = [one for one in clauses[: _first(clauses, [*mine, *theirs])] if text[one[0] : one[1]].strip(" ,")]
    speaking = False
    for one in clauses:
        here, there = _within(mine, *one), _within(theirs, *one)
        if here and not kept:
            kept += nobody if _first(clauses, mine) < _first(clauses, theirs) else []
            if _echoes(text, one, mine):
                kept += [before for before in clauses if before < one and before not in kept]
        speaking = here or (speaking and not there)
        if speaking:
            kept.append(one)
    return " ".join([text[start:end] for start, end in kept])


def _first(clauses: Sequence[Range], spans: Sequence[Range]) -> int:
    return next((at for at, one in enumerate(clauses) if _within(spans, *one)), len(clauses))


def _only_holds_against(text: str, clause: Range, spans: Sequence[Range]) -> bool:
    """Tell whether a clause says nothing but whom somebody is held against: *unlike Globex,* …"""
    rest = _without_names(text, clause, spans)
    found = _HOLDS_AGAINST.search(rest)
    return bool(found) and _within(spans, *clause) and len(_HOLDS_AGAINST.sub(" ", rest).split()) <= _BARE_WORDS


def _without_names(text: str, clause: Range, spans: Sequence[Range]) -> str:
    start, end = clause
    rest = text[start:end]
    for first, last in sorted(spans, reverse=True):
        if start <= first < end:
            rest = rest[: first - start] + rest[last - start :]
    return rest.strip(" ,.!?;…\n")


def _echoes(text: str, clause: Range, spans: Sequence[Range]) -> bool:
    """Tell whether a clause says nothing of its own but that it is likewise: *Globex auch*, *and so is Globex*."""
    rest = _without_names(text, clause, spans)
    found = _ECHOES.search(rest)
    return bool(found) and len(_ECHOES.sub(" ", rest).split()) <= _ECHO_WORDS


def _together(text: str, own: Sequence[Range], others: Sequence[Range]) -> bool:
    """Tell whether the two are named as one, with nothing but *und* or the like between them."""
    marked = sorted([(*one, True) for one in own] + [(*one, False) for one in others])
    pairs = pairwise(marked)
    return any(mine != other and _JOINS.fullmatch(text, end, start) for (_, end, mine), (start, _, other) in pairs)


def _loses(text: str, own: Sequence[Range], others: Sequence[Range]) -> bool:
    """Tell whether `own` is the losing side: of a comparison, or held against the other."""
    for found in _HOLDS_AGAINST.finditer(text):
        behind = [(start - found.end(), mine) for mine, spans in ((True, own), (False, others)) for start, _ in spans]
        if named := [one for one in behind if 0 <= one[0] <= RIGHT_BEHIND]:
            return min(named)[1]
    for found in _THAN.finditer(text):
        before = any(end <= found.start() for _, end in others) and all(end > found.start() for _, end in own)
        if before and any(0 <= start - found.end() <= NEAR for start, _ in own):
            return True
    return False


def _clauses(text: str, own: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """Return the clauses in their order; *und* ends one only between a name of the one and a name of the other."""
    edges = [0]
    for found in _BETWEEN.finditer(text):
        turns = found.group().strip(" ,.!?;…\n").lower()
        if turns in ("und", "and") and not _divides(edges[-1], found.start(), own, others):
            continue
        edges += [found.start() if turns else found.end()]
    edges += [len(text)]
    return [(start, end) for start, end in pairwise(edges) if start < end]


def _divides(start: int, at: int, own: Sequence[Range], others: Sequence[Range]) -> bool:
    """Tell whether only one of the two is named between `start` and `at`, and the other one next after it."""
    before = {mine for mine, spans in ((True, own), (False, others)) if _within(spans, start, at)}
    after = sorted([(one[0], mine) for mine, spans in ((True, own), (False, others)) for one in spans if one[0] >= at])
    return len(before) == 1 and bool(after) and after[0][1] not in before


def _within(spans: Sequence[Range], start: int, end: int) -> bool:
    return any(start <= first < end for first, _ in spans)
