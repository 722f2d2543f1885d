"""Recent: the latest mentions one by one, for rules that ask for more than how many there were.

Bounded: of more than `MOST` within a rule's window only the latest are kept, which `Recent` itself cannot tell from
fewer; a `Pool` merges its oldest instead, so that its sums stay right and only their edges blur.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.frozen import swift

MOST = 1024
Entry = tuple[int, int, float]


@swift
@dataclass(frozen=True, slots=True)
class Recent:
    """Entries (time in ms, key, size), sorted by time."""

    entries: tuple[Entry, ...] = ()

    def add(self, entry: Entry, oldest: int, most: int = MOST) -> "Recent":
        """Return it with `entry`, without what is not later than `oldest`, the latest `most` of it."""
        entries = self.entries
        if entry[0] <= oldest:
            return self
        if entries and entry[0] < entries[-1][0]:
            at = bisect_right(entries, entry[0], key=_time)
            entries = (*entries[:at], entry, *entries[at:])
        else:
            entries = entries + (entry,)
        first = max(bisect_right(entries, oldest, key=_time) if entries[0][0] <= oldest else 0, len(entries) - most)
        return Recent(entries[first:] if first else entries)

    def weigh(self, entry: Entry, size: float) -> "Recent":
        """Return it with another size of `entry`; the very same where that is not among them."""
        if entry not in self.entries:
            return self
        at = self.entries.index(entry)
        return Recent((*self.entries[:at], (entry[0], entry[1], size), *self.entries[at + 1 :]))

    def within(self, after: int, until: int) -> Iterator[Entry]:
        """Yield the entries later than `after` and not later than `until`."""
        entries = self.entries
        for at in range(bisect_right(entries, after, key=_time), len(entries)):
            if entries[at][0] > until:
                break
            yield entries[at]


@swift
@dataclass(frozen=True, slots=True)
class Pool:
    """Sums: entries (time in ms, how many, their sum), sorted by time; the oldest are merged when there are many."""

    entries: tuple[Entry, ...] = ()

    def grow(self, time: int, by: float, oldest: int) -> "Pool":
        """Return it with one of its mentions larger `by` so much; the very same where it had none of that time."""
        heard = bool(self.entries) and self.entries[0][0] <= time
        return self.add(time, round(by, 6), oldest, count=0) if heard else self

    def add(self, time: int, size: float, oldest: int, *, count: int = 1) -> "Pool":
        """Return it with a mention of that `size`, without what is not later than `oldest`."""
        recent = Recent(self.entries).add((time, count, size), oldest, MOST + 1).entries
        if len(recent) <= MOST:
            return Pool(recent)
        half = recent[: MOST // 2]
        merged = tuple([(a[0], a[1] + b[1], round(a[2] + b[2], 6)) for a, b in zip(half[::2], half[1::2], strict=True)])
        return Pool(merged + recent[MOST // 2 :])

    def sums(self, after: int, until: int) -> tuple[int, float]:
        """Return how many there were later than `after` and not later than `until`, and their sum."""
        found = list(Recent(self.entries).within(after, until))
        return sum(one[1] for one in found), sum(one[2] for one in found)


def _time(entry: Entry) -> int:
    return entry[0]
