"""What the watches ask for, read from `earshot.watches` as every worker reads it, for sources that filter or ask."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pydantic import ValidationError

from agents.ingest.asks import Asks
from agents.kafka import confluent_config
from agents.watchfolder import read_watches
from pipeline.query import Matcher
from schemas.control import ListVersion, WatchVersion
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import WATCHES
from schemas.watch import Watch

EVERY_SECONDS = 1.0
_AT_ONCE = 10_000

_log = structlog.get_logger("ingest")


def written(settings: Settings) -> tuple[Watch, ...]:
    """Return the watches of the settings' watch files, for commands that run without a broker; none if unreadable."""
    try:
        return read_watches(settings.watches).watches
    except ConfigError as error:
        _log.warning("no watches", reason=str(error))
        return ()


async def follow(settings: Settings, asks: Asks) -> None:
    """Keep `asks` as the watches in force are, until cancelled."""
    published = Published(settings)
    try:
        while True:
            if await asyncio.to_thread(published.read):
                watches = published.watches()
                await asyncio.to_thread(asks.adopt, watches)
                _log.info("watches", count=len(watches))
    finally:
        await asyncio.to_thread(published.close)


class Published:
    """What the topic holds, as far as it has been read, with a consumer that belongs to no group."""

    def __init__(self, settings: Settings) -> None:
        config: dict[str, Any] = {
            **confluent_config(settings),
            # the group is never joined, but the client wants a name
            "group.id": settings.group("ingest"),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "error_cb": lambda _error: None,
            "log_level": 3,
        }
        self._consumer = Consumer(config, logger=logging.getLogger("ingest.rdkafka"))
        self._consumer.assign([TopicPartition(settings.topic(WATCHES), 0, 0)])
        self._watches: dict[str, WatchVersion] = {}
        self._lists: dict[str, ListVersion] = {}

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def read(self) -> bool:
        """Read what comes within a second, and tell whether anything did; blocks."""
        try:
            messages = [one for one in self._consumer.consume(_AT_ONCE, timeout=EVERY_SECONDS) if not one.error()]
        except KafkaException:
            return False
        for message in messages:
            self._take((message.key() or b"").decode(errors="replace"), message.value())
        return bool(messages)

    def _take(self, key: str, value: bytes | None) -> None:
        kind, _, name = key.partition("/")
        try:
            if kind == "watch":
                _put(self._watches, name, WatchVersion.from_bytes(value) if value else None)
            elif kind == "list":
                _put(self._lists, name, ListVersion.from_bytes(value) if value else None)
        except ValidationError as error:
            _log.error("published-unreadable", name=name, errors=error.error_count())

    def watches(self) -> tuple[Watch, ...]:
        """Return the watches in force with their lists, those that this release can read."""
        lists = {name: one.content for name, one in self._lists.items()}
        return tuple(_readable(one.watch.asking(lists, one.version) for _, one in sorted(self._watches.items())))


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        found.pop(name, None)
    else:
        found[name] = value


def _readable(watches: Iterable[Watch]) -> Iterable[Watch]:
    for watch in watches:
        try:
            Matcher.compile((watch,))
        except ConfigError as error:
            _log.error("watch-not-understood", watch=watch.id, reason=str(error))
        else:
            yield watch
