"""The way out: an idempotent librdkafka producer whose batches are awaited, without a thread for each of them.

librdkafka costs 1 µs a record where aiokafka costs 20. Nothing stays in its queue longer than the session timeout, so
that a worker that has lost its partitions cannot write behind the back of their new owner. Records are handed over on
the event loop, which blocks nothing; one thread serves the acknowledgements of everybody who shares the outbox, and
each batch waits for its own and for nobody else's.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import cache
from threading import Thread
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from agents.kafka import confluent_config
from schemas.settings import Settings
from schemas.topics import MAX_RECORD_BYTES

log = structlog.get_logger(__name__)


class Outgoing(NamedTuple):
    """A record to be written; without `partition` its key decides, as everywhere in Kafka (murmur2)."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int = -1


class Undelivered(Exception):
    """The broker did not acknowledge everything in time; the same records may be sent again."""


class _Receipt:
    """Counts the answers to the records of one batch; `complete` is done when there is one for each.

    It is made on the event loop; `note` is called by the thread that serves the producer.
    """

    def __init__(self, records: int, landed: Callable[[int], None] | None) -> None:
        self._missing = records
        self._landed = landed
        self._loop = asyncio.get_running_loop()
        self.complete: asyncio.Future[None] = self._loop.create_future()
        self.errors: list[KafkaError] = []

    def note(self, error: KafkaError | None, message: Message) -> None:
        """Take the answer to one record."""
        if error is not None:
            self.errors.append(error)
        elif self._landed:
            self._landed(int(message.offset() or 0))
        self._missing -= 1
        if self._missing == 0 and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.complete.done():
            self.complete.set_result(None)


class Outbox:
    """Sends batches of records and waits for their acknowledgement; within a partition their order is kept."""

    def __init__(self, settings: Settings) -> None:
        self._topic = cache(settings.topic)
        self.timeout = max(settings.session_timeout, 3.0)
        self._producer = Producer(
            confluent_config(settings)
            | {
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "delivery.timeout.ms": int(self.timeout * 1000),
                "message.max.bytes": MAX_RECORD_BYTES,
                "reconnect.backoff.max.ms": 1000,
                "queue.buffering.max.messages": _QUEUED_RECORDS,
            },
            logger=logging.getLogger("librdkafka"),
        )
        self._closed = False
        self._server = Thread(target=self._serve, name="outbox", daemon=True)
        self._server.start()

    async def deliver(
        self,
        records: Sequence[Outgoing],
        lost: Callable[[], bool] = lambda: False,
        landed: Callable[[int], None] | None = None,
    ) -> bool:
        """Write `records`, again and again while the broker is away, and return True when all are acknowledged.

        Return False as soon as `lost()` says that they are somebody else's business now. `landed` is called with the
        offset of each record that was acknowledged, in another thread.

        Raises:
            confluent_kafka.KafkaException: the broker refuses them, or the producer cannot go on; the process must end.
        """
        while records and not lost():
            try:
                await self._attempt(records, landed)
            except Undelivered as error:
                log.warning("writing-again", records=len(records), reason=str(error))
            else:
                return True
        return not records

    async def _attempt(self, records: Sequence[Outgoing], landed: Callable[[int], None] | None) -> None:
        """Write `records` once.

        Raises:
            Undelivered: some were not acknowledged within the time allowed.
            confluent_kafka.KafkaException: some never will be.
        """
        receipt = _Receipt(len(records), landed)
        for record in records:
            while not self._hand_over(record, receipt.note):  # noqa: ASYNC110 - nothing tells when there is room
                await asyncio.sleep(_FULL_SECONDS)
        try:
            async with asyncio.timeout(2 * self.timeout):
                await receipt.complete
        except TimeoutError:
            raise Undelivered("no answer") from None
        for error in receipt.errors:
            if error.fatal() or error.code() in _REFUSED:
                raise KafkaException(error)
        if receipt.errors:
            raise Undelivered(receipt.errors[0].name())

    def _hand_over(self, record: Outgoing, note: Callable[[KafkaError | None, Message], None]) -> bool:
        """Put a record into the producer's queue; return False when that is full and has to go out first."""
        try:
            topic = self._topic(record.topic)
            self._producer.produce(topic, record.value, record.key, partition=record.partition, on_delivery=note)
        except BufferError:
            return False
        return True

    def _serve(self) -> None:
        """Call back for what was acknowledged or given up, until the end."""
        while not self._closed:
            self._producer.poll(1.0)

    def close(self) -> None:
        """Let go of the broker, and of what it has not acknowledged; blocks for up to a second."""
        self._closed = True
        self._server.join()
        # librdkafka ends with the last reference to it
        del self._producer

    def partitions(self, seconds: float) -> dict[str, int]:
        """Return the number of partitions of every topic there is.

        Raises:
            confluent_kafka.KafkaException: no broker answered within `seconds`.
        """
        topics = self._producer.list_topics(timeout=seconds).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}


_FULL_SECONDS = 0.01
_QUEUED_RECORDS = 1_000_000
_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
