"""Trip: what follows when rules have tripped – from their signals to the incident, and to the routes that are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.alerts.hold import Withheld
from pipeline.alerts.route import Pivot, audience, dispatch, tell
from pipeline.alerts.silence import Hush, Labels, held, holding
from pipeline.frozen import replace, swift
from pipeline.incidents import incident, worse
from pipeline.incidents.incident import Opening, Outcome
from pipeline.incidents.life import MOST_SHOWN, Life, Mentions, Shown
from pipeline.state import WatchState
from pipeline.stories.sketch import number
from pipeline.stories.story import writer
from pipeline.windows.window import MENTIONS, NEGATIVE, PLATFORM
from schemas.alert import Alert
from schemas.duration import print_duration
from schemas.mention import Match
from schemas.receipt import Decision, Held
from schemas.severity import SEVERITIES, Severity, reaches, worst
from schemas.signal import Signal
from schemas.watch import Route

_WITHHELD: dict[str, Decision] = {"quiet-hours": Decision.QUIET_HOURS, "over-budget": Decision.OVER_BUDGET}


@swift
@dataclass(frozen=True, slots=True)
class Cause:
    """What has tripped rules, a mention or a moment: `name` makes an incident's id.

    Of a mention also the match and its story.
    """

    name: str
    match: Match | None = None
    story: str = ""

    @property
    def labels(self) -> Labels:
        """What silences know it by; asked for only where there are any."""
        return _labels_of(self.match, self.story) if self.match else {}


def cause_of(match: Match, story: str) -> Cause:
    """Return a match as a cause."""
    return Cause(match.mention.id, match, story)


def _labels_of(match: Match, story: str) -> Labels:
    mention = match.mention
    author = (mention.author.name, mention.author.id) if mention.author else ()
    found = {
        "platform": (mention.platform,),
        "author": tuple(name for name in author if name),
        "entity": tuple(one.entity for one in match.entities),
        "story": (story,),
        "source": (mention.source,),
        "language": (match.language.code,),
    }
    return {label: values for label, values in found.items() if values}


def part(state: WatchState, signals: Sequence[Signal]) -> tuple[Sequence[Signal], tuple[str, ...]]:
    """Part the signals that count from the names of the rules that are only tried."""
    tried = {rule.id for rule in state.rules if rule.shadow}
    if not tried or not signals:
        return signals, ()
    return (
        [signal for signal in signals if signal.rule not in tried],
        tuple(signal.rule for signal in signals if signal.rule in tried),
    )


Opens = Callable[[Signal, Severity], tuple[Opening, Mentions]]
"""Returns what an incident opens with that this signal leads, where it is not the watch's own."""


def trip(
    state: WatchState, cause: Cause, signals: Sequence[Signal], opens: Opens | None = None
) -> tuple[Life, Outcome]:
    """Return what follows from signals: those that a silence holds back are told to nobody, the others lead."""
    life, watch = state.life, state.watch
    assert watch is not None, "no rule steps without a watch"
    loud: list[tuple[Signal, Severity]] = []
    hush: Hush | None = None
    more: list[Hush] = []
    for signal in signals:
        rule = watch.rule(signal.rule)
        severity = rule.judged(signal.value) if rule else SEVERITIES[0]
        labels = _labels(cause, signal, severity) if life.silences else {}
        if found := holding(life.silences, labels, signal.at):
            hush, life = found, replace(life, silences=held(life.silences, found))
            more += [one for one in life.silences if one.id != found.id and holding((one,), labels, signal.at)]
        else:
            loud.append((signal, severity))
    if hush and not loud:
        return incident.stir(life, signals[0].at), _silenced(signals[0], hush, more)
    severity = worst(*(severity for _, severity in loud))
    rose = life.open and not reaches(life.open.severity, severity)
    lead = worse.lead(life, [signal for signal, found in loud if found == severity or not rose], watch.incidents)
    outcome = incident.decide(life, lead, severity, watch.incidents)
    if outcome.decision is Decision.OPENED:
        if opens:
            opening, heard = opens(lead, severity)
        else:
            opening, heard = Opening(watch.id, cause.name, severity, watch.incidents), heard_within(state, lead)
        life = incident.open_at(life, opening, lead, heard)
    else:
        life = incident.join(life, lead, severity, outcome.decision)
    if outcome.tells:
        life = replace(life, far=max(life.far, worse.far([signal for signal, _ in loud])))
    return life, outcome


