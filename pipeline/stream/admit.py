"""What a worker does before it reads, and goes on doing: it checks that the broker is there and has the topics."""

import asyncio
from time import monotonic

import structlog
from confluent_kafka import KafkaException

from agents.access import check_access
from agents.kafka import NoBroker
from agents.layout import check_layout, write_layout
from agents.observe import Status
from pipeline.stream.producer import Outbox
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import TOPICS

WAIT_SECONDS = 120
"""How long a starting worker waits for a broker."""
log = structlog.get_logger(__name__)


async def await_broker(settings: Settings) -> None:
    """Return when a broker answers that lets us in and has every topic, with our state where we look for it.

    Raises:
        ConfigError: none answered in time, it refuses us, or topics are missing or have other numbers of partitions.
    """
    deadline = monotonic() + WAIT_SECONDS
    while True:
        try:
            return await asyncio.to_thread(_admit, settings)
        except NoBroker:
            if monotonic() > deadline:
                raise
            log.warning("waiting-for-broker", kafka=settings.kafka)
            await asyncio.sleep(1)


def _admit(settings: Settings) -> None:
    _check(check_access(settings, "worker"), settings)
    if not check_layout(settings, settings.partitions):
        write_layout(settings, settings.partitions)


async def watch_broker(settings: Settings, outbox: Outbox, status: Status) -> None:
    """Keep the fact `broker` true to life, until cancelled.

    Raises:
        ConfigError: somebody has changed the number of partitions, so that keys go elsewhere.
    """
    away = False
    while True:
        try:
            found = await asyncio.to_thread(outbox.partitions, 5.0)
        except KafkaException as error:
            status.unready("broker", "does not answer; waiting for it")
            if not away:
                log.warning("broker-away", reason=error.args[0].name())
            away = True
        else:
            _check(found, settings)
            status.ready("broker")
            if away:
                log.info("broker-back")
            away = False
        await asyncio.sleep(5)


def _check(found: dict[str, int], settings: Settings) -> None:
    for topic in TOPICS:
        name, wanted = settings.topic(topic.name), settings.partitions if topic.partitioned else 1
        if found.get(name, wanted) != wanted:
            raise ConfigError(
                f"topic {name} has {found[name]} partitions, the settings ask for {wanted}",
                where="EARSHOT_PARTITIONS",
                hint="use the number there is; `earshot topics check` shows how to raise it",
            )
