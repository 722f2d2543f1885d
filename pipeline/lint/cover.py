"""Cover: whether whatever one term of a query finds is found by another, as far as their form shows it.

Words count as they are properly spelt: that Bahn is also heard in a text that says Bähn, and Bahn* is not, is no reason
to keep both.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import re2

from pipeline.query.spelling import key, spelling
from pipeline.query.tree import Glob, Part, Phrase, Tag, Term, Word

_Fits = Callable[[str], object]


def covers(general: Term, special: Term) -> bool:
    """Tell whether whatever is found by `special` is found by `general`."""
    if general == special:
        return True
    match general:
        case Word():
            return _word_covers(general, special)
        case Glob():
            return _glob_covers(general, special)
        case Part():
            return _part_covers(general, special)
        case Tag():
            return isinstance(special, Tag) and bool(_pattern(general.pattern)(special.pattern))


def _word_covers(general: Word, special: Term) -> bool:
    match special:
        case Word():
            same = special.forms <= general.forms and special.spellings <= general.spellings
            return same and special.strict >= general.strict
        case Tag():
            return special.pattern[1:] in general.forms
        case _:
            return False


def _glob_covers(general: Glob, special: Term) -> bool:
    fits = _pattern(general.pattern)
    loosely = _pattern(general.loose) if general.loose else fits
    match special:
        case Word():
            return all(fits(form) or (general.loose and loosely(spelling(form))) for form in special.forms)
        case Glob():
            return bool(fits(special.pattern) and (not special.loose or loosely(special.loose)))
        case Part():
            return _glob_covers(general, special.word) and bool(fits(f"{special.folded}*"))
        case Tag():
            return special.pattern[1:].isalnum() and bool(fits(special.pattern[1:]))


def _part_covers(general: Part, special: Term) -> bool:
    match special:
        case Part():
            excepted = all(one.startswith(special.exceptions) for one in general.exceptions)
            return (general.word, general.begin) == (special.word, special.begin) and excepted
        case _:
            return _word_covers(general.word, special)


@lru_cache(maxsize=10_000)
def _pattern(pattern: str) -> _Fits:
    """Return the function that tells whether all that a folded word, perhaps with wildcards, stands for fits."""
    meanings = {"*": ".*", "?": "(?:ae|oe|ue|ss|[^*])"}
    compiled = re2.compile("".join(meanings.get(letter) or re2.escape(letter) for letter in pattern))
    fits: _Fits = compiled.fullmatch
    return fits


def beginnings(phrase: Phrase) -> Iterator[tuple[str, bool]]:
    """Yield how what `phrase` covers may begin, in the coarsest spelling, and whether that is a whole word."""
    for term in {way[0] for way in phrase.ways}:
        if isinstance(term, Word):
            yield from ((key(form), True) for form in term.forms)
        else:
            yield _begin(term), False


def held(ways: Iterable[tuple[Term, ...]]) -> set[str]:
    """Return how the terms of all `ways` begin, in the coarsest spelling."""
    found: set[str] = set()
    for term in {term for way in ways for term in way}:
        if isinstance(term, Word):
            found.update(map(key, term.forms))
        else:
            found.add(_begin(term))
            found.update({key(term.pattern[1:])} if isinstance(term, Tag) else ())
    return found


def _begin(term: Glob | Part | Tag) -> str:
    folded = term.folded if isinstance(term, Part) else term.pattern
    return key(re.split(r"[*?]", folded)[0])
