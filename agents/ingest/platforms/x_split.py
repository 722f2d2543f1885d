"""Rules that are too long for X, as several: alternatives are dealt out; where that does not do, more is let in."""

from collections.abc import Iterable, Iterator

from agents.ingest.platforms.x_said import ALL, ANY, NOTHING, Atom, Joined, Part, Said, Verdict, anchored, join, render


def size(text: str) -> int:
    """Return the characters of a rule as X may count them: never fewer than it does."""
    return len(text.encode())


def fitted(said: Said, room: int) -> Iterator[Said]:
    """Yield rules of at most `room` characters, one of which lets through whatever `said` lets through."""
    if isinstance(said, Verdict):
        return
    if size(render(said)) <= room:
        yield said
    elif isinstance(said, Joined):
        yield from _alternatives(said, room) if said.how is ANY else _conjunction(said, room)


def packed(asked: Iterable[Said], room: int) -> Iterator[Said]:
    """Yield as few rules as alternatives of all queries together need; which query is in which rule is lost."""
    return fitted(join(ANY, (one for said in asked for one in fitted(said, room))), room)


def _alternatives(said: Joined, room: int) -> Iterator[Said]:
    held: list[Part] = []
    for part in said.parts:
        if held and size(render(join(ANY, (*held, part)))) > room:
            yield join(ANY, held)
            held = []
        if size(render(part)) > room:
            yield from fitted(part, room)
        else:
            held.append(part)
    if held:
        yield join(ANY, held)


def _conjunction(said: Joined, room: int) -> Iterator[Said]:
    """Deal out the alternatives of the longest part, the others beside each; what leaves no room is not asked for."""
    longest = max(said.parts, key=lambda part: size(render(part)) if anchored(part) else 0)
    beside = [part for part in said.parts if part is not longest]
    if isinstance(longest, Atom):
        # nothing to deal out: the fewer that fit are asked for
        kept: list[Part] = [longest]
        for part in sorted(beside, key=lambda part: size(render(part))):
            if size(render(join(ALL, (*kept, part)))) <= room:
                kept.append(part)
        yield join(ALL, kept)
        return
    beside.sort(key=lambda part: size(render(part)))
    while beside and size(render(join(ALL, beside))) > room // 2:
        beside.pop()
    taken = size(render(join(ALL, beside))) + 5 if beside else 0
    for dealt in fitted(longest, room - taken):
        if dealt is not NOTHING:
            yield join(ALL, (*beside, dealt))
