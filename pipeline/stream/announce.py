"""What a worker does before it reads: check that the broker has the topics, and tell judge which watches there are."""

import asyncio
import hashlib
from datetime import datetime
from time import monotonic

import structlog
from confluent_kafka import KafkaException

from agents import clock
from agents.access import check_access
from agents.kafka import NoBroker
from agents.layout import check_layout, write_layout
from agents.observe import Status
from pipeline.check import load_watches
from pipeline.stream.producer import Outbox, Outgoing
from schemas.control import WatchVersion
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.tick import EPOCH
from schemas.topics import MENTIONS, TOPICS
from schemas.watch import Watch

WAIT_SECONDS = 120
"""How long a starting worker waits for a broker."""
log = structlog.get_logger(__name__)


def load(settings: Settings) -> tuple[Watch, ...]:
    """Read the watch file.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong.
    """
    try:
        text = settings.watches.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{settings.watches} cannot be read ({type(error).__name__})",
            where="EARSHOT_WATCHES",
            hint="it must name the watch file",
        ) from error
    return load_watches(text, str(settings.watches))


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


async def announce(settings: Settings, watches: tuple[Watch, ...], outbox: Outbox) -> None:
    """Write the version of every watch to `earshot.mentions`, where judge meets it before any match made from it."""
    at = clock.now() if settings.clock == "wall" else EPOCH
    await outbox.deliver([_version(watch, at) for watch in watches])
    log.info("watches", count=len(watches))


def _version(watch: Watch, at: datetime) -> Outgoing:
    content = hashlib.sha256(watch.model_dump_json().encode()).hexdigest()[:16]
    return Outgoing(MENTIONS, watch.id.encode(), WatchVersion(watch=watch, version=content, at=at).to_bytes())
