"""German feeling: a lexicon of our own, learnt from the tweets of PotTS by benchmarks/train_lexicon.py (data: MIT).

A text is looked up by word stems, pairs of neighbouring stems, emoticons and marks. A negation (nicht, kein, nie,
ohne …) reaches over the next three words or to the next stop: such a word is looked up as negated, and where the
lexicon does not know it so, the weight of the plain word is turned and weakened. Degree words (sehr, total, kaum …)
strengthen or weaken the word after them. The same reading of a text serves the training and the product.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from pipeline.feeling_words import Part
from pipeline.sentiment_signs import weigh_sign
from pipeline.weight import Weighed, Weight

LEXICON = Path(__file__).with_name("sentiment_de.tsv")
START = "*start*"
"""The row of the lexicon that says what a text without any known word weighs."""
NEGATED = "nicht_"
"""How a negated word is marked in the lexicon."""
SPAN = 3
"""How many words a negation reaches."""
TURNED = -0.5
"""What a negation makes of the lean of a word whose negation the lexicon does not know."""
LONG = 25
"""A text with more entries of the lexicon than this is longer than 95 % of those it was learnt from: from here on their
mean counts, not their sum, or every long text would seem certain."""

_NOT = """nicht nich nix nichts kein keine keinen keinem keiner keines keinerlei nie niemals niemand nirgends ohne
weder kaum ned net nimmer"""
_MORE = "sehr total voll echt richtig absolut mega extrem wirklich so besonders voellig komplett"
_RATHER = "ziemlich ganz recht"
_LESS = "etwas wenig bisschen halbwegs einigermassen eher leicht"
_NEGATIONS = frozenset(_NOT.split())
_DEGREES = {word: by for words, by in ((_MORE, 1.3), (_RATHER, 1.1), (_LESS, 0.7)) for word in words.split()}
_ENDING = re.compile(r"(?:en|er|es|em|e|n|s)$")


Feature = tuple[str, str, str, float]
"""One entry to look up: its text for people, its key in the lexicon, the plain key where that is a negated word's (else
nothing), and how much a degree word before it strengthens it."""


@lru_cache(maxsize=65_536)
def stem(folded: str) -> str:
    """Return a folded word without its ending, so that `schlechte`, `schlechter` and `schlecht` are one entry."""
    found = _ENDING.search(folded) if len(folded) > 5 else None
    return folded[: found.start()] if found and found.start() >= 4 else folded


def features(parts: Sequence[Part]) -> Iterator[Feature]:
    """Yield what of a text is looked up, in order, pairs after their second word."""
    reach = 0
    degree = 1.0
    previous: tuple[str, str] | None = None
    for text, folded, kind in parts:
        if kind in ("stop", "mark"):
            reach = 0
        if kind == "stop" or folded.isdigit():
            continue
        word = kind == "word"
        key = stem(folded) if word else folded
        yield (text, NEGATED + key, key, degree) if word and reach > 0 else (text, key, "", degree)
        if previous is not None:
            yield f"{previous[0]} {text}", f"{previous[1]} {key}", "", 1.0
        previous = (text, key)
        reach = SPAN if folded in _NEGATIONS else reach - word
        degree = _DEGREES.get(folded, 1.0)


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of a German text; a word said twice counts once."""
    lexicon = load_lexicon()
    found: dict[str, tuple[str, Weight]] = {}
    for text, key, plain, degree in features(parts):
        if (key in lexicon or plain in lexicon) and key not in found:
            weight = lexicon[key] if key in lexicon else lexicon[plain].times(TURNED, 1.0)
            found[key] = (text, weight.times(degree, degree) if degree != 1.0 else weight)
    for part in parts:
        if part.kind in ("emoji", "emoticon") and part.folded not in found and (sign := weigh_sign(part)):
            found[part.folded] = (part.text, sign)
    words = list(found.values())
    if len(words) > LONG:
        words = [(text, weight.times(LONG / len(words), LONG / len(words))) for text, weight in words]
    return Weighed.of(words, lexicon[START])


@cache
def load_lexicon() -> dict[str, Weight]:
    """Return the lexicon: lines of key, lean and feeling with tabs between them, after a notice in `#` lines."""
    rows = (line.split("\t") for line in LEXICON.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {key: Weight(float(lean), float(feeling)) for key, lean, feeling in rows}
