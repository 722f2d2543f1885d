"""Where a term stands among the words of a text."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import methodcaller

import re2

from pipeline.query.reading import Hit, Words
from pipeline.query.spelling import dots_matter, sharpness
from pipeline.query.tree import Glob, Part, Phrase, Tag, Term, Word

MOST_HITS = 250
"""So many places of one operand are looked at: a text of 200,000 letters must not take seconds."""

_LINKS = ("", "s", "es", "n", "en", "ns", "e", "er")
_MIN_PART = 3
_ENDINGS = (
    "ern est ung ungen erung erungen lich liche lichen licher liches isch ische ischen ischer isches ige igen iger iges"
    " heit heiten keit keiten schaft schaften ler ner lern nern chen lein end ende enden ender ete eten ing ings ist"
    " erer isten ismus ion ionen ial ell elle ieren iert ierte ierung"
)
_NO_PARTS = frozenset(_ENDINGS.split())
"""What follows a stem and is an ending: with it a word is no compound."""


def find_phrase(phrase: Phrase, words: Words) -> list[Hit]:
    """Return where the phrase stands, in whichever way it is written; each place once, in the order of the text."""
    found = {hit for way in phrase.ways for hit in _consecutive(way, words)}
    return sorted(found)[:MOST_HITS]


def find_term(term: Term, words: Words) -> Iterator[Hit]:
    """Yield where one term stands; some places perhaps twice."""
    match term:
        case Word():
            yield from _find_word(term, words)
        case Glob():
            yield from _scan(words, term)
        case Part():
            yield from find_term(term.word, words)
            for spelled, places in words.index.items():
                if spelled.startswith(term.begin) and is_compound(spelled, term):
                    strict = dots_matter(term.begin)
                    yield from (hit for folded, hit in places if not strict or folded.startswith(term.folded))
        case Tag():
            fits = _matcher(term.pattern)
            yield from (hit for tag, hit in words.tags() if fits(tag))


def _find_word(word: Word, words: Words) -> Iterator[Hit]:
    for spelled in word.spellings:
        for folded, hit in words.spelled(spelled):
            fits = folded in word.forms or not (word.strict or dots_matter(spelled))
            if fits and (word.sharp is None or sharpness(words.written(hit)) in (None, word.sharp)):
                yield hit


def is_compound(spelled: str, part: Part) -> bool:
    """Tell whether a word goes on behind `part` with a part of its own, and is none of the exceptions."""
    if spelled.startswith(part.exceptions):
        return False
    rest = spelled[len(part.begin) :]
    return rest not in _NO_PARTS and any(rest.startswith(link) and _stands_alone(rest[len(link) :]) for link in _LINKS)


def _stands_alone(rest: str) -> bool:
    return len(rest) >= _MIN_PART and rest not in _NO_PARTS and any(letter in "aeiouy" for letter in rest)


def _scan(words: Words, term: Glob) -> Iterator[Hit]:
    fits, loosely = _matcher(term.pattern), _matcher(term.loose) if term.loose else None
    for spelled, places in words.index.items():
        every = loosely is not None and loosely(spelled)
        yield from (hit for folded, hit in places if every or fits(folded))


@lru_cache(maxsize=100_000)
def _matcher(pattern: str) -> Callable[[str], object]:
    """Return the function that tells whether a folded word fits a pattern with wildcards."""
    if pattern[-1] == "*" and not {"*", "?"} & set(pattern[:-1]):
        return methodcaller("startswith", pattern[:-1])
    if not {"*", "?"} & set(pattern):
        return pattern.__eq__
    # an umlaut is one letter, although it is folded to two
    meanings = {"*": ".*", "?": "(?:ae|oe|ue|ss|.)"}
    compiled = re2.compile("".join(meanings.get(letter) or re2.escape(letter) for letter in pattern))
    fits: Callable[[str], object] = compiled.fullmatch
    return fits


def _consecutive(way: tuple[Term, ...], words: Words) -> Iterable[Hit]:
    """Return where the terms follow one another, without a word between."""
    hits: Iterable[Hit] = find_term(way[0], words)
    for term in way[1:]:
        begins: dict[int, list[Hit]] = {}
        for hit in find_term(term, words):
            begins.setdefault(hit[0], []).append(hit)
        hits = [(hit[0], after[1], hit[2]) for hit in hits for after in begins.get(hit[1] + 1, ())]
        if not hits:
            break
    return hits
