"""Delivery: reads alerts, keeps the ledger, and hands each alert to its channels, in order and without blocking.

One loop owns Kafka; each call of a service runs in a thread of its own. Before a call the ledger says SENDING, after
it SENT or DEAD; so after a crash the next process knows what may have arrived, and asks. A slow or failing address
holds up nothing but itself.
"""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pydantic import ValidationError

from agents import clock
from agents.access import check_access
from agents.alert import measure
from agents.alert.attempt import Attempt, make
from agents.alert.channel import CALL_SECONDS, channels
from agents.alert.graves import bury_delivery, bury_record
from agents.alert.ledger import Pace, begin, settle
from agents.alert.member import Member, membership
from agents.alert.opening import Opening
from agents.alert.partition import GROUP, Partition, in_background
from agents.alert.redact import NEWS, Redacting, bare, concluded, noted
from agents.alert.share import admitted, receipts
from agents.alert.socketmode import hearing_buttons
from agents.alert.stopping import stop_on_signals
from agents.kafka import NoBroker, connect, unpark
from agents.layout import check_layout
from agents.observe import Status, end_when_dead, serve
from agents.witness import Witness
from schemas.alert import Alert
from schemas.dead import Dead
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings
from schemas.topics import ALERTS

AT_ONCE = 8
"""How many addresses of one channel are served at the same time."""
POLL_RECORDS = 100
MOST_WAITING = 5000
"""How many deliveries of one partition may wait before no more alerts are read from it."""
KEPT = timedelta(days=31)
"""How long the ledger remembers what is over: a day longer than the alerts themselves are kept and could come again."""
TIDY_SECONDS = 600.0
IDLE_MS, BUSY_MS = 200, 20
"""How long the loop waits for alerts: short while a call is under way."""

_log = structlog.get_logger("deliver")


def run_delivery(settings: Settings, pace: Pace | None = None) -> None:
    """Deliver alerts until the process is told to stop; then calls under way are waited for and written down.

    A broker that is gone is waited for.

    Raises:
        ConfigError: the metrics port is taken, or the broker refuses us, lacks a topic or has another time.
    """
    channels()
    admitted = away = False
    status = Status(needs=("broker", "partitions"))
    server = serve(settings, status)
    end_when_dead(status, settings.stuck_after)
    stopping = stop_on_signals()
    delivering = Delivering(settings, pace or Pace(), status)
    witness = Witness(settings, GROUP, status)
    try:
        with hearing_buttons(settings):
            while not stopping.is_set():
                try:
                    admitted = _admit(settings, again=admitted)
                    away = False
                    witness.compare()
                    witness.watch()
                    delivering.run(stopping)
                except (KafkaError, NoBroker) as error:
                    status.unready("broker", type(error).__name__)
                    say, away = (_log.debug if away else _log.warning), True
                    say("the broker is gone; trying again", kafka=settings.kafka, reason=type(error).__name__)
                    status.alive()  # waiting for a broker is not death
                    stopping.wait(1.0)
    finally:
        server.close()


