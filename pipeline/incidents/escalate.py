"""Escalate: what becomes of an incident because time passes – it resolves, it closes, or nobody takes care of it.

Each timer bears the moment at which it was due, and one follows the other in their order, so that what happens is the
same however often time is told. In a silence of the whole watch nobody is asked; what was due then is due at its end.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from pipeline.frozen import replace
from pipeline.incidents.incident import told
from pipeline.incidents.life import QUIET, Life
from schemas.incident import Incident, IncidentState
from schemas.severity import reaches
from schemas.watch import Step, Watch


class Timer(IntEnum):
    """What runs out for an incident; of two at the same moment the first comes first."""

    RESOLVES = 1
    CLOSES = 2
    ESCALATES = 3
    LAPSES = 4
    REMINDS = 5


class Due(NamedTuple):
    """A timer and the moment at which it runs out; the earlier is less."""

    at: datetime
    timer: Timer


def upcoming(life: Life, watch: Watch) -> Due | None:
    """Return what happens to the incident of `life` next if nothing more is heard."""
    return min(_all(life, watch), default=None) if life.incident is not None else None


def rests(life: Life, watch: Watch, now: datetime) -> bool:
    """Tell at a glance that nothing happens up to `now` to an incident of which a rule has just been restless."""
    handling, last = watch.incidents, life.restless
    if watch.escalation or handling.remind or handling.acknowledged_for or life.open is None:
        return False
    return last is not None and now < last + QUIET and life.over is None


def _all(life: Life, watch: Watch) -> Iterator[Due]:
    incident = life.open
    if incident is None:
        if closes := life.closes:
            yield Due(closes, Timer.CLOSES)
        return
    if resolves := life.resolves:
        yield Due(resolves, Timer.RESOLVES)
    for at, timer in (
        (_escalates(life, incident, watch), Timer.ESCALATES),
        (_lapses(incident, watch), Timer.LAPSES),
        (_reminds(life, incident, watch), Timer.REMINDS),
    ):
        if at:
            yield Due(life.after_silence(at), timer)


def step_of(incident: Incident, watch: Watch) -> Step | None:
    """Return the next step of the escalation that is not taken yet."""
    steps = watch.escalation
    return steps[incident.escalated] if incident.escalated < len(steps) else None


def _escalates(life: Life, incident: Incident, watch: Watch) -> datetime | None:
    step = step_of(incident, watch)
    if step is None or life.alone is None or incident.state is not IncidentState.OPEN:
        return None
    if not reaches(incident.severity, step.severity):
        return None
    due = life.alone + timedelta(seconds=step.after)
    return max(due, life.rose) if life.rose else due


def _lapses(incident: Incident, watch: Watch) -> datetime | None:
    span = watch.incidents.acknowledged_for
    if span is None or incident.acknowledged is None or incident.state is not IncidentState.ACKNOWLEDGED:
        return None
    return incident.acknowledged + timedelta(seconds=span)


def _reminds(life: Life, incident: Incident, watch: Watch) -> datetime | None:
    span = watch.incidents.remind
    if span is None or life.alone is None or incident.state is not IncidentState.OPEN:
        return None
    return max(life.alone, incident.reminded or life.alone) + timedelta(seconds=span)


def escalate(life: Life, at: datetime) -> Life:
    """Return the life whose incident has taken the next step at `at`; a step counts as a reminder."""
    if life.incident is None:
        return life
    return told(life, updated=at, escalated=life.incident.escalated + 1, reminded=at)


def remind(life: Life, at: datetime) -> Life:
    """Return the life of whose incident people were reminded at `at`."""
    return told(life, updated=at, reminded=at)


def lapse(life: Life, at: datetime) -> Life:
    """Return the life whose acknowledgement has lapsed at `at`: nobody takes care of it, and all begins anew."""
    change = {"state": IncidentState.OPEN, "acknowledged": None, "escalated": 0, "reminded": at}
    return replace(told(life, updated=at, **change), alone=at)
