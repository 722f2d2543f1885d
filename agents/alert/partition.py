"""The Kafka side of one partition of alerts: its ledger on disk, and the transactions that change it.

One transactional producer per partition, named after it: when another process takes the partition over, `open` ends
what the former owner had begun and shuts it out, so two processes never write one ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from threading import Thread
from time import monotonic
from typing import Any

import structlog
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata
from pydantic import ValidationError

from agents import clock
from agents.alert.graves import bury_delivery
from agents.alert.ledger import Ledger
from agents.alert.share import digest, due, folded, requested
from agents.kafka import kafka_python_config, read_to_end
from schemas.alert import Alert
from schemas.dead import Dead
from schemas.delivery import NOWHERE, Delivery, DeliveryState
from schemas.receipt import Receipt
from schemas.settings import Settings
from schemas.topics import ALERTS, DEAD, DELIVERIES, RECEIPTS

GROUP = "deliver"
"""What delivery calls its group and its transactional ids, after the prefix of the settings."""
BROKER_SECONDS = 15.0
"""How long the broker may take for anything before the connection is given up and built anew."""
TIDY_AT_ONCE = 500
"""About how many entries of the ledger are removed in one transaction."""

_log = structlog.get_logger("deliver")
_Said = tuple[str, int | None, str, Dead | Receipt]
"""A record beside the ledger: its topic, its partition (None: by its key), and its key."""


class Partition:
    """One partition of `earshot.alerts` that this process owns. `alerts` holds those whose deliveries are not final."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.settings = settings
        self.number = number
        self.ledger = Ledger()
        self.alerts: dict[str, Alert] = {}
        self._producer: KafkaProducer | None = None
        self._closed = False

    def open(self) -> None:
        """Shut the former owner out, then read the ledger and the alerts that are still to be delivered.

        Raises:
            KafkaError: the broker did not answer in time.
        """
        within(BROKER_SECONDS, self._start_producer)
        with _reader(self.settings) as consumer:
            for record in read_to_end(
                consumer, [TopicPartition(self.settings.topic(DELIVERIES), self.number)], BROKER_SECONDS
            ):
                self._take_over(record.key or b"", record.value, record.offset)
            self.ledger.take_over(clock.now())
            self.alerts |= {entry.alert: entry.made for entry in self.ledger.pending() if entry.made}
            for offset in sorted({entry.offset for entry in self.ledger.pending()} - {NOWHERE}):
                self._recall(consumer, offset)

    def _start_producer(self) -> None:
        producer = self._producer = KafkaProducer(
            **kafka_python_config(self.settings),
            transactional_id=f"{self.settings.group(GROUP)}-{self.number}",
            transaction_timeout_ms=int(2000 * BROKER_SECONDS),
            max_block_ms=int(1000 * BROKER_SECONDS),
            bootstrap_timeout_ms=int(1000 * BROKER_SECONDS),
            # a transaction right after another waits for this long, and each alert takes two
            retry_backoff_ms=20,
        )
        if self._closed:  # meanwhile: it would shut out whoever has the partition now, which may be us
            _end(producer)
            return
        producer.init_transactions()

    def _take_over(self, key: bytes, value: bytes | None, offset: int) -> None:
        if value is None:
            self.ledger.drop([key.decode()])
            return
        try:
            self.ledger.put(Delivery.from_bytes(value))
        except ValidationError:
            _log.error("an entry of the ledger cannot be read", topic=DELIVERIES, partition=self.number, offset=offset)

    def _recall(self, consumer: KafkaConsumer, offset: int) -> None:
        """Read the alert at `offset` again; one that is no longer kept leaves its deliveries without an alert."""
        place = TopicPartition(self.settings.topic(ALERTS), self.number)
        consumer.assign([place])
        consumer.seek(place, offset)
        deadline = monotonic() + BROKER_SECONDS
        while monotonic() < deadline and consumer.position(place) <= offset:
            for record in consumer.poll(timeout_ms=200, max_records=1).get(place, ()):
                if record.offset == offset:
                    alert = Alert.from_bytes(record.value)
                    self.alerts[alert.id] = alert

    def write(
        self,
        entries: Sequence[Delivery],
        *,
        dead: Iterable[Dead] = (),
        receipts: Iterable[Receipt] = (),
        offset: int | None = None,
        group: Any = None,
    ) -> None:
        """Write ledger entries, what is said of them and how far we have read in one transaction; then keep them.

        Raises:
            KafkaError: nothing is certain; open the partition anew.
        """
        said = [(DEAD, 0, one.id, one) for one in dead] + [(RECEIPTS, None, one.mention, one) for one in receipts]
        within(BROKER_SECONDS, lambda: self._transact(entries, said, offset, group))
        for entry in entries:
            self.ledger.put(entry)
        open_alerts = {entry.alert for entry in self.ledger.pending()}
        for finished in self.alerts.keys() - open_alerts:
            del self.alerts[finished]

    def fold(self, now: datetime) -> None:
        """Put what is held into a digest where one is due, in one transaction with what becomes of it.

        The digest is a delivery like any other, except that the ledger keeps it: alerts are not ours to write.

        Raises:
            KafkaError: nothing is certain; open the partition anew.
        """
        for held in due(self.ledger, now):
            if found := digest(held, self.alerts, now):
                self.alerts[found.id] = found
                self.write([*folded(held, now), requested(found, held[0].key, now)])
                continue
            lost = {"state": DeliveryState.DEAD, "at": now, "next_at": None, "error": "the alert is no longer kept"}
            entries = [one.model_copy(update=lost) for one in held]
            place = TopicPartition(self.settings.topic(ALERTS), self.number)
            self.write(entries, dead=[bury_delivery(one, None, place, now) for one in entries])

    def tidy(self, before: datetime) -> int:
        """Remove deliveries that have been over since `before` from ledger and topic, some at a time; return how many.

        Raises:
            KafkaError: nothing is certain; open the partition anew.
        """
        names = self.ledger.outdated(before, TIDY_AT_ONCE)
        if names:
            within(BROKER_SECONDS, lambda: self._remove(names))
            self.ledger.drop(names)
        return len(names)

    def _remove(self, names: Sequence[str]) -> None:
        producer = self._begin()
        for name in names:
            producer.send(self.settings.topic(DELIVERIES), None, key=name.encode(), partition=self.number)
        producer.commit_transaction()

    def _begin(self) -> KafkaProducer:
        assert self._producer is not None, "open comes first"
        self._producer.begin_transaction()
        return self._producer

    def _transact(self, entries: Sequence[Delivery], said: Sequence[_Said], offset: int | None, group: Any) -> None:
        ledger = self.settings.topic(DELIVERIES)
        producer = self._begin()
        for entry in entries:
            producer.send(ledger, entry.to_bytes(), key=entry.id.encode(), partition=self.number)
        for topic, partition, key, record in said:
            producer.send(self.settings.topic(topic), record.to_bytes(), key=key.encode(), partition=partition)
        if offset is not None:
            place = TopicPartition(self.settings.topic(ALERTS), self.number)
            producer.send_offsets_to_transaction({place: OffsetAndMetadata(offset, "", -1)}, group)
        producer.commit_transaction()

    def close(self) -> None:
        """Let go at once, whatever is under way: what the broker has not confirmed is ended by the next owner."""
        self._closed = True
        if self._producer:
            _end(self._producer)
            self._producer = None


def _end(producer: KafkaProducer) -> None:
    """End a producer at once.

    kafka-python's `close(timeout=0)` raises where a record is under way, before it has ended anything; `close` after
    this has nothing left to wait for.
    """
    producer._sender.force_close()
    in_background(lambda: producer.close(timeout=BROKER_SECONDS), "close")


def in_background(call: Callable[[], Any], name: str) -> Future[Any]:
    """Run `call` in a thread of its own, which never keeps the process from ending."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - the seam to another thread: whoever asks for the result gets it
            future.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return future


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """Run `call`, but not longer: kafka-python's commit waits forever when the broker is gone."""
    try:
        return in_background(call, "transaction").result(seconds)
    except TimeoutError as error:
        raise KafkaTimeoutError(f"no answer within {seconds:.0f} s") from error


@contextmanager
def _reader(settings: Settings) -> Iterator[KafkaConsumer]:
    """Yield a consumer without a group that sees only what was committed."""
    consumer = KafkaConsumer(
        **kafka_python_config(settings),
        isolation_level="read_committed",
        enable_auto_commit=False,
        bootstrap_timeout_ms=int(1000 * BROKER_SECONDS),
    )
    try:
        yield consumer
    finally:
        consumer.close()
