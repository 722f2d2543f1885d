"""Judge's state as the changelog tells it: a copy of each partition's rows, brought up to date when we get it.

Faust's own tables recover record by record, and anew at every rebalance. Here the changelog is read in big batches, and
a partition that comes back to the worker that had it is not read at all if nobody else has written meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka import confluent_config
from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Change, Rows
from schemas.settings import Settings
from schemas.topics import JUDGE_CHANGELOG

SILENCE_SECONDS = 30.0
"""How long the broker may be silent in the middle of a partition before it is asked anew."""
_LINGER_SECONDS = 0.2
_AT_ONCE = 10_000
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Copy:
    """What a partition held up to the offset `end`, and what we have written since; `rows` works on `values`."""

    values: dict[bytes, bytes]
    end: int
    rows: Rows


class Changelog:
    """The rows of the partitions that are ours, or have been and may be again."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topic(JUDGE_CHANGELOG)
        self._config = confluent_config(settings) | {
            "group.id": settings.group("ticks"),  # never joined, but the client wants a name
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
        self._copies: dict[int, _Copy] = {}

    async def rows(self, partition: int, lost: Callable[[], bool]) -> Rows | None:
        """Return the rows of `partition` as they are now, None as soon as `lost()`; a silent broker is waited for.

        They are the very same object as before if nobody else has written since.

        Raises:
            ValueError: a row was written by another version.
        """
        while not lost():
            try:
                return await asyncio.to_thread(self._read, partition)
            except KafkaException as error:
                log.warning("reading-state-again", partition=partition, reason=error.args[0].name())
                await asyncio.sleep(1)
        return None

    def keep_only(self, partitions: set[int]) -> None:
        """Drop the copies of all other partitions."""
        for partition in self._copies.keys() - partitions:
            del self._copies[partition]

    def _read(self, partition: int) -> Rows:
        began, copy = monotonic(), self._copies.get(partition)
        with closing(Consumer(self._config, logger=logging.getLogger("librdkafka"))) as consumer:
            first, end = consumer.get_watermark_offsets(self._place(partition), timeout=SILENCE_SECONDS)
            if copy is not None and self._is_ours(consumer, partition, end, copy):
                copy.end = end
                return copy.rows
            values, read = (copy.values, copy.end) if copy else ({}, first)
            for message in self._records(consumer, partition, max(first, read), end):
                if (value := message.value()) is None:
                    values.pop(message.key() or b"", None)
                else:
                    values[message.key() or b""] = value
                read = int(message.offset() or 0) + 1
        self._copies[partition] = _Copy(values, read, Rows(partition, values))
        log.info("state", partition=partition, rows=len(values), seconds=round(monotonic() - began, 1))
        return self._copies[partition].rows

    def _place(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)

    def _is_ours(self, consumer: Consumer, partition: int, end: int, copy: _Copy) -> bool:
        """Tell whether the last record is the commit row that we know: whoever else had written had changed it."""
        if end <= copy.end:
            return True
        found = [(message.key(), message.value()) for message in self._records(consumer, partition, end - 1, end)]
        key = str(partition).encode()
        return found[-1:] == [(key, copy.values.get(key))]

    def _records(self, consumer: Consumer, partition: int, begin: int, end: int) -> Iterator[Message]:
        """Yield the records from `begin` to the end, which is at `end` or later: the embedded broker names it too low.

        Raises:
            confluent_kafka.KafkaException: the broker is silent.
        """
        consumer.assign([self._place(partition, begin)])
        deadline = monotonic() + SILENCE_SECONDS
        while monotonic() < deadline:
            messages = consumer.consume(_AT_ONCE, timeout=_LINGER_SECONDS)
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
