"""Language: which one a text is in, among a dozen neighbours, or `und` where that cannot be told.

The model is py3langid's, limited to the languages that are written around us: fewer candidates, fewer mistakes. What
the platform says is evidence that moves the odds, not the truth: many say what language the author's phone is set to.
"""

import re
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.mention import Language

LANGUAGES = ("cs", "da", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr")
UNDETERMINED = Language(code="und", confidence=0.0)

_HINT_ODDS = 6.0
"""How much likelier a language becomes when the platform names it."""
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


def primary(heard: str | None) -> str | None:
    """Return the language of a platform's tag (`de` of `de-AT`), or None where the tag says nothing."""
    if not heard:
        return None
    code = heard.strip().lower().replace("_", "-").partition("-")[0]
    return code if _CODE.fullmatch(code) and code not in _NOTHING_SAID else None


def detect(text: str, heard: str | None) -> Language:
    """Return the language of `text`; `heard` is what the platform says, if it does.

    The confidence is lower for short texts. Deterministic. The model is loaded with the first text.
    """
    hint = primary(heard)
    plain = " ".join(_NO_LANGUAGE.sub(" ", text[:_LONGEST]).split())
    letters = sum(map(str.isalpha, plain))
    if hint is not None and hint not in LANGUAGES:
        return Language(code=hint, confidence=_FOREIGN)
    if letters < 3 or _mostly_another_script(plain, letters):
        return UNDETERMINED if hint is None else Language(code=hint, confidence=_SURE)
    odds = {code: odd * (_HINT_ODDS if code == hint else 1.0) for code, odd in _model().rank(plain)}
    best = max(odds, key=lambda code: (odds[code], code))
    confidence = odds[best] / sum(odds.values()) * min(1.0, (letters / _ENOUGH) ** 0.5)
    if confidence < _SURE:
        return UNDETERMINED if hint is None else Language(code=hint, confidence=_SURE)
    return Language(code=best, confidence=round(confidence, 4))


def _mostly_another_script(plain: str, letters: int) -> bool:
    """All of our languages are written in Latin letters, which end at U+024F."""
    return sum(1 for letter in plain if letter > "\u024f") * 2 > letters


@cache
def _model() -> Any:
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(LANGUAGES)
    return model
