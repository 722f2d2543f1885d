"""How a word of a query may be written in a post on X, whose filtered stream takes every accent literally.

Our matcher folds what it reads; X compares tokens as they are written, but for case. So what the matcher takes for one
word is asked for in each of its spellings. What cannot be listed is not asked for, and docs/sources/x.md says so:
letters in disguise, words broken by hyphens or emoji, accents that the query does not write.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from pipeline.normalize import fold
from pipeline.query.spelling import dots_matter, spelling
from pipeline.query.tree import Word

LONGEST = 100
"""No token on X is longer than this and means something."""
MOST_DOTTED = 3
"""Up to so many umlauts each is spelled by itself; beyond, all of a word in one way."""
_LEAST_GENDERED = 4

_PAIRS = re.compile("ae|oe|(?<![aeiouqy])ue|ss")
_BARE = re.compile("[ao](?!e)|(?<![aeiouqy])u(?!e)")
_DOTTED = {"ae": ("ä", "ae", "a"), "oe": ("ö", "oe", "o"), "ue": ("ü", "ue", "u"), "ss": ("ß", "ss")}
_DOTS = {"a": "ä", "o": "ö", "u": "ü"}
_LETTERS = re.compile(r"[^\W\d_]+")


def writings(word: Word, written: str) -> tuple[str, ...]:
    """Return the words, in small letters, by which a post may hold `word`; `written` is the leaf it stands in.

    Where there is a space, the two words follow one another.
    """
    forms = sorted(word.forms, key=lambda form: (len(form), form))
    pieces = {fold(piece) for piece in _LETTERS.findall(written)}
    base = next((form for form in forms if form in pieces), forms[0])
    found = [token for form in forms for token in spellings(form, strict=word.strict)]
    if not word.strict and not dots_matter(spelling(base)) and not _PAIRS.search(base):
        found += _with_dots(base)
    found += _accented(forms, written)
    found += _gendered(base, strict=word.strict)
    return tuple(dict.fromkeys(token for token in found if len(token) <= LONGEST))


def spellings(folded: str, *, strict: bool) -> Iterator[str]:
    """Yield how a folded word may be written: ä, ae and, unless the dots matter, a; ß and ss."""
    pairs = list(_PAIRS.finditer(folded))
    soft = not strict and not dots_matter(spelling(folded))
    choices = [_DOTTED[pair[0]][: None if soft else 2] for pair in pairs]
    if len(pairs) > MOST_DOTTED:
        rows: Iterable[tuple[str, ...]] = [tuple(some[min(way, len(some) - 1)] for some in choices) for way in range(3)]
    else:
        rows = product(*choices)
    for row in rows:
        token, end = "", 0
        for pair, chosen in zip(pairs, row, strict=True):
            token += folded[end : pair.start()] + chosen
            end = pair.end()
        yield token + folded[end:]


def _with_dots(folded: str) -> Iterator[str]:
    """Yield a word that a query writes without dots with one umlaut: who asks for Muller also means Müller."""
    for bare in _BARE.finditer(folded):
        for dotted in (_DOTS[bare[0]], f"{bare[0]}e"):
            token = folded[: bare.start()] + dotted + folded[bare.end() :]
            if spelling(fold(token)) == spelling(folded):
                yield token


def _accented(forms: list[str], written: str) -> Iterator[str]:
    """Yield the forms with the accents that the query itself writes (Café, Cafés)."""
    for piece in _LETTERS.findall(written):
        plain = fold(piece)
        if not piece.isascii():
            yield from (piece.lower() + form[len(plain) :] for form in forms if form.startswith(plain))


def _gendered(base: str, *, strict: bool) -> Iterator[str]:
    """Yield how a word stands in texts that mean everybody: Kund:innen, which for X is two words, and KundInnen."""
    if len(base) < _LEAST_GENDERED or not base.isalpha():
        return
    stems = [base.removesuffix(ending) for ending in ("innen", "en", "e") if base.endswith(ending)]
    for stem in stems or [base]:
        for token in spellings(stem, strict=strict):
            yield from (f"{token}innen", f"{token}in")
            if stems:
                yield from (f"{token} innen", f"{token} in")
