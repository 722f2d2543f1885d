"""Incidents: what becomes of a signal. One unresolved incident per watch; every rule's signal joins it.

It opens at a signal; people are told again only when what the leading rule measures has doubled since they were last
told, and no sooner than `PATIENCE` after that. It resolves when no rule has been restless
(see pipeline/detect) for as long as `quiet` says: what hovers around a threshold, or sleeps for a few hours of the
night, is one incident, not ten. For `COOL_DOWN` after that, only more than the last peak opens a new one. While the
watch is silenced nobody is told: no incident opens, none grows in public, and one that ends waits for the end of the
silence to say so. Acknowledging counts as having been told everything so far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from schemas.duration import print_duration
from schemas.incident import Incident, IncidentState
from schemas.model import UtcTime
from schemas.receipt import Decision
from schemas.signal import Signal

GROWTH = 2.0
PATIENCE = timedelta(minutes=15)
QUIET = timedelta(minutes=60)
LONGEST_QUIET = timedelta(hours=4)
COOL_DOWN = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Some own-brand mentions, counted; `stories` is how many different ones."""

    mentions: int = 0
    stories: int = 0
    negative: int = 0
    platforms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Life:
    """The unresolved incident of a watch, or the last one.

    `incident` is as people were told of it last (at `alerted`); since then the mentions later than `since` are counted
    in `heard`, `signal` is what the leading rule measured last, `peak` the most it measured and `told` what people
    know of. `restless` is when a rule last was; `silenced` is until when nobody is told.
    """

    incident: Incident | None = None
    since: UtcTime | None = None
    heard: Mentions = Mentions()
    signal: Signal | None = None
    peak: float = 0.0
    told: float = 0.0
    alerted: UtcTime | None = None
    restless: UtcTime | None = None
    silenced: UtcTime | None = None

    @property
    def open(self) -> Incident | None:
        """The incident that is not resolved."""
        return None if self.incident is None or self.incident.state is IncidentState.RESOLVED else self.incident

    @property
    def resolves(self) -> datetime | None:
        """When the open incident resolves if all stays quiet."""
        if (incident := self.open) is None or self.restless is None or self.signal is None:
            return None
        due = self.restless + quiet(self.restless - incident.opened, self.signal.window)
        return max(due, self.silenced) if self.silenced else due

    def quiet_at(self, at: datetime) -> bool:
        """Tell whether the watch is silenced."""
        return self.silenced is not None and at < self.silenced


def quiet(lasted: timedelta, window: float) -> timedelta:
    """Return how long it must be quiet before an incident is over: at least the leading rule's window.

    Half as long as it has `lasted`, up to `LONGEST_QUIET`: nobody calls a crisis of a day over after a quiet hour.
    """
    return max(QUIET, timedelta(seconds=window), min(lasted / 2, LONGEST_QUIET))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided about the signals of one mention, and why."""

    decision: Decision
    detail: str


def lead(life: Life, signals: Sequence[Signal]) -> Signal:
    """Return the signal that speaks for all: the leading rule's, else the one farthest above its threshold."""
    if life.open and life.signal:
        for signal in signals:
            if signal.rule == life.signal.rule:
                return signal
    return max(signals, key=lambda signal: signal.value / signal.threshold)


def decide(life: Life, signal: Signal, at: datetime) -> Outcome:
    """Return what follows from the leading signal; `open_at` and `join` then carry it out."""
    what = describe(signal)
    if life.open is None or life.alerted is None or life.signal is None:
        return _decide_alone(life, signal, what, at)
    told = life.told
    if signal.value < GROWTH * told or signal.rule != life.signal.rule:
        return Outcome(Decision.IN_INCIDENT, f"{what}; people know of {told:g} and are told again at {GROWTH * told:g}")
    if life.quiet_at(at):
        return Outcome(Decision.SILENCED, f"{what}; it has grown from {told:g}, but the watch is silenced")
    if at < life.alerted + PATIENCE:
        wait = print_duration(PATIENCE.total_seconds())
        return Outcome(Decision.IN_INCIDENT, f"{what}; it has grown from {told:g}, but people were told within {wait}")
    return Outcome(Decision.UPDATED, f"{what}; it has grown from {told:g}")


