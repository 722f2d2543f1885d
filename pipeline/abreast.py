"""Abreast: matches of different watches go through the stages of judge together, one stage after the other.

What one stage works with, its code above all, then stays in the processor's caches: that takes a fifth less than one
match after the other. No two may be of the same watch, since what the first leads to is where the second begins.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pipeline.state import Verdict, WatchState
from schemas.mention import Match

Answer = tuple[WatchState, Verdict]
"""The state of a watch after a record, and what follows from that."""


def abreast(matches: Sequence[Iterator[Answer | None]]) -> list[Answer]:
    """Return the answers to matches on their way; each gives None after a stage and its answer at the end."""
    if len(matches) == 1:
        return [alone(matches[0])]
    found: dict[int, Answer] = {}
    going = list(enumerate(matches))
    while going:
        found.update([(at, answer) for at, stages in going if (answer := next(stages))])
        going = [(at, stages) for at, stages in going if at not in found]
    return [found[at] for at in range(len(matches))]


def alone(match: Iterator[Answer | None]) -> Answer:
    """Return the answer to one match that goes its way alone."""
    return next(filter(None, match))


def rounds(matches: Iterable[Match]) -> list[list[tuple[int, Match]]]:
    """Return `matches` with their places: the first of every watch, then the second of every watch that has two, …"""
    found: list[list[tuple[int, Match]]] = []
    seen: Counter[str] = Counter()
    for place, match in enumerate(matches):
        if (nth := seen[match.watch]) == len(found):
            found.append([])
        found[nth].append((place, match))
        seen[match.watch] += 1
    return found
