"""The dead-letter ceiling: where so many recent records fail, the fault is not in the records. Pure.

One that cannot be read is diverted and everything goes on. When most of what a partition brings cannot be read (a
sender has changed its format, a worker of the wrong version runs), going on would divert everything there is, so the
worker stops instead. What is counted is a function of the log alone: the offsets of one partition, whatever the
batches, workers and restarts. So a restart stops at the same record, until the code or the setting is another one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas.errors import EarshotError


@dataclass(frozen=True, slots=True)
class Limit:
    """Of the latest `window` records of a partition `share` may be dead, and in any case fewer than `least`."""

    share: float
    window: int
    least: int


@dataclass(frozen=True, slots=True)
class Breach:
    """Too many: `dead` of the latest `records` up to `offset` cannot be processed, most of them because of `reason`."""

    dead: int
    records: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The dead records among the latest of one partition, by offset and reason; before `first` nothing is known."""

    limit: Limit
    first: int
    dead: tuple[tuple[int, str], ...] = ()

    @classmethod
    def known(cls, limit: Limit, first: int, dead: Iterable[tuple[int, str]]) -> "Ceiling":
        """Return the ceiling of a partition whose records from `first` on have been looked through."""
        return cls(limit, first, tuple(dead))

    def step(self, offset: int, reason: str) -> tuple["Ceiling", Breach | None]:
        """Take in that the record at `offset` is dead, and tell whether that is one too many.

        Records that can be processed need no step: their offsets count all the same.

        >>> ceiling, breach = Ceiling(Limit(share=0.5, window=4, least=2), first=0).step(1, "not-json")
        >>> breach is None
        True
        >>> ceiling.step(2, "wrong-type")
        (Ceiling(...), Breach(dead=2, records=3, offset=2, reason='not-json'))
        """
        since = max(self.first, offset - self.limit.window + 1)
        dead = (*(one for one in self.dead if since <= one[0] < offset), (offset, reason))
        records = offset - since + 1
        after = replace(self, dead=dead)
        if len(dead) < self.limit.least or len(dead) <= self.limit.share * records:
            return after, None
        frequent = Counter(why for _offset, why in dead).most_common(1)[0][0]
        return after, Breach(len(dead), records, offset, frequent)


class TooManyDead(EarshotError):
    """The worker stops rather than divert what a partition brings; the text says what to do."""

    def __init__(self, topic: str, partition: int, breach: Breach) -> None:
        super().__init__(
            f"{breach.dead} of the last {breach.records} records of {topic}/{partition} cannot be processed, most of"
            f" them {breach.reason}; nothing from offset {breach.offset} on is set aside or acknowledged. Correct what"
            f" writes them or run a version that reads them; EARSHOT_DEAD_CEILING=1 sets them all aside"
        )
        self.breach = breach
