"""Language: which one a text is in, German, English and a dozen neighbours, or `und` where that cannot be told.

The model is py3langid's, limited to the languages that are written around us: fewer candidates, fewer mistakes. What
the platform says is evidence that moves the odds, not the truth: many say what language the author's phone is set to.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from copy import copy
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.mention import Language

LANGUAGES = ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "sv", "tr")
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
    return detect_all([(text, heard)])[0]


def is_in(code: str, told: Language, text: str) -> bool | None:
    """Tell whether `text` is in a language, given what was `told` of it; None where that is not known.

    A text in another script than ours is in none of our languages, whichever it is in.
    """
    if told.code != UNDETERMINED.code:
        return told.code == code
    return False if code in LANGUAGES and not _read(text[:_LONGEST])[2] else None


def detect_all(said: Sequence[tuple[str, str | None]]) -> list[Language]:
    """Return the languages of texts, of each with what the platform says of it; many at once cost less."""
    found: list[Language] = []
    asked: dict[str | None, list[tuple[int, _Letters]]] = {}
    for place, (text, heard) in enumerate(said):
        hint = primary(heard)
        letters = _letters(text, hint)
        found.append(letters if isinstance(letters, Language) else UNDETERMINED)
        if not isinstance(letters, Language):
            asked.setdefault(None if hint in LANGUAGES else hint, []).append((place, letters))
    for other, some in asked.items():
        for (place, letters), odds in zip(some, _model(other).odds([one.plain for _, one in some]), strict=True):
            found[place] = _likeliest(odds, letters)
    return found


class _Letters(NamedTuple):
    """The letters of a text with what holds words together, how many they are, and what the platform says."""

    plain: bytes
    number: int
    hint: str | None


def _letters(text: str, hint: str | None) -> _Letters | Language:
    """Return what the model is asked about, or the language where it need not be asked."""
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
    return _Letters(plain, letters, hint)


def _likeliest(odds: dict[str, float], letters: _Letters) -> Language:
    """Return the language with the best odds, if it is sure enough."""
    if letters.hint is not None:
        odds[letters.hint] *= _HINT_ODDS
    odd, best = max(zip(odds.values(), odds, strict=True))
    confidence = odd / sum(odds.values()) * min(1.0, (letters.number / _ENOUGH) ** 0.5)
    return _guess(letters.hint) if confidence < _SURE else Language(code=best, confidence=round(confidence, 4))


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
    """py3langid's model of some languages: how likely the byte sequences of texts are in each of them.

    This is `LanguageIdentifier.rank` for many texts at once, without what texts of a few words do not need.
    """

    def __init__(self, languages: set[str]) -> None:
        identifier = copy(_full_model())
        identifier.set_languages(languages)
        self._languages, self._prior = identifier.nb_classes, identifier.nb_pc
        # full numbers in the order in which they are read, where the model has half ones by language
        self._weights = np.zeros((len(identifier.nb_ptc) + 1, len(self._prior)), np.float32)
        self._weights[1:] = identifier.nb_ptc

    def odds(self, texts: Sequence[bytes]) -> list[dict[str, float]]:
        """Return the probability of each language for each of `texts`."""
        numbers, counts, ends = _count_sequences(texts)
        evidence, rows = np.log1p(counts), self._weights.take(numbers, 0)
        scores = np.array([evidence[one:end] @ rows[one:end] for one, end in pairwise([0, *ends])])
        scores += self._prior
        # the longer a text, the more sequences agree with one another and not only with the language
        scores *= np.array([[1.0 / math.sqrt(len(text))] for text in texts], np.float32)
        np.exp(scores - np.maximum.reduce(scores, 1, keepdims=True), out=scores)
        scores /= np.add.reduce(scores, 1, keepdims=True)
        # of a text that holds no sequence nothing can be told
        scores[[one == end for one, end in pairwise([0, *ends])]] = 1.0 / len(self._languages)
        found: list[dict[str, float]] = []
        for line in scores.tolist():
            odds: dict[str, float] = {}
            for code, odd in zip(self._languages, line, strict=True):
                odds[code] = odds.get(code, 0.0) + odd
            found.append(odds)
        return found


_Numbers = npt.NDArray[np.intp]


def _count_sequences(texts: Sequence[bytes]) -> tuple[_Numbers, npt.NDArray[np.float32], list[int]]:
    """Count the byte sequences of texts that the models know (`langid.visit_counts`).

    Returns their numbers from 1 on, the texts one after the other and each in the order in which its sequences come
    first, how often each stands in the text, and where each text ends.
    """
    steps, rows, ends_here = _automaton()
    # no sequence holds a zero, so that none reaches into the text before
    letters = np.frombuffer(bytes(_DEEPEST) + b"\0".join(texts), np.uint8)
    at = np.zeros(len(letters) - _DEEPEST, np.uint32)
    # where so many letters lead from the beginning, all that came before lead, too
    for behind in range(1, _DEEPEST + 1):
        row = rows.take(at)
        row += letters[behind : len(at) + behind]
        at = steps.take(row)
    sequences = ends_here.take(at)
    places = np.flatnonzero(sequences)
    edges = np.fromiter(accumulate(len(text) + 1 for text in texts), np.intp, len(texts))
    text = np.searchsorted(edges, places, "right")
    # sorted like this, what is the same in the same text stands together, and where it comes first stands first
    together = np.sort((text << _TEXT) + (sequences[places] << _PLACE) + places)
    begins = np.flatnonzero(np.diff(together >> _PLACE, prepend=-1))
    counts = np.diff(begins, append=len(together)).astype(np.float32)
    firsts = together[begins] & ((1 << _PLACE) - 1)
    order = np.argsort(firsts)
    firsts = firsts[order]
    return sequences[firsts], counts[order], np.searchsorted(firsts, edges).tolist()


_DEEPEST = 6
"""No sequence has more bytes."""
_PLACE, _TEXT = 28, 45
"""Where in a number stand a place, up to 268 million, the sequence that ends there, and its text."""


@cache
def _full_model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _automaton() -> tuple[npt.NDArray[np.uint32], _Numbers, _Numbers]:
    """Return the automaton that finds the sequences of all models.

    The next states, where in these the row of a state begins, and the number of the sequence that ends in it, 0 for
    none. It begins in state 0.
    """
    model = _full_model()
    steps = np.asarray(model.tk_nextmove, np.uint32)
    return steps, np.asarray(model.tk_row, np.intp) << 8, np.asarray(model.tk_output, np.intp) + 1


@cache
def _known() -> frozenset[str]:
    return frozenset(_full_model().labels)


@lru_cache(maxsize=16)
def _model(other: str | None) -> _Model:
    """Return the model of our languages, and of another one that the platform names; each takes 5 MB."""
    return _Model({*LANGUAGES, *([other] if other else [])})
