"""Health: when sources were not heard, so that an outage is neither a silence nor, once it is over, a spike.

Ticks say when each source last answered (it answers even with nothing new). One that has not for `LIMIT` is out from
then on; what was out lately is remembered for `KEPT`. It is a value of the partition, made of its ticks alone.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.model import UtcTime
from schemas.tick import Tick

LIMIT = timedelta(hours=1)
"""So long a source may be unheard: feeds that are fetched twice an hour are not out in between."""
KEPT = timedelta(days=8)
MOST = 64
"""So many outages that are over are remembered, the latest."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A source was not heard after `since`, and again at `until`; None: it is not heard yet."""

    source: str
    since: UtcTime
    until: UtcTime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of the sources. `now` are the outages that last, `past` those that are over."""

    now: tuple[Outage, ...] = ()
    past: tuple[Outage, ...] = field(default=())

    def hear(self, tick: Tick) -> "Health":
        """Return what is known after a tick; the very same if that is no news."""
        # one that has been gone for longer than anything here looks back is no longer in use
        out = {source for source, heard in tick.heard.items() if LIMIT < tick.at - heard <= KEPT}
        known = {outage.source for outage in self.now}
        if out == known:
            return self
        back = {source for source, heard in tick.heard.items() if tick.at - heard <= LIMIT}
        over = [Outage(one.source, one.since, tick.at) for one in self.now if one.source in back]
        begun = [Outage(source, tick.heard[source]) for source in sorted(out - known)]
        past = [one for one in (*self.past, *over) if one.until and one.until > tick.at - KEPT]
        lasting = [one for one in self.now if one.source in out]
        return Health((*lasting, *begun), tuple(past[-MOST:]))

    def blind(self, after: datetime, until: datetime, sources: Collection[str] = ()) -> datetime | None:
        """Return until when one of `sources` (any source, if none are named) was out in that time, else None."""
        ends = [
            one.until or until
            for one in (*self.past, *self.now)
            if one.since < until and (one.until is None or one.until > after) and (not sources or one.source in sources)
        ]
        return max(ends, default=None)


WELL = Health()
"""All sources are heard, as far as anybody knows."""
