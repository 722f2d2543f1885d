"""What a single word or phrase of a query means, and what is wrong with it if it means nothing."""

import re
from collections.abc import Iterable
from itertools import pairwise

from pipeline.normalize import clean, fold
from pipeline.query.disguise import uncover
from pipeline.query.error import QueryError
from pipeline.query.foreign import distance_hint
from pipeline.query.inflect import forms
from pipeline.query.spelling import sharpness, spelling, twins
from pipeline.query.tree import Close, Glob, Phrase, Tag, Term, Word

MIN_PREFIX = 2
MIN_INNER = 3
"""Letters in a row that a word needs which begins with a wildcard."""
MAX_DISTANCE = 100
MAX_CLOSE = 8
"""So many words can be asked for by their distance at once."""

QUOTES = '"„“”«»'

_SYMBOLS = {"&": "AND", "&&": "AND", "+": "AND", "|": "OR", "||": "OR", "!": "NOT", "-": "NOT", "–": "NOT"}
_SIGNS = {"#": "a comment is written /* so */"} | dict.fromkeys("[]{}", "only ( and ) group what belongs together")
_SIGNS |= {"~": 'write the number right after it, as in "a b"~5'}
_SIGNS |= {"": "remove the quotation marks around nothing", "=": "a field is written with a colon, as in lang:de"}
_BARE_NEAR = re.compile(r"(O?NEAR)(/\S*)?")
_MARKS = "\u0300-\u036f\ufe00-\ufe0f"
_CUT = re.compile(rf"(?<![\w*?])[#＃@＠](?=[\w*?])[\w*?{_MARKS}]+|(?:[^\W_]|[*?])(?:[^\W_]|[*?{_MARKS}])*")
_ALONE = re.compile(r"(?<![\w*?])[*?]*\*[*?]*(?![\w*?])")
_ASKING = re.compile(r"\?+(?=\s|$)")
_STARS = re.compile(r"\*[*]+")
_HYPHEN = re.compile("[-‐‑]")
_LEGAL = "gmbh mbh ag se kg kgaa co ohg gbr ug ev eg inc ltd limited llc corp plc sa nv bv spa srl ab oy"
_LEGAL_FORMS = frozenset(_LEGAL.split())
_LEGAL_LETTERS = (["e", "v"], ["s", "a"], ["n", "v"], ["b", "v"])
"""Words of which a company's legal form consists; at the end of its name they may be left out."""


def read_word(written: str, column: int) -> Phrase:
    """Return what a word outside of quotation marks asks for; with hyphens in it that is a phrase, or one word."""
    if written in _SYMBOLS:
        meant = _SYMBOLS[written]
        raise QueryError(f"{written} is no operator", column=column, expected=meant, hint=f"write {meant} instead")
    if near := _BARE_NEAR.fullmatch(written):
        raise QueryError(
            f"{written} says no distance",
            column=column,
            expected=f"the most words between, from 0 to {MAX_DISTANCE}, right after a slash",
            hint=distance_hint(written)
            or f'write {near[1]}/5, or "{written}" in quotation marks to search for the word',
        )
    if re.fullmatch(r"~\d+", written):
        raise QueryError(
            f"{written} is not understood here",
            column=column,
            hint=f'write it right after a phrase: "a b"{written}, or a NEAR/{written[1:]} b for groups',
        )
    return Phrase(_ways(written, column), written, column=column)


def read_phrase(written: str, column: int, *, title: bool = False, shown: str = "") -> Phrase | Close:
    """Return what stands between quotation marks, where nothing is an operator but wildcards, and `~5` behind them.

    `shown` is how the whole leaf is written where that is more than the phrase.
    """
    quoted, tilde, distance = written.rpartition("~") if written[-1] not in QUOTES else (written, "", "")
    inner = _ASKING.sub("", quoted.strip(QUOTES))
    offset = column + 1
    if not tilde:
        return Phrase(_ways(inner, offset), shown or written, title, column)
    terms = _ways(inner, offset)[0]
    if not 2 <= len(set(terms)) == len(terms) <= MAX_CLOSE:
        message = f"{written} asks for a distance between {len(set(terms))} different words"
        raise QueryError(message, column=column, expected=f"between 2 and {MAX_CLOSE}, none of them twice")
    return Close(terms, read_distance(distance, column + len(quoted) + 1), written, column)


