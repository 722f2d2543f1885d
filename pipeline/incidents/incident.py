"""Incidents: what becomes of a signal. One unresolved incident per watch, or group; every rule's signal joins it.

It opens at a signal; people are told again only when it is worse than they know: its severity has risen, or what a
rule measures has grown by `worse_by`, and not too soon (see `worse`). It resolves when no rule has been restless (see
pipeline/detect) for as long as `quiet` says: what hovers around a threshold, or sleeps for a few hours of the night, is
one incident, not ten. For the cool-down after that, only more than the last peak opens a new one; then it is closed.
While the watch is silenced nobody is told: no incident opens, none grows in public, and one that ends waits for the end
of the silence to say so. Acknowledging counts as having been told everything so far.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pipeline.frozen import replace, swift
from pipeline.incidents.life import Life, Mentions
from pipeline.incidents.worse import again, enough, far, grown, known, peak
from schemas.alert import AlertReason
from schemas.duration import print_duration
from schemas.handling import Handling
from schemas.incident import Incident, IncidentState
from schemas.receipt import Again, Decision, Held
from schemas.severity import Severity, reaches
from schemas.signal import Signal


@swift
@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided about the signals of one mention, and why; `tells` is why people are told, where they are.

    `held` is what kept whom from being told, `again` what would have been enough where people know of an incident.
    `incident` is the one it is about, where that is not the watch's own, `alert` the message that tells.
    """

    decision: Decision
    detail: str
    tells: AlertReason | None = None
    held: tuple[Held, ...] = ()
    incident: Incident | None = None
    again: Again | None = None
    alert: str | None = None


def decide(life: Life, signal: Signal, severity: Severity, handling: Handling) -> Outcome:
    """Return what follows from the leading signal at its time; `open_at` and `join` then carry it out.

    `severity` is how bad the signals are that have tripped.
    """
    at, what, incident = signal.at, describe(signal), life.open
    if incident is None or life.alerted is None or life.signal is None:
        return _decide_alone(life, signal, what, handling)
    rose = not reaches(incident.severity, severity)
    if not rose and not grown(life, signal, handling):
        more = enough(life, signal, handling)
        said = f"{what}; people know of {round(known(life, signal), 2):g} and are told again at {round(more, 2):g}"
        return Outcome(Decision.IN_INCIDENT, said, again=again(life, handling, at, signal))
    news = f"it is a case for {severity} now" if rose else _grew(life, life.signal, signal)
    if life.quiet_at(at):
        return Outcome(Decision.SILENCED, f"{what}; {news}, but the watch is silenced")
    if not rose and at < life.alerted + timedelta(seconds=handling.patience):
        wait = print_duration(handling.patience)
        said = f"{what}; {news}, but people were told within {wait}"
        return Outcome(Decision.IN_INCIDENT, said, again=again(life, handling, at, signal))
    return Outcome(Decision.UPDATED, f"{what}; {news}", AlertReason.ROSE if rose else AlertReason.GREW)


def _grew(life: Life, leading: Signal, signal: Signal) -> str:
    if signal.rule == leading.rule:
        return f"it has grown from {life.told:g}"
    return f"that is much worse than {leading.rule} at {life.told:g}, which people know of"


def _decide_alone(life: Life, signal: Signal, what: str, handling: Handling) -> Outcome:
    if life.quiet_at(signal.at):
        return Outcome(Decision.SILENCED, f"{what}; the watch is silenced")
    cooled, most = life.closes, peak(life, signal)
    if cooled and signal.at < cooled and signal.value <= (least := handling.reopens_by * most):
        more = f" and opens again above {least:g}" if handling.reopens_by > 1 else ""
        why = f"an incident that peaked at {most:g} was resolved just before{more}"
        more_than = Again(rule=signal.rule, known=most, value=least, after=cooled)
        return Outcome(Decision.COOLING_DOWN, f"{what}; {why}", again=more_than)
    return Outcome(Decision.OPENED, what, AlertReason.OPENED)


