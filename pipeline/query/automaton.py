"""The prefilter: which queries could match a text at all.

From every query a few literals are drawn, one of which each text that satisfies it must hold. All of them together
make one Aho-Corasick automaton over the folded text, so a text that holds none costs one pass over its letters,
however many queries there are. What it names are candidates; verify.py decides.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ahocorasick_rs import AhoCorasick, Implementation

from pipeline.query.tree import And, Field, Node, Not, Or, Phrase, Term

Literal = tuple[str, bool]
"""A folded text that must occur, from the beginning of a word; up to the end of one unless it is a prefix (True)."""

_FEW_USES = 8
"""A word that so many queries hold says little about any of them: it is an ordinary word."""
_LETTERS_THAT_COUNT = 12


class Automaton:
    """The literals of many queries; a query is known by its place in the sequence. Immutable."""

    __slots__ = ("_always", "_holders", "_search")

    def __init__(self, roots: Sequence[Node]) -> None:
        """Draw the literals of each query and build the automaton of all."""
        uses = Counter(literal for root in roots for literal in set(_literals(root)))
        always: list[int] = []
        holders: dict[str, tuple[list[int], list[int]]] = {}
        for number, root in enumerate(roots):
            literals = required(root, uses)
            if literals is None:
                always.append(number)
                continue
            for text, prefix in literals:
                holders.setdefault(text, ([], []))[prefix].append(number)
        self._always = frozenset(always)
        self._holders = tuple(holders.values())
        # as a table of states it takes more memory (11 MB for 20,000 literals) and half the time
        search = AhoCorasick(list(holders), implementation=Implementation.DFA) if holders else None
        self._search = search.find_matches_as_indexes if search else None

    def candidates(self, folded: str) -> set[int]:
        """Return the queries that could match `folded`: those whose literals it holds, and those that have none."""
        found = set(self._always)
        if self._search is None:
            return found
        last = len(folded)
        done: set[int] = set()
        for pattern, start, end in self._search(folded, True):
            if pattern in done or (start and folded[start - 1].isalnum()):
                continue
            whole, beginning = self._holders[pattern]
            found.update(beginning)
            if end == last or not folded[end].isalnum():
                found.update(whole)
                done.add(pattern)
        return found


def required(node: Node, uses: Mapping[Literal, int], *, negated: bool = False) -> frozenset[Literal] | None:
    """Return literals one of which every satisfying text holds, or None where text alone does not decide.

    Where there is a choice, among the operands of an And or the words of a phrase, what is rarest in texts is taken;
    `uses` tells in how many queries each literal occurs.
    """
    match node:
        case Phrase():
            return None if negated else _rarest([frozenset({literal}) for literal in _literals(node)], uses)
        case Field():
            return None
        case Not():
            return required(node.operand, uses, negated=not negated)
        case And() | Or():
            found = [required(operand, uses, negated=negated) for operand in node.operands]
            known = [literals for literals in found if literals is not None]
            if isinstance(node, And) != negated:
                return _rarest(known, uses)
            return frozenset().union(*known) if len(known) == len(found) else None


def _rarest(choices: list[frozenset[Literal]], uses: Mapping[Literal, int]) -> frozenset[Literal] | None:
    """Return the choice of which a literal is least expected; of equals the first by the alphabet, in every process."""
    return min(choices, key=lambda some: (sum(_commonness(one, uses) for one in some), sorted(some)), default=None)


def _commonness(literal: Literal, uses: Mapping[Literal, int]) -> float:
    """Long words are rare, beginnings are commoner than words, and what everybody asks for is common."""
    text, prefix = literal
    return max(1, uses[literal] // _FEW_USES) * (1 + prefix) * 0.5 ** min(len(text), _LETTERS_THAT_COUNT)


def _literals(node: Node) -> Iterator[Literal]:
    match node:
        case Phrase():
            yield from map(_literal, node.terms)
        case Field():
            return
        case Not():
            yield from _literals(node.operand)
        case And() | Or():
            for operand in node.operands:
                yield from _literals(operand)


def _literal(term: Term) -> Literal:
    return (term.tag, term.tag_prefix) if term.tag else (term.word, term.prefix)
