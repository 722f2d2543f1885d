"""Reading a query: the grammar says what may stand where, this file what words mean and how errors are told."""

from functools import cache
from pathlib import Path
from typing import NoReturn

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from pipeline.query.error import QueryError
from pipeline.query.leaf import read_field, read_phrase, read_word
from pipeline.query.tree import And, Field, Hint, Node, Not, Or, Phrase, Query, join, mere_exclusion

MAX_CHARACTERS = 20_000
MAX_DEPTH = 32

OPERAND = 'a word, a "phrase", a field such as lang:de, NOT or ('
_LIKE_OPERATORS = {"and": "AND", "or": "OR", "not": "NOT", "und": "AND", "oder": "OR", "nicht": "NOT"}
_HAS_NEIGHBOURS = ("WORD", "PHRASE", "FIELD", "_OPEN", "_CLOSE")


def parse(query: str) -> Query:
    """Return the query that `query` writes.

    Raises:
        QueryError: it is not one; the error names the column, what was expected there and what to do.
    """
    if not query.strip():
        raise QueryError("the query is empty", column=1, expected=OPERAND)
    if len(query) > MAX_CHARACTERS:
        message = f"the query has {len(query)} characters, at most {MAX_CHARACTERS} are read"
        raise QueryError(message, column=MAX_CHARACTERS + 1, hint="split it into several watches")
    tokens = _lex(query)
    _check_brackets(tokens)
    root = _read(tokens)
    if (lacking := mere_exclusion(root)) is not None:
        raise QueryError(
            "this part only excludes, so nearly every post would match",
            column=lacking.column,
            expected="something to look for beside it",
            hint="join it with AND to what the watch is about, as in Bahn AND NOT Modellbahn",
        )
    return Query(root, query, tuple(_hints(tokens)))


def _read(tokens: list[Token]) -> Node:
    parser = _lark().parse_interactive()
    try:
        for token in tokens:
            parser.feed_token(token)
        root: Node = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        _refuse(error.token, tokens)
    return root


class _Tree(Transformer[Token, Node]):
    """Builds the tree while the parser reduces, bottom-up, so that depth costs no recursion."""

    def start(self, parts: list[Node]) -> Node:
        return parts[0]

    def disjunction(self, parts: list[Node]) -> Node:
        return join(Or, parts)

    def conjunction(self, parts: list[Node]) -> Node:
        return join(And, parts)

    def exclude(self, parts: list[Node]) -> Not:
        return Not(parts[0], parts[0].column)

    def word(self, parts: list[Token]) -> Phrase:
        return read_word(str(parts[0]), _column(parts[0]))

    def phrase(self, parts: list[Token]) -> Phrase:
        return read_phrase(str(parts[0]), _column(parts[0]))

    def field(self, parts: list[Token]) -> Field:
        return read_field(str(parts[0]), _column(parts[0]))


@cache
def _lark() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_Tree())


def _lex(query: str) -> list[Token]:
    """Every character begins some token but a quotation mark without its other half."""
    try:
        return list(_lark().lex(query))
    except UnexpectedCharacters as error:
        raise QueryError(
            "this quotation mark begins nothing" if error.char == "”" else "the quotation begun here never ends",
            column=(error.pos_in_stream or 0) + 1,
            hint=f"write the other half of {error.char}, or remove it",
        ) from None


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _check_brackets(tokens: list[Token]) -> None:
    """Find what the parser could only report at the far end: what was opened and never closed."""
    opened: list[Token] = []
    for token in tokens:
        if token.type == "_OPEN":
            opened.append(token)
            if len(opened) > MAX_DEPTH:
                message = f"parentheses are nested deeper than {MAX_DEPTH}"
                raise QueryError(message, column=_column(token), hint="remove those that change nothing")
        elif token.type == "_CLOSE":
            if not opened:
                raise QueryError("there is no ( for this )", column=_column(token), hint="remove it, or add the (")
            opened.pop()
    if opened:
        raise QueryError("the parenthesis opened here is never closed", column=_column(opened[-1]), hint="add a )")


def _refuse(token: Token, tokens: list[Token]) -> NoReturn:
    """Tell what the parser stumbled over in words of the language."""
    if token.type == "$END":
        last = tokens[-1]
        end = _column(last) + len(last)
        raise QueryError(f"the query ends after {last}", column=end, expected=OPERAND) from None
    shown = "this )" if token.type == "_CLOSE" else str(token)
    hint = "two negations in a row cancel each other: remove both" if token.type in ("_NOT", "_MINUS") else ""
    if token.type in ("_AND", "_OR"):
        hint = f'to search for the word itself, write "{token}" in quotation marks'
    raise QueryError(f"{shown} cannot stand here", column=_column(token), expected=OPERAND, hint=hint) from None


def _hints(tokens: list[Token]) -> list[Hint]:
    """A lower-case operator between two operands is a word like any other, and seldom meant as one."""
    found = []
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        meant = _LIKE_OPERATORS.get(token.lower()) if token.type == "WORD" else None
        if meant and before.type in _HAS_NEIGHBOURS and after.type in _HAS_NEIGHBOURS:
            message = f'{token} is searched for as a word; write {meant} for the operator, or "{token}" for the word'
            found.append(Hint(_column(token), message))
    return found
