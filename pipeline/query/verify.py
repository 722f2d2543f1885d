"""Does one mention satisfy one query, and which characters of it say so. Exact; slow only on what it is asked about."""

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

from pipeline.query.fields import compile_expression
from pipeline.query.find import MOST_HITS, find_phrase
from pipeline.query.near import Found, close, near, of_hits
from pipeline.query.reading import Reading, Words
from pipeline.query.record import LANGUAGE, holds, number_of
from pipeline.query.tree import (
    And,
    Close,
    Comparison,
    Field,
    Named,
    Near,
    Node,
    Not,
    Or,
    Pattern,
    Phrase,
    Raw,
)
from schemas.mention import Span

Place = tuple[int, int, str]
"""Start, end and term of a span, as plain values until it is known that they are wanted."""

MAX_SPANS = 50
"""A match keeps this many: a text of 200,000 letters must not become a record of megabytes."""

SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}


def satisfy(node: Node, reading: Reading, *, surely: bool = False) -> list[Place] | None:
    """Return the places that satisfy `node`, of all operands that do, or None where it is not satisfied.

    What stands in the title only satisfies, and has no place. A language that cannot be told satisfies `lang:` unless
    it has to do so `surely`, as what a NOT excludes has to: neither drops a post of which nobody knows.
    """
    match node:
        case And():
            return _all(node, reading, surely)
        case Or():
            answers = [
                found for operand in node.operands if (found := satisfy(operand, reading, surely=surely)) is not None
            ]
            return [place for found in answers for place in found] if answers else None
        case Not():
            return [] if satisfy(node.operand, reading, surely=not surely) is None else None
        case Named():
            return satisfy(node.operand, reading, surely=surely)
        case Field() | Comparison():
            return [] if _is_known(node, reading, surely) else None
        case _:
            # what waits for its language is asked once more
            if (known := id(node)) not in reading.searched:
                reading.searched[known] = _in_texts(node, reading)
            return reading.searched[known]


def cheap_first(node: Node) -> Node:
    """Return `node` with what asks for a language last in each AND: telling it costs more than all the rest."""
    match node:
        case And():
            operands = sorted(map(cheap_first, node.operands), key=_asks_for_language)
            return And(tuple(operands), node.column)
        case Or():
            return Or(tuple(map(cheap_first, node.operands)), node.column)
        case Not():
            return Not(cheap_first(node.operand), node.column)
        case _:
            return node


def _asks_for_language(node: Node) -> bool:
    match node:
        case And() | Or():
            return any(map(_asks_for_language, node.operands))
        case Not() | Named():
            return _asks_for_language(node.operand)
        case _:
            return isinstance(node, Field) and node.name == LANGUAGE


def spans(places: list[Place]) -> tuple[Span, ...]:
    """Return the first places in the order of the text, each once."""
    first = sorted(set(places))[:MAX_SPANS]
    return tuple([_span({"start": start, "end": end, "term": term}) for start, end, term in first])


_span = Span.__pydantic_validator__.validate_python


def _all(node: And, reading: Reading, surely: bool) -> list[Place] | None:
    places: list[Place] = []
    for operand in node.operands:
        found = satisfy(operand, reading, surely=surely)
        if found is None:
            return None
        places += found
    return places


def _is_known(node: Field | Comparison, reading: Reading, surely: bool) -> bool:
    if isinstance(node, Field):
        known = holds(node, reading)
        return not surely if known is None else known
    number = number_of(node.name, reading.mention)
    return number is not None and SIGNS[node.sign](number, node.number)


def _in_texts(node: Phrase | Close | Raw | Pattern | Near, reading: Reading) -> list[Place] | None:
    if isinstance(node, Raw | Pattern):
        return _verbatim(node, reading)
    text, *title = reading.texts
    found = [] if isinstance(node, Phrase) and node.title else located(node, text)
    if found:
        return sorted({place for one in found for place in one.places})
    return [] if any(located(node, one) for one in title) else None


def _verbatim(node: Raw | Pattern, reading: Reading) -> list[Place] | None:
    mention = reading.mention
    if found := _exactly(node, mention.text):
        return [(start, end, node.written) for start, end in found]
    return [] if mention.title is not None and _exactly(node, mention.title) else None


def located(node: Node, words: Words) -> list[Found]:
    """Return where `node`, which asks for words, stands in one text."""
    match node:
        case Phrase():
            return of_hits(find_phrase(node, words), words, node.written)
        case Close():
            return close(node, words)
        case Near():
            return near(node, located(node.left, words), located(node.right, words))
        case Or():
            return [found for operand in node.operands for found in located(operand, words)]
        case Named():
            return located(node.operand, words)
        case Raw() | Pattern():
            places = [(words.between(*place), place) for place in _exactly(node, words.text)]
            return [Found(hit[0], hit[1], {(*place, node.written)}) for hit, place in places if hit]
        case _:
            raise AssertionError(f"{type(node).__name__} has no place among words")


def _exactly(node: Raw | Pattern, text: str) -> list[tuple[int, int]]:
    """Return where the characters of `node` stand; what is found in nothing but a border does not count."""
    if isinstance(node, Raw):
        return _occurrences(node.value, text)
    found = (place.span() for place in _compiled(node.expression).finditer(text))
    return [(start, end) for start, end in found if start < end][:MOST_HITS]


def _occurrences(value: str, text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = text.find(value)
    while at >= 0 and len(found) < MOST_HITS:
        end = at + len(value)
        begins = at == 0 or not (value[0].isalnum() and text[at - 1].isalnum())
        if begins and (end == len(text) or not (value[-1].isalnum() and text[end].isalnum())):
            found.append((at, end))
        at = text.find(value, at + 1)
    return found


_compiled = lru_cache(maxsize=10_000)(compile_expression)
