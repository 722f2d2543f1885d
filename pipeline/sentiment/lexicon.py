"""The German lexicon of our own hand: reads `lexicon_de.tsv` and knows the forms of its words, and its compounds.

Verbs are conjugated by rule and adjectives compared; endings are the stemmer's business. A longer word that nobody
wrote down takes its feeling from its last part (`Gepäckchaos`), from a coarse or fond first part (`Scheißladen`,
`Lieblingsbäcker`), or from what `un-` turns. A phrase is a row of words that means something else than they do.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.sentiment.words import fold_word

WORDS = Path(__file__).with_name("lexicon_de.tsv")
BY_PART = 0.8
"""What a compound has of the strength of its part."""
SHORTEST_PART, SHORTEST_COMPOUND = 6, 9

_ENDING = re.compile(r"(?:en|er|es|em|e|n|s)$")
_CONJUGATED = ("", "e", "st", "est", "t", "et", "te", "ten", "test", "tet", "ete", "eten", "end", "ende", "enden")
_DECLINED = ("e", "en", "em", "er", "es", "est", "ste", "este")
_FIRST_PARTS = {
    **dict.fromkeys(("scheiss", "drecks", "kack", "mist", "horror", "pannen", "skandal", "katastrophen"), -2.5),
    **dict.fromkeys(("chaos", "problem", "pleite", "billig", "schrott"), -2.0),
    **dict.fromkeys(("lieblings", "traum", "wunsch", "glanz", "vorzeige", "wohlfuehl"), 2.0),
}
_COARSE_OR_FOND = tuple(_FIRST_PARTS)
_NEVER_LAST = ("frei", "los", "schutz", "hilf", "hilfe", "versicherung")
_UNREAL = frozenset({"traumat", "problematik", "muellabfuhr"})
_NO_FORMS = frozenset({"mueller", "muellers", "krieger", "kriegers"})
"""Names that look like a form of another word: Müller is no Müll."""


class Phrase(NamedTuple):
    """A row of folded words and what it feels."""

    words: tuple[str, ...]
    strength: float


@lru_cache(maxsize=65_536)
def stem(folded: str) -> str:
    """Return a folded word without its ending, so that `schlechte`, `schlechter` and `schlecht` are one entry."""
    found = _ENDING.search(folded) if len(folded) > 5 and folded not in _NO_FORMS else None
    return folded[: found.start()] if found and found.start() >= 4 else folded


@cache
def strengths() -> dict[str, float]:
    """Return the strength of every stem of the lexicon, -3 to 3; of words written twice the stronger counts."""
    found: dict[str, float] = {}
    for kind, strength, word in _entries():
        for form in _forms(kind, word) if kind != "p" and "~" not in word else ():
            if abs(strength) >= abs(found.get(form, 0.0)):
                found[form] = strength
    return found


@cache
def phrases() -> dict[str, tuple[Phrase, ...]]:
    """Return the phrases by their first word, the longest first."""
    found: dict[str, list[Phrase]] = {}
    for _, strength, word in _entries():
        if "~" in word:
            words = tuple(map(fold_word, word.lstrip("#").split("~")))
            found.setdefault(words[0], []).append(Phrase(words, strength))
    return {first: tuple(sorted(some, key=lambda one: -len(one.words))) for first, some in found.items()}


def strength_of(key: str) -> float:
    """Return the strength of a stem, of a compound by its parts; 0 for what feels nothing."""
    table = strengths()
    if key in table:
        return table[key]
    if key.startswith("un") and table.get(key[2:], 0.0) > 0:
        return -table[key[2:]]
    if len(key) < SHORTEST_COMPOUND or key.endswith(_NEVER_LAST) or key in _UNREAL:
        return 0.0
    if key.startswith(_COARSE_OR_FOND):
        return next(strength for first, strength in _FIRST_PARTS.items() if key.startswith(first))
    for start in range(3, len(key) - SHORTEST_PART + 1):
        if part := table.get(key[start:], 0.0):
            return BY_PART * part
    return 0.0


def _entries() -> Iterator[tuple[str, float, str]]:
    for line in WORDS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, strength, _, words = line.split("\t")
        for word in words.split():
            yield kind, float(strength), word


def _forms(kind: str, word: str) -> Iterator[str]:
    """Yield the stems under which a word is looked up."""
    if kind == "v":
        yield from _conjugate(word)
        return
    folded = fold_word(word.replace("|", ""))
    yield stem(folded)
    # short words keep their endings, longer ones lose them: tolle is no stem of toll, and pannen is pann
    if kind == "n" and folded.endswith("e"):
        yield stem(folded + "n")
    if kind == "a":
        root = folded.removesuffix("e")
        yield from (stem(root + ending) for ending in _DECLINED)


def _conjugate(word: str) -> Iterator[str]:
    before, _, verb = word.rpartition("|")
    prefix, infinitive = fold_word(before), fold_word(verb)
    root = infinitive.removesuffix("n").removesuffix("e")
    for ending in _CONJUGATED:
        if prefix or len(root) >= 4 or ending:
            yield stem(prefix + root + ending)
    yield stem(prefix + infinitive)
    if prefix:
        yield stem(prefix + "zu" + infinitive)
    for ending in ("t", "et"):
        yield stem(prefix + "ge" + root + ending)
