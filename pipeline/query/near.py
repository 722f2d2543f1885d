"""Distance: which of the places of two operands, or of several terms, are close enough to each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.query.find import MOST_HITS, find_term
from pipeline.query.reading import Hit, Words
from pipeline.query.tree import Close, Near


@dataclass(slots=True)
class Found:
    """An operand found from its `first` to its `last` word, with the characters that say so and what they satisfy."""

    first: int
    last: int
    places: set[tuple[int, int, str]]


def of_hits(hits: Iterable[Hit], words: Words, written: str) -> list[Found]:
    """Return hits as they are told: with their characters and the term."""
    return [Found(first, last, {(start, words.ends[last], written)}) for first, last, start in hits]


def near(node: Near, left: list[Found], right: list[Found]) -> list[Found]:
    """Return the pairs of `left` and `right` that do not overlap and have at most `node.distance` words between."""
    stretches = _stretches(left, right, node.distance)
    for stretch, more in {} if node.ordered else _stretches(right, left, node.distance).items():
        stretches.setdefault(stretch, []).extend(more)
    return [
        Found(*stretch, set().union(*[found.places for found in stretches[stretch]]))
        for stretch in sorted(stretches)[:MOST_HITS]
    ]


def _stretches(left: list[Found], right: list[Found], distance: int) -> dict[tuple[int, int], list[Found]]:
    """Return what makes up each stretch from one of `left` to one of `right` behind it.

    Only the first are looked for, by where they begin: of many words in a long text there would be millions.
    """
    ordered = sorted(right, key=_first)
    begins = [found.first for found in ordered]
    stretches: dict[tuple[int, int], list[Found]] = {}
    begin = -1
    for before in sorted(left, key=_first):
        if before.first > begin and len(stretches) >= MOST_HITS:
            break
        begin = before.first
        nearest, farthest = before.last + 1, before.last + 1 + distance
        for after in ordered[bisect_left(begins, nearest) : bisect_right(begins, farthest)]:
            stretches.setdefault((begin, after.last), []).extend((before, after))
    return stretches


def _first(found: Found) -> int:
    return found.first


def close(node: Close, words: Words) -> list[Found]:
    """Return every stretch of words that holds all terms, each by a word of its own, and is short enough.

    A stretch begins with a term, and all that it holds of the terms is told.
    """
    hits = [sorted(set(find_term(term, words)))[:MOST_HITS] for term in node.terms]
    begins = sorted({hit[0] for found in hits for hit in found}) if all(hits) else []
    stretch = len(node.terms) + node.distance
    firsts = [[hit[0] for hit in found] for found in hits]
    result = []
    for begin in begins:
        end = begin + stretch
        inside = [
            [hit for hit in found[bisect_left(first, begin) : bisect_left(first, end)] if hit[1] < end]
            for found, first in zip(hits, firsts, strict=True)
        ]
        if all(inside) and _each_its_own([[hit[0] for hit in some] for some in inside]):
            places = {(start, words.ends[last], node.written) for some in inside for _, last, start in some}
            result.append(Found(begin, max(hit[1] for some in inside for hit in some), places))
    return result


def _each_its_own(choices: list[list[int]]) -> bool:
    """Tell whether every term can have a word that no other term has (an augmenting path for each)."""
    taken: dict[int, int] = {}

    def place(term: int, tried: set[int]) -> bool:
        for word in choices[term]:
            if word not in tried:
                tried.add(word)
                if word not in taken or place(taken[word], tried):
                    taken[word] = term
                    return True
        return False

    return all(place(term, set()) for term in range(len(choices)))
