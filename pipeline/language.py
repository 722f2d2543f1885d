"""Language: which one a text is in, among a dozen neighbours, or `und` where that cannot be told.

The model is py3langid's, limited to the languages that are written around us: fewer candidates, fewer mistakes. What
the platform says is evidence that moves the odds, not the truth: many say what language the author's phone is set to.
"""

import math
import re
import unicodedata
from copy import copy
from functools import cache, lru_cache
from typing import Any

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts

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

_NO_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\bRT\b|[^\w\s'’-]|[\d_]")
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
    plain = " ".join(_NO_LANGUAGE.sub(" ", text[:_LONGEST]).split())
    letters = _count_letters(plain)
    if hint is not None and hint not in _known():
        return Language(code=hint, confidence=_FOREIGN)
    if letters < 3:
        return _guess(hint)
    if _mostly_another_script(plain, letters) and (hint is None or hint in LANGUAGES):
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


def _count_letters(plain: str) -> int:
    """Return how many letters there are in a text of which only words and what holds them together are left."""
    if plain.isascii():
        return len(plain) - plain.count(" ") - plain.count("'") - plain.count("-")
    return sum(map(str.isalpha, plain))


def _mostly_another_script(plain: str, letters: int) -> bool:
    """All of our languages are written in Latin letters, which end at U+024F."""
    return not plain.isascii() and len(_BEYOND_LATIN.findall(plain)) * 2 > letters


class _Model:
    """py3langid's model of some languages: how likely a text's byte sequences are in each of them.

    This is `LanguageIdentifier.rank` without what one text of a few words does not need, at two thirds of its price.
    """

    def __init__(self, languages: set[str]) -> None:
        identifier = copy(_full_model())
        identifier.set_languages(languages)
        self._languages, self._prior = identifier.nb_classes, identifier.nb_pc
        # full numbers in the order in which they are read, where the model has half ones by language
        self._weights = np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32)

    def odds(self, plain: str) -> dict[str, float]:
        """Return the probability of each language."""
        text = unicodedata.normalize("NFC", plain.lower() if plain.isupper() else plain)
        data = text.encode(errors="surrogatepass")
        found = visit_counts(*_sequences(), data)
        if not found:
            return dict.fromkeys(self._languages, 1.0 / len(self._languages))
        counts = np.fromiter(found.values(), np.float32, len(found))
        rows = self._weights.take(np.fromiter(found, np.intp, len(found)), 0)
        scores = np.log1p(counts) @ rows + self._prior
        # the longer a text, the more sequences agree with one another and not only with the language
        scores *= 1.0 / math.sqrt(len(data))
        np.exp(scores - scores.max(), out=scores)
        scores /= scores.sum()
        odds: dict[str, float] = {}
        for code, odd in zip(self._languages, scores.tolist(), strict=True):
            odds[code] = odds.get(code, 0.0) + odd
        return odds


@cache
def _full_model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _sequences() -> tuple[Any, list[int], Any]:
    """Return the automaton that finds byte sequences, which all models share, as `visit_counts` asks for it."""
    model = _full_model()
    return model.tk_nextmove, [row << 8 for row in model.tk_row], model.tk_output


@cache
def _known() -> frozenset[str]:
    return frozenset(_full_model().labels)


@lru_cache(maxsize=16)
def _model(other: str | None) -> _Model:
    """Return the model of our languages, and of another one that the platform names; each takes 5 MB."""
    return _Model({*LANGUAGES, *([other] if other else [])})
