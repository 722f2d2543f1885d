"""Language: which one a text is in, among a dozen neighbours, or `und` where that cannot be told.

The model is py3langid's, limited to the languages that are written around us: fewer candidates, fewer mistakes. What
the platform says is evidence that moves the odds, not the truth: many say what language the author's phone is set to.
"""

import re
from copy import copy
from functools import cache
from typing import Any

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

_NO_LANGUAGE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\bRT\b|[^\w\s'’-]|[\d_]")
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
    letters = sum(map(str.isalpha, plain))
    if hint is not None and hint not in _known():
        return Language(code=hint, confidence=_FOREIGN)
    if letters < 3:
        return _guess(hint)
    if _mostly_another_script(plain, letters) and (hint is None or hint in LANGUAGES):
        return UNDETERMINED
    odds = {code: odd * (_HINT_ODDS if code == hint else 1.0) for code, odd in _model(hint).rank(plain)}
    best = max(odds, key=lambda code: (odds[code], code))
    confidence = odds[best] / sum(odds.values()) * min(1.0, (letters / _ENOUGH) ** 0.5)
    return _guess(hint) if confidence < _SURE else Language(code=best, confidence=round(confidence, 4))


def _guess(hint: str | None) -> Language:
    """Return what is left to say where the text says too little."""
    return UNDETERMINED if hint is None else Language(code=hint, confidence=_SURE)


def _mostly_another_script(plain: str, letters: int) -> bool:
    """All of our languages are written in Latin letters, which end at U+024F."""
    return sum(1 for letter in plain if letter > "\u024f") * 2 > letters


@cache
def _full_model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _known() -> frozenset[str]:
    return frozenset(_full_model().labels)


@cache
def _model(hint: str | None) -> Any:
    """Return the model of our languages and of the one that the platform names; all share the same tables."""
    model = copy(_full_model())
    model.set_languages({*LANGUAGES, hint} - {None})
    return model
