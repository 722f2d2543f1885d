"""Words written in parts: what is also to be read where hyphens, signs of gender or emoji stand within a word.

Each part is a word of its own; the readings here are found besides. Siemens-Aktie is also siemensaktie, Ba🔥hn also
bahn, and Kund:innen, Kund*innen and KundInnen are kundinnen, and kunden as well, since everybody is meant.
"""

import re
from collections.abc import Iterator

from pipeline.normalize import fold
from pipeline.query.disguise import beyond_latin

Further = tuple[int, int, str]
"""Where in a text another word can be read, and that word, folded."""

MOST_PARTS = 4
"""So many neighbouring parts are read as one word; longer runs of them are addresses."""

_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\U0001f000-\U0001faff"
_SIGNS = ("-", "*", "_", "·", "In", ":in", "/in")
_JOINT = rf"(?:[-‐‑*_·]|[{_EMOJI}]+)"
_MARKS = "\u0300-\u036f\ufe00-\ufe0e"
_PART = rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*"
_CHAIN = re.compile(rf"(?<![^\W_]){_PART}(?:{_JOINT}{_PART})+")
_PARTS = re.compile(_PART)
_IS_JOINT = re.compile(rf"[‐‑{_EMOJI}]")
_GENDERED = re.compile(r"([^\W\d_]{2,})(?:(?:[:*_·/]|/-)([Ii]n(?:nen)?)|(?<=[a-zäöüß])(In(?:nen)?))(?![^\W_])")


def further(text: str) -> list[Further]:
    """Return every further word that can be read in `text`, in no order, some perhaps twice."""
    beyond = beyond_latin(text)
    if not beyond and not _may_have_joints(text):
        return []
    found: list[Further] = []
    for begin, end in _jointed(text, beyond):
        for chain in _CHAIN.finditer(text, begin, end):
            found += _joined(text, *chain.span())
        for word in _GENDERED.finditer(text, begin, end):
            found += _gendered(word)
    return found


def _may_have_joints(text: str) -> bool:
    """Look once for each sign before anything else is done, since most texts hold none."""
    return "-" in text or "_" in text or "*" in text or "In" in text or ":in" in text or "/in" in text or "·" in text


def _jointed(text: str, beyond: set[str]) -> set[tuple[int, int]]:
    """Return the stretches without a space that may hold a joint: few, and found faster than all words.

    A joint has a letter before it; what has a space there, or stands behind another emoji, is passed over.
    """
    found: set[tuple[int, int]] = set()
    rare = set(filter(_IS_JOINT.match, beyond))
    for sign in (*_SIGNS, *rare):
        at = text.find(sign)
        while at >= 0:
            after = at + 1
            if at and text[at - 1] != " " and text[after : after + 1] != " " and text[at - 1] not in rare:
                found.add(stretch := _stretch(text, at))
                after = stretch[1]
            at = text.find(sign, after)
    return found


def _stretch(text: str, at: int) -> tuple[int, int]:
    end = text.find(" ", at)
    return text.rfind(" ", 0, at) + 1, len(text) if end < 0 else end


def _joined(text: str, start: int, end: int) -> Iterator[Further]:
    parts = [found.span() for found in _PARTS.finditer(text, start, end)]
    for first in range(len(parts)):
        word = fold(text[slice(*parts[first])])
        for begin, stop in parts[first + 1 : first + MOST_PARTS]:
            if text[begin - 1].isdigit() or (word[-1].isdigit() and text[begin].isdigit()):
                break  # 12-15 is no 1215
            word += fold(text[begin:stop])
            yield parts[first][0], stop, word


def _gendered(found: re.Match[str]) -> Iterator[Further]:
    """A part with a sign of gender is the word for women, for men, and for one of them."""
    stem, ending = fold(found[1]), fold(found[2] or found[3])
    start, end = found.span()
    endings = (ending, "e", "en", "") if ending == "innen" else (ending, "e", "")
    for one in endings:
        yield start, end, stem + one
