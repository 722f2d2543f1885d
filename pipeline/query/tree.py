"""A query as a value: what is asked for, how it is printed, and what a mention must hold for it to be true.

Trees are normal: And and Or have at least two operands and no operand of their own kind. Columns are where an
operand begins in the text that people wrote; two trees are equal whatever their columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a phrase: folded; `prefix` where a `*` follows it.

    `tag` is the folded hashtag or handle that has to begin with this word, sign included.
    """

    word: str
    prefix: bool = False
    tag: str = ""
    tag_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive words; a single word is a phrase of one. `written` is how it stands in the query, quotes included."""

    terms: tuple[Term, ...]
    written: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """`name:value`. `value` is in comparable form; `prefix` where a `*` follows it (`author:` only)."""

    name: str
    value: str
    prefix: bool
    written: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """True where `operand` is not."""

    operand: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """True where all `operands` are."""

    operands: tuple["Node", ...]
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """True where one of the `operands` is."""

    operands: tuple["Node", ...]
    column: int = field(default=1, compare=False)


Node = Phrase | Field | Not | And | Or


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that is allowed and probably not meant."""

    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query that has been read. `str()` prints it with explicit operators; reading that gives an equal query."""

    root: Node
    text: str = field(default="", compare=False)
    hints: tuple[Hint, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return print_node(self.root)


def join(kind: type[And] | type[Or], operands: Iterable[Node]) -> Node:
    """Return the operands joined: those of the same kind are taken in, and a single one stands for itself."""
    flat: list[Node] = []
    for operand in operands:
        flat.extend(operand.operands if isinstance(operand, kind) else (operand,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat), flat[0].column)


def print_node(node: Node) -> str:
    """Return `node` as people write it, with as few parentheses as precedence allows."""
    match node:
        case Phrase() | Field():
            return node.written
        case Not():
            return f"NOT {_print_part(node.operand, bracketed=isinstance(node.operand, Not | And | Or))}"
        case And():
            return " AND ".join(_print_part(part, bracketed=isinstance(part, Or)) for part in node.operands)
        case Or():
            return " OR ".join(map(print_node, node.operands))


def _print_part(node: Node, *, bracketed: bool) -> str:
    return f"({print_node(node)})" if bracketed else print_node(node)


def mere_exclusion(node: Node, *, negated: bool = False) -> Node | None:
    """Return the part of a query that every mention satisfies that merely lacks things, or None where there is none."""
    match node:
        case Phrase() | Field():
            return node if negated else None
        case Not():
            return mere_exclusion(node.operand, negated=not negated)
        case And() | Or():
            parts = [mere_exclusion(operand, negated=negated) for operand in node.operands]
            excluding = [part for part in parts if part is not None]
            one_is_enough = isinstance(node, Or) != negated
            return excluding[0] if excluding and (one_is_enough or len(excluding) == len(parts)) else None
