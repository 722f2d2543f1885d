"""Cutting a query into tokens, and finding what can be told without a grammar: quotes, comments, parentheses."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

from lark import Lark, Token, UnexpectedCharacters

from pipeline.query.error import QueryError
from pipeline.query.foreign import misread, mixed
from pipeline.query.tree import Hint
from schemas.watch import Lists

MAX_DEPTH = 32

_LIKE_OPERATORS = {"and": "AND", "or": "OR", "not": "NOT", "und": "AND", "oder": "OR", "nicht": "NOT"}
_LIKE_OPERATORS |= {"near": "NEAR/5", "onear": "ONEAR/5", "ohne": "NOT"}
_SHOUTED = frozenset({"UND", "ODER", "NICHT", "OHNE"})
"""Nobody writes a word so who does not mean an operator, wherever it stands."""
_LIKE_DISTANCE = re.compile(r"(o?near)/?(\d+)", re.IGNORECASE)
_OTHER_MINUS = "\u2010\u2011\u2012\u2013\u2014\u2212"
_OTHER_QUOTES = "'\u2018\u2019\u201a\u201b`\u00b4\uff02\u201f\u301d\u301e\u2033\u2039\u203a"
_HAS_NEIGHBOURS = ("WORD", "PHRASE", "FIELD", "LIST", "_OPEN", "_CLOSE")
_DISTANCE = re.compile(r"O?NEAR/\d+")
_EXCEPT = "EXCEPT"
_LEADING = re.compile(r"(?<![\w*?])[*?]+[^\W_]")


@cache
def grammar(parser: Literal["lalr"] | None = "lalr") -> Lark:
    """Return the grammar of grammar.lark, which is read once; without a parser it only cuts, and faster."""
    return Lark(Path(__file__).with_name("grammar.lark").read_text("utf-8"), parser=parser, lexer="basic")


def lex(query: str, lists: Lists) -> list[Token]:
    """Return the tokens of `query`.

    Raises:
        QueryError: a quotation mark or a comment without its other half, or parentheses that do not fit.
    """
    try:
        tokens = list(_in_place(list(grammar(None).lex(query)), lists))
    except UnexpectedCharacters as error:
        raise _unended(query, (error.pos_in_stream or 0)) from None
    _check_brackets(tokens)
    return tokens


def column(token: Token) -> int:
    """Return where a token begins, counted from 1."""
    return (token.start_pos or 0) + 1


def _only_the_last(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where NOT follows alternatives without parentheses and so excludes from the last of them only."""
    alternatives = [False]
    for token in tokens:
        if token.type == "_OPEN":
            alternatives.append(False)
        elif token.type == "_CLOSE":
            alternatives.pop()
        elif token.type == "_OR":
            alternatives[-1] = True
        elif token.type in ("_NOT", "_MINUS") and alternatives[-1]:
            what, why = "this excludes from the last alternative only", "NOT binds tighter than OR"
            yield Hint(column(token), what, why, "write (… OR …) NOT …, or put parentheses around what is meant")
            alternatives[-1] = False


def hints(tokens: list[Token], lists: Lists) -> Iterator[Hint]:
    """Yield what is allowed and seldom meant, or dear."""
    told = [*_only_the_last(tokens), *_single_quotes(tokens), *misread(tokens), *_seldom_meant(tokens, lists)]
    yield from told
    # words that were meant as something else stand side by side as well
    if all(hint.dear for hint in told):
        yield from mixed(tokens)


