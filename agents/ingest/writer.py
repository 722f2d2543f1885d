"""The writer: records to the broker, each with somebody who is told when the broker has acknowledged it.

One idempotent librdkafka producer (acks=all) that never gives up by itself: while the broker is away records wait, in
a bounded number, and are written when it is back. Its callbacks run in the event loop, inside `poll`.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from agents.kafka import confluent_config
from agents.observe import Status, gauge
from schemas.metrics import INGEST_QUEUE_AGE, INGEST_QUEUE_BYTES
from schemas.settings import Settings
from schemas.topics import CHECKPOINTS, MAX_RECORD_BYTES

MAX_WAITING = 20_000
MAX_WAITING_BYTES = 67_108_864
"""How much may wait for the broker before sources are held back."""
QUIET = 5.0
"""Seconds without an acknowledgement after which the broker counts as away, and between two looks at it."""
STUCK = 20.0
"""Seconds for which a broker may answer and yet acknowledge nothing before the producer is given up."""

_log = structlog.get_logger("ingest.writer")

Told = Callable[[KafkaError | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A record on its way. `partition` -1 lets the key decide, as it does in Java's clients."""

    topic: str
    key: str
    value: bytes
    source: str
    partition: int = -1


class Writer:
    """Writes records and tells of their acknowledgement. Use as an async context manager, in one event loop."""

    def __init__(self, settings: Settings, status: Status) -> None:
        self._settings = settings
        self._status = status
        self._producer = self._connect()
        self._waiting: dict[Outgoing, tuple[Told, float]] = {}
        self._bytes = 0
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._broken = False

    async def __aenter__(self) -> "Writer":
        duties = (self._serve_callbacks(), self._watch_broker(), self._measure())
        self._tasks = [asyncio.create_task(duty) for duty in duties]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._producer.purge()

    async def write(self, record: Outgoing, told: Told) -> None:
        """Hand `record` over; waits only while too much is under way. `told` gets None or why it was refused."""
        while len(self._waiting) >= MAX_WAITING or self._bytes >= MAX_WAITING_BYTES:
            self._changed.clear()
            await self._changed.wait()
        self._waiting[record] = (told, monotonic())
        self._bytes += len(record.value)
        self._produce(record)

    async def flush(self, seconds: float) -> bool:
        """Wait until everything is acknowledged, at most `seconds`, and tell whether it is."""
        deadline = monotonic() + seconds
        while self._waiting and monotonic() < deadline:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._changed.wait()
        return not self._waiting

    def _connect(self) -> Producer:
        config: dict[str, Any] = {
            **confluent_config(self._settings),
            "enable.idempotence": True,
            "acks": "all",
            # 0 is for ever: what was read is written once the broker is back, however long that takes
            "message.timeout.ms": 0,
            # a topic that is not there is said to be missing before the producer counts as stuck
            "topic.metadata.propagation.max.ms": 10_000,
            "message.max.bytes": MAX_RECORD_BYTES,
            "linger.ms": 2,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 2 * MAX_WAITING,
            "queue.buffering.max.kbytes": 2 * MAX_WAITING_BYTES // 1024,
            "reconnect.backoff.max.ms": 2000,
            "error_cb": self._heard_error,
            "log_level": 3,
        }
        return Producer(config, logger=logging.getLogger("ingest.rdkafka"))

    def _produce(self, record: Outgoing) -> None:
        try:
            self._producer.produce(
                self._settings.topic(record.topic),
                value=record.value,
                key=record.key.encode(),
                headers={"source": record.source},
                on_delivery=lambda error, _message: self._answered(record, error),
                partition=record.partition,
            )
        except KafkaException as error:
            self._answered(record, error.args[0])

    def _answered(self, record: Outgoing, error: KafkaError | None) -> None:
        """Pass on the broker's answer; what a broken producer gave up is written again by the next one."""
        if error is not None and (error.fatal() or error.code() in _GIVEN_UP):
            self._broken = True
            return
        told, _since = self._waiting.pop(record, (None, 0.0))
        if told is None:
            return
        self._bytes -= len(record.value)
        self._changed.set()
        if error is None:
            self._status.ready("broker")
        told(error)

    def _heard_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._broken = True
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._status.unready("broker", f"no Kafka broker answers at {self._settings.kafka}")

    async def _serve_callbacks(self) -> None:
        """Let the producer call back, often while something waits and seldom while nothing does."""
        while True:
            self._status.alive()
            self._producer.poll(0)
            if self._broken:
                self._replace_producer()
            await asyncio.sleep(0.002 if self._waiting else 0.02)

    def _replace_producer(self) -> None:
        """Begin anew with what waits: a producer that lost its place in the log can never write again."""
        _log.warning("the producer lost its place and is replaced", waiting=len(self._waiting))
        old, self._producer = self._producer, self._connect()
        self._waiting = {record: (told, monotonic()) for record, (told, _since) in self._waiting.items()}
        self._broken = False
        old.purge()
        for record in list(self._waiting):
            self._produce(record)

    async def _measure(self) -> None:
        """Tell the metrics what waits: this is how a slow broker shows."""
        while True:
            gauge(INGEST_QUEUE_AGE).set(self._waited())
            gauge(INGEST_QUEUE_BYTES).set(self._bytes)
            await asyncio.sleep(1)

    async def _watch_broker(self) -> None:
        """Keep the fact `broker` true: ask the broker itself, since a quiet hour says nothing."""
        answers_since = monotonic()
        while True:
            silent = await asyncio.to_thread(self._ask_broker)
            waited = self._waited()
            if reason := silent or (f"it has not acknowledged for {waited:.0f} s" if waited > QUIET else ""):
                self._status.unready("broker", reason)
            else:
                self._status.ready("broker")
            if silent:
                answers_since = monotonic()
            # a broker that came back without its memory lets the old producer try for ever
            self._broken |= min(waited, monotonic() - answers_since) > STUCK
            await asyncio.sleep(QUIET)

    def _ask_broker(self) -> str:
        try:
            topics = self._producer.list_topics(timeout=QUIET).topics
        except KafkaException as error:
            return f"no Kafka broker answers at {self._settings.kafka} ({error.args[0].name()})"
        needed = self._settings.topic(CHECKPOINTS)
        return "" if needed in topics else f"{needed} is missing: run `earshot topics apply`"

    def _waited(self) -> float:
        """Return the seconds for which the oldest record has been waiting."""
        since = next((since for _told, since in self._waiting.values()), None)
        return monotonic() - since if since is not None else 0.0


_GIVEN_UP = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._FATAL})
"""Answers of a producer that is being replaced; the records themselves are as good as before."""