def _decide_alone(life: Life, signal: Signal, what: str, at: datetime) -> Outcome:
    if life.quiet_at(at):
        return Outcome(Decision.SILENCED, f"{what}; the watch is silenced")
    last = life.incident
    if last and last.resolved and at < last.resolved + COOL_DOWN and signal.value <= last.peak:
        why = f"an incident that peaked at {last.peak:g} was resolved just before"
        return Outcome(Decision.COOLING_DOWN, f"{what}; {why}")
    return Outcome(Decision.OPENED, what)


def describe(signal: Signal) -> str:
    """Return the figures of a signal in words."""
    known = f" after {signal.expected:g} in the window before" if signal.expected is not None else ""
    return f"{signal.rule}: {signal.value:g} in {print_duration(signal.window)}{known}, {signal.threshold:g} is enough"


def open_at(life: Life, watch: str, mention: str, signal: Signal, heard: Mentions) -> Life:
    """Return the life in which `mention` has opened an incident with what was `heard` in the signal's window."""
    at = signal.at
    incident = Incident(
        id=sha256(f"{watch}\n{mention}".encode()).hexdigest()[:16],
        watch=watch,
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
    )
    return Life(
        incident=incident,
        since=at - timedelta(seconds=signal.window),
        heard=heard,
        signal=signal,
        peak=signal.value,
        told=signal.value,
        alerted=at,
        restless=at,
        silenced=life.silenced,
    )


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


def stir(life: Life, at: datetime) -> Life:
    """Return the life whose open incident is not over: a rule is restless."""
    return replace(life, restless=at) if life.open else life


def join(life: Life, signal: Signal, decision: Decision) -> Life:
    """Return the life whose open incident has taken in the leading signal."""
    if life.open is None or life.signal is None:
        return life
    if signal.rule != life.signal.rule:
        # another rule takes the lead: what it measures now is no news, what it measures later may be
        return replace(life, signal=signal, peak=signal.value, told=max(life.told, signal.value), restless=signal.at)
    life = replace(life, signal=signal, peak=max(life.peak, signal.value), restless=signal.at)
    if decision is not Decision.UPDATED:
        return life
    return _told(replace(life, told=signal.value, alerted=signal.at), updated=signal.at)


def resolve(life: Life) -> Life:
    """Return the life whose open incident has resolved, at the moment that was due."""
    at = life.resolves
    if at is None:
        return life
    return _told(replace(life, alerted=at), updated=at, resolved=at, state=IncidentState.RESOLVED)


def _told(life: Life, **change: object) -> Life:
    """Return the life whose incident is brought up to date, as its next revision."""
    incident, signal, heard = life.incident, life.signal, life.heard
    if incident is None or signal is None:
        return life
    change |= {
        "revision": incident.revision + 1,
        "signal": signal,
        "last_signal": signal.at,
        "mentions": heard.mentions,
        "stories": heard.stories,
        "negative": heard.negative,
        "peak": life.peak,
        "told": life.told,
    }
    return replace(life, incident=incident.model_copy(update=change))


def acknowledge(life: Life, incident: str, by: str) -> Life:
    """Return the life whose open incident somebody takes care of; an unknown or resolved one changes nothing."""
    found = life.open
    if found is None or found.id != incident or found.acknowledged_by == by:
        return life
    change = {"state": IncidentState.ACKNOWLEDGED, "acknowledged_by": by}
    return replace(life, incident=found.model_copy(update=change), told=max(life.told, life.peak))


def silence(life: Life, until: datetime) -> Life:
    """Return the life silenced up to `until`, which replaces any silence before."""
    return life if life.silenced == until else replace(life, silenced=until)
