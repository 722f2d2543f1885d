"""Redact: what is deleted goes out of messages: out of those to be sent before they are, out of those sent afterwards.

So do the words of a post that is edited; who wrote it and where it is stay, for there people read what it says now. In
the same way messages that were sent come to say who takes care of their incident, wherever he has said so.

The ledger knows by numbers which posts a message shows. Judge says which are gone; what shows them then bears their ids
in `gone`, until a message that was sent has been changed, once. That may be done again after a crash, which changes
nothing. Mail cannot be recalled, nor what an incoming webhook has posted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from agents.alert.channel import channels
from agents.alert.ledger import Ledger
from agents.alert.partition import Partition, in_background
from agents.observe import counter
from pipeline.stories.sketch import number
from schemas.alert import Alert, Quote
from schemas.control import Gone, Taken
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.errors import DeliveryError
from schemas.metrics import DELIVERIES
from schemas.settings import Settings

NEWS: Mapping[bytes, type[Gone] | type[Taken]] = {b"gone": Gone, b"taken": Taken}
"""What judge says of it in the topic of alerts, by its key."""
PAUSE = timedelta(seconds=30)
"""How long a service is left alone that has not changed a message."""
_NEVER_SENT = (DeliveryState.HELD, DeliveryState.FOLDED)

_log = structlog.get_logger("deliver")


def noted(
    record: Gone | Taken, ledger: Ledger, asked: Mapping[str, Delivery], settings: Settings
) -> dict[str, Delivery]:
    """Return the entries that are to know of `record`; `asked` are those that the ledger does not have yet."""
    found: dict[str, Delivery] = {}
    if isinstance(record, Taken):
        about = {one.id: one for one in ledger.about(record.incident)}
        about |= {name: one for name, one in asked.items() if one.incident == record.incident}
        for entry in about.values():
            if _redacts(entry, settings) and entry.state not in _NEVER_SENT and _is_later(record, entry.taken):
                found[entry.id] = entry.model_copy(update={"taken": record})
        return found
    for mention in record.mentions:
        post = number(mention)
        showing = {one.id: one for one in ledger.showing(post)}
        showing |= {name: one for name, one in asked.items() if post in one.quoted}
        for entry in (found.get(name, one) for name, one in showing.items()):
            known = entry.gone + entry.edited if record.edited else entry.gone
            if mention not in known and entry.state not in _NEVER_SENT and _can_still_go(entry, settings):
                found[entry.id] = _knowing(entry, mention, edited=record.edited)
    return found


def _is_later(record: Taken, known: Taken | None) -> bool:
    return known is None or record.at > known.at


def _knowing(entry: Delivery, mention: str, *, edited: bool) -> Delivery:
    if edited:
        return entry.model_copy(update={"edited": (*entry.edited, mention)})
    others = tuple([one for one in entry.edited if one != mention])
    return entry.model_copy(update={"gone": (*entry.gone, mention), "edited": others})


def _can_still_go(entry: Delivery, settings: Settings) -> bool:
    return entry.state is not DeliveryState.SENT or _redacts(entry, settings)


def _redacts(entry: Delivery, settings: Settings) -> bool:
    return entry.channel in channels() and channels()[entry.channel].redacts(settings)


def bare(alert: Alert | None, gone: Sequence[str], edited: Sequence[str] = ()) -> Alert | None:
    """Return an alert that says of the posts that are `gone` only that they are, and no words of the `edited`."""
    if alert is None or not (gone or edited):
        return alert
    return alert.model_copy(update={"quotes": tuple([_bare(one, gone, edited) for one in alert.quotes])})


def _bare(quote: Quote, gone: Sequence[str], edited: Sequence[str]) -> Quote:
    if quote.mention not in gone:
        other = {"text": "", "edited": True, "found": 0}
        return quote.model_copy(update=other) if quote.mention in edited else quote
    return Quote(
        mention=quote.mention, platform=quote.platform, time=quote.time, text="", copies=quote.copies, gone=True
    )


def concluded(entry: Delivery, begun: Delivery, settings: Settings) -> Delivery:
    """Return an entry whose attempt has ended: what was gone when that began was not sent, if it was the only one."""
    if entry.state is not DeliveryState.SENT or not (entry.gone or entry.edited):
        return entry
    if not _redacts(entry, settings):
        return taken_out(entry, entry.gone, entry.edited).model_copy(update={"taken": None})
    return entry if begun.doubts else taken_out(entry, begun.gone, begun.edited)


def taken_out(entry: Delivery, gone: Iterable[str], edited: Collection[str] = ()) -> Delivery:
    """Return the entry of a message that no longer shows the posts that are `gone`, nor the words of the `edited`."""
    names = tuple(gone)
    left = {number(mention) for mention in names}
    return entry.model_copy(
        update={
            "gone": tuple([one for one in entry.gone if one not in names]),
            "edited": tuple([one for one in entry.edited if one not in names and one not in edited]),
            "quoted": tuple([one for one in entry.quoted if one not in left]),
        }
    )


@dataclass(slots=True)
class Redacting:
    """Changes messages that were sent, one at a time: deletions come in crowds, and services allow few changes."""

    settings: Settings
    call: tuple[Delivery, Future[DeliveryError | None]] | None = None
    resting: dict[str, datetime] = field(default_factory=dict)

    @property
    def lane(self) -> set[tuple[str, str]]:
        """The address whose message is being changed: nothing is sent there meanwhile, or one would undo the other."""
        return {(self.call[0].channel, self.call[0].to)} if self.call and not self.call[1].done() else set()

    def turn(self, partition: Partition, busy: set[tuple[str, str]], now: datetime) -> None:
        """Write down what has ended, and begin what is next where no call to the address is under way.

        Raises:
            KafkaError: nothing is certain; open the partition anew.
        """
        if self.call and self.call[0].id in partition.ledger.entries and self.call[1].done():
            self._settle(partition, now)
        if self.call:
            return
        for name in partition.ledger.stale:
            entry = partition.ledger.entries[name]
            if (entry.channel, entry.to) not in busy and self.resting.get(entry.channel, now) <= now and entry.sent:
                self._begin(entry, entry.sent, partition.ledger.previous(entry))
                return

    def keep_only(self, partitions: Iterable[Partition]) -> None:
        """Forget a call whose partition is no longer ours: whoever has it does it again, which changes nothing."""
        if self.call and not any(self.call[0].id in one.ledger.entries for one in partitions):
            self.call = None

    def _begin(self, entry: Delivery, message: Sent, root: Sent | None) -> None:
        kind, settings, gone, edited = channels()[entry.channel], self.settings, entry.gone, entry.edited

        def change() -> DeliveryError | None:
            try:
                if gone or edited:
                    kind.redact(settings, message, gone, root, edited=edited)
                if entry.taken:
                    kind.mark(settings, root or message, entry.taken, entry.language)
            except DeliveryError as error:
                return error
            except Exception as error:  # noqa: BLE001 - a bug in one channel must not stop the others
                _log.exception("a channel failed in a way it must not", delivery=entry.id)
                return DeliveryError(f"unexpected {type(error).__name__}", permanent=True)
            return None

        self.call = entry, in_background(change, f"redact-{entry.channel}")

    def _settle(self, partition: Partition, now: datetime) -> None:
        assert self.call is not None, "it is asked before"
        (begun, future), self.call = self.call, None
        error = future.result()
        if error and not error.permanent:
            pause = timedelta(seconds=error.retry_after) if error.retry_after else PAUSE
            self.resting[begun.channel] = now + pause
            _log.warning("a message is not changed yet; trying again", delivery=begun.id, reason=str(error))
            return
        left = taken_out(partition.ledger.entries[begun.id], begun.gone, begun.edited)
        partition.write([left.model_copy(update={"taken": None}) if left.taken == begun.taken else left])
        if not (begun.gone or begun.edited):
            counter(DELIVERIES).labels(begun.channel, "not-marked" if error else "marked").inc()
            if error:
                _log.warning("a message does not say who takes care", delivery=begun.id, reason=str(error))
            return
        word = "not-redacted" if error else "redacted"
        counter(DELIVERIES).labels(begun.channel, word).inc()
        if error:
            posts = begun.gone + begun.edited
            _log.error("a deleted or edited post stays in a message", delivery=begun.id, posts=posts, reason=str(error))
        else:
            counts = {"deleted": len(begun.gone), "edited": len(begun.edited)}
            _log.info("posts were taken out of a message", delivery=begun.id, **counts)
