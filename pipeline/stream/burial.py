"""The way to the dead topic, with the ceiling over it: every record that a stage sets aside passes here.

The count of a partition is held while the partition is ours. It begins with its first dead record, and what came
before that one is read again from the log, so that a restart does not forget it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from pydantic import TypeAdapter

from agents.kafka import confluent_config
from pipeline.stream.ceiling import Ceiling, Limit, TooManyDead
from pipeline.stream.dead import read
from pipeline.stream.producer import Outbox, Outgoing
from schemas.control import judged
from schemas.dead import Dead
from schemas.errors import InvalidMessage
from schemas.event import delivered
from schemas.settings import Settings
from schemas.topics import DEAD, MENTIONS

LOOK_BACK_SECONDS = 10.0
"""How long the broker may take to show the latest records of a partition, before it is asked anew."""
UNSURE_SECONDS = 0.05
"""How often is looked whether the group has answered."""
log = structlog.get_logger(__name__)


class GuardedOutbox(Outbox):
    """An outbox that refuses to set aside more of a partition than the ceiling allows.

    It writes only while `sure()`: a process that was frozen or cut off for longer than a session finds somebody else in
    its place, and what it had in hand must not be written over the other's work.
    """

    def __init__(self, settings: Settings, sure: Callable[[], bool] = lambda: True) -> None:
        super().__init__(settings)
        self.sure = sure
        self._settings = settings
        self._limit = Limit(settings.dead_ceiling, settings.dead_ceiling_window, settings.dead_ceiling_least)
        self._ceilings: dict[tuple[str, int], Ceiling] = {}

    def forget(self) -> None:
        """Begin anew: the partitions may be somebody else's, who counts on."""
        self._ceilings.clear()

    async def deliver(
        self,
        records: Sequence[Outgoing],
        lost: Callable[[], bool] = lambda: False,
        landed: Callable[[int], None] | None = None,
    ) -> bool:
        """Write `records` as `Outbox.deliver` does, unless there are too many dead ones among them.

        Raises:
            TooManyDead: nothing of `records` has been written.
        """
        graves = [record.value for record in records if record.topic == DEAD and record.value]
        for value in graves if self._limit.share < 1 else ():
            if not await self._count(Dead.from_bytes(value), lost):
                return False
        while records and not lost():
            if not self.sure():
                await asyncio.sleep(UNSURE_SECONDS)
            elif await super().deliver(records, lambda: lost() or not self.sure(), landed):
                return True
        return not records

    async def _count(self, dead: Dead, lost: Callable[[], bool]) -> bool:
        """Take in one dead record, and tell whether its partition is still ours."""
        place = (dead.topic, dead.partition)
        while place not in self._ceilings:
            if lost():
                return False
            try:
                self._ceilings[place] = await asyncio.to_thread(look_back, self._settings, dead, self._limit)
            except KafkaException as error:
                log.warning("looking-back-again", topic=dead.topic, reason=error.args[0].name())
                await asyncio.sleep(1)
        self._ceilings[place], breach = self._ceilings[place].step(dead.offset, dead.reason)
        if breach:
            raise TooManyDead(dead.topic, dead.partition, breach)
        return True


def look_back(settings: Settings, dead: Dead, limit: Limit) -> Ceiling:
    """Return the ceiling of a partition as it stood before `dead`, from the records that its topic holds; blocks.

    Raises:
        confluent_kafka.KafkaException: the broker does not show them in time.
    """
    # the group is never joined, but the client wants a name
    config = {"group.id": settings.group("ticks"), "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer(confluent_config(settings) | config, logger=logging.getLogger("librdkafka"))
    try:
        place = TopicPartition(dead.topic, dead.partition)
        lowest, _end = consumer.get_watermark_offsets(place, timeout=LOOK_BACK_SECONDS)
        place.offset = max(lowest, dead.offset + 1 - limit.window)
        consumer.assign([place])
        mentions = dead.topic == settings.topic(MENTIONS)
        return Ceiling.known(limit, place.offset, _dead_before(consumer, dead, judged if mentions else delivered))
    finally:
        consumer.close()


def _dead_before(consumer: Consumer, dead: Dead, adapter: TypeAdapter[Any]) -> list[tuple[int, str]]:
    """Return offset and reason of the dead records among those from the consumer's position to `dead`."""
    found: list[tuple[int, str]] = []
    deadline = monotonic() + LOOK_BACK_SECONDS
    while True:
        message = consumer.poll(max(0.0, deadline - monotonic()))
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        if message.error():
            raise KafkaException(message.error())
        offset = int(message.offset() or 0)
        if offset >= dead.offset:
            return found
        try:
            read(message.value(), adapter)
        except InvalidMessage as error:
            found.append((offset, error.reason))
