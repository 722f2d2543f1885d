"""The delivery ledger: what became of one alert on one route. `earshot.deliveries`, compacted, keyed by delivery id."""

from enum import StrEnum

from schemas.model import Record, UtcTime


class DeliveryState(StrEnum):
    """The life of a delivery; SENT and DEAD are final."""

    REQUESTED = "requested"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class Sent(Record):
    """What the service answered: enough to update, to thread and to find the message again.

    `reference` is the message's own id there (Slack `ts`, mail Message-ID); `place` where it stands (Slack channel id).
    """

    reference: str
    place: str = ""


class Delivery(Record):
    """The ledger entry of (incident, revision, route). `id` is `<alert id>.<channel>.<hash of the route>`."""

    id: str
    alert: str
    incident: str
    channel: str
    to: str
    state: DeliveryState
    attempt: int = 0
    at: UtcTime
    next_at: UtcTime | None = None
    sent: Sent | None = None
    error: str | None = None
