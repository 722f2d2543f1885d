"""Unreachable: parts of a query that can never decide anything, because others have done so before."""

from collections.abc import Iterator

from pipeline.lint import Asked, Context, Finding, Watched
from pipeline.lint.tree import covering, implies, parts
from pipeline.query.printing import print_node
from pipeline.query.tree import And, Field, Node, Not, Or

_ONE_VALUE = {"country", "lang", "platform"}
"""Fields of which a post has one value only."""


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield alternatives that add nothing, and conjunctions that nothing satisfies."""
    for asked in watched.asked:
        for part in parts(asked.query.root):
            if isinstance(part, Or):
                yield from _superfluous(watched, asked, part)
            elif isinstance(part, And):
                yield from _impossible(watched, asked, part)


def _superfluous(watched: Watched, asked: Asked, node: Or) -> Iterator[Finding]:
    for place, others in covering(node.operands):
        operand = node.operands[place]
        for number in others:
            other = node.operands[number]
            same = implies(other, operand)
            if not implies(operand, other) or (same and number > place):
                continue
            yield Finding(
                "unreachable",
                watched.where(*asked.path, column=operand.column),
                f"{print_node(operand)} adds nothing",
                "it stands there twice" if same else f"{print_node(other)} finds all of it",
                "remove it" if same else f"remove it, or {print_node(other)} if that is too much",
            )
            break


def _impossible(watched: Watched, asked: Asked, node: And) -> Iterator[Finding]:
    positive = [operand for operand in node.operands if not isinstance(operand, Not)]
    for operand in node.operands:
        if isinstance(operand, Not) and any(implies(other, operand.operand) for other in positive):
            why = f"whatever it asks for is excluded by {print_node(operand)}"
            yield _never(watched, asked, operand, node, why)
    fields = [operand for operand in node.operands if isinstance(operand, Field) and operand.name in _ONE_VALUE]
    for index, one in enumerate(fields):
        others = (other for other in fields[:index] if other.name == one.name and other.value != one.value)
        if before := next(others, None):
            why = f"no post is {before.written} and {one.written} at once"
            yield _never(watched, asked, one, node, why)


def _never(watched: Watched, asked: Asked, at: Node, node: Node, why: str) -> Finding:
    where = watched.where(*asked.path, column=at.column)
    return Finding("unreachable", where, f"{print_node(node)} finds nothing", why, "use OR, or remove one of the two")