_USUAL = "where {:g} is usual"
_KNOWN = {
    "spike": "after {:g} in the window before",
    "negative-share": "for sure, {:g} measured",
    "share-of-voice": "for sure, the own share is {:g}",
    "sentiment-shift": "more for sure, after {:g} before",
}
"""What `expected` is, by kind of rule."""


def describe(signal: Signal) -> str:
    """Return the figures of a signal in words."""
    known = "" if signal.expected is None else f" {_KNOWN.get(signal.kind, _USUAL).format(signal.expected)}"
    usual = f" in the campaign {signal.scaled}" if signal.scaled else ""
    unit = " hours without a mention" if signal.kind == "silence" else f" in {print_duration(signal.window)}"
    measured = f"{signal.rule}: {figure(signal.value)}{unit}{known}"
    return f"{measured}, {figure(signal.threshold)} is enough{usual}"


def figure(value: float) -> str:
    """Return a figure as people write it: 5.1 and not 5.08382, 1,000,000 and not 1e+06; of shares all digits."""
    return f"{round(value, 1):,.15g}" if abs(value) >= 1 else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Opening:
    """What an incident opens with: the watch, the mention (or the moment) that tripped it, and how bad that is.

    Of a group also what it is known by, the stories that it has heard, and the groups that share it.
    """

    watch: str
    mention: str
    severity: Severity
    handling: Handling
    group: Mapping[str, str] | None = None
    tales: tuple[int, ...] | None = None
    crowd: tuple[int, ...] = ()


def open_at(life: Life, opening: Opening, signal: Signal, heard: Mentions) -> Life:
    """Return the life in which a mention has opened an incident with what was `heard` in the signal's window."""
    at, handling = signal.at, opening.handling
    incident = Incident(
        id=sha256(f"{opening.watch}\n{opening.mention}".encode()).hexdigest()[:16],
        watch=opening.watch,
        state=IncidentState.OPEN,
        revision=1,
        opened=at,
        updated=at,
        last_signal=at,
        signal=signal,
        mentions=heard.mentions,
        stories=heard.stories,
        negative=heard.negative,
        peak=signal.value,
        told=signal.value,
        severity=opening.severity,
        group=dict(opening.group) if opening.group else None,
        others=len(opening.crowd) or None,
    )
    return Life(
        incident=incident,
        since=at - timedelta(seconds=signal.window),
        heard=heard,
        signal=signal,
        peak=signal.value,
        height=far([signal]),
        told=signal.value,
        needed=signal.threshold,
        alerted=at,
        restless=at,
        alone=at,
        rose=at,
        cooling=_cooling(life, handling, at),
        silenced=life.silenced,
        silences=life.silences,
        shown=life.shown,
        tales=opening.tales,
        crowd=opening.crowd,
    )


def _cooling(life: Life, handling: Handling, at: datetime) -> float:
    """Return how long an incident that opens at `at` cools down: twice as long as one that had not yet."""
    if life.closes is None or at >= life.closes:
        return handling.cool_down
    return min(2 * (life.cooling or handling.cool_down), handling.longest_cool_down)


def count(life: Life, heard: Mentions) -> Life:
    """Return the life with more own-brand mentions in its open incident."""
    known = life.heard
    platforms = dict(known.platforms)
    for platform, more in heard.platforms.items():
        platforms[platform] = platforms.get(platform, 0) + more
    total = Mentions(
        known.mentions + heard.mentions,
        known.stories + heard.stories,
        known.negative + heard.negative,
        platforms,
    )
    return replace(life, heard=total)


def broken(life: Life, at: datetime) -> Life:
    """Return the life whose open incident is over if it is a silence, because something is heard."""
    silent = life.open and life.signal and life.signal.kind == "silence"
    return replace(life, over=life.over or at) if silent else life


