"""The ledger of one partition: what has become of every delivery, which one is next, and what an outcome means.

Only values and the clock that is handed in: delivery writes each change to `earshot.deliveries` before it acts on it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.alert.channel import addresses, delivery_id
from agents.alert.letter import QUOTES
from pipeline.stories.sketch import number
from schemas.alert import Alert
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.errors import DeliveryError
from schemas.watch import Route

FINAL = frozenset({DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.FOLDED})
_PASSED = FINAL | {DeliveryState.HELD}
"""What later revisions do not wait for."""

Thread = tuple[str, str]
"""An incident and an address: within it, revisions go out in their order."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient delivery is, in seconds.

    The wait after a failure doubles from `first` to `longest`; after `give_up` since the request a delivery is dead.
    `lease` is how long a call that another process began may still be under way: only then is the service asked for it.
    So nothing is sent any more when half of it has passed since the ledger said SENDING: the rest is for the call.
    """

    first: float = 1.0
    longest: float = 300.0
    give_up: float = 21_600.0
    lease: float = 25.0

    def wait(self, attempt: int) -> float:
        """Return the pause after the failure of attempt number `attempt`, counted from 1."""
        return float(min(self.longest, self.first * 2 ** min(attempt - 1, 30)))


def settle(entry: Delivery, outcome: Sent | DeliveryError, now: datetime, pace: Pace) -> Delivery:
    """Return the entry after an attempt ended with `outcome`."""
    if isinstance(outcome, Sent):
        done: dict[str, object] = {"state": DeliveryState.SENT, "sent": outcome, "error": None, "made": None}
        return entry.model_copy(update=done | {"at": now, "next_at": None})
    # what a service asks us to wait is a promise, so it is never cut short
    pause = pace.wait(entry.attempt) if outcome.retry_after is None else outcome.retry_after
    next_at = now + timedelta(seconds=min(pause, 10 * pace.give_up))
    failed: dict[str, object] = {"at": now, "error": str(outcome)}
    if outcome.permanent:
        return entry.model_copy(update=failed | {"state": DeliveryState.DEAD, "next_at": None})
    if next_at > entry.requested + timedelta(seconds=pace.give_up):
        given_up = f"given up after {pace.give_up:.0f} s: {outcome}"
        return entry.model_copy(update=failed | {"state": DeliveryState.DEAD, "next_at": None, "error": given_up})
    # SENDING says: it may have been accepted, so ask first
    state = DeliveryState.SENDING if outcome.ambiguous else DeliveryState.REQUESTED
    return entry.model_copy(update=failed | {"state": state, "next_at": next_at})


def begin(entry: Delivery, now: datetime) -> Delivery:
    """Return the entry as it must stand in the ledger before the service is called."""
    doubtful = entry.state is DeliveryState.SENDING
    return entry.model_copy(
        update={
            "state": DeliveryState.SENDING,
            "attempt": entry.attempt + 1,
            "doubts": entry.doubts + doubtful,
            "at": now,
            "next_at": None,
        }
    )


def thread_of(entry: Delivery) -> Thread:
    """Return the incident and the address of a delivery."""
    return entry.incident, entry.id.removeprefix(entry.alert)


def revision_of(entry: Delivery) -> int:
    """Return the revision that a delivery tells of; alert ids end with it."""
    last = entry.alert.rpartition(".")[2]
    return int(last) if last.isdigit() else 0


@dataclass(slots=True)
class Ledger:
    """The entries of one partition by id, and the order within each incident and address."""

    entries: dict[str, Delivery] = field(default_factory=dict)
    threads: dict[Thread, dict[str, int]] = field(default_factory=dict)
    waiting: dict[str, None] = field(default_factory=dict)
    """The ids that are not final, in the order they came."""
    shared: dict[str, dict[str, None]] = field(default_factory=dict)
    """The ids by the key of an address whose budget is shared."""
    quoting: dict[int, dict[str, None]] = field(default_factory=dict)
    """The ids by the posts that the messages show."""
    stale: dict[str, None] = field(default_factory=dict)
    """The ids of messages that were sent and show what is gone, or reads otherwise, or not who takes care."""

    def put(self, entry: Delivery) -> None:
        """Take over what the topic says, or will say, about a delivery."""
        self.entries[entry.id] = entry
        self.threads.setdefault(thread_of(entry), {})[entry.id] = revision_of(entry)
        if entry.key:
            self.shared.setdefault(entry.key, {})[entry.id] = None
        if entry.state in FINAL:
            self.waiting.pop(entry.id, None)
        else:
            self.waiting[entry.id] = None
        for post in entry.quoted:
            self.quoting.setdefault(post, {})[entry.id] = None
        if (entry.gone or entry.edited or entry.taken) and entry.state is DeliveryState.SENT:
            self.stale[entry.id] = None
        else:
            self.stale.pop(entry.id, None)

    def take_over(self, now: datetime) -> None:
        """Begin to own what another process has written by its own clock.

        A call that it began has all of its lease from `now` on, and nothing waits for a time that only it has seen.
        """
        for name in self.waiting:
            self.entries[name] = _from_now(self.entries[name], now)

    def request(self, alert: Alert, offset: int, now: datetime, key: str | None = None) -> list[Delivery]:
        """Return the entries that `alert`, found at `offset`, adds; none where all is known already.

        `key` is that of its record where it is not the incident.

        An alert that comes again gives a dead delivery another life (`earshot dead requeue` brings it back), unless a
        later revision has reached the address: then people know more by now.
        """
        found = []
        for route in (single for written in alert.routes for single in addresses(written)):
            entry = _requested(alert, route, offset, now)
            known = self.entries.get(entry.id)
            entry = entry.model_copy(update={"key": key, **_left_out(known)})
            if known is None or self._may_live_again(known, offset):
                found.append(entry)
        return list({entry.id: entry for entry in found}.values())

    def _may_live_again(self, known: Delivery, offset: int) -> bool:
        later = (entry for entry in self._thread(known) if revision_of(entry) > revision_of(known))
        return (
            known.state is DeliveryState.DEAD
            and known.offset != offset
            and all(entry.state is not DeliveryState.SENT for entry in later)
        )

    def _thread(self, entry: Delivery) -> Iterator[Delivery]:
        return (self.entries[name] for name in self.threads.get(thread_of(entry), ()))

    def due(self, now: datetime, pace: Pace) -> Iterator[Delivery]:
        """Yield the deliveries whose turn it is: of each incident and address the first that is not final."""
        for name in self.waiting:
            entry = self.entries[name]
            held = entry.state is DeliveryState.HELD
            if not held and _ready_at(entry, pace) <= now and self._is_first(entry):
                yield entry

    def _is_first(self, entry: Delivery) -> bool:
        mine = revision_of(entry)
        return all(other.state in _PASSED or revision_of(other) >= mine for other in self._thread(entry))

    def previous(self, entry: Delivery) -> Sent | None:
        """Return the first message of the same incident that has arrived at the same address, before this one."""
        arrived = [
            other
            for other in self._thread(entry)
            if other.state is DeliveryState.SENT and revision_of(other) < revision_of(entry)
        ]
        return min(arrived, key=revision_of).sent if arrived else None

    def outdated(self, before: datetime, most: int) -> list[str]:
        """Return the ids of about `most` deliveries of incidents of which nobody was told anything since `before`.

        An incident's deliveries to one address go together: the first is where the later ones are shown.
        """
        found: list[str] = []
        for thread in self.threads.values():
            entries = [self.entries[name] for name in thread]
            if all(entry.state in FINAL and entry.at < before for entry in entries):
                found += thread
            if len(found) >= most:
                break
        return found

    def drop(self, names: Iterable[str]) -> None:
        """Forget deliveries that the topic no longer holds."""
        for name in names:
            if entry := self.entries.pop(name, None):
                self.waiting.pop(name, None)
                thread = self.threads[thread_of(entry)]
                del thread[name]
                if not thread:
                    del self.threads[thread_of(entry)]
                if entry.key:
                    del self.shared[entry.key][name]
                self.stale.pop(name, None)
                for post in entry.quoted:
                    self.quoting.get(post, {}).pop(name, None)

    def at(self, key: str | None) -> list[Delivery]:
        """Return all that went, or is to go, to an address whose budget is shared."""
        return [self.entries[name] for name in self.shared.get(key, ())] if key else []

    def showing(self, post: int) -> list[Delivery]:
        """Return the deliveries whose messages show a post, or are to."""
        found = (self.entries[name] for name in self.quoting.get(post, ()))
        return [entry for entry in found if post in entry.quoted]

    def about(self, incident: str) -> list[Delivery]:
        """Return the deliveries whose messages are to say who takes care of an incident: at each address the first that
        was sent, which is kept up to date, and what is still to be sent, which may be older than that."""
        found: list[Delivery] = []
        for (name, _), thread in self.threads.items():
            if name != incident:
                continue
            entries = sorted((self.entries[one] for one in thread), key=revision_of)
            found += [one for one in entries if one.state is DeliveryState.SENT][:1]
            found += [one for one in entries if one.state not in _PASSED]
        return found

    def pending(self) -> Iterable[Delivery]:
        """Return the deliveries that are not final."""
        return [self.entries[name] for name in self.waiting]


def _from_now(entry: Delivery, now: datetime) -> Delivery:
    """Return an entry of another process as it reads by our clock, which shows `now`."""
    if entry.state is DeliveryState.SENDING and entry.next_at is None:
        return entry.model_copy(update={"at": now, "requested": min(entry.requested, now)})
    ahead = max(entry.at - now, timedelta())
    moved = {"at": entry.at - ahead, "next_at": entry.next_at and entry.next_at - ahead}
    return entry.model_copy(update=moved | {"requested": min(entry.requested, now)})


def _ready_at(entry: Delivery, pace: Pace) -> datetime:
    """Return when an entry may be attempted; a call of a process that died must have run out first."""
    if entry.next_at is not None:
        return entry.next_at
    if entry.state is DeliveryState.SENDING:
        return entry.at + timedelta(seconds=pace.lease)
    return entry.at


def _requested(alert: Alert, route: Route, offset: int, now: datetime) -> Delivery:
    return Delivery(
        id=delivery_id(alert.id, route),
        alert=alert.id,
        incident=alert.incident.id,
        channel=route.channel,
        to=str(route.to),
        state=DeliveryState.REQUESTED,
        offset=offset,
        requested=now,
        at=now,
        quoted=tuple([number(one.mention) for one in alert.quotes[:QUOTES]]),
        language=route.language,
    )


def _left_out(known: Delivery | None) -> dict[str, tuple[str, ...]]:
    """Return of which posts a delivery that gets another life must not show the words, or anything."""
    return {"gone": known.gone, "edited": known.edited} if known else {}
