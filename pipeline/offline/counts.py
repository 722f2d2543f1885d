"""Counts: one rule over a series of counts, from the same detector and the same incidents as live.

Of such a series nothing is known but how many mentions there were and when, so only rules that need no more than that
can be tried: every, count, spike, unusual-volume, silence, and composites of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.detect import Armed, hear_all, next_wake, restless, step_all
from pipeline.incidents import incident, worse
from pipeline.incidents.incident import Opening
from pipeline.incidents.life import Life, Mentions
from pipeline.windows.heard import Heard
from pipeline.windows.window import MENTIONS, Window
from schemas.handling import Handling
from schemas.receipt import Decision
from schemas.severity import SEVERITIES
from schemas.signal import Signal

_MILDEST, _HANDLING = SEVERITIES[0], Handling()


@dataclass(frozen=True, slots=True)
class Scored:
    """What was measured at one count: `starts` says that an alert would have begun there."""

    time: datetime
    count: int
    value: float
    threshold: float
    warming: bool
    starts: bool


def score_counts(rule: Armed, counts: Iterable[tuple[datetime, int]]) -> Iterator[Scored]:
    """Yield what `rule` makes of each count, in the order of their times; a count stands for so many mentions then."""
    window, life = Window(horizon=max(rule.reach, 3600.0)), Life()
    states: dict[str, Any] = {}
    for time, count in counts:
        window = window.start(time)
        life, states, woken = _pass(rule, states, (window, life), time)
        signals: tuple[Signal, ...] = ()
        if count:
            window = window.add(time, (MENTIONS,), time, count)
            states = dict(hear_all((rule,), states, Heard(time, count=count), window, time))
            states, signals = step_all((rule,), states, window, time)
        life, starts = _respond(rule, life, signals, states, time)
        reading = states.get(rule.id) or rule.detector.State()
        yield Scored(time, count, reading.value, reading.threshold, reading.warming, starts or woken)


def _pass(
    rule: Armed, states: dict[str, Any], heard: tuple[Window, Life], at: datetime
) -> tuple[Life, dict[str, Any], bool]:
    """Let time pass until just before `at`; return the incident and the rule after that, and whether an alert began."""
    window, life = heard
    began = False
    while True:
        wakes = next_wake((rule,), states)
        due = min((when for when in (wakes, life.resolves, life.closes) if when is not None), default=None)
        # what is counted at this very moment may still keep an incident from being over
        if due is None or due >= at:
            return life, states, began
        if due == life.resolves:
            life = incident.resolve(life)
        elif due == life.closes:
            life = incident.close(life)
        else:
            states, signals = step_all((rule,), states, window, due)
            life, starts = _respond(rule, life, signals, states, due)
            began = began or starts


def _respond(
    rule: Armed, life: Life, signals: tuple[Signal, ...], states: dict[str, Any], at: datetime
) -> tuple[Life, bool]:
    """Return the life of the incident after `signals`, and whether it opened just now."""
    if not signals:
        reading = states.get(rule.id) or rule.detector.State()
        return (incident.stir(life, at) if restless(reading) else life), False
    lead = worse.lead(life, signals, _HANDLING)
    decision = incident.decide(life, lead, _MILDEST, _HANDLING).decision
    if decision is not Decision.OPENED:
        return incident.join(life, lead, _MILDEST, decision), False
    return incident.open_at(life, Opening("counts", at.isoformat(), _MILDEST, _HANDLING), lead, Mentions()), True
