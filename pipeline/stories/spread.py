"""How a story spreads: its mentions by platform and by hour, how many people wrote them, and how many read those.

All of it is bounded, and comes out the same in whatever order the mentions are heard; two can be made one. Up to
`AUTHORS` the authors are counted; beyond, their number is estimated from the smallest of their hashes (k minimum
values, Bar-Yossef et al. 2002: a standard error of 13 % at 64), for which no more of them need to be known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from pipeline.frozen import replace, swift

AUTHORS = 64
READ = 32
"""So many of the most followed authors make the reach."""
HOURS = 168
_NUMBERS = 2**63
Key = TypeVar("Key", int, str)


@swift
@dataclass(frozen=True, slots=True)
class Spread:
    """`platforms` counts mentions by platform, `curve` by the hour of the event time, for the latest `HOURS`.

    `authors` are the smallest numbers of those who wrote them, `read` the most followed of them: (followers, author).
    Whom the platform does not name, or whose name may not last, is no author here.
    """

    platforms: dict[str, int] = field(default_factory=dict)
    authors: tuple[int, ...] = ()
    read: tuple[tuple[int, int], ...] = ()
    curve: dict[int, int] = field(default_factory=dict)

    @property
    def distinct_authors(self) -> int:
        """How many people wrote it, as far as they are known: exact below `AUTHORS`, an estimate from there on."""
        count = len(self.authors)
        return count if count < AUTHORS else max(count, round((count - 1) * _NUMBERS / max(1, self.authors[-1])))

    @property
    def reach(self) -> int:
        """The followers of the most followed authors, each author once; some people follow several of them."""
        return sum([followers for followers, _ in self.read])

    def take(self, platform: str, hour: int, author: int | None, read: tuple[int, int] | None) -> "Spread":
        """Return the spread with one mention more."""
        authors = self.authors if author is None or author in self.authors else _smallest((*self.authors, author))
        most = self.read if read is None or read in self.read else _most((*self.read, read))
        return Spread(_added(self.platforms, {platform: 1}), authors, most, _latest(_added(self.curve, {hour: 1})))

    def join(self, other: "Spread") -> "Spread":
        """Return the spread of two stories that are one."""
        return Spread(
            _added(self.platforms, other.platforms),
            _smallest({*self.authors, *other.authors}),
            _most((*self.read, *other.read)),
            _latest(_added(self.curve, other.curve)),
        )

    def without(self, author: int) -> "Spread":
        """Return the spread in which an author is forgotten, the very same if he is not in it."""
        if author not in self.authors and all(by != author for _, by in self.read):
            return self
        authors = tuple([one for one in self.authors if one != author])
        return replace(self, authors=authors, read=tuple([pair for pair in self.read if pair[1] != author]))


def start(platform: str, hour: int, author: int | None, read: tuple[int, int] | None) -> Spread:
    """Return the spread of one mention."""
    by_author, most = () if author is None else (author,), () if read is None else (read,)
    return Spread(_once(platform), by_author, most, _once(hour))


@lru_cache(maxsize=1024)
def _once(key: Key) -> dict[Key, int]:
    # most stories are of one mention, and no count is ever changed
    return {key: 1}


def _smallest(authors: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(authors)[:AUTHORS])


def _most(read: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the most followed, each author once with the most followers he was seen with."""
    by_author: dict[int, int] = {}
    for followers, author in read:
        by_author[author] = max(followers, by_author.get(author, 0))
    return tuple(sorted([(followers, author) for author, followers in by_author.items()], reverse=True)[:READ])


def _added(counts: Mapping[Key, int], more: Mapping[Key, int]) -> dict[Key, int]:
    added = dict(counts)
    for key, count in more.items():
        added[key] = added.get(key, 0) + count
    return added


def _latest(curve: dict[int, int]) -> dict[int, int]:
    if len(curve) <= 1:
        return curve
    end = max(curve) - HOURS
    return {hour: curve[hour] for hour in sorted(curve) if hour > end}
