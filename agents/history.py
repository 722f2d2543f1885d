"""History: what the raw topics, or judge's log, hold of a period, as it came; reading changes nothing.

No consumer group is joined. What each partition holds when the reading begins is read, and nothing that comes later.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from time import monotonic
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from agents import clock
from agents.access import check_access
from agents.kafka import connect, unpark
from schemas.errors import ConfigError, EarshotError
from schemas.settings import Settings
from schemas.topics import MENTIONS

SECONDS = 30.0
"""How long nothing may come although the end is not reached."""
_AT_ONCE = 5_000


class Kept(NamedTuple):
    """A record as it is kept, where (`topic/partition/offset`), and since when (milliseconds since 1970)."""

    where: str
    value: bytes
    written: int


@dataclass(frozen=True, slots=True)
class Period:
    """From when (None: all that is kept) until when (None: until now), by the broker's time; without the latter."""

    begin: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        begin = f"{self.begin:%Y-%m-%d %H:%M} UTC" if self.begin else "the beginning"
        return f"{begin} to {f'{self.end:%Y-%m-%d %H:%M} UTC' if self.end else 'now'}"

    def milliseconds(self, now: datetime) -> tuple[int, int]:
        """Return both in milliseconds since 1970; it is `now`."""
        begin = int(self.begin.timestamp() * 1000) if self.begin else 0
        return begin, int(min(self.end or now, now).timestamp() * 1000)


def read_history(settings: Settings, period: Period) -> Iterator[Kept]:
    """Yield the records of all raw topics that the broker got within `period`, the oldest first.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, a topic is missing, or there is nothing of that time.
        EarshotError: nothing came for half a minute although there is more.
    """
    hint = "most platforms are kept for a week; ask for another time"
    return _read(settings, period, check_access(settings, "history"), ("the raw topics", hint))


def log_partitions(settings: Settings) -> int:
    """Return how many partitions judge's log has.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or a topic is missing.
    """
    return check_access(settings, "matched")[settings.topic(MENTIONS)]


def read_log(settings: Settings, period: Period) -> Iterator[Kept]:
    """Yield the records of judge's log that the broker got within `period`, the oldest first.

    Raises:
        NoBroker, ConfigError, EarshotError: as with `read_history`.
    """
    topic = settings.topic(MENTIONS)
    hint = "matches are kept for a day and a half; ask for another time, or without --mentions for what was heard"
    return _read(settings, period, {topic: log_partitions(settings)}, (topic, hint))


def _read(settings: Settings, period: Period, topics: Mapping[str, int], said: tuple[str, str]) -> Iterator[Kept]:
    now = clock.now()
    with closing(_consumer(settings)) as consumer:
        places = [TopicPartition(topic, number) for topic, count in sorted(topics.items()) for number in range(count)]
        found = _merged(_Reader(consumer, _ranges(consumer, places, period), period.milliseconds(now)))
        first = next(found, None)
        if first is None:
            raise ConfigError(
                f"{said[0]} at {settings.kafka} hold nothing from {period}",
                where="--from",
                hint=said[1],
            )
        yield first
        yield from found


def _consumer(settings: Settings) -> KafkaConsumer:
    def make(**config: Any) -> KafkaConsumer:
        return KafkaConsumer(**config, enable_auto_commit=False, max_poll_records=_AT_ONCE)

    consumer: KafkaConsumer = connect(make, settings)
    return consumer


def _ranges(
    consumer: KafkaConsumer, places: list[TopicPartition], period: Period
) -> dict[TopicPartition, tuple[int, int]]:
    """Return from which offset up to which each partition is read, of those that hold something of that time."""
    begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    if period.begin:
        begins = _at(consumer, places, period.begin, ends)
    if period.end:
        ends = _at(consumer, places, period.end, ends)
    return {place: (begins[place], ends[place]) for place in places if begins[place] < ends[place]}


def _at(
    consumer: KafkaConsumer, places: list[TopicPartition], time: datetime, ends: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return the first offset of each partition that is not before `time`; its end where there is none."""
    found = consumer.offsets_for_times(dict.fromkeys(places, int(time.timestamp() * 1000)))
    # the embedded broker answers with a time of -1 what others leave out
    return {place: one.offset if (one := found[place]) and one.timestamp >= 0 else ends[place] for place in places}


class _Reader:
    """Reads partitions side by side; who is ahead waits, so that but a little is held in memory."""

    def __init__(
        self, consumer: KafkaConsumer, ranges: dict[TopicPartition, tuple[int, int]], period: tuple[int, int]
    ) -> None:
        self._consumer = consumer
        self._ends = {place: end for place, (_, end) in ranges.items()}
        self._period = period
        self._waiting: dict[TopicPartition, deque[Any]] = {place: deque() for place in ranges}
        self._open = set(ranges)
        consumer.assign(list(ranges))
        for place, (begin, _) in ranges.items():
            consumer.seek(place, begin)

    @property
    def places(self) -> list[TopicPartition]:
        """What is read."""
        return list(self._waiting)

    def next(self, place: TopicPartition) -> Any:
        """Return the next record of a partition, None if there is no more."""
        waiting, deadline = self._waiting[place], monotonic() + SECONDS
        while not waiting and place in self._open:
            self._fetch()
            if not waiting and place in self._open and monotonic() > deadline:
                raise EarshotError(f"{place.topic} could not be read to its end: the broker is silent; try again")
        return waiting.popleft() if waiting else None

    def _fetch(self) -> None:
        """Let those partitions go on of which nothing is waiting."""
        ahead = [place for place, waiting in self._waiting.items() if waiting or place not in self._open]
        behind = [place for place in self._open if not self._waiting[place]]
        self._consumer.pause(*ahead)
        self._consumer.resume(*behind)
        unpark(self._consumer)
        reached = [place for place in behind if self._consumer.position(place) >= self._ends[place]]
        batches = self._consumer.poll(timeout_ms=100 if len(reached) == len(behind) else 500)
        for place, records in batches.items():
            self._take(place, records)
        # the embedded broker names the beginning of its last batch as the end: it is believed when nothing more comes
        self._open.difference_update(place for place in reached if place not in batches)

    def _take(self, place: TopicPartition, records: list[Any]) -> None:
        begin, until = self._period
        for record in records:
            if record.offset >= self._ends[place] and record.timestamp >= until:
                self._open.discard(place)
                return
            if begin <= record.timestamp < until and record.value is not None:
                self._waiting[place].append(record)


def _merged(reader: _Reader) -> Iterator[Kept]:
    """Yield what the partitions hold by the times of the records; each partition stays in its own order."""
    heads: list[tuple[int, int, Any]] = []
    places = reader.places
    for number, place in enumerate(places):
        if (record := reader.next(place)) is not None:
            heappush(heads, (record.timestamp, number, record))
    while heads:
        _, number, record = heappop(heads)
        yield Kept(f"{record.topic}/{record.partition}/{record.offset}", record.value, record.timestamp)
        if (record := reader.next(places[number])) is not None:
            heappush(heads, (record.timestamp, number, record))
