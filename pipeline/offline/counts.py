"""Counts: one rule over a series of counts, from the same detector and the same incidents as live.

Of such a series nothing is known but how many mentions there were and when, so only rules that need no more than that
can be tried: every, count, spike, unusual-volume, silence, and composites of them.

Rules look at hours, so a count of a longer time, such as a day's, is spread evenly over the hours of its time. The time
of a row is when its count begins, as exports have it; it is known, and judged, when that time is over.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from pipeline.detect import Armed, begin_all, hear_all, next_wake, restless, step_all
from pipeline.incidents import incident, worse
from pipeline.incidents.incident import Opening
from pipeline.incidents.life import Life, Mentions
from pipeline.windows.heard import Heard
from pipeline.windows.window import MENTIONS, Window
from schemas.handling import Handling
from schemas.receipt import Decision
from schemas.severity import SEVERITIES
from schemas.signal import Signal

_HOUR, _LONGEST, _INSTANT = timedelta(hours=1), timedelta(days=31), timedelta(milliseconds=1)
_MILDEST, _HANDLING = SEVERITIES[0], Handling()


_COUNTING = frozenset({"every", "count", "spike", "unusual-volume", "silence"})


def wants_posts(rule: Armed) -> bool:
    """Tell whether a rule looks at more than how many mentions there were."""
    parts: tuple[Armed, ...] = getattr(rule.config, "parts", ())
    if parts:
        return any(map(wants_posts, parts))
    told_apart = getattr(rule.config, "per", None) or getattr(rule.config, "distinct", "mentions") != "mentions"
    return rule.kind not in _COUNTING or bool(told_apart)


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
    begun = False
    for time, count, rest in _by_hours(list(counts)):
        window = window.start(time)
        # a series that begins with nothing says that nothing was usual
        states = dict(begin_all((rule,), states, window, time))
        life, states, woken = _pass(rule, states, (window, life), time)
        signals: tuple[Signal, ...] = ()
        if count:
            window, life = window.add(time, (MENTIONS,), time, count), incident.broken(life, time)
            states = dict(hear_all((rule,), states, Heard(time, count=count), window, time))
            states, signals = step_all((rule,), states, window, time)
        life, starts = _respond(rule, life, signals, states, time)
        reading = states.get(rule.id) or rule.detector.State()
        begun = begun or starts or woken
        if rest is not None:
            yield Scored(rest[0], rest[1], reading.value, reading.threshold, reading.warming, begun)
            begun = False


def _by_hours(
    counts: Sequence[tuple[datetime, int]],
) -> Iterator[tuple[datetime, int, tuple[datetime, int] | None]]:
    """Yield each count at the end of its time, in as many parts as that has hours; with the last comes the whole."""
    usual = _usually([time for time, _ in counts])
    for place, (time, count) in enumerate(counts):
        until = counts[place + 1][0] if place + 1 < len(counts) else time + usual
        lasts = min(until - time, usual)
        parts = max(1, lasts // _HOUR)
        end = max(timedelta(), min(lasts, _HOUR) - _INSTANT)
        for part in range(parts):
            share = count * (part + 1) // parts - count * part // parts
            yield time + part * _HOUR + end, share, (time, count) if part == parts - 1 else None


def _usually(times: Sequence[datetime]) -> timedelta:
    """Return how far two times usually are apart; at most `_LONGEST`."""
    apart = sorted(after - before for before, after in pairwise(times))
    return min(apart[len(apart) // 2], _LONGEST) if apart else timedelta()


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
