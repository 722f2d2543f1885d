"""Hold: what a route is not told at once, because it sleeps or has had its share, and the digest it gets instead."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.alerts.notice import notice, signal
from pipeline.alerts.quiet import quiet_until
from pipeline.frozen import replace
from pipeline.incidents.life import NAMELESS
from schemas.alert import Alert, AlertReason, Line
from schemas.model import UtcTime
from schemas.severity import Severity, reaches, worst
from schemas.watch import Route, Watch

Withheld = Literal["quiet-hours", "over-budget"]
MOST_LINES = 50
"""A digest is about so many incidents at most, the latest; of the others it says how many they were."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one route was `told` lately (when, as far as its budget looks back), and what waits for it.

    `lines` are that, one for each incident, `more` how many incidents there was no room for; `until` is when the digest
    is due and `why` there is one.
    """

    told: tuple[UtcTime, ...] = ()
    lines: tuple[Line, ...] = ()
    more: int = 0
    until: UtcTime | None = None
    why: Withheld | None = None


def admit(desk: Desk, route: Route, severity: Severity, at: datetime) -> tuple[Desk, Withheld | None]:
    """Return the desk after a message of `severity` at `at`, and why it is held back, if it is."""
    if quiet := _asleep(route, severity, at):
        return replace(desk, until=quiet, why="quiet-hours"), "quiet-hours"
    if (budget := route.budget) is None or budget.shared:  # that one delivery keeps, for all watches together
        return desk, None
    since = at - timedelta(seconds=budget.per)
    told = tuple(when for when in desk.told if when > since)
    if len(told) >= budget.alerts and not (budget.except_from and reaches(severity, budget.except_from)):
        free = told[-budget.alerts] + timedelta(seconds=budget.per)
        return replace(desk, told=told, until=desk.until or free, why=desk.why or "over-budget"), "over-budget"
    return replace(desk, told=(*told, at)), None


def _asleep(route: Route, severity: Severity, at: datetime) -> datetime | None:
    hours = route.quiet
    if hours is None or (hours.except_from and reaches(severity, hours.except_from)):
        return None
    return quiet_until(hours, at)


def keep(desk: Desk, alert: Alert) -> Desk:
    """Return the desk on which `alert` waits: of each incident the latest news."""
    incident = alert.incident
    known = {line.incident: line for line in desk.lines}
    before = known.pop(incident.id, None)
    line = Line(
        incident=incident.id,
        reason=alert.reason,
        severity=worst(incident.severity, before.severity) if before else incident.severity,
        at=alert.at,
        mentions=incident.mentions,
        signal=incident.signal,
        held=before.held + 1 if before else 1,
        group=incident.group,
        inhibited=incident.inhibited,
    )
    lines = (*known.values(), line)
    dropped = max(0, len(lines) - MOST_LINES)
    return replace(desk, lines=lines[dropped:], more=desk.more + dropped)


def due(desk: Desk, route: Route | None) -> datetime | None:
    """Return when the digest of a desk is due: not before its route has woken up."""
    if desk.until is None or route is None or desk.why == "quiet-hours":
        return desk.until
    return _asleep(route, "watch", desk.until) or desk.until


def digest(watch: Watch, route: Route, desk: Desk, at: datetime) -> Alert:
    """Return the one message about all that waits on a desk, to its route alone.

    Its id follows from the route and the moment.
    """
    incident = {
        "mentions": sum(line.mentions for line in desk.lines),
        "severity": worst(*(line.severity for line in desk.lines)),
    }
    held = sum(line.held for line in desk.lines)
    return notice(
        watch,
        AlertReason.DIGEST,
        (route.address, at.isoformat()),
        signal("digest", at, held),
        routes=(route,),
        lines=desk.lines,
        omitted=desk.more,
        withheld=desk.why,
        incident=incident,
    )


def cleared(desk: Desk, at: datetime) -> Desk:
    """Return the desk after its digest was sent at `at`."""
    return Desk(told=(*desk.told, at))


def nameless(desk: Desk, others: Collection[str]) -> Desk:
    """Return the desk on which only lines about the incidents in `others` name the author whose they are."""
    lines = tuple(
        line.model_copy(update={"group": line.group | {"author": NAMELESS}})
        if line.group and "author" in line.group and line.incident not in others
        else line
        for line in desk.lines
    )
    return replace(desk, lines=lines) if lines != desk.lines else desk
