"""A query as a value: what is asked for, and what a mention must hold for it to be true.

Trees are normal: And and Or have at least two operands and no operand of their own kind. Columns are where an
operand begins in the text that people wrote; two trees are equal whatever their columns. Every leaf keeps how it is
`written`, quotes and name included. How trees are printed: printing.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """A word in any of its folded `forms`, each spelled with or without the dots of its umlauts, unless `strict`.

    `sharp` tells whether it is written with ß, where that makes another word of it.
    """

    forms: frozenset[str]
    spellings: frozenset[str]
    strict: bool = False
    sharp: bool | None = None


@dataclass(frozen=True, slots=True)
class Glob:
    """A folded word with `*` for any letters and `?` for one; `loose` the same without dots, if it has any."""

    pattern: str
    loose: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A word that begins with another as a part of its own (`part:`), or is that word.

    `begin` is its spelling, `exceptions` are the spellings of beginnings that do not count.
    """

    word: Word
    folded: str
    begin: str
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A hashtag or handle, folded, with its sign; it may hold `*` and `?`."""

    pattern: str


Term = Word | Glob | Part | Tag


@dataclass(frozen=True, slots=True)
class Phrase:
    """Consecutive terms, in one of the ways they can be written; a single word is a phrase of one.

    `title` where only the title is searched.
    """

    ways: tuple[tuple[Term, ...], ...]
    written: str
    title: bool = False
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Close:
    """Terms in any order, with at most `distance` other words between the first and the last: `"a b"~5`."""

    terms: tuple[Term, ...]
    distance: int
    written: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """Characters exactly as they stand in the text, no letter or digit beside them."""

    value: str
    written: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression of RE2, searched for in the text as people read it."""

    expression: str
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
class Comparison:
    """`name:>number`: `sign` is one of `>`, `>=`, `<`, `<=`, `=`; durations are seconds."""

    name: str
    sign: str
    number: float
    written: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """`left` and `right` with at most `distance` words between them; `ordered` where `left` comes first."""

    left: "Node"
    right: "Node"
    distance: int
    ordered: bool
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A list by its name (`@vip`): true where one of its entries is, which `operand` joins."""

    operand: "Node"
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


Leaf = Phrase | Close | Raw | Pattern | Field | Comparison
Node = Leaf | Near | Named | Not | And | Or


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that is allowed and probably not meant, or `dear`: what is there, why that is bad, what to do."""

    column: int
    what: str
    why: str
    do: str
    dear: bool = False

    @property
    def message(self) -> str:
        """All of it in a sentence."""
        return f"{self.what}: {self.why}; {self.do}"


def join(kind: type[And] | type[Or], operands: Iterable[Node]) -> Node:
    """Return the operands joined: those of the same kind are taken in, and a single one stands for itself."""
    flat: list[Node] = []
    for operand in operands:
        flat.extend(operand.operands if isinstance(operand, kind) else (operand,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat), flat[0].column)


def mere_exclusion(node: Node, *, negated: bool = False) -> Node | None:
    """Return the part of a query that every mention satisfies that merely lacks things, or None where there is none."""
    match node:
        case Not():
            return mere_exclusion(node.operand, negated=not negated)
        case And() | Or():
            parts = [mere_exclusion(operand, negated=negated) for operand in node.operands]
            excluding = [part for part in parts if part is not None]
            one_is_enough = isinstance(node, Or) != negated
            return excluding[0] if excluding and (one_is_enough or len(excluding) == len(parts)) else None
        case _:
            return node if negated else None
