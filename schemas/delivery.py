"""The delivery ledger: what became of one alert on one route. `earshot.deliveries`, compacted, keyed by delivery id."""

from enum import StrEnum

from pydantic import Field

from schemas.alert import Alert
from schemas.control import Taken
from schemas.model import Record, UtcTime

NOWHERE = -1
"""The offset of an alert that stands in another partition than its entry, since partitions were raised."""


class DeliveryState(StrEnum):
    """The life of a delivery; SENT, DEAD and FOLDED are final."""

    REQUESTED = "requested"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    HELD = "held"
    """The address has had its share: it waits for the digest, at `next_at` or before."""
    FOLDED = "folded"
    """It is in the digest, which is a delivery of its own."""


class Sent(Record):
    """What the service answered: enough to update, to thread and to find the message again.

    `reference` is the message's own id there (Slack `ts`, mail Message-ID); `place` where it stands (Slack channel id).
    """

    reference: str
    place: str = ""


class Delivery(Record):
    """The ledger entry of (incident, revision, address). `id` is `<alert id>.<channel>.<hash of the address>`.

    `offset` is where the alert stands in `earshot.alerts`, in the partition that has the entry's number, or NOWHERE.
    `requested` is when the delivery was first asked for. `doubts` counts the attempts that the service
    may have accepted although nobody heard so; SENDING means that the latest attempt is of that sort or under way.
    `key` is that of the alert's record where it is not the incident, but an address whose budget is shared. `made` is a
    digest of what was held there, until it is sent: delivery has made it, so it stands nowhere else.
    `quoted` are the posts that the message shows, by numbers; `gone` are those of them, by their ids, that have been
    deleted since, until it no longer shows them, and `edited` those whose words are others now, likewise. `taken` is
    who has taken the incident, or given it back, until the message says so. `language` is that of the message.
    """

    id: str
    alert: str
    incident: str
    channel: str
    to: str
    state: DeliveryState
    offset: int
    attempt: int = 0
    doubts: int = 0
    requested: UtcTime
    at: UtcTime
    next_at: UtcTime | None = None
    sent: Sent | None = None
    error: str | None = None
    key: str | None = None
    made: Alert | None = None
    quoted: tuple[int, ...] = Field(default=(), exclude_if=lambda quoted: not quoted)
    gone: tuple[str, ...] = Field(default=(), exclude_if=lambda gone: not gone)
    edited: tuple[str, ...] = Field(default=(), exclude_if=lambda edited: not edited)
    taken: Taken | None = Field(default=None, exclude_if=lambda taken: taken is None)
    language: str = Field(default="de", exclude_if=lambda language: language == "de")
