"""What rules ask of a query's tree: its parts, and whether one part follows from another."""

from collections.abc import Iterator

from pipeline.query.tree import And, Field, Node, Not, Or, Phrase, Term


def parts(node: Node) -> Iterator[Node]:
    """Yield `node` and everything in it."""
    yield node
    match node:
        case Not():
            yield from parts(node.operand)
        case And() | Or():
            for operand in node.operands:
                yield from parts(operand)
        case _:
            return


def wanted(node: Node, *, negated: bool = False) -> Iterator[Phrase]:
    """Yield the words and phrases that are looked for, not those that are excluded."""
    match node:
        case Phrase():
            if not negated:
                yield node
        case Not():
            yield from wanted(node.operand, negated=not negated)
        case And() | Or():
            for operand in node.operands:
                yield from wanted(operand, negated=negated)
        case _:
            return


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
        case (And(), _):
            return any(implies(operand, other) for operand in one.operands) or _one_of(one, other)
        case _:
            return _one_of(one, other) or _leaf_implies(one, other)


def _leaf_implies(one: Node, other: Node) -> bool:
    match one, other:
        case (Not(), Not()):
            return implies(other.operand, one.operand)
        case (Phrase(), Phrase()):
            return _holds(one.terms, other.terms)
        case (Field(), Field()):
            return one.name == other.name and other.prefix and one.value.startswith(other.value)
        case _:
            return False


def _one_of(one: Node, other: Node) -> bool:
    return isinstance(other, Or) and any(implies(one, operand) for operand in other.operands)


def _holds(longer: tuple[Term, ...], shorter: tuple[Term, ...]) -> bool:
    """Tell whether the terms of a phrase stand in a longer one, one after the other."""
    room = len(longer) - len(shorter)
    return any(
        all(_covers(shorter[index], longer[begin + index]) for index in range(len(shorter)))
        for begin in range(room + 1)
    )


def _covers(general: Term, special: Term) -> bool:
    """Tell whether whatever is found by `special` is found by `general`."""
    if general.tag:
        same = special.tag.startswith(general.tag) if general.tag_prefix else special.tag == general.tag
        return bool(special.tag) and same and (general.tag_prefix or not special.tag_prefix)
    if general.prefix:
        return special.word.startswith(general.word)
    return special.word == general.word and not special.prefix


def covering(nodes: tuple[Node, ...]) -> Iterator[tuple[int, list[int]]]:
    """Yield the place of each node with those of the others that might follow from it, cheaply for many words."""
    whole: dict[str, list[int]] = {}
    begun: dict[str, list[int]] = {}
    always = []
    for place, node in enumerate(nodes):
        if isinstance(node, Phrase):
            term = node.terms[0]
            text, prefix = (term.tag, term.tag_prefix) if term.tag else (term.word, term.prefix)
            (begun if prefix else whole).setdefault(text, []).append(place)
        else:
            always.append(place)
    for place, node in enumerate(nodes):
        if not isinstance(node, Phrase):
            yield place, [other for other in range(len(nodes)) if other != place]
            continue
        texts = {text for term in node.terms for text in (term.word, term.tag) if text}
        found = set(always).union(*(whole.get(text, ()) for text in texts))
        for text in texts:
            found.update(*(begun.get(text[:length], ()) for length in range(1, len(text) + 1)))
        yield place, sorted(found - {place})


def key(node: Node) -> str:
    """Return a text that is the same for queries that differ only in the order and spelling of their operands."""
    match node:
        case And() | Or():
            return f"{type(node).__name__}({','.join(sorted({key(operand) for operand in node.operands}))})"
        case Not():
            return f"Not({key(node.operand)})"
        case Phrase():
            return repr(node.terms)
        case _:
            return repr(node)