def read_distance(number: str, column: int) -> int:
    """Return the number of words that may stand between two operands."""
    if not number.isdecimal() or int(number) > MAX_DISTANCE:
        expected = f"a number from 0 to {MAX_DISTANCE}"
        raise QueryError(f"{number} is no distance", column=column, expected=expected, hint="join by AND instead")
    return int(number)


def read_term(written: str, *, attributive: bool = False) -> Term:
    """Return what one word, hashtag or handle asks for, wildcards included."""
    folded = fold(written)
    if folded[0] in "#@":
        return Tag(_STARS.sub("*", folded))
    if "*" in folded or "?" in folded:
        pattern = _STARS.sub("*", folded)
        loose = "".join(spelling(piece) for piece in re.split(r"([*?])", pattern))
        return Glob(pattern, loose if loose != pattern else "")
    found = forms(written, attributive=attributive)
    return Word(
        found, frozenset(map(spelling, found)), strict=spelling(folded) in twins(), sharp=_is_sharp(written, found)
    )


def _is_sharp(written: str, forms: Iterable[str]) -> bool | None:
    """Tell whether a word is written with ß, where it or a form of it would mean something else with ss."""
    if written.isupper() or (own := sharpness(written)) is not None:
        return None if written.isupper() else own
    return False if "ß" not in written and any("ss" in form and sharpness(form) is False for form in forms) else None


def _ways(written: str, column: int) -> tuple[tuple[Term, ...], ...]:
    """Return in which ways the words of `written` can stand in a text; the first is as they are written."""
    if alone := _ALONE.search(written):
        raise QueryError(
            f"a * needs letters beside it, not as in {written}",
            column=column + alone.start(),
            expected="letters right before or after the *",
            hint="write what the words have in common, as in Rückruf* or *rückruf*",
        )
    text = uncover(clean(written))
    cuts = [cut for cut in _CUT.finditer(text) if cut[0].strip("?")]
    if not cuts:
        message = f"{written} holds no letter and no digit"
        hint = _SIGNS.get(written, "write the words that are meant")
        raise QueryError(message, column=column, expected="a word", hint=hint)
    for cut in cuts:
        _check_wildcards(cut[0], column)
    pieces = [cut[0] for cut in cuts]
    hyphens = [bool(_HYPHEN.fullmatch(text[one.end() : other.start()])) for one, other in pairwise(cuts)]
    ways = [_terms(pieces)]
    if any(hyphens) and not any(piece[0] in "#@" for piece in pieces):
        ways.append(_terms(_joined(pieces, hyphens)))
    if (name := _without_legal_form(pieces)) and len(name) < len(pieces):
        ways.append(_terms(name))
    return tuple(dict.fromkeys(ways))


def _terms(pieces: list[str]) -> tuple[Term, ...]:
    last = len(pieces) - 1
    return tuple(read_term(piece, attributive=number < last) for number, piece in enumerate(pieces))


def _joined(pieces: list[str], hyphens: Iterable[bool]) -> list[str]:
    """Join what a hyphen holds together, but for numbers: 12-15 is no 1215."""
    joined = [pieces[0]]
    for piece, hyphen in zip(pieces[1:], hyphens, strict=True):
        if hyphen and not (joined[-1][-1].isdigit() and piece[0].isdigit()):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _without_legal_form(pieces: list[str]) -> list[str]:
    """Return the words of a company's name without GmbH, AG or SE & Co. KG at the end of it."""
    kept = [piece.lower() for piece in pieces]
    while kept and kept[-1] in _LEGAL_FORMS:
        kept.pop()
    if kept[-2:] in _LEGAL_LETTERS:
        del kept[-2:]
    return pieces[: len(kept)]


def _check_wildcards(piece: str, column: int) -> None:
    runs = [run for run in re.split(r"[*?]+", piece.lstrip("#@＃＠")) if run]
    longest = max(map(len, runs), default=0)
    if "*" not in piece and "?" not in piece:
        return
    needed = MIN_INNER if piece.lstrip("#@＃＠")[0] in "*?" else MIN_PREFIX
    if longest < needed:
        message = f"{piece} would match nearly every text"
        expected = f"at least {needed} letters {'before' if needed == MIN_PREFIX else 'beside'} *"
        raise QueryError(message, column=column, expected=expected)