class Delivering:
    """The loop and what it holds. `calls` outlive a lost connection, so that no outcome is forgotten."""

    def __init__(self, settings: Settings, pace: Pace, status: Status) -> None:
        self.settings = settings
        self.pace = pace
        self.status = status
        self.partitions: dict[int, Partition] = {}
        self.calls: dict[str, tuple[Delivery, Future[Sent | DeliveryError]]] = {}
        self.paused: dict[str, datetime] = {}
        self.redacting = Redacting(settings)
        self._tidied = monotonic()
        self.opening = Opening(settings)

    def run(self, stopping: Event) -> None:
        """Read and deliver until `stopping`.

        Raises:
            KafkaError: the broker is gone or another process has taken over; call again to begin anew.
        """
        with membership(self.settings, POLL_RECORDS) as consumer:
            member = Member(self.settings, self.status)
            try:
                while not stopping.is_set():
                    self._turn(consumer)
                    member.look(consumer, self.partitions)
                    self.status.alive()
                self._finish()
            finally:
                self.opening.close()
                for partition in self.partitions.values():
                    partition.close()
                self.partitions.clear()

    def _turn(self, consumer: KafkaConsumer) -> None:
        """Go round once: follow the assignment, take in alerts, write outcomes, begin what is due."""
        arrived = consumer.poll(timeout_ms=BUSY_MS if self.calls or self.opening else IDLE_MS)
        self._follow(consumer)
        for place, records in arrived.items():
            if place.partition in self.partitions:
                self._request(self.partitions[place.partition], records, consumer)
            elif place in consumer.assignment():  # being opened: it comes again
                consumer.seek(place, records[0].offset)
        for partition in self.partitions.values():
            self._settle(partition)
            partition.fold(clock.now())
            self._begin(partition)
            self.redacting.turn(partition, self._busy(), clock.now())
        self._hold_back(consumer)
        self._tidy()
        measure.queues(self.partitions.values(), clock.now())
        measure.lag(consumer)

    def _follow(self, consumer: KafkaConsumer) -> None:
        """Open the partitions that were assigned to us, close those that were taken away."""
        assigned = {place.partition for place in consumer.assignment()}
        for number in self.partitions.keys() - assigned:
            self.partitions.pop(number).close()
        for partition in self.opening.turn(assigned - self.partitions.keys()):
            self.partitions[partition.number] = partition
        self.redacting.keep_only(self.partitions.values())

    def _hold_back(self, consumer: KafkaConsumer) -> None:
        """Read no more alerts of a partition that is not open or whose deliveries pile up: the topic keeps them."""
        waiting = {number: len(partition.ledger.waiting) for number, partition in self.partitions.items()}
        held = {place for place in consumer.assignment() if waiting.get(place.partition, MOST_WAITING) >= MOST_WAITING}
        paused = consumer.paused()
        if full := {place for place in held - paused if place.partition in waiting}:
            _log.warning("too many deliveries wait: no more alerts are read for now", partitions=len(full))
        if held - paused:
            consumer.pause(*(held - paused))
        if paused - held:
            consumer.resume(*(paused - held))
        unpark(consumer)

    def _tidy(self) -> None:
        """Forget what is long over, now and then; the ledger would grow for ever."""
        if monotonic() - self._tidied > TIDY_SECONDS:
            more = [partition.tidy(clock.now() - KEPT) for partition in self.partitions.values()]
            self._tidied = monotonic() if not any(more) else self._tidied

    def _request(self, partition: Partition, records: Iterable[Any], consumer: KafkaConsumer) -> None:
        """Take alerts in: their deliveries and how far we have read go into one transaction."""
        entries: dict[str, Delivery] = {}
        dead: list[Dead] = []
        following = 0
        for record in records:
            following = record.offset + 1
            try:
                if kind := NEWS.get(record.key):
                    news = kind.from_bytes(record.value or b"")
                    entries |= noted(news, partition.ledger, entries, self.settings)
                    continue
                alert = Alert.from_bytes(record.value or b"")
            except ValidationError as error:
                dead.append(measure.buried(bury_record(record, error, clock.now())))
                continue
            key = record.key.decode(errors="replace") if record.key else alert.incident.id
            now = clock.now()
            requested = partition.ledger.request(alert, record.offset, now, key if key != alert.incident.id else None)
            if requested:
                known = {entry.id: entry for entry in partition.ledger.at(requested[0].key)} | entries
                requested = admitted(requested, alert, list(known.values()), now)
                partition.alerts[alert.id] = alert
                entries |= {entry.id: entry for entry in requested}
        held = receipts(entries.values(), partition.alerts)
        read = {"offset": following, "group": consumer.group_metadata()}
        partition.write(list(entries.values()), dead=dead, receipts=held, **read)
        measure.held(entries.values())

    def _begin(self, partition: Partition) -> None:
        """Start the attempts that are due: first the ledger, then the calls."""
        now = clock.now()
        until = monotonic() + self.pace.lease / 2
        busy = self._busy() | self.redacting.lane
        room = Counter(dict.fromkeys(channels(), AT_ONCE))
        room.subtract(kind for kind, _ in busy)
        attempts: list[Attempt] = []
        for entry in partition.ledger.due(now, self.pace):
            lane = (entry.channel, entry.to)
            if lane in busy or room.get(entry.channel, 1) < 1 or self.paused.get(entry.channel, now) > now:
                continue
            if entry.id in self.calls:
                continue
            busy.add(lane)
            room[entry.channel] -= 1
            previous = partition.ledger.previous(entry)
            alert = bare(partition.alerts.get(entry.alert), entry.gone, entry.edited)
            attempts.append(Attempt(begin(entry, now), alert, previous, until))
        if attempts:
            partition.write([attempt.entry for attempt in attempts])
        for attempt in attempts:
            self.calls[attempt.entry.id] = (attempt.entry, self._call(attempt))

    def _busy(self) -> set[tuple[str, str]]:
        return {(entry.channel, entry.to) for entry, future in self.calls.values() if not future.done()}

    def _call(self, attempt: Attempt) -> "Future[Sent | DeliveryError]":
        return in_background(lambda: make(attempt, self.settings), f"deliver-{attempt.entry.channel}")

    def _settle(self, partition: Partition) -> None:
        """Write the outcomes of the calls that have ended."""
        now = clock.now()
        entries: list[Delivery] = []
        dead: list[Dead] = []
        ended: list[tuple[Delivery, Alert | None]] = []
        for name, (begun, future) in list(self.calls.items()):
            known = partition.ledger.entries.get(name)
            if known is None or not future.done():
                continue
            if known.attempt != begun.attempt or known.state is not DeliveryState.SENDING:
                del self.calls[name]  # another process had it meanwhile; its word counts
                continue
            entry = concluded(settle(known, outcome := future.result(), now, self.pace), begun, self.settings)
            self._heed(entry.channel, outcome, now)
            alert = bare(partition.alerts.get(entry.alert), known.gone, known.edited)
            entries.append(entry)
            ended.append((entry, alert))
            if entry.state is DeliveryState.DEAD:
                place = TopicPartition(self.settings.topic(ALERTS), partition.number)
                dead.append(measure.buried(bury_delivery(entry, alert, place, now)))
        if entries:
            partition.write(entries, dead=dead)
        for entry, alert in ended:
            del self.calls[entry.id]
            measure.outcome(entry, alert, now)

    def _heed(self, channel: str, outcome: Sent | DeliveryError, now: datetime) -> None:
        """Let the whole channel rest when the service asks for it."""
        if isinstance(outcome, DeliveryError) and outcome.retry_after is not None:
            self.paused[channel] = now + timedelta(seconds=min(outcome.retry_after, self.pace.give_up))

    def _finish(self) -> None:
        """Wait for the calls under way and write their outcomes down."""
        deadline = monotonic() + 2 * CALL_SECONDS
        waiting = Event()
        while self.calls and monotonic() < deadline:
            if not any(future.done() for _, future in self.calls.values()):
                waiting.wait(BUSY_MS / 1000)
            for partition in self.partitions.values():
                self._settle(partition)


def _admit(settings: Settings, *, again: bool) -> bool:
    """Return True once the broker lets us in and the ledger lies where we look for it; `again` asks only the former.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker refuses us, a topic or a right is missing, or partitions have been changed.
    """
    if again:
        connect(KafkaAdminClient, settings).close()
    else:
        check_layout(settings, check_access(settings, GROUP)[settings.topic(ALERTS)])
        if settings.slack_app_token.get_secret_value():
            check_access(settings, "buttons")
    return True
