"""Following `earshot.watches`: every worker matches with what stands there, wherever it was written from."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic, sleep

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from pydantic import ValidationError

from agents.kafka import confluent_config
from pipeline.detect import unread
from pipeline.query import Matcher
from pipeline.stream import metrics
from pipeline.stream.published import Published
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import WATCHES
from schemas.watch import Watch

EVERY_SECONDS = 0.5
"""How long a change may wait until it is seen."""
SILENCE_SECONDS = 30.0
_LINGER_SECONDS = 0.1
_AT_ONCE = 10_000
_LEADERLESS = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
}
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Edition:
    """The watches that are matched with, compiled; `position` is up to where in `earshot.watches` they were read."""

    watches: tuple[Watch, ...]
    matcher: Matcher
    position: int = 0

    @classmethod
    def of(cls, watches: Iterable[Watch], position: int = 0, before: "Edition | None" = None) -> "Edition":
        """Compile `watches`.

        Whoever published them has read them, maybe with another release of Earshot. A watch that this one cannot read
        keeps the version it had `before`, and the others do not suffer.
        """
        kept, compiled = tuple(watches), before.matcher if before else None
        _tell_unread(kept, before.watches if before else ())
        try:
            return cls(kept, Matcher.compile(kept, compiled), position)
        except ConfigError:
            known = {watch.id: watch for watch in before.watches} if before else {}
            readable = tuple(found for watch in kept if (found := _readable(watch, known.get(watch.id))))
            return cls(readable, Matcher.compile(readable, compiled), position)


def _tell_unread(watches: Iterable[Watch], before: Iterable[Watch]) -> None:
    """Log which rules of new versions judge leaves out, because another release of Earshot has published them."""
    known = {watch.id: watch for watch in before}
    for watch in watches:
        if known.get(watch.id) is not watch and (names := unread(watch)):
            log.error("rules-not-understood", watch=watch.id, rules=names)


def _readable(watch: Watch, before: Watch | None) -> Watch | None:
    try:
        Matcher.compile((watch,))
    except ConfigError as error:
        log.error("watch-not-understood", watch=watch.id, reason=str(error), kept=before is not None)
        return before
    return watch


class Follower:
    """Reads `earshot.watches` without a group.

    `published` is what it holds, as far as it has been read: a value that no longer changes.
    """

    def __init__(self, settings: Settings) -> None:
        self.published = Published()
        self._consumer = Consumer(
            confluent_config(settings)
            # the group is never joined, but the client wants a name
            | {
                "group.id": settings.group("ticks"),
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                # whoever asks for the end stands behind a fetch that waits for news, twice while a worker begins
                "fetch.wait.max.ms": 100,
            },
            logger=logging.getLogger("librdkafka"),
        )
        self._place = TopicPartition(settings.topic(WATCHES), 0, 0)
        self._consumer.assign([self._place])

    def catch_up(self) -> Published:
        """Read up to the end there is now, and return what is published; blocks.

        Raises:
            confluent_kafka.KafkaException: the broker does not show it.
        """
        deadline = monotonic() + SILENCE_SECONDS
        first, end = self._ends(deadline)
        while self.read(_LINGER_SECONDS) or first < end > self.published.position:
            if monotonic() > deadline and end > self.published.position:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return self.published

    def _ends(self, deadline: float) -> tuple[int, int]:
        """Return where the topic begins and ends; one that has just been made may be without a leader for a moment."""
        while True:
            try:
                first, end = self._consumer.get_watermark_offsets(self._place, timeout=SILENCE_SECONDS)
                return int(first), int(end)
            except KafkaException as error:
                if error.args[0].code() not in _LEADERLESS or monotonic() > deadline:
                    raise
            sleep(_LINGER_SECONDS)

    def read(self, seconds: float) -> bool:
        """Read what comes within `seconds`, and tell whether anything did; blocks."""
        messages = [one for one in self._consumer.consume(_AT_ONCE, timeout=seconds) if not one.error()]
        published = self.published.copy() if messages else self.published
        for message in messages:
            try:
                published.take(int(message.offset() or 0), message.key() or b"", message.value())
            except ValidationError as error:
                log.error("published-unreadable", offset=message.offset(), errors=error.error_count())
        self.published = published
        return bool(messages)

    def news(self) -> bool:
        """Wait a little for a change, and tell whether there was one; it is read as a whole."""
        if not self.read(EVERY_SECONDS):
            return False
        while self.read(_LINGER_SECONDS):
            pass
        return True

    async def follow(self, edition: Edition, adopt: Callable[[Edition], None] | None) -> None:
        """Keep `published` up to date, and hand every later edition than `edition` to `adopt`, until cancelled.

        It is compiled in a thread, so that the stages go on meanwhile.
        """
        while True:
            if await asyncio.to_thread(self.news) and adopt and self.published.position != edition.position:
                edition = await asyncio.to_thread(Edition.of, self.published.asked(), self.published.position, edition)
                adopt(edition)
                metrics.watching(len(edition.watches))
                log.info("watches", count=len(edition.watches), position=edition.position)
