"""Which words of a text are the name that a query hears an entity by: names, and not what is said of them.

Of operands that must all be there the first names the entity, and the others say what about it: `Acme AND (kaputt OR
Skandal)`. Of alternatives each names it, but where some stand by themselves not those that need others beside them:
`Acme OR (Werk AND Kiel)`. What is merely excluded or known beside the text names nobody.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipeline.query.reading import Reading
from pipeline.query.tree import And, Close, Named, Near, Node, Or, Pattern, Phrase, Raw
from pipeline.query.verify import Place, located

Range = tuple[int, int]
Leaf = Phrase | Close | Raw | Pattern
"""What a name can be written as."""


class Names(NamedTuple):
    """Where a mention names an entity: from which character to which of its `text` and of its `title`."""

    text: tuple[Range, ...] = ()
    title: tuple[Range, ...] = ()


NOWHERE = Names()


def naming(node: Node) -> tuple[Leaf, ...]:
    """Return the parts of a query that name the entity."""
    match node:
        case And():
            return next((found for operand in node.operands if (found := naming(operand))), ())
        case Or():
            plain = [operand for operand in node.operands if not isinstance(operand, And)]
            return tuple([leaf for operand in plain or node.operands for leaf in naming(operand)])
        case Near():
            return naming(node.left)
        case Named():
            return naming(node.operand)
        case Phrase() | Close() | Raw() | Pattern():
            return (node,)
        case _:
            return ()


def names_in(leaves: Sequence[Leaf], places: Iterable[Place], reading: Reading) -> Names:
    """Return where `leaves` name the entity, given all the places of the text that satisfied its query.

    Where a name stands with and without a capital letter, *sauer auf Sauer*, only the former is one.
    """
    written = {leaf.written for leaf in leaves}
    text = _names([place for place in places if place[2] in written], reading.mention.text)
    title = reading.mention.title
    if title is None:
        return Names(text)
    words = reading.texts[1]
    found = [place for leaf in leaves for one in located(leaf, words) for place in one.places]
    return Names(text, _names(found, title))


def _names(places: Sequence[Place], text: str) -> tuple[Range, ...]:
    capital = {term for start, end, term in places if not text[start:end].islower()}
    return tuple(
        [
            (start, end)
            for start, end, term in places
            if term not in capital or not text[start:end].islower() or text[start - 1 : start] in ("#", "@")
        ]
    )
