"""What a run has done so far, as it can be told from its topics alone: counts, incidents, and when people were told.

A pure value that is fed records; the live view, the end of the demo and its summary are read from it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from agents.alert.channel import addresses, delivery_id
from schemas.alert import Alert
from schemas.control import Gone, Taken, judged
from schemas.delivery import Delivery, DeliveryState
from schemas.event import Event, delivered
from schemas.incident import Incident
from schemas.mention import Match
from schemas.receipt import Decision, Receipt
from schemas.tick import Tick
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, RECEIPTS

FINAL = (DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.FOLDED)
NOT_COUNTED = (Decision.REDELIVERED, Decision.EDITED)
_READERS: dict[str, Callable[[bytes], object]] = {
    MENTIONS: judged.validate_json,
    RECEIPTS: Receipt.from_bytes,
    ALERTS: TypeAdapter[object](Alert | Gone | Taken).validate_json,
    DELIVERIES: Delivery.from_bytes,
}
_NEVER = datetime.min.replace(tzinfo=UTC)


def _read_raw(value: bytes) -> object:
    try:
        return delivered.validate_json(value)
    except ValidationError:
        return None


@dataclass(slots=True)
class Tally:
    """What one watch has heard: its matches by hour, its stories and copies, its alerts and incidents."""

    matched: int = 0
    folded: int = 0
    by_hour: Counter[datetime] = field(default_factory=Counter)
    stories: set[str] = field(default_factory=set)
    incidents: dict[str, Incident] = field(default_factory=dict)
    alerts: int = 0

    @property
    def open(self) -> list[Incident]:
        """The incidents that are not resolved."""
        return [incident for incident in self.incidents.values() if incident.resolved is None]


@dataclass(slots=True)
class Progress:
    """The whole run. Records may come twice (at least once between topics); each counts once."""

    watches: dict[str, Tally]
    ticked: dict[int, datetime] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    decisions: Counter[Decision] = field(default_factory=Counter)
    heard: int = 0
    _matches: set[tuple[str, str]] = field(default_factory=set)
    _receipts: set[tuple[str, str]] = field(default_factory=set)

    def add(self, topic: str, partition: int, value: bytes) -> None:
        """Take one record of a topic into account; a raw one that cannot be read is the dead topic's business.

        Raises:
            pydantic.ValidationError: it is not ours.
        """
        record = _READERS.get(topic, _read_raw)(value)
        if isinstance(record, Tick):
            self.ticked[partition] = max(record.at, self.ticked.get(partition, record.at))
        else:
            self.receive(record)

    def receive(self, record: object) -> None:
        """Take what the pipeline has made into account; other kinds of record change nothing."""
        match record:
            case Event():
                self.heard += 1
            case Match():
                self._matched(record)
            case Receipt():
                self._decided(record)
            case Alert():
                self._alerted(record)
            case Delivery():
                self.deliveries[record.id] = record

    def _matched(self, found: Match) -> None:
        if (found.watch, found.mention.id) not in self._matches:
            self._matches.add((found.watch, found.mention.id))
            watch = self._watch(found.watch)
            watch.matched += 1
            watch.by_hour[found.mention.time.replace(minute=0, second=0, microsecond=0)] += 1

    def _decided(self, receipt: Receipt) -> None:
        known = (receipt.watch, receipt.mention) in self._receipts
        self._receipts.add((receipt.watch, receipt.mention))
        if known or receipt.decision in NOT_COUNTED:
            return
        self.decisions[receipt.decision] += 1
        watch = self._watch(receipt.watch)
        if receipt.story in watch.stories:
            watch.folded += 1
        elif receipt.story:
            watch.stories.add(receipt.story)

    def _alerted(self, alert: Alert) -> None:
        watch = self._watch(alert.watch)
        watch.alerts += alert.id not in self.alerts
        self.alerts[alert.id] = alert
        if not alert.reason.a_notice:
            watch.incidents[alert.incident.id] = alert.incident

    def _watch(self, name: str) -> Tally:
        return self.watches.setdefault(name, Tally())

    def clock(self, partitions: int) -> datetime:
        """Return the time that every partition has reached."""
        return min(self.ticked.values()) if len(self.ticked) == partitions else _NEVER

    @property
    def told(self) -> list[Delivery]:
        """The deliveries that a service has accepted."""
        return [one for one in self.deliveries.values() if one.state is DeliveryState.SENT]

    @property
    def waiting(self) -> int:
        """How many deliveries of the alerts made so far are not final yet."""
        final = {one.id for one in self.deliveries.values() if one.state in FINAL}
        wanted = {
            delivery_id(alert.id, single)
            for alert in self.alerts.values()
            for route in alert.routes
            for single in addresses(route)
        }
        return len(wanted - final)

    @property
    def decided(self) -> int:
        """How many matches have been decided about."""
        return len(self._receipts)

    def delays(self) -> list[float]:
        """Return the seconds from the mention that caused an alert to its acceptance, for alerts caused by one."""
        causes = {name: alert for name, alert in self.alerts.items() if alert.reason.by_post}
        return sorted((one.at - causes[one.alert].seen).total_seconds() for one in self.told if one.alert in causes)
