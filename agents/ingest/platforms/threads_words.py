"""What to ask a search that knows words only, so that it finds whatever a query may want."""

from collections.abc import Iterable

from pipeline.query import QueryError, parse
from pipeline.query.tree import And, Close, Named, Near, Node, Or, Phrase

LONGEST = 100


def words(queries: Iterable[str]) -> tuple[str, ...]:
    """Return the words and phrases to search for, each once: a post that satisfies a query holds one of them.

    What no word decides (fields, exclusions, patterns) is not searched for. Of an AND the operand with the fewest
    words is taken; the platform finds more than is wanted, which is sorted out afterwards.
    """
    found: dict[str, None] = {}
    for query in queries:
        try:
            root = parse(query).root
        except QueryError:
            # such as one with lists, which are not here
            continue
        found |= dict.fromkeys(_of(root) or ())
    return tuple(found)


def _of(node: Node) -> tuple[str, ...] | None:
    match node:
        case Phrase() | Close():
            text = " ".join(node.written.partition("~")[0].strip('"').replace("*", " ").replace("?", " ").split())
            return (text,) if text and ":" not in text and len(text) <= LONGEST else None
        case Near():
            return _fewest([_of(node.left), _of(node.right)])
        case Named():
            return _of(node.operand)
        case And():
            return _fewest([_of(operand) for operand in node.operands])
        case Or():
            parts = [_of(operand) for operand in node.operands]
            return tuple(word for part in parts for word in part or ()) or None
        case _:
            return None


def _fewest(choices: list[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    return min((choice for choice in choices if choice), key=len, default=None)
