"""What rules ask of a query's tree: its parts, and whether one part follows from another.

A list (`@name`) is a part without parts of its own: its entries stand elsewhere, and change without the query.
"""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import lru_cache

from pipeline.lint.cover import beginnings, covers, held
from pipeline.query.tree import (
    And,
    Close,
    Comparison,
    Field,
    Leaf,
    Named,
    Near,
    Node,
    Not,
    Or,
    Pattern,
    Phrase,
    Raw,
    Term,
)
from pipeline.query.verify import SIGNS


def parts(node: Node) -> Iterator[Node]:
    """Yield `node` and everything in it."""
    yield node
    for operand in _operands(node):
        yield from parts(operand)


def _operands(node: Node) -> tuple[Node, ...]:
    match node:
        case And() | Or():
            return node.operands
        case Near():
            return node.left, node.right
        case Not():
            return (node.operand,)
        case _:
            return ()


def wanted(node: Node, *, negated: bool = False) -> Iterator[Phrase]:
    """Yield the words and phrases that are looked for, not those that are excluded."""
    if isinstance(node, Phrase) and not negated:
        yield node
    for operand in _operands(node):
        yield from wanted(operand, negated=negated != isinstance(node, Not))


def alternatives(node: Node) -> tuple[Node, ...]:
    """Return what is enough on its own: the operands of an OR, else the query itself."""
    return node.operands if isinstance(node, Or) else (node,)


def implies(one: Node, other: Node) -> bool:
    """Tell whether every post that satisfies `one` satisfies `other`, as far as their form shows it."""
    if one == other:
        return True
    match one, other:
        case (Or(), _):
            return all(implies(operand, other) for operand in one.operands)
        case (_, And()):
            return all(implies(one, operand) for operand in other.operands)
        case (_, Named()):
            return _in_list(one, other)
        case (And(), _):
            return any(implies(operand, other) for operand in one.operands) or _one_of(one, other)
        case _:
            return _one_of(one, other) or _leaf_implies(one, other)


def _leaf_implies(one: Node, other: Node) -> bool:
    match one, other:
        case (Not(), Not()):
            return implies(other.operand, one.operand)
        case (Near(), _):
            return _within(one, other) or implies(one.left, other) or implies(one.right, other)
        case (Phrase() | Close(), Phrase() | Close()):
            return _words_imply(one, other)
        case (Field(), Field()):
            return one.name == other.name and _field_implies(one, other)
        case (Comparison(), Comparison()):
            return one.name == other.name and _compares(one, other)
        case _:
            return not isinstance(one, Named) and key(one) == key(other)


def _words_imply(one: Phrase | Close, other: Phrase | Close) -> bool:
    match one, other:
        case (Phrase(), Phrase()):
            anywhere = one.title or not other.title
            return anywhere and all(any(_holds(way, shorter) for shorter in other.ways) for way in one.ways)
        case (Close(), Phrase(title=False)):
            return any(_holds((term,), way) for term in one.terms for way in other.ways)
        case (Close(), Close()):
            return set(one.terms) == set(other.terms) and one.distance <= other.distance
        case _:
            return False


def _one_of(one: Node, other: Node) -> bool:
    return isinstance(other, Or) and any(implies(one, operand) for operand in other.operands)


def _within(one: Near, other: Node) -> bool:
    """Tell whether `other` asks for the same two operands, and not for more."""
    if not isinstance(other, Near):
        return False
    same = [key(one.left), key(one.right)] == [key(other.left), key(other.right)]
    turned = not other.ordered and [key(one.right), key(one.left)] == [key(other.left), key(other.right)]
    return (same or turned) and one.distance <= other.distance and one.ordered >= other.ordered


def _holds(longer: tuple[Term, ...], shorter: tuple[Term, ...]) -> bool:
    """Tell whether the terms of a phrase stand in a longer one, one after the other."""
    room = len(longer) - len(shorter)
    return any(
        all(covers(shorter[index], longer[begin + index]) for index in range(len(shorter))) for begin in range(room + 1)
    )


