"""English feeling: VADER's lexicon and its rules (Hutto & Gilbert 2014, MIT), in a form that keeps each word's share.

Of VADER's rules these are kept: degree words before a word strengthen or weaken it, a negation among the three words
before it turns and weakens it, capitals in a text that is not all capitals strengthen it, and what stands after `but`
counts more than what stands before. Left out are the dozen fixed idioms. How far the two agree is a test.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE

from pipeline.feeling_words import Part
from pipeline.sentiment_signs import vader_lexicon, valence_of
from pipeline.weight import Weighed, Weight

CAPITALS = 0.733
TURNED = -0.74
"""VADER's own figures: what capitals add, and what a negation makes of a word."""
BEFORE_BUT, AFTER_BUT = 0.5, 1.5
SPAN = 3
"""How many words before a word can change it."""
BLAND = Weight(-0.18, -0.99)
"""A text without any known word: 57 % neutral."""
LEAN, FEELING, HALF = 1.68, 1.74, 15.0
"""How odds follow from valences: with `BLAND`, four numbers fitted to labelled tweets (docs/quality.md says to which).
Sums are bent as VADER bends them, x / sqrt(x² + 15), so that no pile of words makes quite sure."""

_NEGATIONS = frozenset(word.replace("'", "") for word in NEGATE) | {"no"}
_DEGREES: dict[str, float] = {word: step for word, step in BOOSTER_DICT.items() if " " not in word}


class _Meaning(NamedTuple):
    """What a word means wherever it stands: its valence, how much it strengthens others, and whether it negates."""

    valence: float
    degree: float
    negates: bool


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of an English text."""
    words = [part for part in parts if part.kind not in ("stop", "quote")]
    meanings = [_meaning(part) for part in words]
    shouted = _some_capitals(words)
    valences = [meaning.valence and _valence(words, meanings, at, shouted) for at, meaning in enumerate(meanings)]
    _apply_but(words, valences)
    pointing = [(part, value) for part, value in zip(words, valences, strict=True) if value]
    bent_lean = LEAN * _slope(sum(value for _, value in pointing))
    bent_feeling = FEELING * _slope(sum(abs(value) for _, value in pointing))
    shares = [(part.text, Weight(value * bent_lean, abs(value) * bent_feeling)) for part, value in pointing]
    return Weighed.of(shares, BLAND)


def _slope(total: float) -> float:
    """Return what one step of valence is worth when all of the text adds up to `total`."""
    return float((total * total + HALF) ** -0.5)


@cache
def _lexicon() -> dict[str, float]:
    """VADER's words as they are looked up here: without apostrophes."""
    return {word.replace("'", ""): value for word, value in vader_lexicon().items() if word[0].isalnum()}


@lru_cache(maxsize=65_536)
def _meaning(part: Part) -> _Meaning:
    """Look a word up; most words come again, so what was found is remembered."""
    key = part.text.lower().replace("'", "").replace("’", "")
    degree, negates = _DEGREES.get(key, 0.0), key in _NEGATIONS
    if part.kind != "word":
        return _Meaning(valence_of(part), degree, negates)
    if key in _DEGREES or negates:
        return _Meaning(0.0, degree, negates)
    return _Meaning(_lexicon().get(key) or _lexicon().get(part.folded, 0.0), degree, negates)


def _valence(words: list[Part], meanings: list[_Meaning], index: int, shouted: bool) -> float:
    """Return the valence of the word at `index` with what the words before it make of it."""
    valence = meanings[index].valence
    if words[index].kind != "word":
        return valence
    sign = 1.0 if valence > 0 else -1.0
    if shouted and words[index].text.isupper():
        valence += sign * CAPITALS
    for distance in range(1, min(SPAN, index) + 1):
        before = meanings[index - distance]
        if before.degree:
            valence += sign * before.degree * (1.05 - 0.05 * distance)
        elif before.negates:
            valence *= TURNED
            sign = -sign
    return valence


def _some_capitals(words: list[Part]) -> bool:
    """Tell whether some words, but not all, are in capitals: then capitals are emphasis."""
    capitals = [part for part in words if part.text.isupper() and part.kind == "word" and len(part.text) > 1]
    return bool(capitals) and len(capitals) < sum([part.kind == "word" for part in words])


def _apply_but(words: list[Part], valences: list[float]) -> None:
    """Weaken what stands before the first `but`, strengthen what stands after it."""
    folded = [part.folded for part in words]
    if "but" in folded:
        turn = folded.index("but")
        for index, value in enumerate(valences):
            valences[index] = value * (BEFORE_BUT if index < turn else AFTER_BUT)
