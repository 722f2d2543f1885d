"""What a worker does before it reads: check that the broker has the topics, and tell judge which watches there are."""

import asyncio
import hashlib
from datetime import UTC, datetime

import structlog
from confluent_kafka import KafkaException

from agents.observe import Status
from pipeline.check import load_watches
from pipeline.stream.producer import Outbox, Outgoing
from schemas.control import WatchVersion
from schemas.errors import ConfigError
from schemas.settings import Settings
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


async def await_broker(settings: Settings, outbox: Outbox) -> None:
    """Return when a broker answers that has every topic.

    Raises:
        ConfigError: none answered in time, or topics are missing or have another number of partitions.
    """
    for _ in range(WAIT_SECONDS // 5):
        try:
            found = await asyncio.to_thread(outbox.partitions, 5.0)
        except KafkaException:
            log.warning("waiting-for-broker", kafka=settings.kafka)
        else:
            return _check(found, settings.partitions)
    raise ConfigError(
        f"no Kafka broker answers at {settings.kafka}",
        where="EARSHOT_KAFKA",
        hint="start the broker or correct the address",
    )


async def watch_broker(outbox: Outbox, status: Status) -> None:
    """Keep the fact `broker` true to life, until cancelled."""
    away = False
    while True:
        try:
            await asyncio.to_thread(outbox.partitions, 5.0)
        except KafkaException as error:
            status.unready("broker", "does not answer; waiting for it")
            if not away:
                log.warning("broker-away", reason=error.args[0].name())
            away = True
        else:
            status.ready("broker")
            if away:
                log.info("broker-back")
            away = False
        await asyncio.sleep(5)


def _check(found: dict[str, int], partitions: int) -> None:
    for topic in TOPICS:
        wanted = partitions if topic.partitioned else 1
        if found.get(topic.name) != wanted:
            has = f"has {found[topic.name]} partitions" if topic.name in found else "does not exist"
            raise ConfigError(
                f"topic {topic.name} {has}, the settings ask for {wanted}",
                where="EARSHOT_PARTITIONS",
                hint="run: earshot topics apply",
            )


async def announce(settings: Settings, watches: tuple[Watch, ...], outbox: Outbox) -> None:
    """Write the version of every watch to `earshot.mentions`, where judge meets it before any match made from it."""
    at = datetime.now(UTC) if settings.clock == "wall" else datetime(1970, 1, 1, tzinfo=UTC)
    await outbox.deliver([_version(watch, at) for watch in watches])
    log.info("watches", count=len(watches))


def _version(watch: Watch, at: datetime) -> Outgoing:
    content = hashlib.sha256(watch.model_dump_json().encode()).hexdigest()[:16]
    return Outgoing(MENTIONS, watch.id.encode(), WatchVersion(watch=watch, version=content, at=at).to_bytes())
