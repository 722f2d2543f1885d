"""Language: which one a text is in, among a dozen neighbours, or `und` where that cannot be told.

The model is py3langid's, limited to the languages that are written around us: fewer candidates, fewer mistakes. What
the platform says is evidence that moves the odds, not the truth: many say what language the author's phone is set to.
"""

import math
import re
import unicodedata
from collections import Counter
from copy import copy
from functools import cache, lru_cache
from typing import Any

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.mention import Language

LANGUAGES = ("cs", "da", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr")
UNDETERMINED = Language(code="und", confidence=0.0)

_HINT_ODDS = 6.0
"""How much likelier a language becomes when the platform names it; one of its own it adds to the candidates."""
_ENOUGH = 40
"""Letters from which on the model's own confidence is believed; shorter texts get a share of it."""
_SURE = 0.35
"""Below this confidence it is more honest to say nothing."""
_FOREIGN = 0.6
"""The confidence in a platform's word for a language that the model does not know."""
_LONGEST = 2_000
"""Characters that are looked at; a language is told long before."""

_MARKS = ("@", "#", "://", "www.", "RT")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\bRT\b")
"""What belongs to no language; each holds one of `_MARKS`."""
_NO_LETTER = re.compile(r"[^\w\s'’-]|[\d_]")
_LETTERS = bytes(code if chr(code).isalpha() or chr(code) in "'-" else 32 for code in range(128)) + bytes(
    range(128, 256)
)
_BEYOND_LATIN = re.compile("[^\x00-\u024f]")
_CODE = re.compile(r"[a-z]{2,3}")
_NOTHING_SAID = {"und", "zxx", "mul", "mis", "qme", "qht", "qam", "qct", "qst"}


_OLD_CODES = {"in": "id", "iw": "he", "ji": "yi"}


def primary(heard: str | None) -> str | None:
    """Return the language of a platform's tag (`de` of `de-AT`), or None where the tag says nothing."""
    if not heard:
        return None
    code = heard.strip().lower().replace("_", "-").partition("-")[0]
    code = _OLD_CODES.get(code, code)
    return code if _CODE.fullmatch(code) and code not in _NOTHING_SAID else None


def detect(text: str, heard: str | None) -> Language:
    """Return the language of `text`; `heard` is what the platform says, if it does.

    The confidence is lower for short texts. Deterministic. The model is loaded with the first text.
    """
    hint = primary(heard)
    if hint is not None and hint not in _known():
        return Language(code=hint, confidence=_FOREIGN)
    text = text[:_LONGEST]
    if any(mark in text for mark in _MARKS):
        text = _ADDRESS.sub(" ", text)
    plain, letters, familiar = _read_ascii(text) if text.isascii() else _read(text)
    if letters < 3:
        return _guess(hint)
    if not familiar and (hint is None or hint in LANGUAGES):
        return UNDETERMINED
    odds = _model(None if hint in LANGUAGES else hint).odds(plain)
    if hint is not None:
        odds[hint] *= _HINT_ODDS
    odd, best = max(zip(odds.values(), odds, strict=True))
    confidence = odd / sum(odds.values()) * min(1.0, (letters / _ENOUGH) ** 0.5)
    return _guess(hint) if confidence < _SURE else Language(code=best, confidence=round(confidence, 4))


def _guess(hint: str | None) -> Language:
    """Return what is left to say where the text says too little."""
    return UNDETERMINED if hint is None else Language(code=hint, confidence=_SURE)


def _read_ascii(text: str) -> tuple[bytes, int, bool]:
    """Return the letters of an ASCII text with what holds words together, how many they are, and that they are Latin.

    It is what `_read` returns, at a fifth of the price.
    """
    plain = b" ".join(text.encode().translate(_LETTERS).split())
    letters = len(plain) - plain.count(b" ") - plain.count(b"'") - plain.count(b"-")
    return (plain.lower() if plain.isupper() else plain), letters, True


def _read(text: str) -> tuple[bytes, int, bool]:
    """Return the same of any text; the last is False where most letters are of another script than our languages."""
    plain = " ".join(_NO_LETTER.sub(" ", text).split())
    letters = sum(map(str.isalpha, plain))
    latin = len(_BEYOND_LATIN.findall(plain)) * 2 <= letters
    plain = unicodedata.normalize("NFC", plain.lower() if plain.isupper() else plain)
    return plain.encode(errors="surrogatepass"), letters, latin


class _Model:
    """py3langid's model of some languages: how likely a text's byte sequences are in each of them.

    This is `LanguageIdentifier.rank` without what one text of a few words does not need, at two thirds of its price.
    """

    def __init__(self, languages: set[str]) -> None:
        identifier = copy(_full_model())
        identifier.set_languages(languages)
        self._languages, self._prior = identifier.nb_classes, identifier.nb_pc
        # full numbers in the order in which they are read, where the model has half ones by language
        self._weights = np.zeros((len(identifier.nb_ptc) + 1, len(self._prior)), np.float32)
        self._weights[1:] = identifier.nb_ptc

    def odds(self, plain: bytes) -> dict[str, float]:
        """Return the probability of each language."""
        found = _count_sequences(plain)
        if not found:
            return dict.fromkeys(self._languages, 1.0 / len(self._languages))
        counts = np.fromiter(found.values(), np.float32, len(found))
        rows = self._weights.take(np.fromiter(found, np.intp, len(found)), 0)
        scores = np.log1p(counts) @ rows + self._prior
        # the longer a text, the more sequences agree with one another and not only with the language
        scores *= 1.0 / math.sqrt(len(plain))
        np.exp(scores - np.maximum.reduce(scores), out=scores)
        scores /= np.add.reduce(scores)
        odds: dict[str, float] = {}
        for code, odd in zip(self._languages, scores.tolist(), strict=True):
            odds[code] = odds.get(code, 0.0) + odd
        return odds


def _count_sequences(data: bytes) -> Counter[int]:
    """Count the byte sequences of a text that the models know, by their numbers from 1 on (`langid.visit_counts`)."""
    steps, at = _automaton()
    found: list[int] = []
    note = found.append
    for letter in data:
        at = steps[(at & _ROW) + letter]
        if at > _ROW:
            note(at >> _SEQUENCE)
    return Counter(found)


_SEQUENCE = 32
_ROW = (1 << _SEQUENCE) - 1
"""In the lower bits of a step stands where the row of the next state begins, above them which sequence ends there."""


@cache
def _full_model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _automaton() -> tuple[memoryview, int]:
    """Return the automaton that finds the sequences of all models, and where it begins.

    py3langid has three tables: next states, their rows, and what ends in them. As one, a letter costs one look into
    memory that no cache holds, and not five.
    """
    model = _full_model()
    rows = np.asarray(model.tk_row, np.int64) << 8
    steps = (rows | (np.asarray(model.tk_output, np.int64) + 1 << _SEQUENCE))[np.asarray(model.tk_nextmove)]
    model.tk_nextmove = None  # 39 MB that nobody asks any more
    return memoryview(steps), int(rows[0])


@cache
def _known() -> frozenset[str]:
    return frozenset(_full_model().labels)


@lru_cache(maxsize=16)
def _model(other: str | None) -> _Model:
    """Return the model of our languages, and of another one that the platform names; each takes 5 MB."""
    return _Model({*LANGUAGES, *([other] if other else [])})