def _seldom_meant(tokens: list[Token], lists: Lists) -> Iterator[Hint]:
    around: list[Token | None] = [None, *tokens, None]
    for before, token, after in zip(around, tokens, around[2:], strict=False):
        meant = _LIKE_OPERATORS.get(token.lower()) if token.type == "WORD" else None
        beside = before and after and before.type in _HAS_NEIGHBOURS and after.type in _HAS_NEIGHBOURS
        if meant and (beside or token in _SHOUTED):
            what = f"{token} is searched for as a word"
            why = "operators are English" if token in _SHOUTED else "operators are written in capitals"
            yield Hint(column(token), what, why, f'write {meant} for the operator, or "{token}" for the word')
        if token.type == "WORD":
            yield from _misread(token, last=after is None)
        if token.type == "WORD" and token[0] == "@" and (near := get_close_matches(token[1:].lower(), lists, n=1)):
            what, why = f"{token} is searched for as a handle", "there is no list of that name"
            yield Hint(column(token), what, why, f"did you mean the list @{near[0]}?")
        if token.type in ("WORD", "PHRASE") and (leading := _LEADING.search(token)):
            what, why = "a wildcard before a word is dear", "it is looked for at every letter of every text"
            yield Hint(column(token) + leading.start(), what, why, "write the words that are meant", dear=True)
        if token.type == "WORD" and re.search(r"[^\W_]\?$", token):
            what, why = "? stands for exactly one letter", "it is no question mark here"
            yield Hint(column(token) + len(token) - 1, what, why, "remove it, or write is:question")


def _misread(token: Token, *, last: bool) -> Iterator[Hint]:
    """Yield where a word holds what is an operator elsewhere; `last` tells whether nothing stands behind it."""
    if near := _LIKE_DISTANCE.fullmatch(token):
        what, why = f"{token} is searched for as a word", "a distance is written in capitals and with a slash"
        yield Hint(column(token), what, why, f"write {near[1].upper()}/{near[2]}")
    if token[-1] in ",;" and not last:
        what, why = f"the {token[-1]} separates nothing", "words side by side all have to be there"
        yield Hint(column(token) + len(token) - 1, what, why, "write OR between alternatives, or remove it")
    if token[0] in _OTHER_MINUS and token[1:]:
        what, why = f"{token} is searched for as a word", "only a hyphen excludes, not a dash"
        yield Hint(column(token), what, why, f"write NOT {token[1:]}")


def _single_quotes(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where other quotation marks, most often single ones, stand around several words and hold none together."""
    for place, token in enumerate(tokens):
        if token.type != "WORD" or token[0] not in _OTHER_QUOTES or token[-1] in _OTHER_QUOTES:
            continue
        for further in tokens[place + 1 :]:
            if further.type != "WORD" or further[0] in _OTHER_QUOTES:
                break
            if further[-1] in _OTHER_QUOTES:
                what, why = f"{token} begins no phrase", f"quotation marks such as {token[0]} hold no words together"
                yield Hint(column(token), what, why, 'put the words in "double" ones')
                break


def _in_place(tokens: list[Token], lists: Lists) -> Iterator[Token]:
    """Make operators and lists of the words that stand in their place."""
    after_part = False
    for token in tokens:
        if token.type == "WORD" and _DISTANCE.fullmatch(token):
            token.type = "DISTANCE"
        elif after_part and str(token) == _EXCEPT:
            token.type = "_EXCEPT"
        elif token.type == "WORD" and token[0] in "@＠" and token[1:].lower() in lists:
            token.type = "LIST"
        after_part = token.type == "FIELD" and token.lower().startswith("part:")
        yield token


def _unended(query: str, at: int) -> QueryError:
    """Every character begins some token but a quotation mark and a comment without the other half."""
    if query.startswith("/*", at):
        return QueryError("the comment begun here never ends", column=at + 1, hint="write */ at its end")
    mark = query[at]
    what = "this quotation mark begins nothing" if mark == "”" else "the quotation begun here never ends"
    return QueryError(what, column=at + 1, hint=f"write the other half of {mark}, or remove it")


def _check_brackets(tokens: list[Token]) -> None:
    """Find what the parser could only report at the far end: what was opened and never closed."""
    opened: list[Token] = []
    for token in tokens:
        if token.type == "_OPEN":
            opened.append(token)
            if len(opened) > MAX_DEPTH:
                message = f"parentheses are nested deeper than {MAX_DEPTH}"
                raise QueryError(message, column=column(token), hint="remove those that change nothing")
        elif token.type == "_CLOSE":
            if not opened:
                raise QueryError("there is no ( for this )", column=column(token), hint="remove it, or add the (")
            opened.pop()
    if opened:
        raise QueryError("the parenthesis opened here is never closed", column=column(opened[-1]), hint="add a )")
