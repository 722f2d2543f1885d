"""Cuts a text into what can carry feeling: words, emoticons, emoji and runs of punctuation; addresses are left out."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

_PARTS = re.compile(
    r"""(?P<address>https?://\S+|www\.\S+|(?<![\w.])@\w+)
      | (?P<word>\w+(?:['’]\w+)*)
      | (?P<emoticon>
            [<>]?[:;=][-o*'^]*[)\](\[dDpPsS/\\}{@|*]+(?!\w)   # :) ;-( :D =P :'(
          | <[/\\]?3+ | \^[_.-]?\^+ | -[._]+-                 # <3 </3 ^^ -.-
          | \([-^]?[:;=](?!\w) )                             # (: (-;
      | (?P<mark>!+|\?+|\.{2,}|…)
      | (?P<emoji>[\U0001F1E6-\U0001FAFF\u2600-\u27BF\u2B50\u2764])
      | (?P<stop>[.,;:])""",
    re.VERBOSE,
)
_LAUGHTER = re.compile(r"[xX][dD]+")
_REPEATED = re.compile(r"(.)\1{2,}")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "’": "'"})
_NOSE = re.compile(r"(?<=[:;=])[-o*'^]+(?=.)")
_TWICE = re.compile(r"(.)\1+")


class Part(NamedTuple):
    """A part of a text. `text` is as it was written, `folded` as it is looked up.

    `kind` is `word`, `emoticon`, `emoji`, `mark` (a run of `!`, `?` or dots) or `stop` (a comma, a full stop).
    """

    text: str
    folded: str
    kind: str


@lru_cache(maxsize=32)
def cut(text: str) -> tuple[Part, ...]:
    """Return the parts of `text` in order; the last few texts are remembered, because two stages ask for them."""
    return tuple([part for found in _PARTS.finditer(text) if (part := _part(found.group(), found.lastgroup))])


@lru_cache(maxsize=65_536)
def _part(written: str, kind: str | None) -> Part | None:
    """Return the part of these characters, nothing for an address; most words come again, so they are remembered."""
    if kind == "word" and _LAUGHTER.fullmatch(written):
        kind = "emoticon"
    return Part(written, _FOLDS[kind](written), kind) if kind in _FOLDS else None


def fold_word(word: str) -> str:
    """Return a word without case, umlauts and drawn-out letters: `Suuuuper` is `super`, `Größe` is `groesse`."""
    return _REPEATED.sub(r"\1", word.casefold().translate(_UMLAUTS))


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
}
