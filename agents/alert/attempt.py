"""One attempt to deliver: asks the service first where an earlier attempt may have arrived. Runs in a thread."""

from dataclasses import dataclass
from math import inf

import structlog

from agents.alert.channel import Channel, TooLate, addresses, delivery_id, open_channel
from schemas.alert import Alert
from schemas.delivery import Delivery, Sent
from schemas.errors import ConfigError, DeliveryError
from schemas.settings import Settings

_log = structlog.get_logger("deliver")


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that an attempt needs; `entry` as it stands in the ledger once it has begun.

    `until` is when, on the monotonic clock, it has to have been sent.
    """

    entry: Delivery
    alert: Alert | None
    previous: Sent | None
    until: float = inf

    @property
    def doubtful(self) -> bool:
        """Tell whether an earlier attempt may have arrived; one in between that certainly did not changes nothing."""
        return self.entry.doubts > 0


def make(attempt: Attempt, settings: Settings) -> Sent | DeliveryError:
    """Return what became of the attempt; nothing is raised, because whoever waits is a loop that must go on."""
    try:
        return _make(attempt, settings)
    except TooLate as error:
        return DeliveryError(str(error), ambiguous=attempt.doubtful)
    except DeliveryError as error:
        return error
    except ConfigError as error:
        return DeliveryError(str(error), permanent=True)
    except Exception as error:  # noqa: BLE001 - a bug in one channel must not stop the others; it is tried again later
        _log.exception("a channel failed in a way it must not", delivery=attempt.entry.id)
        return DeliveryError(f"unexpected {type(error).__name__}", ambiguous=True)


def _make(attempt: Attempt, settings: Settings) -> Sent:
    if attempt.alert is None:
        raise DeliveryError("the alert is no longer kept", permanent=True)
    channel = _channel(attempt.entry, attempt.alert, settings)
    repeat = False
    if attempt.doubtful:
        asked, found = _ask(channel, attempt)
        if found:
            return found
        if not asked and attempt.entry.doubts > 1:
            raise DeliveryError("it may have arrived twice without an answer; not sent a third time", permanent=True)
        repeat = not asked
    channel.until = attempt.until
    channel.check_time()
    return channel.send(attempt.alert, attempt.previous, repeat=repeat)


def _channel(entry: Delivery, alert: Alert, settings: Settings) -> Channel:
    for route in (single for written in alert.routes for single in addresses(written)):
        if delivery_id(alert.id, route) == entry.id:
            return open_channel(route, settings)
    raise DeliveryError("the alert names no such route", permanent=True)


def _ask(channel: Channel, attempt: Attempt) -> tuple[bool, Sent | None]:
    """Ask the service for the message; the first value tells whether it could be asked at all."""
    if not channel.can_be_asked or attempt.alert is None:
        return False, None
    try:
        return True, channel.find(attempt.alert, attempt.previous, attempt.entry.requested)
    except DeliveryError as error:
        if error.permanent:  # such as a missing scope: it will never tell
            _log.warning("the service cannot be asked", delivery=attempt.entry.id, reason=str(error))
            return False, None
        raise DeliveryError(f"asking: {error}", ambiguous=True, retry_after=error.retry_after) from error