def _labels(cause: Cause, signal: Signal, severity: Severity) -> Labels:
    return {**cause.labels, "rule": (signal.rule,), "kind": (signal.kind,), "severity": (severity,)}


def _silenced(signal: Signal, hush: Hush, more: Sequence[Hush]) -> Outcome:
    """Return what is decided of what `hush` has held back, and would all of `more` have, had it not been there."""
    by, why = f" by {hush.by}" if hush.by else "", f": {hush.reason}" if hush.reason else ""
    detail = f"{incident.describe(signal)}; silenced{by} until {hush.until:%Y-%m-%d %H:%M} UTC{why}"
    each = {one.id: one for one in (hush, *more)}.values()
    return Outcome(Decision.SILENCED, detail, held=tuple([_silence(one) for one in each]))


def _silence(hush: Hush) -> Held:
    return Held(by="silence", id=hush.id, author=hush.by, until=hush.until, reason=hush.reason or None)


def heard_within(state: WatchState, signal: Signal) -> Mentions:
    """Return what was heard in the window of `signal`: an incident begins with that."""
    since, window = signal.at - timedelta(seconds=signal.window), state.window
    return Mentions(
        mentions=window.count(MENTIONS, since, signal.at),
        stories=sum(1 for _ in state.memory.since(since)),
        negative=window.count(NEGATIVE, since, signal.at),
        platforms=window.counts(PLATFORM, since, signal.at),
    )


def announce(
    state: WatchState, cause: Cause, outcome: Outcome, seen: datetime
) -> tuple[WatchState, Outcome, tuple[Alert, ...]]:
    """Return the alert of an outcome for the routes that take it now, and the outcome as it is for all of them."""
    if outcome.tells is None or (watch := state.watch) is None:
        return state, outcome, ()
    pivot = _pivot(state, cause)
    if pivot and pivot.leads:
        state = replace(state, life=replace(state.life, subject=pivot.story))
    alert = tell(watch, state.life, outcome.tells, seen, (state.window, state.memory), pivot)
    state = replace(state, life=_with_shown(state, alert, pivot)) if pivot else state
    routes = audience(watch, alert.incident)
    dispatched = dispatch(state.desks, alert, routes)
    state = replace(state, desks=dispatched.desks)
    held = tuple(_held(route, by, state) for route in routes if (by := dispatched.held.get(route.address)))
    why = [f"{address} has it in the digest ({reason})" for address, reason in sorted(dispatched.held.items())]
    if dispatched.refused:
        why.append(f"{dispatched.refused} of {len(alert.routes)} routes take nothing so harmless")
    if dispatched.now:
        why += [
            f"{route.address} is told while the budget that watches share there lasts" for route in dispatched.shared
        ]
    detail = "; ".join([outcome.detail, *why])
    if dispatched.now:
        return state, replace(outcome, detail=detail, held=held, alert=alert.id), (dispatched.now,)
    withheld = sorted(dispatched.held.values())
    decision = _WITHHELD[withheld[0]] if withheld else Decision.BELOW_SEVERITY
    return state, Outcome(decision, detail, held=held), ()


def _with_shown(state: WatchState, alert: Alert, pivot: Pivot) -> Life:
    """Return the life that knows of a post which the alert shows, and whose words no story keeps."""
    name, life = pivot.match.mention.id, state.life
    found = next((quote for quote in alert.quotes if quote.mention == name), None)
    story = state.memory.known(name)
    if found is None or not found.text or (story and story.stands == name):
        return life
    others = tuple([one for one in life.shown if one.mention != name])
    return replace(life, shown=(*others, Shown(name, number(found.text), writer(pivot.match)))[-MOST_SHOWN:])


def _pivot(state: WatchState, cause: Cause) -> Pivot | None:
    """Return the post that has tripped a rule, and whether it is what the incident's leading rule is about."""
    incident = state.life.incident
    if cause.match is None or incident is None:
        return None
    rule = next((one for one in state.rules if one.id == incident.signal.rule), None)
    return Pivot(cause.match, cause.story, rule is not None and rule.leads, rule is not None and rule.about == "story")


def _held(route: Route, why: Withheld, state: WatchState) -> Held:
    """Return which route's quiet hours or budget it was, and until when."""
    to = route.to if isinstance(route.to, str) else ", ".join(route.to)
    budget = route.budget if why == "over-budget" else None
    limit = f"{budget.alerts} in {print_duration(budget.per)}" if budget else None
    until = state.desks[route.address].until
    return Held(by=why, channel=route.channel, to=to or None, until=until, limit=limit)