def _field_implies(one: Field, other: Field) -> bool:
    if other.prefix:
        return one.value.startswith(other.value)
    below = other.name == "site" and one.value.endswith(f".{other.value}")
    within = other.name == "url" and other.value in one.value
    return below or within or (one.value == other.value and not one.prefix)


def _compares(one: Comparison, other: Comparison) -> bool:
    if one.sign == "=":
        return SIGNS[other.sign](one.number, other.number)
    # >=5 says more than >5 only from a greater number
    sign = one.sign[0] if len(one.sign) > len(other.sign) else f"{one.sign[0]}="
    return one.sign[0] == other.sign[0] and SIGNS[sign](one.number, other.number)


class Index:
    """Says of many nodes which might follow from another, cheaply for long lists of words."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        """Note how what each covers may begin."""
        self._whole: dict[str, list[int]] = {}
        self._begun: dict[str, list[int]] = {}
        self._always: list[int] = []
        for place, node in enumerate(nodes):
            match node:
                case Phrase():
                    for text, entire in beginnings(node):
                        (self._whole if entire else self._begun).setdefault(text, []).append(place)
                case Field() | Comparison() | Raw() | Pattern():
                    for text in _marks(node):
                        self._whole.setdefault(text, []).append(place)
                case _:
                    self._always.append(place)

    def around(self, node: Node) -> set[int]:
        """Return the places of all that might follow from `node`, and perhaps of more."""
        texts = _marks(node)
        found = set(self._always).union(*(self._whole.get(text, ()) for text in texts))
        for text in texts if self._begun else ():
            found.update(*(self._begun.get(text[:length], ()) for length in range(len(text) + 1)))
        return found


def _marks(node: Node) -> set[str]:
    """Return what something must begin with, or be called, that follows from `node`."""
    match node:
        case Phrase():
            return held(node.ways)
        case Close():
            return held((node.terms,))
        case Field() | Comparison():
            return {f"{node.name}:"}
        case Raw() | Pattern():
            return {f"{type(node).__name__}:"}
        case Not():
            return set()
        case _:
            return set().union(*map(_marks, _operands(node)))


def covering(nodes: tuple[Node, ...]) -> Iterator[tuple[int, list[int]]]:
    """Yield the place of each node with those of the others that might follow from it."""
    index = Index(nodes)
    for place, node in enumerate(nodes):
        yield place, sorted(index.around(node) - {place})


class _List:
    """The entries of a list, known by the object that they are: to compare thousands would cost what is saved."""

    def __init__(self, operand: Node) -> None:
        self.operand = operand

    def __hash__(self) -> int:
        return id(self.operand)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _List) and other.operand is self.operand


@lru_cache(maxsize=256)
def _entries(of: _List) -> tuple[tuple[Node, ...], Index]:
    entries = alternatives(of.operand)
    return entries, Index(entries)


def _in_list(one: Node, other: Named) -> bool:
    entries, index = _entries(_List(other.operand))
    return not isinstance(one, Named) and any(implies(one, entries[place]) for place in index.around(one))


def key(node: Node) -> Hashable:
    """Return what is the same for queries that differ only in the order and spelling of their operands."""
    match node:
        case And() | Or():
            return type(node), frozenset(map(key, node.operands))
        case Not():
            return Not, key(node.operand)
        case Named():
            return key(node.operand)
        case Near():
            sides = key(node.left), key(node.right)
            return Near, node.distance, sides if node.ordered else frozenset(sides)
        case _:
            return _leaf_key(node)


def _leaf_key(leaf: Leaf) -> Hashable:
    match leaf:
        case Phrase():
            return Phrase, frozenset(leaf.ways), leaf.title
        case Close():
            return Close, frozenset(leaf.terms), leaf.distance
        case _:
            return replace(leaf, written="")
