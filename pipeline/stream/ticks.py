"""Ticks: the one place where the time of day enters the stream, one record a second and partition."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from time import monotonic

import structlog
from confluent_kafka import Consumer, TopicPartition
from pydantic import ValidationError

from agents import clock
from agents.kafka import confluent_config
from pipeline.stream.producer import Outbox, Outgoing
from schemas.checkpoint import Checkpoint
from schemas.settings import Settings
from schemas.tick import Tick
from schemas.topics import CHECKPOINTS, MENTIONS

log = structlog.get_logger(__name__)


def to_every_partition(tick: Tick, partitions: int) -> list[Outgoing]:
    """Return the records that tell every partition of `earshot.mentions` what time it is."""
    value = tick.to_bytes()
    return [Outgoing(MENTIONS, b"tick", value, partition) for partition in range(partitions)]


class LastHeard:
    """When each source was last heard, as its checkpoints tell."""

    def __init__(self, settings: Settings) -> None:
        self._times: dict[str, datetime] = {}
        self._consumer = Consumer(
            confluent_config(settings) | {"group.id": settings.group("ticks"), "enable.auto.commit": False}
        )
        self._consumer.assign([TopicPartition(settings.topic(CHECKPOINTS), 0, 0)])

    def times(self) -> dict[str, datetime]:
        """Return the latest time of every source, by source id, after reading what is new."""
        # waits for nothing: librdkafka waits for a time of day, and that may be set back
        while found := self._consumer.consume(1000, timeout=0):
            for message in found:
                value = message.value()
                if message.error() or value is None:
                    continue
                try:
                    checkpoint = Checkpoint.from_bytes(value)
                except ValidationError as error:
                    log.warning("checkpoint-unreadable", offset=message.offset(), errors=error.error_count())
                    continue
                if checkpoint.heard:
                    self._times[checkpoint.source] = checkpoint.heard
        return dict(self._times)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def _after(seconds: float) -> Callable[[], bool]:
    """Return a function that tells whether `seconds` have passed: an older tick is not worth a second attempt."""
    end = monotonic() + seconds
    return lambda: monotonic() > end


async def write_ticks(settings: Settings, outbox: Outbox, elected: Callable[[], bool]) -> None:
    """Write a tick a second for as long as `elected()`, until cancelled; while the broker is away none are written."""
    heard = LastHeard(settings)
    try:
        while True:
            if elected():
                tick = Tick(at=clock.now().replace(microsecond=0), heard=await asyncio.to_thread(heard.times))
                await outbox.deliver(to_every_partition(tick, settings.partitions), lost=_after(1.0))
            await asyncio.sleep(1 - clock.now().microsecond / 1e6)
    finally:
        heard.close()
