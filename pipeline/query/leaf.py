"""What a single word, phrase or field of a query means, and what is wrong with it if it means nothing."""

import re
from difflib import get_close_matches

from pipeline.normalize import clean, fold, tokenize
from pipeline.query.error import QueryError
from pipeline.query.tree import Field, Phrase, Term
from schemas.event import PLATFORM_ALIASES

FIELDS = ("author", "lang", "platform")
MIN_PREFIX = 2

_SYMBOLS = {"&": "AND", "&&": "AND", "+": "AND", "|": "OR", "||": "OR", "!": "NOT", "-": "NOT", "–": "NOT"}
_LATER = re.compile(r"O?NEAR(/\d+)?|~\d+")
_BAD_STAR = re.compile(r"(?<![^\W_])\*|\*(?=[^\W_])")
_INNER_MARK = re.compile(r"(?<=[^\W_])\?(?=[^\W_])")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


def read_word(written: str, column: int) -> Phrase:
    """Return what a word outside of quotation marks asks for; with hyphens in it that is a phrase."""
    if written in _SYMBOLS:
        meant = _SYMBOLS[written]
        raise QueryError(f"{written} is no operator", column=column, expected=meant, hint=f"write {meant} instead")
    if _LATER.fullmatch(written):
        raise QueryError(
            f"{written} is not understood: words cannot be asked for by their distance",
            column=column,
            hint=f'use AND, or write "{written}" in quotation marks to search for it',
        )
    if inner := _INNER_MARK.search(written):
        raise QueryError(
            "a ? cannot stand for a letter",
            column=column + inner.start(),
            hint=f"use * at the end of the beginning that is certain, as in {written[: inner.start()]}*",
        )
    return Phrase(_terms(written, column), written, column)


def read_phrase(written: str, column: int) -> Phrase:
    """Return what stands between quotation marks; nothing in there is an operator but a `*` after a word."""
    return Phrase(_terms(written, column), written, column)


def read_field(written: str, column: int) -> Field:
    """Return what `name:value` asks for."""
    name, _, value = written.partition(":")
    value_column = column + len(name) + 1
    if name.lower() not in FIELDS:
        near = get_close_matches(name.lower(), FIELDS, n=1)
        meant = f"did you mean {near[0]}: ? " if near else ""
        hint = f'{meant}to search for the text itself, write "{written.replace(chr(34), "")}" in quotation marks'
        raise QueryError(f"there is no field {name}:", column=column, expected=_listed(FIELDS), hint=hint)
    quoted = value.startswith('"')
    value = value.strip('"') if quoted else value
    if not value.strip():
        example = {"author": 'author:"Deutsche Bahn"', "lang": "lang:de", "platform": "platform:x"}[name.lower()]
        expected = f"a value right after {name}:"
        raise QueryError(f"{name}: has no value", column=value_column, expected=expected, hint=f"as in {example}")
    read = {"author": _author, "lang": _language, "platform": _platform}[name.lower()]
    compared, prefix = read(value, quoted, value_column)
    return Field(name.lower(), compared, prefix, written, column)


def comparable_name(name: str) -> str:
    """Return an author's name or id as it is compared: folded, and without the sign of a handle."""
    return fold(clean(name)).removeprefix("@")


def _author(value: str, quoted: bool, column: int) -> tuple[str, bool]:
    prefix = value.endswith("*") and not quoted
    name = comparable_name(value.removesuffix("*") if prefix else value)
    if not name or (not quoted and "*" in name):
        raise QueryError(f"author:{value} names nobody", column=column, expected="a name or id, or its beginning and *")
    return name, prefix


def _language(value: str, _quoted: bool, column: int) -> tuple[str, bool]:
    code = value.lower()
    if not _LANGUAGE.fullmatch(code):
        hint = "de is German, en English, fr French"
        raise QueryError(f"{value} is no language code", column=column, expected="two letters (ISO 639-1)", hint=hint)
    return code, False


def _platform(value: str, _quoted: bool, column: int) -> tuple[str, bool]:
    name = value.strip().lower()
    name = PLATFORM_ALIASES.get(name, name)
    if not _PLATFORM.fullmatch(name):
        raise QueryError(f"{value} is no platform", column=column, expected="a name such as x, facebook or linkedin")
    return name, False


def _terms(written: str, column: int) -> tuple[Term, ...]:
    """Return the words of `written`; each `*` has to stand right after one."""
    if bad := _BAD_STAR.search(written):
        raise QueryError(
            f"a * can only stand at the end of a word, not as in {written}",
            column=column + bad.start(),
            expected="letters before the * and none after it",
            hint="write the beginning that the words have in common, as in Rückruf*",
        )
    *starred, rest = clean(written).split("*")
    terms = [term for piece in starred for term in _piece_terms(piece, starred=True)]
    terms += _piece_terms(rest, starred=False)
    if short := next((term.word for term in terms if term.prefix and len(term.word) < MIN_PREFIX), None):
        message = f"{short}* would match nearly every text"
        raise QueryError(message, column=column, expected=f"at least {MIN_PREFIX} letters before *")
    if not terms:
        message = f"{written} holds no letter and no digit"
        raise QueryError(message, column=column, expected="a word", hint="write the words that are meant")
    return tuple(terms)


def _piece_terms(piece: str, *, starred: bool) -> list[Term]:
    tokens = tokenize(piece)
    last = len(tokens.words) - 1
    tags = tokens.tags
    final_tag = max(tags, default=-1)
    tag_is_last = final_tag >= 0 and tokens.tag_spans[final_tag][1] == len(piece)
    return [
        Term(word, starred and i == last, tags.get(i, ""), starred and tag_is_last and i == final_tag)
        for i, word in enumerate(tokens.words)
    ]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}:" for name in names[:-1]) + f" or {names[-1]}:"
