"""Cuts a text into what can carry feeling: words, emoticons, emoji and runs of punctuation; addresses are left out."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

_FORMS = {
    "address": r"https?://\S+ | www\.\S+ | (?<![\w.])@\w+",
    "word": r"\w+(?:['’]\w+)*",
    "emoticon": r"""
        [<>]?[:;=][-o*'^]*[)\](\[dDpPsS/\\}{@|*]+(?!\w)   # :) ;-( :D =P :'(
      | <[/\\]?3+ | \^[_.-]?\^+ | -[._]+-                 # <3 </3 ^^ -.-
      | \([-^]?[:;=](?!\w)                               # (: (-;
    """,
    "mark": r"!+ | \?+ | \.{2,} | …",
    "emoji": "[\U0001f1e6-\U0001faff\u2600-\u27bf\u2b50\u2764]",
    "stop": "[.,;:]",
    "quote": '["„“”«»]',
}
"""What each kind of part looks like; where two would fit, it is the first."""
_KINDS = {kind: re.compile(form, re.VERBOSE) for kind, form in _FORMS.items()}
_PARTS = re.compile("|".join(_FORMS.values()), re.VERBOSE)
_LAUGHTER = re.compile(r"[xX][dD]+")
_REPEATED = re.compile(r"(.)\1{2,}")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "’": "'"})
_NOSE = re.compile(r"(?<=[:;=])[-o*'^]+(?=.)")
_TWICE = re.compile(r"(.)\1+")

T = TypeVar("T")


class Remembered(dict[str, T]):
    """What is worked out for a word when it is first asked for: most words come again.

    A look into a dict is all it costs then, where a cache that orders its words by their last use touches memory that
    no processor's cache holds. Full, it begins anew.
    """

    MOST = 65_536

    def __init__(self, work_out: Callable[[str], T]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, word: str) -> T:
        if len(self) >= self.MOST:
            self.clear()
        self[word] = found = self._work_out(word)
        return found


class Part(NamedTuple):
    """A part of a text. `text` is as it was written, `folded` as it is looked up.

    `kind` is `word`, `emoticon`, `emoji`, `mark` (a run of `!`, `?` or dots), `stop` (a comma, a full stop) or `quote`
    (a mark of quotation).
    """

    text: str
    folded: str
    kind: str


@lru_cache(maxsize=256)
def cut(text: str) -> tuple[Part, ...]:
    """Return the parts of `text` in order; the last texts are remembered, for two stages ask for all of a batch's."""
    return tuple(filter(None, map(_known.__getitem__, _PARTS.findall(text))))


def part_of(written: str) -> Part | None:
    """Return the part of these characters, which are one, nothing for an address."""
    return _known[written]


def _part(written: str) -> Part | None:
    kind = "word" if written.isalnum() else next(kind for kind, form in _KINDS.items() if form.fullmatch(written))
    if kind == "word" and written[0] in "xX" and _LAUGHTER.fullmatch(written):
        kind = "emoticon"
    return Part(written, _FOLDS[kind](written), kind) if kind in _FOLDS else None


_known = Remembered(_part)


def fold_word(word: str) -> str:
    """Return a word without case, umlauts and drawn-out letters: `Suuuuper` is `super`, `Größe` is `groesse`."""
    folded = word.casefold()
    return _REPEATED.sub(r"\1", folded if folded.isascii() else folded.translate(_UMLAUTS))


def _fold_emoticon(written: str) -> str:
    """Return an emoticon without nose and repetition: `:-)))` is `:)`, `XDDD` is `xd`."""
    return _TWICE.sub(r"\1", _NOSE.sub("", written)).lower()


def _fold_mark(written: str) -> str:
    """Return a run of marks by its weight: `!`, `!!` (any more), `?`, `??`, `…`."""
    return "…" if written[0] in ".…" else written[:2]


_FOLDS: dict[str, Callable[[str], str]] = {
    "word": fold_word,
    "emoticon": _fold_emoticon,
    "mark": _fold_mark,
    "emoji": str,
    "stop": str,
    "quote": str,
}


_NOWHERE: frozenset[int] = frozenset()
SHORTEST_QUOTATION = 3
"""A title or a single word in quotation marks is no quotation."""


def quoted_parts(parts: Sequence[Part]) -> frozenset[int]:
    """Return which parts stand between two marks of quotation that hold some words."""
    marks = [at for at, part in enumerate(parts) if part.kind == "quote"]
    if not marks:
        return _NOWHERE
    found: set[int] = set()
    for start, end in zip(marks[::2], marks[1::2], strict=False):
        if sum([part.kind == "word" for part in parts[start:end]]) >= SHORTEST_QUOTATION:
            found.update(range(start, end))
    return frozenset(found)
