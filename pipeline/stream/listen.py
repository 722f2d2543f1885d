"""Listen: raw events in, matches out. It holds no state, so a batch may be processed again at any time.

What a post is to the watches is worked out by `pipeline.enrich`; here records are read, what cannot be read is put
aside, and what follows is written. The next stage is `pipeline.stream.judge`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

import structlog

from pipeline import control, enrich
from pipeline.enrich import Asked
from pipeline.language import detect
from pipeline.sentiment import Feels, assess
from pipeline.sentiment.transformer import choose
from pipeline.sentiment.words import cut
from pipeline.stream import metrics
from pipeline.stream.batch import Batch
from pipeline.stream.dead import believed, dead, latest_of, read
from pipeline.stream.follow import Edition
from pipeline.stream.producer import Outbox, Outgoing
from pipeline.stream.ticks import to_every_partition
from schemas.control import Adopted
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Delivered, Edit, Event, Gap, Heartbeat, delivered
from schemas.glimpse import Glimpse, glimpse
from schemas.mention import Match
from schemas.settings import Settings
from schemas.tick import Tick
from schemas.topics import MENTIONS

LARGEST_MATCH = 1_000_000
"""Bytes of a match that its topic takes for sure."""
_BREATH = 200
"""So many records at a time; then other tasks get their turn. One where a transformer judges, which takes its time."""

_Record = Glimpse | Delivered | InvalidMessage
"""A raw record as far as it has been read: at a glimpse where that says enough, in full, or what is wrong with it."""
log = structlog.get_logger(__name__)


def read_models(settings: Settings) -> Feels:
    """Read what languages and sentiment are judged by now, and not while the first post that matches waits.

    Return what judges sentiment: lexicons are not read where a model of the user's own stands in for them.

    Raises:
        ConfigError: the model that is set cannot be used.
    """
    feels = choose(settings.sentiment_model, settings.sentiment_languages)
    for greeting in ("Guten Morgen und herzlich willkommen", "Good morning and a warm welcome to you"):
        feels(greeting, detect(greeting, None))
    return feels


class Listen:
    """The stage `listen`: `process` takes a batch of raw records all the way to `earshot.mentions`.

    A batch is matched with one edition of the watches. With which, and from which record on, is told to the log
    whenever it is another than before, or may be.
    """

    def __init__(self, settings: Settings, edition: Edition, outbox: Outbox, feels: Feels | None = None) -> None:
        """Match with `edition`; `feels` is what `read_models` returned, if it was called before."""
        self._edition = edition
        self._adopted: dict[tuple[str, int], int] = {}
        self._outbox = outbox
        self._partitions = settings.partitions
        self._clock = settings.clock == "events"
        self._posts_by_platform: Counter[str] = Counter()
        self._matches_by_watch: Counter[str] = Counter()
        self._feels = feels or read_models(settings)
        self._breath = _BREATH if self._feels is assess else 1

    def adopt(self, edition: Edition) -> None:
        """Match with `edition` from the next batch on."""
        self._edition = edition

    def forget(self) -> None:
        """Tell anew with what is matched: the partitions may have been somebody else's meanwhile."""
        self._adopted.clear()

    @property
    def edition(self) -> Edition:
        """What the next batch is matched with."""
        return self._edition

    async def process(self, batch: Batch) -> None:
        """Write what follows from `batch`, await it, and acknowledge the batch.

        Raises:
            Exception: whatever goes wrong; the batch is then not acknowledged.
        """
        edition, place = self._edition, (batch.topic, batch.partition)
        outgoing: list[Outgoing] = []
        if self._adopted.get(place) != edition.position:
            outgoing.append(_adoption(batch, edition))
        for start in range(0, len(batch.records), self._breath):
            outgoing += self.hear(batch.records[start : start + self._breath], edition)
            await asyncio.sleep(0)
        cut.cache_clear()  # no text stays in memory because nothing came after it
        self._count()
        if await self._outbox.deliver(outgoing, batch.lost):
            self._adopted[place] = edition.position
            batch.acknowledge()

    def hear(self, records: Sequence[Any], edition: Edition) -> list[Outgoing]:
        """Return what is to be written because of some raw records, in their order."""
        latest = latest_of(max((record.timestamp or 0 for record in records), default=0))
        read = [_look(record, latest) for record in records]
        asked: dict[int, Asked] = {}
        for at, queries in self._prefilter(read, edition).items():
            if isinstance(read[at], Glimpse):
                read[at] = _read_in_full(records[at], latest)
            if isinstance(one := read[at], Event):
                asked[at] = one, queries
        enriched = enrich.enrich_all(list(asked.values()), edition.matcher, self._feels)
        matches = dict(zip(asked, enriched, strict=True))
        outgoing: list[Outgoing] = []
        for at, one in enumerate(read):
            if isinstance(one, Glimpse):
                continue  # nobody asked for it
            try:
                outgoing += self._follows(one, matches.get(at, ()), edition)
            except InvalidMessage as error:
                outgoing.append(dead(records[at], error))
        return outgoing

    def _prefilter(self, read: Sequence[_Record], edition: Edition) -> dict[int, Set[int]]:
        """Return the queries that posts could match, by their places in `read`, where there are any."""
        posts = {at: one for at, one in enumerate(read) if isinstance(one, Glimpse | Event)}
        self._posts_by_platform.update([post.platform for post in posts.values()])
        places = list(posts)
        return {places[at]: queries for at, queries in enrich.prefilter(list(posts.values()), edition.matcher)}

    def _follows(
        self, record: Delivered | InvalidMessage, matched: Sequence[Match], edition: Edition
    ) -> list[Outgoing]:
        """Return what is to be written because of a record; raises `InvalidMessage` where it could not be read."""
        match record:
            case InvalidMessage():
                raise record
            case Event():
                found = [self._outgoing(match) for match in matched]
                if isinstance(record, Edit):
                    # who asked for what stood there before, and not for what stands there now, keeps nothing of it
                    found += _forgets(record, edition, matched)
                return found
            case Deletion():
                return _forgets(record, edition)
            case Heartbeat() if record.clock and self._clock:
                return list(to_every_partition(Tick(at=record.at), self._partitions))
            case Gap():
                log.warning("gap", source=record.source, since=record.since.isoformat(), reason=record.reason)
                metrics.gap(record.source)
        return []

    def _outgoing(self, match: Match) -> Outgoing:
        value = match.to_bytes()
        if len(value) > LARGEST_MATCH:
            raise InvalidMessage("too-large", f"as a match it has {len(value)} bytes")
        self._matches_by_watch[match.watch] += 1
        return Outgoing(MENTIONS, match.watch.encode(), value)

    def _count(self) -> None:
        """Tell the metrics what a batch held."""
        metrics.heard(self._posts_by_platform, self._matches_by_watch)
        self._posts_by_platform.clear()
        self._matches_by_watch.clear()


def _look(record: Any, latest: datetime | None) -> _Record:
    """Return a post at a glimpse where that says enough, else what the record is."""
    if (found := glimpse(record.value or b"")) and (latest is None or found.seen <= latest):
        return found
    return _read_in_full(record, latest)


def _read_in_full(record: Any, latest: datetime | None) -> Delivered | InvalidMessage:
    try:
        return believed(read(record.value, delivered), latest)
    except InvalidMessage as error:
        return error


def _forgets(gone: Deletion | Edit, edition: Edition, matched: Sequence[Match] = ()) -> list[Outgoing]:
    """Return what tells the watches that a post is gone."""
    found = control.forgets(gone, [watch.id for watch in edition.watches], matched)
    return [Outgoing(MENTIONS, forget.watch.encode(), forget.to_bytes()) for forget in found]


def _adoption(batch: Batch, edition: Edition) -> Outgoing:
    """Return the record that says from where on a partition is matched with an edition."""
    found = Adopted(topic=batch.topic, partition=batch.partition, offset=batch.first, position=edition.position)
    return Outgoing(MENTIONS, f"{batch.topic}/{batch.partition}".encode(), found.to_bytes())
