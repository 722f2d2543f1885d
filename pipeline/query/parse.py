"""Reading a query: the grammar says what may stand where, leaf.py and fields.py what words and fields mean."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NoReturn

from lark import Token, Tree, UnexpectedToken

from pipeline.query.error import QueryError
from pipeline.query.fields import read_field
from pipeline.query.leaf import read_distance, read_phrase, read_word
from pipeline.query.lex import MAX_DEPTH, column, grammar, hints, lex
from pipeline.query.printing import Query, print_node
from pipeline.query.required import required
from pipeline.query.tree import (
    And,
    Close,
    Comparison,
    Field,
    Hint,
    Leaf,
    Named,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    join,
    mere_exclusion,
)
from schemas.watch import NO_LISTS, Lists, NamedList, mentioned

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "TreeKey", "parse", "tree", "tree_key"]

MAX_CHARACTERS = 20_000
MAX_NEAR = 64
"""So many distances a query may ask for; every one multiplies the places that have to be looked at."""

KNOWN_TREES = 32_768
TreeKey = tuple[str, tuple[tuple[str, NamedList], ...]]

OPERAND = 'a word, a "phrase", a field such as lang:de, NOT or ('


def parse(query: str, lists: Lists = NO_LISTS) -> Query:
    """Return the query that `query` writes; `@name` is the list of that name in `lists`, else a handle.

    Raises:
        QueryError: it is not one; the error names the column, what was expected there and what to do.
    """
    root, tokens = _read(query, lists)
    return Query(root, query, (*_asked_of_all(root), *hints(tokens, lists)))


def tree(query: str, lists: Lists = NO_LISTS) -> Node:
    """Return what `query` asks for, as in `parse`, remembered: of many watches most are as they were a moment ago."""
    return _tree(*tree_key(query, lists))


def tree_key(query: str, lists: Lists) -> TreeKey:
    """Return what a tree follows from: the query and the lists that it names."""
    return query, tuple([(name, lists[name]) for name in sorted(mentioned(query, lists))])


@lru_cache(maxsize=KNOWN_TREES)
def _tree(query: str, named: tuple[tuple[str, NamedList], ...]) -> Node:
    return _read(query, dict(named))[0]


def _read(query: str, lists: Lists) -> tuple[Node, list[Token]]:
    if not query.strip():
        raise QueryError("the query is empty", column=1, expected=OPERAND)
    if len(query) > MAX_CHARACTERS:
        message = f"the query has {len(query)} characters, at most {MAX_CHARACTERS} are read"
        raise QueryError(message, column=MAX_CHARACTERS + 1, hint="split it into several watches")
    tokens = lex(query, lists)
    if not tokens:
        raise QueryError("the query is a comment only", column=1, expected=OPERAND)
    _check_nears(tokens)
    root = _build(tokens, lists)
    if (lacking := mere_exclusion(root)) is not None:
        raise QueryError(
            "this part only excludes, so nearly every post would match",
            column=lacking.column,
            expected="something to look for beside it",
            hint="join it with AND to what the watch is about, as in Bahn AND NOT Modellbahn",
        )
    return root, tokens


def _asked_of_all(root: Node) -> Iterator[Hint]:
    if required(root, Counter()) is None:
        what, why = "this is asked of every single post", "no word, hashtag, author, site or platform has to be there"
        yield Hint(1, what, why, "join it with a word by AND", dear=True)


def _build(tokens: list[Token], lists: Lists) -> Node:
    parser = grammar().parse_interactive()
    try:
        for token in tokens:
            parser.feed_token(token)
        read = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        _refuse(error.token, tokens)
    return _Nodes(lists).node(read)


class _Nodes:
    """Builds the nodes from the left, so that of several mistakes the first is told; a method for each rule."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def node(self, read: Tree[Token]) -> Node:
        """Return the node of a tree of the grammar."""
        parts = [self.node(part) if isinstance(part, Tree) else part for part in read.children]
        built: Node = getattr(self, str(read.data))(parts)
        return built

    def start(self, parts: list[Node]) -> Node:
        return parts[0]

    def disjunction(self, parts: list[Node]) -> Node:
        return join(Or, parts)

    def conjunction(self, parts: list[Node]) -> Node:
        return join(And, parts)

    def exclude(self, parts: list[Node]) -> Not:
        return Not(parts[0], parts[0].column)

    def near(self, parts: tuple[Node, Token, Node]) -> Near:
        left, operator, right = parts
        name, _, number = operator.partition("/")
        distance = read_distance(number, column(operator) + len(name) + 1)
        for operand in (left, right):
            _check_placed(operand, operator)
        return Near(left, right, distance, name == "ONEAR", left.column)

    def word(self, parts: list[Token]) -> Phrase:
        return read_word(str(parts[0]), column(parts[0]))

    def phrase(self, parts: list[Token]) -> Phrase | Close:
        return read_phrase(str(parts[0]), column(parts[0]))

    def field(self, parts: list[Token]) -> Leaf:
        field, *exceptions = parts
        return read_field(str(field), column(field), tuple(map(str, exceptions)))

    def named(self, parts: list[Token]) -> Named:
        name, at = parts[0][1:].lower(), column(parts[0])
        try:
            return Named(_entries(name, self._lists[name]), f"@{name}", at)
        except QueryError as error:
            raise QueryError(error.message, column=at, hint=error.hint) from error


