"""The English words of our own beside VADER's, as `lexicon_en.tsv` has them: single words, phrases, and pairs.

A pair is a word and what it is done to, in either order and with others between: *cuts 900 jobs*, *jobs cut*. A row of
the file writes the pairs of each word before its bar with each one after it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipeline.sentiment.signs import vader_lexicon

WORDS = Path(__file__).with_name("lexicon_en.tsv")
PHRASE, PAIR = "~", "|"
"""How the words of a phrase are joined, and the two sides of pairs."""
PLAIN = "plain"
"""The theme of words that VADER feels and talk about companies does not: what is written of them holds."""


@cache
def valences_of_words() -> dict[str, float]:
    """Return VADER's words, and ours that it does not know, as they are looked up here: without apostrophes."""
    ours = {word: valence for word, valence in written().items() if PHRASE not in word}
    known = {word.replace("'", ""): value for word, value in vader_lexicon().items() if word[0].isalnum()}
    return ours | known | {word: valence for valence, theme, word in _rows() if theme == PLAIN and PHRASE not in word}


@cache
def written() -> dict[str, float]:
    """Return our words and phrases with their valences."""
    return {word: valence for valence, _, word in _rows() if PAIR not in word}


@cache
def phrases() -> dict[str, dict[str, tuple[tuple[str, ...], ...]]]:
    """Return the phrases by their first and their second word, the longest first."""
    found: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    for word in written():
        if PHRASE in word:
            words = tuple(word.split(PHRASE))
            found.setdefault(words[0], {}).setdefault(words[1], []).append(words)
    return {
        first: {second: tuple(sorted(some, key=len, reverse=True)) for second, some in seconds.items()}
        for first, seconds in found.items()
    }


@cache
def halves() -> Mapping[str, Mapping[str, float]]:
    """Return what words a word is a pair with, in either order, and the valence of each; the first written holds."""
    found: dict[str, dict[str, float]] = {}
    for valence, _, word in _rows():
        if PAIR in word:
            firsts, seconds = (some.split(",") for some in word.split(PAIR))
            for first, second in ((first, second) for first in firsts for second in seconds):
                found.setdefault(first, {}).setdefault(second, valence)
                found.setdefault(second, {}).setdefault(first, valence)
    return found


@cache
def _rows() -> tuple[tuple[float, str, str], ...]:
    """Return each entry of the file with its valence and its theme."""
    rows = [line.split("\t") for line in WORDS.read_text("utf-8").splitlines() if not line.startswith("#")]
    return tuple((float(valence), theme, word) for valence, theme, words in rows for word in words.split())
