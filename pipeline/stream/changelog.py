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
from pipeline.stream.terms import Terms, claim
from schemas.settings import Settings
from schemas.topics import JUDGE_CHANGELOG

SILENCE_SECONDS = 30.0
"""How long the broker may be silent in the middle of a partition before it is asked anew."""
_LINGER_SECONDS = 0.2
_AT_ONCE = 10_000
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Copy:
    """What a partition held up to the offset `end`, and what we have written since; `rows` works on `values`.

    `terms` are those up to `end`.
    """

    values: dict[bytes, bytes]
    end: int
    rows: Rows
    terms: Terms


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

    async def rows(self, partition: int, generation: int, lost: Callable[[], bool]) -> Rows | None:
        """Return the rows of `partition` as they are now, None as soon as `lost()`; a silent broker is waited for.

        It must have been claimed in this `generation` of the group. They are the very same object as before if nobody
        else has written since.

        Raises:
            ValueError: a row was written by another version.
        """
        while not lost():
            try:
                return await asyncio.to_thread(self._read, partition, generation)
            except KafkaException as error:
                log.warning("reading-state-again", partition=partition, reason=error.args[0].name())
                await asyncio.sleep(1)
        return None

    def keep_only(self, partitions: set[int]) -> None:
        """Drop the copies of all other partitions."""
        for partition in self._copies.keys() - partitions:
            del self._copies[partition]

    def _read(self, partition: int, generation: int) -> Rows:
        began, copy = monotonic(), self._copies.get(partition)
        with closing(Consumer(self._config, logger=logging.getLogger("librdkafka"))) as consumer:
            first, end = consumer.get_watermark_offsets(self._place(partition), timeout=SILENCE_SECONDS)
            if copy is not None and self._is_ours(consumer, partition, (first, end), copy, generation):
                copy.rows.term = generation
                return copy.rows
            copy = copy or _Copy({}, first, Rows(partition, {}), Terms())
            for message in self._records(consumer, partition, max(first, copy.end), end):
                _apply(copy, message)
        terms = copy.terms
        copy.rows = Rows(partition, copy.values, terms.of_owner(generation), terms.overwritten)
        terms.overwritten.clear()
        self._copies[partition] = copy
        log.info("state", partition=partition, rows=len(copy.values), seconds=round(monotonic() - began, 1))
        return copy.rows

    def _place(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)

    def _is_ours(
        self, consumer: Consumer, partition: int, extent: tuple[int, int], copy: _Copy, generation: int
    ) -> bool:
        """Tell whether our claim directly follows the commit row that we know: nobody else has written.

        A generation that is no higher, since the broker has forgotten the group, is left to the terms.
        """
        begin, end = max(extent[0], extent[1] - 2), extent[1]
        found = [(message.key(), message.value()) for message in self._records(consumer, partition, begin, end)]
        key = str(partition).encode()
        ours = [(key, copy.values.get(key)), claim(partition, generation)]
        return found[-2:] == ours and generation > copy.rows.term

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


def _apply(copy: _Copy, message: Message) -> None:
    """Take over one record, if it counts."""
    offset, key, value = int(message.offset() or 0), message.key() or b"", message.value()
    copy.end = offset + 1
    if not copy.terms.counts(offset, key, value):
        log.warning("written-by-a-former-owner", partition=message.partition(), offset=offset)
    elif value is None:
        copy.values.pop(key, None)
    else:
        copy.values[key] = value


def changelog(records: list[Change], partition: int) -> list[Outgoing]:
    """Return `records` as they go into the changelog partition."""
    return [Outgoing(JUDGE_CHANGELOG, key, value, partition) for key, value in records]
