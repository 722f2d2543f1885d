"""English feeling: VADER's lexicon and its rules (Hutto & Gilbert 2014, MIT), in a form that keeps each word's share.

Of VADER's rules these are kept: degree words before a word strengthen or weaken it, a negation among the three words
before it turns and weakens it, capitals in a text that is not all capitals strengthen it, and what stands after `but`
counts more than what stands before. Left out are the dozen fixed idioms. How far the two agree is a test.
"""

from collections.abc import Sequence
from functools import cache

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
BLAND = Weight(0.0, -0.9)
"""A text without any known word: 55 % neutral."""
LEAN, FEELING, HALF = 2.2, 1.2, 15.0
"""Sums are bent as VADER bends them, x / sqrt(x² + 15): no pile of words makes more than 92 % sure."""

_NEGATIONS = frozenset(word.replace("'", "") for word in NEGATE) | {"no"}
_DEGREES: dict[str, float] = {word: step for word, step in BOOSTER_DICT.items() if " " not in word}


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of an English text."""
    words = [part for part in parts if part.kind != "stop"]
    shouted = _some_capitals(words)
    valences = [_valence(words, index, shouted) for index in range(len(words))]
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


def _key(part: Part) -> str:
    return part.text.lower().replace("'", "").replace("’", "")


def _valence(words: list[Part], index: int, shouted: bool) -> float:
    """Return the valence of the word at `index` with what the words before it make of it."""
    part = words[index]
    if part.kind != "word":
        return valence_of(part)
    lexicon, key = _lexicon(), _key(part)
    if key in _DEGREES or key in _NEGATIONS:
        return 0.0
    valence = lexicon.get(key) or lexicon.get(part.folded, 0.0)
    if not valence:
        return 0.0
    sign = 1.0 if valence > 0 else -1.0
    if shouted and part.text.isupper():
        valence += sign * CAPITALS
    for distance in range(1, min(SPAN, index) + 1):
        before = _key(words[index - distance])
        if before in _DEGREES:
            valence += sign * _DEGREES[before] * (1.05 - 0.05 * distance)
        elif before in _NEGATIONS:
            valence *= TURNED
            sign = -sign
    return valence


def _some_capitals(words: list[Part]) -> bool:
    """Tell whether some words, but not all, are in capitals: then capitals are emphasis."""
    capitals = sum(1 for part in words if part.kind == "word" and len(part.text) > 1 and part.text.isupper())
    return 0 < capitals < sum(1 for part in words if part.kind == "word")


def _apply_but(words: list[Part], valences: list[float]) -> None:
    """Weaken what stands before the first `but`, strengthen what stands after it."""
    turn = next((index for index, part in enumerate(words) if part.folded == "but"), None)
    if turn is not None:
        for index, value in enumerate(valences):
            valences[index] = value * (BEFORE_BUT if index < turn else AFTER_BUT)
