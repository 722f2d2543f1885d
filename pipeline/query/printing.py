"""Printing: a query as people write it, with explicit operators; what is printed reads as the same query."""

from dataclasses import dataclass, field

from pipeline.query.tree import And, Hint, Near, Node, Not, Or


@dataclass(frozen=True, slots=True)
class Query:
    """A query that has been read. `str()` prints it with explicit operators; reading that gives an equal query."""

    root: Node
    text: str = field(default="", compare=False)
    hints: tuple[Hint, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return print_node(self.root)


def print_node(node: Node) -> str:
    """Return `node` as people write it, with as few parentheses as precedence allows."""
    match node:
        case Near():
            operator = f"{'O' if node.ordered else ''}NEAR/{node.distance}"
            left = _print_part(node.left, bracketed=isinstance(node.left, Not | And | Or))
            right = _print_part(node.right, bracketed=isinstance(node.right, Near | Not | And | Or))
            return f"{left} {operator} {right}"
        case Not():
            return f"NOT {_print_part(node.operand, bracketed=isinstance(node.operand, Not | And | Or))}"
        case And():
            return " AND ".join(_print_part(part, bracketed=isinstance(part, Or)) for part in node.operands)
        case Or():
            return " OR ".join(map(print_node, node.operands))
        case _:
            return node.written


def _print_part(node: Node, *, bracketed: bool) -> str:
    return f"({print_node(node)})" if bracketed else print_node(node)
