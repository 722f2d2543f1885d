"""What comes before a worker's stages: a broker that lets it in, the watches that are published, and the way out."""

import asyncio
from dataclasses import dataclass

import structlog
from confluent_kafka import KafkaException

from agents.kafka import NoBroker
from agents.observe import Status
from agents.witness import Witness
from pipeline.stream.admit import await_broker
from pipeline.stream.burial import GuardedOutbox
from pipeline.stream.follow import Edition, Follower
from pipeline.stream.metrics import watching
from pipeline.stream.publish import Publisher
from schemas.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Boot:
    """What a worker has found and made before its stages begin."""

    outbox: GuardedOutbox
    follower: Follower
    publisher: Publisher | None
    edition: Edition


async def boot(settings: Settings, status: Status) -> Boot:
    """Wait for the broker, check its topics and the time, publish the watches, and compile those that are published.

    Raises:
        ConfigError: none answered in time, or it went away again; it or the watch files do not fit.
    """
    await await_broker(settings)
    witness = Witness(settings, "worker", status)
    await asyncio.to_thread(witness.compare)
    witness.watch()
    status.ready("broker")
    outbox, follower = GuardedOutbox(settings), Follower(settings)
    publisher = Publisher(settings, follower, outbox) if settings.watches_from == "file" else None
    try:
        if publisher:
            await publisher.begin()
        published = await asyncio.to_thread(follower.catch_up)
    except KafkaException as error:
        raise NoBroker(
            f"the Kafka broker at {settings.kafka} no longer answers ({error.args[0].name()})",
            where="EARSHOT_KAFKA",
            hint="the worker has not begun yet: start it again when the broker is back",
        ) from error
    edition = Edition.of(published.asked(), published.position)
    watching(len(edition.watches))
    log.info("watches", count=len(edition.watches), position=edition.position)
    if not edition.watches:
        log.warning("no-watches", reason="nothing is published yet, so whatever is read now matches nothing")
    return Boot(outbox, follower, publisher, edition)
