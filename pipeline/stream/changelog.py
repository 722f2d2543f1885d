"""Judge's state as the changelog tells it: a copy of each partition's rows, brought up to date when we get it.

Faust's own tables recover record by record, and anew at every rebalance. Here the changelog is read in big batches, and
a partition that comes back to the worker that had it is not read at all if nobody else has written meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka import confluent_config
from pipeline.stream.disk import Disk
from pipeline.stream.diskstore import DiskStore
from pipeline.stream.producer import Outbox, Outgoing
from pipeline.stream.rows import Change, Rows
from pipeline.stream.store import MemoryStore, Place, Store
from pipeline.stream.terms import Terms, claim, is_claim
from schemas.settings import Settings
from schemas.topics import JUDGE_CHANGELOG

SILENCE_SECONDS = 30.0
"""How long the broker may be silent in the middle of a partition before it is asked anew."""
_LINGER_SECONDS = 0.2
_AT_ONCE = 10_000
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Copy:
    """What a partition held up to the offset `end`, and what we have written since.

    `rows` works on `store`, and is None once somebody else has changed that: also if reading breaks off in between.
    """

    end: int
    store: Store = field(default_factory=MemoryStore)
    terms: Terms = field(default_factory=Terms)
    rows: Rows | None = None

    def apply(self, message: Message) -> None:
        """Take in the next record; what a former owner wrote does not count."""
        offset, key, value = int(message.offset() or 0), message.key() or b"", message.value()
        self.end = offset + 1
        claimed = is_claim(key)
        if not claimed:
            self.rows = None
        if not self.terms.counts(offset, key, value):
            log.warning("written-by-a-former-owner", partition=message.partition(), offset=offset)
        elif not claimed:
            self.store.take(key, value)

    def place(self, rows: Rows) -> Place:
        """Return where we are in the changelog, and what `rows` have to write with the next batch."""
        return Place(
            self.end,
            self.terms.highest,
            again=frozenset(key for key, _ in rows.rolled_back()),
            removed=frozenset(rows.removed()),
        )


class Changelog:
    """The rows of the partitions that are ours, or have been and may be again; on `disk`, if there is one.

    `taken` is how many records have been read of all of them.
    """

    def __init__(self, settings: Settings, outbox: Outbox, disk: Disk | None = None) -> None:
        self._outbox = outbox
        self._disk = disk
        self._topic = settings.topic(JUDGE_CHANGELOG)
        self._config = confluent_config(settings) | {
            "group.id": settings.group("ticks"),  # never joined, but the client wants a name
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            # only at the end is there nothing to wait for, and a partition stands still until that is known
            "fetch.wait.max.ms": 10,
        }
        self._copies: dict[int, _Copy] = {}
        self.taken = 0

    async def rows(self, partition: int, generation: int, lost: Callable[[], bool]) -> Rows | None:
        """Claim `partition` in this `generation` of the group, and return its rows as they are from then on.

        They are the very same object as before if nobody else has written since. A broker that is silent is waited for;
        None as soon as `lost()`.

        Raises:
            ValueError: a row was written by another version.
        """
        while await self._outbox.deliver(changelog([claim(partition, generation)], partition), lost):
            try:
                return await asyncio.to_thread(self._read, partition, generation)
            except KafkaException as error:
                log.warning("reading-state-again", partition=partition, reason=error.args[0].name())
                await asyncio.sleep(1)
        return None

    def store(self, partition: int) -> Store:
        """Return where the rows of a partition are held that `rows` has returned."""
        return self._copies[partition].store

    async def commit(self, partition: int, record: Change, lost: Callable[[], bool]) -> int | None:
        """Write the commit record of a batch, and return its offset; None if the partition is lost meanwhile."""
        offsets: list[int] = []
        if not await self._outbox.deliver(changelog([record], partition), lost, offsets.append):
            return None
        return offsets[-1]

    def written(self, partition: int, records: int, offset: int) -> Place | None:
        """Note that a batch of so many `records`, the last at `offset`, counts; return what is behind us with it.

        None if something else lies between them, ours or another's: it has to be read before the place is known.
        """
        copy = self._copies[partition]
        if copy.rows is None or offset + 1 != copy.end + records:
            return None
        copy.end = offset + 1
        copy.terms.overwritten.clear()  # `records` had all of it
        return copy.place(copy.rows)

    def keep_only(self, partitions: set[int]) -> None:
        """Drop the copies of all other partitions; what is on disk of them stays there for a while."""
        for partition in self._copies.keys() - partitions:
            del self._copies[partition]

    def _read(self, partition: int, generation: int) -> Rows:
        began = monotonic()
        with closing(Consumer(self._config, logger=logging.getLogger("librdkafka"))) as consumer:
            first, end = consumer.get_watermark_offsets(self._place(partition), timeout=SILENCE_SECONDS)
            copy = self._copies.get(partition)
            if copy is None or copy.end > end:
                copy = self._copies[partition] = self._copy(consumer, partition, first, end)
            if copy.rows and copy.rows.term < generation and end - copy.end > 2:
                copy.end = self._written_by_us(consumer, copy.rows, generation, end) or copy.end
            begin = copy.end
            for message in self._records(consumer, partition, begin, end):
                copy.apply(message)
                self.taken += 1
        term = copy.terms.of_owner(generation)
        if copy.rows is None:
            copy.rows = Rows(partition, copy.store, term, copy.terms.overwritten, copy.store.suspects())
            copy.store.caught_up(copy.rows, copy.place(copy.rows))
            log.info("state", partition=partition, records=copy.end - begin, seconds=round(monotonic() - began, 1))
        else:
            copy.rows.term = term
        return copy.rows

    def _copy(self, consumer: Consumer, partition: int, first: int, end: int) -> _Copy:
        """Return what is known of a partition that we have just been given."""
        if self._disk is None:
            return _Copy(first)
        cluster = consumer.list_topics(self._topic, timeout=SILENCE_SECONDS).cluster_id
        store = DiskStore(self._disk, partition)
        place = store.open(f"{cluster}/{self._topic}", first, end)
        return _Copy(place.end, store, Terms.known(place.end, place.term, set(place.again)))

    def _place(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)

    def _written_by_us(self, consumer: Consumer, rows: Rows, generation: int, end: int) -> int | None:
        """Return the offset of our claim if nothing but what we know stands before it, else None.

        Before it stands our last commit record then: whoever else had written would have changed that.
        """
        tail = list(self._records(consumer, rows.partition, end - 2, end))[-2:]
        key = str(rows.partition).encode()
        ours = [(key, rows.stored.get(key)), claim(rows.partition, generation)]
        return tail[1].offset() if [(message.key(), message.value()) for message in tail] == ours else None

    def _records(self, consumer: Consumer, partition: int, begin: int, end: int) -> Iterator[Message]:
        """Yield the records from `begin` to the end, which is at `end` or later: the embedded broker names it too low.

        Raises:
            confluent_kafka.KafkaException: the broker is silent.
        """
        consumer.assign([self._place(partition, begin)])
        deadline = monotonic() + SILENCE_SECONDS
        while monotonic() < deadline:
            # so many and the news of the end: then it returns with the last of them
            messages = consumer.consume(max(1, min(_AT_ONCE, end - begin + 1)), timeout=_LINGER_SECONDS)
            for message in messages:
                if (error := message.error()) is None:
                    yield message
                    begin = int(message.offset() or 0) + 1
                    deadline = monotonic() + SILENCE_SECONDS
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
            if not messages and begin >= end:
                return
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def changelog(records: list[Change], partition: int) -> list[Outgoing]:
    """Return `records` as they go into the changelog partition."""
    return [Outgoing(JUDGE_CHANGELOG, key, value, partition) for key, value in records]
