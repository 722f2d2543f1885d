"""A Faust transport that hands an agent one composite message per partition and poll, under the scheme `earshot://`.

Faust spends about 80 µs on every message, whatever is in it, so the records of a topic travel through it in batches, as
they came. Batches are acknowledged by `Batch.acknowledge` and by nothing else: what Faust itself acknowledges (every
event whose agent raised, for one) does not count. A broker that goes away is waited for, where Faust's own driver
crashes at the next commit.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

import structlog
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faust.transport import base
from faust.transport.drivers import TRANSPORTS, aiokafka
from faust.types import TP
from mode.utils.futures import notify

from pipeline.stream.assignor import Sticky
from pipeline.stream.batch import Batch, cut
from pipeline.stream.watermark import Watermark

SCHEME = "earshot"
GATHER_SECONDS = 0.02
"""For so long a fetch that follows upon another one waits for `GATHER_BYTES`: every batch has its price."""
GATHER_BYTES = 65_536
FAUST_LOG = logging.getLogger("faust.earshot")
"""Where Faust's services log; without it each class would log its starts and stops as ours."""
log = structlog.get_logger(__name__)


class ConsumerThread(aiokafka.AIOKafkaConsumerThread):
    """Commits; a commit that does not succeed is tried again with the next one instead of ending the process.

    `confirmed` is when the last heartbeat was sent that the group has answered with yes, on the monotonic clock.
    """

    logger = FAUST_LOG
    confirmed = 0.0
    _flows = False

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's name
        max_records: int | None = None,
    ) -> dict[TP, list[Any]]:
        """Wait for records and return what has arrived: at most `max_records` of each partition, so that none waits.

        aiokafka fills a poll from one partition and turns to the next when that is empty. An error it holds for a
        partition is left to the next poll: raised now, it would take along what was already found.
        """
        found = dict(await super()._fetch_records(consumer, active_partitions, timeout, max_records))
        arrived = consumer._fetcher._records
        for tp in [tp for tp in arrived if tp in active_partitions and tp not in found]:
            if isinstance(arrived.get(tp), FetchResult):
                found.update(await super()._fetch_records(consumer, {tp}, 0, max_records))
        self._flows = bool(found)
        return found

    def _gather(self, fetcher: Any) -> None:
        """Let a fetch return with the first record where nothing came before, else when there is some more.

        A worker that keeps up would otherwise be handed, and commit, a few records of each partition at a time.
        And a fetch that leaves out partitions whose records still wait for the stage must not take long: they are
        fetched again only after it. Where the others are empty a backlog would stand still after every poll.
        """
        at_once = fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes
        gathered = int(GATHER_SECONDS * 1000), GATHER_BYTES
        plan = fetcher._get_actions_per_node

        def planned(assignment: Any) -> Any:
            gathers = self._flows or fetcher._records
            fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = gathered if gathers else at_once
            actions = plan(assignment)
            self._flows = self._flows and not actions[0]  # the next one waits for as long as it takes
            return actions

        fetcher._get_actions_per_node = planned

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # one and no other: aiokafka 0.14 asks the group once for each, and every time all begin anew, without an end
        consumer._partition_assignment_strategy = (Sticky(self.app.conf.topic_partitions),)
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        mine = {aiokafka.ensure_aiokafka_TP(tp): end for tp, end in offsets.items() if tp in self.assignment()}
        if not mine:
            return False
        try:
            async with asyncio.timeout(self.app.conf.broker_session_timeout):
                await self._ensure_consumer().commit(mine)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("commit-refused", group=self.app.conf.id, reason=type(error).__name__)
            return False
        except (TimeoutError, KafkaError) as error:
            log.warning("commit-failed", group=self.app.conf.id, reason=type(error).__name__)
            return False
        return True

    async def on_start(self) -> None:
        """Start, and take note of every heartbeat from then on."""
        self.confirmed = monotonic()
        await super().on_start()
        self._gather(self._ensure_consumer()._fetcher)
        coordinator = self._ensure_consumer()._coordinator
        beat = coordinator._do_heartbeat

        async def noted() -> bool:
            sent = monotonic()
            if answered := await beat():
                self.confirmed = sent
            elif not coordinator.member_id and self.app.conf.consumer_group_instance_id:
                hint = "it was silent for longer than a session, or another process has the same EARSHOT_INSTANCE"
                log.warning("dropped-by-the-group", group=self.app.conf.id, hint=hint)
            return bool(answered)

        coordinator._do_heartbeat = noted

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to the committed offsets, and to the beginning where none was committed yet.

        aiokafka leaves the latter where they are: what was read and not handed out would be passed over. And it asks
        for one partition after the other, which is a second of standstill for a worker that has a few hundred.
        """
        found: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        if new := [tp for tp, offset in found.items() if not offset]:
            await self.seek_to_beginning(*new)
        return found

    async def _seek_to_committed(self) -> dict[Any, int | None]:
        consumer = self._ensure_consumer()
        committed = await consumer._coordinator.fetch_committed_offsets(list(consumer.assignment()))
        found = {tp: committed[tp].offset if tp in committed else None for tp in consumer.assignment()}
        for tp, offset in found.items():
            if offset:
                consumer._fetcher.seek_to(tp, offset)
        return found


class Consumer(aiokafka.Consumer):
    """Reads source topics in batches and keeps their watermarks."""

    logger = FAUST_LOG

    def __init__(self, *args: Any, **options: Any) -> None:
        self.watermarks: defaultdict[TP, Watermark] = defaultdict(Watermark)
        self._given_up: int | None = None
        super().__init__(*args, **options)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:  # noqa: ASYNC109
        found = await super()._getmany(active_partitions, timeout) or {}
        return {tp: cut(records) for tp, records in found.items()}

    def _to_message(self, tp: TP, records: list[Any]) -> Any:
        message: Any = super()._to_message(tp, records[-1])
        watermark = self.watermarks[tp]
        delivered = watermark.deliver(records[-1].offset + 1)
        generation = self.app.consumer_generation_id
        message.value = Batch(
            tp.topic,
            tp.partition,
            records,
            lost=lambda: self._lost(generation),
            acknowledge=lambda: watermark.acknowledge(delivered),
            generation=generation,
        )
        return message

    def ack(self, message: Any) -> bool:
        """Note that the agent is through with `message`; whether it succeeded, only the batch knows."""
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return False

    def on_buffer_full(self, tp: TP) -> None:
        """Let the queue itself hold back the reading: Faust would leave `tp` alone, and sleep a second if all are."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing was left alone."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Ignore what Faust takes for gaps: offsets within a batch."""

    async def verify_all_partitions_active(self) -> None:
        """Leave this to our own lag and readiness: Faust's check calls a quiet partition an error."""

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Commit every watermark that moved and tell whether the broker took them."""
        # Faust's compiled streams note every offset without calling our `ack`, for a commit of Faust's own to take out
        self._acked.clear()
        self._acked_index.clear()
        due = {tp: end for tp, mark in self.watermarks.items() if (end := mark.due) is not None}
        if not due or not await self._commit(due):
            return False
        for tp, end in due.items():
            self.watermarks[tp].committed = end
        return True

    async def perform_seek(self) -> None:
        """Go on from the committed offsets; what was delivered before does not count."""
        self._clear(list(self.watermarks))
        self._given_up = None
        await super().perform_seek()

    async def seek(self, partition: TP, offset: int) -> None:
        """Go on from `offset`."""
        self._clear([partition])
        await super().seek(partition, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what is in work, then forget the revoked partitions."""
        await super().on_partitions_revoked(revoked)
        self._clear(revoked)

    def _clear(self, partitions: Iterable[TP]) -> None:
        for tp in partitions:
            if mark := self.watermarks.pop(tp, None):
                mark.clear()

    def lags(self) -> dict[TP, int]:
        """Return how many records of each assigned source partition are not yet processed, as far as it is known."""
        lags = {}
        for tp in self.assignment():
            if (highwater := self.highwater(tp)) is None:
                continue
            done = self.watermarks[tp].end if tp in self.watermarks else None
            lags[tp] = max(0, highwater - (done if done is not None else self._committed_offset[tp] or 0))
        return lags

    def sure(self) -> bool:
        """Tell whether the partitions are certainly still ours: after a session without an answer nobody knows."""
        thread: Any = self._thread
        return bool(monotonic() - thread.confirmed < self.app.conf.broker_session_timeout)

    def _lost(self, generation: int) -> bool:
        """Tell whether what was handed out in `generation` is somebody else's business now.

        A member that the group has dropped learns so while its partitions are taken away, which waits for what it has
        in hand. So whoever is not sure then gives up all of that generation: it is read again.
        """
        if self.app.rebalancing and not self.sure():
            self._given_up = generation
        return generation == self._given_up or bool(self.app.consumer_generation_id != generation)

    def progress(self, ends: Mapping[TP, int]) -> dict[TP, tuple[bool, int | None]]:
        """Return of each assigned source partition whether records wait, and an offset that moves when it gets on.

        Of what was handed out, only a commit counts. Records that the log has dropped keep nobody waiting. `ends` are
        the ends of the partitions as far as somebody else knows them.
        """
        found = {}
        subscription = self._thread._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription else None
        for tp in self.assignment():
            state = assignment.state_value(aiokafka.ensure_aiokafka_TP(tp)) if assignment else None
            if state is None:
                continue
            mark = self.watermarks.get(tp)
            if mark and mark.waits:
                found[tp] = (True, mark.committed)
            elif not state.has_valid_position:
                found[tp] = (ends.get(tp, 0) > 0, None)
            else:
                found[tp] = (max(state.highwater or 0, ends.get(tp, 0)) > state.position, state.position)
        return found


class Producer(base.Producer):
    """Sends nothing: outputs and changelog go through `pipeline.stream.producer`, topics through provisioning."""

    logger = FAUST_LOG

    async def create_topic(self, topic: str, *_arguments: Any, **_options: Any) -> None:
        """Leave `topic` to `earshot topics apply`."""


class Transport(aiokafka.Transport):
    """The aiokafka driver with the consumer and the producer above."""

    Consumer = Consumer
    Producer = Producer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