def stir(life: Life, at: datetime) -> Life:
    """Return the life whose open incident is not over: a rule is restless."""
    return replace(life, restless=at, over=None) if life.open else life


def join(life: Life, signal: Signal, severity: Severity, decision: Decision) -> Life:
    """Return the life whose open incident has taken in the leading signal."""
    incident, before = life.open, life.signal
    if incident is None or before is None:
        return life
    # an earlier release has stored no height, and how bad it was must not be forgotten
    height = max(life.height or life.peak / before.threshold, far([signal]))
    if signal.rule != before.rule:
        # another rule takes the lead: people know as much as they did, in its terms
        life = replace(life, peak=signal.value, told=known(life, signal), needed=signal.threshold)
    life = replace(life, signal=signal, peak=max(life.peak, signal.value), height=height, restless=signal.at, over=None)
    if decision is not Decision.UPDATED:
        return life
    if not reaches(incident.severity, severity):
        worse = incident.model_copy(update={"severity": severity})
        life = replace(life, rose=signal.at, incident=worse)
    if signal.rule != before.rule or signal.value > life.told:
        life = replace(life, told=signal.value, needed=signal.threshold)
    return told(replace(life, alerted=signal.at), updated=signal.at)


def resolve(life: Life) -> Life:
    """Return the life whose open incident has resolved, at the moment that was due."""
    at = life.resolves
    if at is None:
        return life
    return told(replace(life, alerted=at), updated=at, resolved=at, state=IncidentState.RESOLVED)


def withdraw(life: Life, at: datetime) -> Life:
    """Return the life whose open incident ends because its watch does, at once and silenced or not."""
    return told(replace(life, alerted=at), updated=at, resolved=at, state=IncidentState.RESOLVED)


def close(life: Life) -> Life:
    """Return the life whose resolved incident is closed: what comes now is something new. Nobody is told."""
    if life.incident is None:
        return life
    return replace(life, incident=life.incident.model_copy(update={"state": IncidentState.CLOSED}))


def told(life: Life, **change: Any) -> Life:
    """Return the life whose incident is brought up to date, as its next revision."""
    incident = known_of(life)
    if incident is None:
        return life
    return replace(life, incident=incident.model_copy(update={"revision": incident.revision + 1} | change))


def known_of(life: Life) -> Incident | None:
    """Return the incident as it is now, with what was heard and measured since people were told of it last."""
    incident, signal, heard = life.incident, life.signal, life.heard
    if incident is None or signal is None:
        return incident
    change = {
        "signal": signal,
        "last_signal": signal.at,
        "mentions": heard.mentions,
        "stories": heard.stories,
        "negative": heard.negative,
        "peak": life.peak,
        "told": life.told,
        "others": len(life.crowd) or None,
        "inhibited": life.inhibited or None,
    }
    return incident.model_copy(update=change)


def acknowledge(life: Life, incident: str, by: str, at: datetime) -> Life:
    """Return the life whose open incident somebody takes care of; an unknown or resolved one changes nothing."""
    found = life.open
    if found is None or found.id != incident:
        return life
    if found.acknowledged_by == by and found.state is IncidentState.ACKNOWLEDGED:
        return life
    change = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": by, "acknowledged": max(at, found.opened)}
    if life.peak > life.told:
        life = replace(life, told=life.peak, needed=life.peak / life.height if life.height else 0.0)
    return replace(life, incident=found.model_copy(update=change))


def release(life: Life, incident: str, at: datetime) -> Life:
    """Return the life whose open incident nobody takes care of any more: reminders and escalation begin anew."""
    found = life.open
    if found is None or found.id != incident or found.state is not IncidentState.ACKNOWLEDGED:
        return life
    change = {"state": IncidentState.OPEN, "acknowledged_by": None, "acknowledged": None, "escalated": 0}
    return replace(life, incident=found.model_copy(update=change), alone=max(at, found.opened))
