"""The forms of a word: what else is written when the same thing is meant.

Endings are proposed by tables and confirmed by the Snowball stemmers for German and English: a form counts where both
agree. A stemmer alone goes too far for names (it takes Bayer for Bay and Siemens for Siem), tables alone make
plurals of what has none. Words that only look like forms of each other are kept apart by a list.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import Stemmer

from pipeline.normalize import fold
from pipeline.query.spelling import spelling

_APART = Path(__file__).with_name("apart.txt")
_IRREGULAR = Path(__file__).with_name("irregular.txt")
_ADJECTIVES = ("deutsch", "isch", "lich", "ig", "bar", "sam", "haft", "los", "voll", "iell", "iv")
_ADJECTIVE_ENDINGS = ("em", "en", "er", "es", "e")
_WEAK = ("ung", "heit", "keit", "schaft", "ion", "taet", "anz", "enz", "ei", "ur")
"""Nouns that end so have a plural in -en and no other ending."""
_JOINED_BY_S = ("ung", "heit", "keit", "schaft", "ion", "taet", "ling")
"""Nouns that get an s where another part follows with a hyphen: Störungs-Meldung."""
_PERSONS_IN_E = (
    "igte ierte etzte letzte ellte lagte ordnete ildete liche offene erbende ehende sitzende eisende eitende erende"
    " ilnehmende"
)
_LIKE_ADJECTIVES = tuple(_PERSONS_IN_E.split())
"""People called by what they are or do, declined as adjectives: Verletzte, Verletzter, Verletzten."""
_OF_PERSONS = ("ent", "ant", "ist")
"""Weak nouns, of which -en is no part."""
_PLURALS_IN_ER = (
    "kind bild haus land buch rad wort mann volk dorf blatt glas bad dach fach loch schloss tuch amt feld geld licht"
    " lied nest brett kleid schild gesicht geist wald gott kraut huhn mitglied"
)
_WITH_ER = tuple(_PLURALS_IN_ER.split())
"""Nouns, and the ends of compounds, whose plural is in -er."""
_DECLENSIONS: tuple[tuple[str | tuple[str, ...], tuple[str, ...]], ...] = (
    ("e", ("n", "s")),
    (("er", "el"), ("s", "n")),
    (_WEAK, ("en",)),
    ("aum", ("s", "es", "e", "en")),
    (("en", "um"), ("s",)),
    (("s", "x", "z", "sch"), ("e", "en", "es")),
    (("a", "i", "o", "u", "y"), ("s",)),
    ("", ("s", "es", "e", "en")),
)
"""What a noun or a name may end with, and its endings then; the first that fits counts."""
_IN_ER = ("er", "ern")
_DOUBLED = ("se", "sen", "ses")
_SHORT = 3
_ABBREVIATION = 4
"""Up to so many capitals are an abbreviation, which has a plural in -s and no other form."""


def forms(written: str, *, attributive: bool = False) -> frozenset[str]:
    """Return the folded forms of a word, its own among them.

    `written` is the word as it stands in the query, since small letters say that it is no name; `attributive` says
    that another word follows in a phrase, before which -e, -er, -es, -en and -em are endings of an adjective.
    """
    return _forms(fold(written), written.islower(), _is_abbreviation(written), any(map(_dotted, written)), attributive)


def _is_abbreviation(written: str) -> bool:
    return written.isupper() and len(written) <= _ABBREVIATION


def _dotted(letter: str) -> bool:
    return letter in "äöüßÄÖÜẞ"


@lru_cache(maxsize=65_536)
def _forms(word: str, small: bool, abbreviation: bool, german: bool, attributive: bool) -> frozenset[str]:
    if not word.isalpha() or len(word) < 2:
        return frozenset({word})
    if abbreviation:
        return frozenset({word, word + "s"})
    if len(word) < _SHORT:
        return frozenset({word})
    found = {word, *_sure(word), *(_adjective(word) if attributive else ())}
    for base in (word, *_bases(word, small=small, german=german)):
        found.update(form for form in (base, *_endings(base)) if _related(word, form))
    kept_apart = apart().get(word, frozenset())
    return frozenset(form for form in found if form == word or form not in kept_apart)


def _endings(base: str) -> Iterator[str]:
    """Propose the declensions of a noun or a name in its basic form."""
    found = next(endings for sign, endings in _DECLENSIONS if base.endswith(sign))
    for ending in (*found, *(_IN_ER if base.endswith(_WITH_ER) else ())):
        yield base + ending
    if base.endswith("y") and base[-2] not in "aeiou":
        yield base[:-1] + "ies"


def _bases(word: str, *, small: bool, german: bool) -> Iterator[str]:
    """Propose what a word is a form of. Names end in -s, -en and -er as well, so only what is no name is cut."""
    if word.endswith("en"):
        yield from _bases_in_en(word, small=small, german=german)
    elif word.endswith("ies") and small:
        yield word[:-3] + "y"
    elif word.endswith("s") and not word.endswith("ss"):
        if (small and len(word) >= 5) or (german and len(word) >= 7):
            yield word[:-1]
    elif word.endswith("e") and len(word) >= 7:
        yield word[:-1]


def _bases_in_en(word: str, *, small: bool, german: bool) -> Iterator[str]:
    """Störungen, Studenten, Krankenkassen; but what ends like Hansen and Petersen is a name."""
    person = len(word) >= 7 and word[:-2].endswith(_OF_PERSONS)
    if word[:-2].endswith(_WEAK) or (german and len(word) >= 9) or person:
        yield word[:-2]
    named = word.endswith("sen") and word[-4] not in "aeiouys" and not german
    if len(word) >= (8 if small else 6) and word[-3] not in "aeiouy" and not named and not word[:-2].endswith(_WEAK):
        yield word[:-1]


def _sure(word: str) -> Iterator[str]:
    """Yield the forms that leave no doubt, and that the stemmers do not know."""
    yield from irregular().get(word, ())
    if word.endswith("in") and len(word) >= 5:
        yield word + "nen"
    elif word.endswith("innen") and len(word) >= 8:
        yield word[:-3]
    if word.endswith("um") and not word.endswith("aum") and len(word) >= 6:
        yield word[:-2] + "en"
    yield from _sure_endings(word)
    for ending in ("", *_ADJECTIVE_ENDINGS):
        base = word.removesuffix(ending)
        if ending == word[len(base) :] and base.endswith(_ADJECTIVES) and len(base) >= 5:
            yield from (base, *(base + one for one in _ADJECTIVE_ENDINGS))
            return


def _sure_endings(word: str) -> Iterator[str]:
    """Yield the forms that follow from how a noun ends."""
    if word.endswith(("nis", "bus")):
        yield from (word + ending for ending in _DOUBLED)
    elif word.endswith("nisse"):
        yield from (word[:-2], word + "n")
    elif word.endswith(("ier", "eer")):
        yield from (word + ending for ending in ("e", "en", "es"))
    elif word.endswith(("iere", "eere")) and len(word) >= 6:
        yield from (word[:-1], word + "n")
    elif word.endswith(_JOINED_BY_S):
        yield word + "s"
    base = word[:-1] if word.endswith(("er", "en", "em")) else word
    if base.endswith(_LIKE_ADJECTIVES) and len(base) >= 7:
        yield from (base + ending for ending in ("", "n", "r", "m"))


def _adjective(word: str) -> Iterator[str]:
    """Yield the forms of a word that has the ending of an adjective before a noun: Deutsche Bahn, Deutschen Bahn."""
    ending = next((one for one in _ADJECTIVE_ENDINGS if word.endswith(one)), None)
    if ending and len(word) - len(ending) >= _SHORT:
        yield from (word.removesuffix(ending) + one for one in _ADJECTIVE_ENDINGS)


def _related(word: str, form: str) -> bool:
    return word == form or any(stem(word) == stem(form) for stem in (_german, _english))


@lru_cache(maxsize=65_536)
def _german(word: str) -> str:
    return str(_stemmer("german").stemWord(spelling(word)))


@lru_cache(maxsize=65_536)
def _english(word: str) -> str:
    return str(_stemmer("english").stemWord(word))


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language)


@cache
def apart() -> dict[str, frozenset[str]]:
    """Return for each word of the list those that are not to be taken for forms of it."""
    return _read_lines(_APART)


@cache
def irregular() -> dict[str, frozenset[str]]:
    """Return for each word of the list the forms that tables cannot give."""
    return _read_lines(_IRREGULAR)


def _read_lines(path: Path) -> dict[str, frozenset[str]]:
    """Return for each word of a file the others of its lines."""
    found: dict[str, frozenset[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        words = frozenset(line.split()) if not line.startswith("#") else frozenset()
        for word in words:
            found[word] = found.get(word, frozenset()) | words - {word}
    return found
