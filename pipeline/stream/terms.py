"""Terms: which of the workers that believe to own a partition is believed. Pure.

A worker that was frozen, or whose packets were, may write when others have taken over. So every record of the changelog
holds the term of its writer, which grows from owner to owner, and a new owner writes its term, under the key
`<partition>!`, before it recovers: what comes behind a higher term does not count, and what came before is part of what
it recovers. Term 0 is nobody's: it was written by a version that knew no terms, or while nothing ran. It always counts.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

from pipeline.stream.rows import Change, Commit, row_term


def claim(partition: int, term: int) -> Change:
    """Return the record with which a new owner begins."""
    return f"{partition}!".encode(), Commit(term=term).model_dump_json(include={"term"}).encode()


def is_claim(key: bytes) -> bool:
    """Tell whether a record with this key is a claim."""
    return key.endswith(b"!") and b"/" not in key


def term_of(key: bytes, value: bytes) -> int:
    """Return the term in which a record of the changelog was written.

    Raises:
        ValueError: it was written by another version.
    """
    return row_term(value) if b"/" in key else Commit.model_validate_json(value).term


@dataclass(slots=True)
class Terms:
    """How the terms of one partition rise along its changelog, which may be read again from any place.

    `overwritten` are the keys of which the last record does not count: they have to be written again, for one day
    compaction will keep nothing else.
    """

    overwritten: set[bytes] = field(default_factory=set)
    _offsets: list[int] = field(default_factory=list)
    _terms: list[int] = field(default_factory=list)

    def counts(self, offset: int, key: bytes, value: bytes | None) -> bool:
        """Tell whether a record counts. Call it in the order of the changelog.

        Raises:
            ValueError: it was written by another version.
        """
        # nearly always the latest of them
        before = len(self._offsets)
        if before and offset <= self._offsets[-1]:
            before = bisect_left(self._offsets, offset)
        highest = self._terms[before - 1] if before else 0
        term = term_of(key, value) if value is not None else 0
        if term and term < highest:
            self.overwritten.add(key)
            return False
        if term > highest and before == len(self._offsets):
            self._offsets.append(offset)
            self._terms.append(term)
        self.overwritten.discard(key)
        return True

    @classmethod
    def known(cls, offset: int, highest: int, overwritten: set[bytes]) -> "Terms":
        """Return the terms where everything before `offset` was read by an earlier process."""
        return cls(overwritten, [offset - 1] if highest else [], [highest] if highest else [])

    @property
    def highest(self) -> int:
        """The highest term so far, 0 if there was none."""
        return self._terms[-1] if self._terms else 0

    def of_owner(self, generation: int) -> int:
        """Return the term of the owner in a `generation` of the group, now that the changelog is read.

        It is the generation, unless the broker has forgotten the group and counts from the beginning again.
        """
        return generation if generation >= self.highest else self.highest + 1
