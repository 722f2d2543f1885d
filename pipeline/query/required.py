"""What a text must hold to satisfy a query: literals, one of which is there whenever the query is satisfied."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.normalize import fold
from pipeline.query.disguise import uncover
from pipeline.query.spelling import key
from pipeline.query.tree import (
    And,
    Close,
    Field,
    Glob,
    Named,
    Near,
    Node,
    Not,
    Or,
    Part,
    Pattern,
    Phrase,
    Raw,
    Tag,
    Term,
    Word,
)

WORD, BEGINNING, WITHIN, FACT = "word", "beginning", "within", "fact"

_FEW_USES = 8
"""A word that so many queries hold says little about any of them: it is an ordinary word."""
_LETTERS_THAT_COUNT = 12
_LOOSENESS = {WORD: 1.0, BEGINNING: 2.0, WITHIN: 3.0, FACT: 1.0}
_COMMON_FACT = 1e6
"""Every platform has many posts: asked for only where nothing else is."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Texts in the coarsest spelling, one of which must occur: as a whole word, as the beginning of one, or anywhere.

    `stem` is what all of them begin with. A fact is known about a post beside its text: author:ute, site:spiegel.de.
    """

    kind: str
    texts: frozenset[str]
    stem: str


Literals = frozenset[Literal]


def required(node: Node, uses: Mapping[Literal, int], *, negated: bool = False) -> Literals | None:
    """Return literals one of which every satisfying text holds, or None where text alone does not decide.

    Where there is a choice, among the operands of an And or the words of a phrase, what is rarest in texts is taken;
    `uses` tells in how many queries each literal occurs.
    """
    match node:
        case Phrase() | Close() | Raw() | Pattern() | Field():
            return None if negated else _of_leaf(node, uses)
        case Near():
            parts = [] if negated else [found for part in (node.left, node.right) if (found := required(part, uses))]
            return _rarest(parts, uses)
        case Named():
            return required(node.operand, uses, negated=negated)
        case Not():
            return required(node.operand, uses, negated=not negated)
        case And() | Or():
            return _of_several(node, uses, negated=negated)
        case _:
            return None


def _of_several(node: And | Or, uses: Mapping[Literal, int], *, negated: bool) -> Literals | None:
    found = [required(operand, uses, negated=negated) for operand in node.operands]
    known = [literals for literals in found if literals is not None]
    if isinstance(node, And) != negated:
        return _rarest(known, uses)
    return frozenset().union(*known) if len(known) == len(found) else None


def uses_of(roots: Sequence[Node]) -> Counter[Literal]:
    """Return in how many queries each literal occurs."""
    return Counter(literal for root in roots for literal in set(_literals(root)))


def _of_leaf(node: Phrase | Close | Raw | Pattern | Field, uses: Mapping[Literal, int]) -> Literals | None:
    match node:
        case Phrase():
            ways = [_rarest([frozenset({one}) for term in way if (one := literal_of(term))], uses) for way in node.ways]
            known = [way for way in ways if way is not None]
            return frozenset().union(*known) if len(known) == len(ways) else None
        case Close():
            return _rarest([frozenset({one}) for term in node.terms if (one := literal_of(term))], uses)
        case Raw():
            text = key(fold(uncover(node.value)))
            return frozenset({_anywhere(text)}) if text else None
        case Field():
            return _of_field(node)
        case Pattern():
            run = _plain_run(node.expression)
            return frozenset({_anywhere(run)}) if run else None


def _of_field(field: Field) -> Literals | None:
    if field.prefix or field.name not in ("author", "site", "platform"):
        return None
    fact = f"{field.name}:{field.value}"
    return frozenset({Literal(FACT, frozenset({fact}), fact)})


def literal_of(term: Term) -> Literal | None:
    """Return what a text must hold to hold `term`."""
    match term:
        case Word():
            texts = frozenset(map(key, term.forms))
            first, last = min(texts), max(texts)
            same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
            return Literal(WORD, texts, first[:same])
        case Part():
            text = key(term.folded)
            return Literal(BEGINNING, frozenset({text}), text)
        case Glob() | Tag():
            runs = re.split(r"[*?]", term.pattern)
            if runs[0] and (len(runs[0]) >= max(map(len, runs)) or len(runs[0]) > 3) and isinstance(term, Glob):
                text = key(runs[0])
                return Literal(BEGINNING, frozenset({text}), text)
            # an e that follows a vowel of what is not known would be gone
            text = key(max((run.lstrip("e") for run in runs), key=len))
            return _anywhere(text) if text else None


def _anywhere(text: str) -> Literal:
    return Literal(WITHIN, frozenset({text}), text)


def _plain_run(expression: str) -> str:
    """Return the longest run of letters that every match of a regular expression holds, or nothing if in doubt."""
    if re.search(r"[|(\[{]|\\[^bBdDwWsS.\-+?*/:]", expression):
        return ""
    bare = re.sub(r"\\.", " ", expression)
    bare = re.sub(r".[?*]", " ", bare, flags=re.DOTALL)
    runs = [key(fold(run).lstrip("e")) for run in re.findall("[0-9A-Za-zÀ-ÖØ-öø-ÿ]{3,}", bare)]
    return max(runs, key=len, default="")


def _rarest(choices: list[Literals], uses: Mapping[Literal, int]) -> Literals | None:
    """Return the choice of which a literal is least expected; of equals the first by the alphabet, in every process."""
    return min(choices, key=lambda some: (sum(_commonness(one, uses) for one in some), _sorted(some)), default=None)


def _sorted(literals: Literals) -> list[tuple[str, str]]:
    return sorted((literal.stem, literal.kind) for literal in literals)


def _commonness(literal: Literal, uses: Mapping[Literal, int]) -> float:
    """Long words are rare, beginnings are commoner than words, and what everybody asks for is common."""
    if literal.kind == FACT and literal.stem.startswith("platform:"):
        return _COMMON_FACT
    rarity = 0.5 ** min(len(literal.stem), _LETTERS_THAT_COUNT)
    return max(1, uses[literal] // _FEW_USES) * _LOOSENESS[literal.kind] * rarity


def _literals(node: Node) -> Iterator[Literal]:
    match node:
        case Phrase():
            yield from _drawn(term for way in node.ways for term in way)
        case Close():
            yield from _drawn(node.terms)
        case Near():
            yield from _literals(node.left)
            yield from _literals(node.right)
        case Not() | Named():
            yield from _literals(node.operand)
        case And() | Or():
            for operand in node.operands:
                yield from _literals(operand)
        case _:
            return


def _drawn(terms: Iterable[Term]) -> Iterator[Literal]:
    yield from (literal for term in terms if (literal := literal_of(term)) is not None)