@lru_cache(maxsize=256)
def _entries(name: str, named: NamedList) -> Node:
    """Return what the entries of a list ask for: any of them."""
    return join(Or, [_entry(name, named, entry) for entry in named.entries])


def _entry(name: str, named: NamedList, entry: str) -> Node:
    """An entry is a field, or the field of the list, or else a word or a phrase."""
    field = f"{named.field}:" if named.field else ""
    written = entry if not field and re.match(r"[a-z]+:", entry) else f'{field}"{entry}"'
    try:
        root = parse(written).root
    except QueryError as error:
        message = f"the list @{name} holds {entry}, which cannot be read: {error.message}"
        raise QueryError(message, column=1, hint=error.hint) from error
    if isinstance(root, Near | Named | Not | And | Or):
        message = f"the list @{name} holds {entry}, which is more than a word, a phrase or a field"
        raise QueryError(message, column=1, hint="write an entry for each operand")
    return root


def _check_placed(operand: Node, operator: Token) -> None:
    """Refuse what has no place among the words of a text, of which a distance could be told."""
    match operand:
        case Not() | And() | Comparison() | Field() | Phrase(title=True):
            raise QueryError(
                f"{operator} needs words on both sides, and {print_node(operand)} has no place in the text",
                column=operand.column,
                expected='a word, a "phrase" or several of them joined by OR',
                hint=f"for (x AND y) {operator} z write (x {operator} z) AND (y {operator} z)",
            )
        case Or():
            for one in operand.operands:
                _check_placed(one, operator)
        case Named():
            _check_placed(operand.operand, operator)
        case _:
            return


def _check_nears(tokens: Iterable[Token]) -> None:
    operators = [token for token in tokens if token.type == "DISTANCE"]
    if len(operators) > MAX_NEAR:
        message = f"the query asks for {len(operators)} distances"
        hint = "split it into several watches"
        raise QueryError(message, column=column(operators[MAX_NEAR]), expected=f"at most {MAX_NEAR}", hint=hint)


def _refuse(token: Token, tokens: list[Token]) -> NoReturn:
    """Tell what the parser stumbled over in words of the language."""
    expected, hint = OPERAND, ""
    at = tokens.index(token) if token in tokens else len(tokens)
    if any(one.type == "_EXCEPT" for one in tokens[max(0, at - 2) : at]):
        expected = "the words that do not count, as in EXCEPT (Bahnhof OR Bahnsteig)"
    if token.type == "$END":
        last = tokens[-1]
        end = column(last) + len(last)
        raise QueryError(f"the query ends after {last}", column=end, expected=expected) from None
    shown = "this )" if token.type == "_CLOSE" else str(token)
    if token.type in ("_NOT", "_MINUS"):
        hint = "two negations in a row cancel each other: remove both"
        if at and tokens[at - 1].type == "DISTANCE":
            hint = f"write NOT before the whole: NOT (x {tokens[at - 1]} y)"
    if token.type == "DISTANCE" and at and tokens[at - 1].type == "_NOT":
        hint = f"write NOT before the whole: x NOT (x {token} y)"
    elif token.type in ("_AND", "_OR", "DISTANCE"):
        hint = f'to search for the word itself, write "{token}" in quotation marks'
    raise QueryError(f"{shown} cannot stand here", column=column(token), expected=expected, hint=hint) from None
