"""Incidents: the thing people handle. Opened by a signal, updated while it grows, acknowledged, resolved, closed."""

from enum import StrEnum

from schemas.model import Record, UtcTime
from schemas.severity import Severity
from schemas.signal import Signal


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    """Resolved for so long that what comes now is something new."""


class Incident(Record):
    """An incident of one watch; a watch has at most one that is not resolved, or one a group.

    `id` is made from the watch and the opening match, so a replay yields the same. `revision` counts from 1 with each
    alert. `severity` only ever rises. `escalated` is how many steps of the watch's escalation have been taken,
    `reminded` when people were last asked whether anybody takes care. `mentions` counts the own-brand mentions since it
    opened (those of the opening window included), `stories` how many different stories they are, `peak` the largest
    value its leading rule measured. `group` says whose it is where the watch tells its incidents apart, and by what;
    `others` how many groups share it because there was no room for more. `inhibited` is how many signals were not told
    because of it.
    """

    id: str
    watch: str
    state: IncidentState
    revision: int
    opened: UtcTime
    updated: UtcTime
    last_signal: UtcTime
    resolved: UtcTime | None = None
    acknowledged_by: str | None = None
    acknowledged: UtcTime | None = None
    severity: Severity = "watch"
    escalated: int = 0
    reminded: UtcTime | None = None
    signal: Signal
    mentions: int
    stories: int
    negative: int = 0
    peak: float
    told: float
    """The value people were last told; the incident has to grow well beyond it before they are told again."""
    group: dict[str, str] | None = None
    others: int | None = None
    inhibited: int | None = None
