"""Moments: what is due because time passes, and when, for the incident of a watch, its digests and its silences."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from pipeline.alerts import hold, silence
from pipeline.alerts.hold import Desk
from pipeline.incidents import escalate
from pipeline.incidents.escalate import Due
from pipeline.incidents.life import Life
from schemas.watch import Route, Watch


class Kind(IntEnum):
    """What a moment is about; of several at the same time the first comes first."""

    INCIDENT = 1
    RULES = 2
    DIGEST = 3
    SILENCE_ENDS = 4
    SILENCE_OVER = 5


class Moment(NamedTuple):
    """Something that is due: `what` is the timer, the address of a desk, or the id of a silence.

    Of an incident of a `group` also which.
    """

    at: datetime
    kind: Kind
    what: str
    group: str = ""


def upcoming(
    life: Life, desks: Mapping[str, Desk], watch: Watch, wakes: datetime | None, of_group: tuple[Due, str] | None = None
) -> Moment | None:
    """Return what is due next if nothing more is heard; `wakes` is when time alone may trip a rule next.

    `of_group` is what is due next in a group, and which that is.
    """
    looks = Moment(wakes, Kind.RULES, "") if wakes else None
    if of_group:
        due, group = of_group
        grouped = Moment(due.at, Kind.INCIDENT, due.timer.name, group)
        looks = min(grouped, looks) if looks else grouped
    if life.incident is None and not desks and not life.silences:
        return looks  # ten thousand idle watches are asked at every tick
    first = min(_all(life, desks, watch), default=None)
    return min(first, looks) if first and looks else first or looks


def rests(life: Life, desks: Mapping[str, Desk], watch: Watch, of_group: tuple[Due, str] | None, now: datetime) -> bool:
    """Tell at a glance, as is asked before every match, that nothing is due up to `now`; False: look closer."""
    if of_group or desks or life.silences:
        return False
    return life.incident is None or escalate.rests(life, watch, now)


def _all(life: Life, desks: Mapping[str, Desk], watch: Watch) -> Iterator[Moment]:
    if found := escalate.upcoming(life, watch):
        yield Moment(found.at, Kind.INCIDENT, found.timer.name)
    for address, desk in desks.items():
        if desk.until and (due := hold.due(desk, route_at(watch, address))):
            yield Moment(due, Kind.DIGEST, address)
    if life.silences:
        if warning := silence.warning(life.silences, watch.incidents.warn_before):
            yield Moment(warning[0], Kind.SILENCE_ENDS, warning[1].id)
        over = min(life.silences, key=lambda hush: hush.until)
        yield Moment(over.until, Kind.SILENCE_OVER, over.id)


def route_at(watch: Watch, address: str) -> Route | None:
    """Return the route to an address, be it one of the watch or of its escalation."""
    routes = (*watch.routes, *(route for step in watch.escalation for route in step.routes))
    return next((route for route in routes if route.address == address), None)
