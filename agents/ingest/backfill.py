"""The past of a source, asked for by a person: written beside what the running processes write, and so marked."""

from contextlib import aclosing
from datetime import datetime
from typing import Any

import structlog
from confluent_kafka import KafkaError

from agents.access import check_access
from agents.ingest.source import Source
from agents.ingest.writer import Outgoing, Writer
from agents.observe import Status
from schemas.errors import SourceError
from schemas.event import Event
from schemas.topics import raw_topic

FLUSH_SECONDS = 60.0

_log = structlog.get_logger("ingest")


async def backfill(source: Source[Any], start: datetime, end: datetime, *, alert: bool) -> int:
    """Write what `source` has from `start` to before `end`, and return how many posts the broker has acknowledged.

    What was heard before is known by its id and counted once. With `alert` the posts are as if they were said now.

    Raises:
        SourceError: the source, or the broker, does not answer; what was written until then stays, so ask again.
        ConfigError: the source cannot be asked for its past.
    """
    settings = source.settings
    check_access(settings, "ingest")
    refused: list[KafkaError] = []
    count = 0

    def told(error: KafkaError | None) -> None:
        nonlocal count
        if error is None:
            count += 1
        else:
            refused.append(error)

    async with Writer(settings, Status()) as writer, aclosing(source.backfill(start, end)) as readings:
        async for reading in readings:
            item = reading.item
            if not isinstance(item, Event) or not start <= item.time < end:
                continue
            event = item.model_copy(update={"backfill": not alert})
            topic = raw_topic("other") if source.ordered else raw_topic(event.platform)
            partition = 0 if source.ordered else -1
            await writer.write(Outgoing(topic, event.key, event.to_bytes(), source.config.id, partition), told)
            if refused:
                break
        if not await writer.flush(FLUSH_SECONDS):
            raise SourceError(f"the broker has not acknowledged everything within {FLUSH_SECONDS:.0f} s; ask again")
    if refused:
        raise SourceError(f"the broker refused a record ({refused[0].name()}); ask again")
    _log.info("backfilled", source=source.config.id, posts=count)
    return count
