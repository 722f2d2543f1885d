"""Words written in parts: what is also to be read where hyphens, signs of gender or emoji stand within a word.

Each part is a word of its own; the readings here are found besides. Siemens-Aktie is also siemensaktie, Ba🔥hn also
bahn, and Kund:innen, Kund*innen and KundInnen are kundinnen, and kunden as well, since everybody is meant.
"""

import re
from collections.abc import Collection, Iterator

from pipeline.normalize import fold

Further = tuple[int, int, str]
"""Where in a text another word can be read, and that word, folded."""

MOST_PARTS = 4
"""So many neighbouring parts are read as one word; longer runs of them are addresses."""

_PLANES = ((0x2190, 0x21FF), (0x2300, 0x23FF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x1F000, 0x1FAFF))
_EMOJI = "".join(f"{chr(first)}-{chr(last)}" for first, last in _PLANES) + "\ufe0f\u200d"
RARE = frozenset(chr(code) for first, last in _PLANES for code in range(first, last + 1)) | frozenset("\ufe0f\u200d‐‑·")
"""Joints that are not ASCII: emoji, and signs that most texts do not hold."""
_MARKS = "\u0300-\u036f\ufe00-\ufe0e"
_PART = rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*"
_GENDERS = (":in", "/in", ":IN", "/IN", "In", ".innen", "(inn")
_CHAIN = re.compile(rf"(?<![^\W_]){_PART}(?:(?:[-‐‑*_·]|[{_EMOJI}]+){_PART})+")
_PARTS = re.compile(_PART)
_GENDERED = re.compile(
    r"([^\W\d_]{2,})(?:(?:[:*_·/]|/-)([Ii]n(?:nen)?|IN(?:NEN)?)|\.innen|\((?:innen(?=\))|inn\)en)"
    r"|(?<=[a-zäöüß])(In(?:nen)?))(?![^\W_])"
)


def further(text: str, rare: Collection[str]) -> list[Further]:
    """Return every further word that can be read in `text`, in no order, some perhaps twice.

    `rare` are those of `RARE` that the text holds.
    """
    stretches: list[tuple[int, int]] = []
    for sign in ("-", "_", "*", *rare) if rare else "-_*":
        # a look for each sign is faster than one at each letter
        if sign in text:
            stretches += _around(text, sign)
    if "In" in text or ":in" in text or "/in" in text or "inn" in text or "INN" in text:
        stretches += [stretch for sign in _GENDERS for stretch in _around(text, sign)]
    return [word for stretch in set(stretches) for word in _read(text, *stretch)] if stretches else []


def _read(text: str, begin: int, end: int) -> Iterator[Further]:
    """Yield what can be read in a stretch."""
    for linked in _CHAIN.finditer(text, begin, end):
        yield from _joined(text, *linked.span())
    if "in" in text[begin:end].lower():
        for word in _GENDERED.finditer(text, begin, end):
            yield from _genders(word)


def _around(text: str, sign: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which `sign` stands right behind something and right before a letter."""
    at = text.find(sign, 1)
    while at > 0:
        after = at + 1
        if not text[at - 1].isspace() and text[after : after + 1].isalnum():
            yield (stretch := _stretch(text, at))
            after = stretch[1]
        at = text.find(sign, after)


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


def _genders(found: re.Match[str]) -> Iterator[Further]:
    """A part with a sign of gender is the word for women, for men, and for one of them."""
    stem, ending = fold(found[1]), fold(found[2] or found[3] or "innen")
    start, end = found.span()
    endings = (ending, "e", "en", "") if ending == "innen" else (ending, "e", "")
    for one in endings:
        yield start, end, stem + one
