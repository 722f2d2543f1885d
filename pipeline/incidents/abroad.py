"""Abroad: the open incidents of other watches that may inhibit, as the log of the partition has told of them.

A value of the partition, made of its records alone, so that a replay knows of each from the same record on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.control import Inhibitor

MOST = 1000
"""So many are known at most, those that were told of last."""
LASTS = timedelta(days=7)
"""What nothing was heard of for so long inhibits no more: the end of it may have been lost with a worker's state."""


@dataclass(frozen=True, slots=True)
class Abroad:
    """The incidents that are open elsewhere, by their ids."""

    open: Mapping[str, Inhibitor] = field(default_factory=dict)

    def hear(self, record: Inhibitor) -> "Abroad":
        """Return what is known after a record; the very same if that is no news."""
        known = {name: one for name, one in self.open.items() if name != record.id and one.at > record.at - LASTS}
        if record.open:
            known[record.id] = record
        kept = dict(list(known.items())[-MOST:])
        if not kept:
            return NOWHERE
        return self if kept == self.open else Abroad(kept)

    def at(self, moment: datetime, watch: str) -> tuple[Inhibitor, ...]:
        """Return those of other watches than `watch` that may inhibit at `moment`."""
        return tuple(one for one in self.open.values() if one.watch != watch and one.at > moment - LASTS)


NOWHERE = Abroad()
