"""Why a query matches a mention or not: each operator with what satisfied it, or the first operand that failed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.query.printing import Query, print_node
from pipeline.query.reading import Reading
from pipeline.query.record import holds
from pipeline.query.tree import And, Field, Named, Near, Node, Not, Or
from pipeline.query.verify import satisfy, spans
from schemas.mention import Mention, Span

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one part of a query says about a mention.

    `part` is how it is written, `column` where it begins. `spans` are those in the text; a part that is satisfied
    without any is about the title, the author, the platform or the language, or it excludes something that is absent.
    `operands` are those that were looked at: an AND stops at the first that fails. Of a list they are the entries that
    are satisfied.
    """

    part: str
    column: int
    satisfied: bool
    spans: tuple[Span, ...] = ()
    operands: tuple["Explanation", ...] = ()
    either: bool = False
    """Whether one of the operands is enough."""
    unknown: bool = False
    """Whether a language is asked for that cannot be told, which lets the post pass."""

    @property
    def failed(self) -> "Explanation | None":
        """The first operand, as deep as one can be named, for which the query is not satisfied."""
        if self.satisfied:
            return None
        return next((blamed for operand in self.operands if (blamed := operand.failed)), self)

    def parts(self) -> Iterator["Explanation"]:
        """Yield the parts that were looked at, this one first, each before its operands."""
        yield self
        for operand in self.operands:
            yield from operand.parts()

    def __str__(self) -> str:
        if (group := self._missed()) is not None:
            parts = ", ".join(operand.part for operand in group.operands[:_MOST_NAMED])
            more = " …" if len(group.operands) > _MOST_NAMED else ""
            return f"no match: none of {parts}{more} (column {group.column}) is there"
        if blamed := self.failed:
            verb = "is there, and excluded" if blamed.part.startswith("NOT ") else "is not there"
            return f"no match: {blamed.part.removeprefix('NOT ')} (column {blamed.column}) {verb}"
        said = "match: " + (", ".join(f"{span.term} at {span.start}" for span in self.spans) or self.part)
        asked = dict.fromkeys(part.part for part in self.parts() if part.unknown)
        return (
            f"{said}; which language it is in cannot be told, so {', '.join(asked)} keeps nothing out"
            if asked
            else said
        )

    def _missed(self) -> "Explanation | None":
        """The alternatives of which one had to be there, if that is what failed: to name one would say too little."""
        if self.satisfied or self.either:
            return self if self.either and not self.satisfied else None
        blamed = next((operand for operand in self.operands if not operand.satisfied), None)
        return blamed._missed() if blamed else None


def explain(query: Query, mention: Mention) -> Explanation:
    """Return why `query` matches `mention` or does not."""
    return _explain(query.root, Reading(mention))


def _explain(node: Node, reading: Reading, *, surely: bool = False) -> Explanation:
    places = satisfy(node, reading, surely=surely)
    operands: list[Explanation] = []
    match node:
        case Not():
            operands = [_explain(node.operand, reading, surely=not surely)]
        case Named():
            # of a list that may be long, what is there; an entry has no column of its own in the query
            entries = node.operand.operands if isinstance(node.operand, Or) else (node.operand,)
            there = [entry for entry in entries if satisfy(entry, reading, surely=surely) is not None]
            found = [_explain(entry, reading, surely=surely) for entry in there]
            operands = [replace(entry, column=node.column) for entry in found]
        case Near():
            operands = [_explain(node.left, reading), _explain(node.right, reading)]
        case And() | Or():
            for operand in node.operands:
                operands.append(_explain(operand, reading, surely=surely))
                if isinstance(node, And) and not operands[-1].satisfied:
                    break
        case _:
            pass
    return Explanation(
        print_node(node),
        node.column,
        places is not None,
        spans(places or []),
        tuple(operands),
        isinstance(node, Or),
        isinstance(node, Field) and holds(node, reading) is None,
    )
