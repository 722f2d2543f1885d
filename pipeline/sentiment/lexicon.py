"""The German lexicon of our own hand: reads `lexicon_de.tsv` and knows the forms of its words, and its compounds.

Verbs are conjugated by rule and adjectives compared; endings are the stemmer's business. A longer word that nobody
wrote down takes its feeling from a noun that is its last part (`Gepäckchaos`), from a coarse or fond first part
(`Scheißladen`, `Lieblingsbäcker`), or from what `un-` turns. A phrase is a row of words that means something else than
they do.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.sentiment.words import fold_word

WORDS = Path(__file__).with_name("lexicon_de.tsv")
PARTED = "+"
"""Stands between a verb and its first part behind it, in pairs: stellt+ein."""
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
_NEVER_LAST = ("frei", "los", "schutz", "hilf", "hilfe", "versicherung", "steuerung", "waffenstillstand")
_LAST_ADJECTIVES = frozenset({"freundlich", "feindlich"})
_BEFORE_VERBS = """ver er ent zer un ueber unter wider an ab auf aus ein vor zu nach her hin mit um durch los weg dar
bei zurueck zusammen entlang dazwischen herunter herauf hinaus voran fort empor nieder entgegen bevor fest"""
_NEVER_BEFORE = tuple(_BEFORE_VERBS.split())
"""What makes another word of a part instead of a compound: Vorwurf is no Wurf."""
_NO_NOUNS = ("participle", "irony", "insult", "slang")
"""Themes of which no word ends a compound."""
_NO_FORMS = frozenset({"mueller", "muellers", "krieger", "kriegers", "sicher", "lecker", "kracher", "verdien"})
"""Words that look like a form of another: Müller is no Müll, sicher no sich, what is lecker has no Leck, and Verdi, the
union, is not what somebody deserves."""


class Phrase(NamedTuple):
    """A row of folded words and what it feels."""

    words: tuple[str, ...]
    strength: float


def root_of(folded: str) -> str:
    """Return a folded word without its ending, so that `schlechte`, `schlechter` and `schlecht` are one entry."""
    found = _ENDING.search(folded) if len(folded) > 5 and folded not in _NO_FORMS else None
    return folded[: found.start()] if found and found.start() >= 4 else folded


stem = lru_cache(maxsize=65_536)(root_of)
"""The same for words of texts, which are remembered; the forms of the lexicon, most of which nobody writes, are not."""


@cache
def strengths() -> dict[str, float]:
    """Return the strength of every stem of the lexicon, -3 to 3; of words written twice the stronger counts."""
    found: dict[str, float] = {}
    for kind, strength, word in _entries():
        for form in _forms(kind, word) if kind not in "po" and "~" not in word else ():
            if abs(strength) >= abs(found.get(form, 0.0)):
                found[form] = strength
    return found


@cache
def phrases() -> dict[str, dict[str, tuple[Phrase, ...]]]:
    """Return the phrases by their first and their second word, the longest first."""
    found: dict[str, dict[str, list[Phrase]]] = {}
    for _, strength, word in _entries():
        if "~" in word:
            words = tuple(map(fold_word, word.lstrip("#").split("~")))
            found.setdefault(words[0], {}).setdefault(words[1], []).append(Phrase(words, strength))
    return {
        first: {second: tuple(sorted(some, key=lambda one: -len(one.words))) for second, some in seconds.items()}
        for first, seconds in found.items()
    }


@cache
def divisible() -> dict[str, frozenset[str]]:
    """Return the first parts that part from their verbs, each with the finite forms of these: ab of stürzt, stürzte."""
    found: dict[str, set[str]] = {}
    for kind, _, word in _entries():
        first, bar, verb = word.partition("|")
        if kind == "v" and bar:
            found.setdefault(fold_word(first), set()).update(_finite(fold_word(verb)))
    return {first: frozenset(verbs) for first, verbs in found.items()}


@cache
def halves() -> dict[str, dict[str, str]]:
    """Return what stems a stem is a pair with, in either order, and how that pair is written in the lexicon."""
    found: dict[str, dict[str, str]] = {}
    for pair in _pairs():
        noun, verb = pair.split("|")
        thing = stem(fold_word(noun))
        for form in {stem(fold_word(verb)), *_conjugated_once(verb)}:
            found.setdefault(thing, {})[form] = pair
            found.setdefault(form, {})[thing] = pair
    # nearly all forms of a verb have the same nouns, and so one table
    same: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    return {key: same.setdefault(tuple(others.items()), others) for key, others in found.items()}


@cache
def _conjugated_once(verb: str) -> frozenset[str]:
    return frozenset(_conjugate(verb))


def strength_of_pair(pair: str) -> float:
    """Return the strength of what a verb does to its object; 0 where they are no pair."""
    return _pairs().get(pair, 0.0)


@cache
def _pairs() -> dict[str, float]:
    return {word: strength for kind, strength, word in _entries() if kind == "o"}


def strength_of(key: str) -> float:
    """Return the strength of a stem, of a compound by its parts; 0 for what feels nothing."""
    table = strengths()
    if key in table:
        return table[key]
    if key.startswith("un") and table.get(key[2:], 0.0) > 0:
        return -table[key[2:]]
    if len(key) < SHORTEST_COMPOUND or key.endswith(_NEVER_LAST):
        return 0.0
    if key.startswith(_COARSE_OR_FOND):
        return next(strength for first, strength in _FIRST_PARTS.items() if key.startswith(first))
    parts = _last_parts()
    for start in range(3, len(key) - SHORTEST_PART + 1):
        if (part := key[start:]) in parts and not key[:start].endswith(_NEVER_BEFORE):
            return BY_PART * table[part]
    return 0.0


@cache
def _last_parts() -> frozenset[str]:
    """Return the nouns that a compound takes its feeling from; verbs end too many words that they are no part of."""
    nouns: set[str] = set()
    no_parts: set[str] = set()
    for kind, _, theme, word in _written():
        if kind == "x":
            no_parts.add(stem(fold_word(word)))
        elif kind == "n" and theme not in _NO_NOUNS and "~" not in word:
            nouns.add(stem(fold_word(word)))
    return frozenset(nouns - no_parts | _LAST_ADJECTIVES) & strengths().keys()


def _entries() -> Iterator[tuple[str, float, str]]:
    return ((kind, strength, word) for kind, strength, _, word in _written() if kind != "x")


def _written() -> Iterator[tuple[str, float, str, str]]:
    for line in WORDS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, strength, theme, words = line.split("\t")
        for word in words.split():
            for one in _each(word) if kind == "o" else (word,):
                yield kind, float(strength), theme, one


def _each(pair: str) -> Iterator[str]:
    """Yield the pairs of every noun with every verb of `Stellen,Jobs|streichen,kürzen`."""
    nouns, verbs = (some.split(",") for some in pair.split("|"))
    yield from (f"{noun}|{verb}" for noun in nouns for verb in verbs)


def _forms(kind: str, word: str) -> Iterator[str]:
    """Yield the stems under which a word is looked up."""
    if kind == "v":
        yield from _conjugate(word)
        return
    folded = fold_word(word.replace("|", ""))
    yield root_of(folded)
    # short words keep their endings, longer ones lose them: tolle is no stem of toll, and pannen is pann
    if kind == "n" and folded.endswith("e"):
        yield root_of(folded + "n")
    if kind == "a":
        root = folded.removesuffix("e")
        yield from (root_of(root + ending) for ending in _DECLINED)


def _finite(infinitive: str) -> Iterator[str]:
    root = infinitive.removesuffix("n").removesuffix("e")
    yield from (root + ending for ending in _CONJUGATED)
    yield infinitive


def _conjugate(word: str) -> Iterator[str]:
    before, _, verb = word.rpartition("|")
    prefix, infinitive = fold_word(before), fold_word(verb)
    root = infinitive.removesuffix("n").removesuffix("e")
    for ending in _CONJUGATED:
        if prefix or len(root) >= 4 or ending:
            yield root_of(prefix + root + ending)
    yield root_of(prefix + infinitive)
    if prefix:
        yield root_of(prefix + "zu" + infinitive)
    for ending in ("t", "et"):
        yield root_of(prefix + "ge" + root + ending)
