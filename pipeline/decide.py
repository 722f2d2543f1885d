"""Decide: what becomes of one match, or of one moment, once the stages have looked at it; and the receipt of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pipeline import incident
from pipeline.dedup import Fold, edit, erase, expire
from pipeline.detect import Armed, hear_all, restless, step_all
from pipeline.heard import hearing
from pipeline.incident import Life, Mentions, Outcome
from pipeline.route import tell
from pipeline.state import Verdict, WatchState
from pipeline.story import Story
from pipeline.window import ENTITY, MENTIONS, NEGATIVE, PLATFORM, STORIES
from schemas.alert import Alert, AlertReason
from schemas.incident import Incident
from schemas.mention import OWN, Match, SentimentClass
from schemas.receipt import Decision, Measured, Receipt
from schemas.signal import Signal

NOT_WATCHED = Outcome(Decision.BELOW_THRESHOLD, "not counted: no such watch is published")
_REASONS = {Decision.OPENED: AlertReason.OPENED, Decision.UPDATED: AlertReason.GREW}


def settle(state: WatchState, at: datetime) -> tuple[WatchState, Verdict]:
    """Let time pass up to `at`: stories expire, a quiet incident resolves, and rules about time passing look again.

    What follows bears the moment at which it was due, so that it is the same however often time is told.
    """
    if not state.due(at) or state.watch is None:
        return state, Verdict()
    state = replace(state, window=state.window.start(at), memory=expire(state.memory, at))
    alerts: list[Alert] = []
    shadowed: list[str] = []
    while (moment := state.moment) is not None and moment <= at:
        told: Alert | None
        if moment == state.life.resolves:
            state = replace(state, life=incident.resolve(state.life))
            told = _tell(state, AlertReason.RESOLVED, moment)
        else:
            state, told, tried = _rouse(state, moment)
            shadowed += tried
        alerts += [told] if told else []
    return state, Verdict(alerts=tuple(alerts), shadowed=tuple(shadowed))


def _tell(state: WatchState, reason: AlertReason, at: datetime) -> Alert | None:
    return tell(state.watch, state.life, reason, at, (state.window, state.memory)) if state.watch else None


def _rouse(state: WatchState, at: datetime) -> tuple[WatchState, Alert | None, tuple[str, ...]]:
    """Step the rules that time alone may trip at this moment, and return the alert that follows if one does."""
    rules = [rule for rule in state.timed if _awake(rule, state, at)]
    readings, tripped = step_all(rules, state.readings, state.window, at)
    state = replace(state, readings=readings)
    signals, tried = part(state, tripped)
    if not signals:
        return state, None, tried
    lead = incident.lead(state.life, signals)
    outcome = incident.decide(state.life, lead, at)
    if outcome.decision is Decision.OPENED:
        cause = f"{lead.rule} at {at.isoformat()}"
        life = incident.open_at(state.life, state.watch.id if state.watch else "", cause, lead, _window(state, lead))
    else:
        life = incident.join(state.life, lead, outcome.decision)
    state, reason = turn(state, life), _REASONS.get(outcome.decision)
    return state, _tell(state, reason, at) if reason else None, tried


def _awake(rule: Armed, state: WatchState, at: datetime) -> bool:
    known = state.readings.get(rule.id)
    when = rule.wakes(rule.config, known) if rule.wakes and known is not None else None
    return when is not None and when <= at


def part(state: WatchState, signals: Sequence[Signal]) -> tuple[Sequence[Signal], tuple[str, ...]]:
    """Part the signals that count from the names of the rules that are only tried."""
    tried = {rule.id for rule in state.rules if rule.shadow}
    if not tried or not signals:
        return signals, ()
    return (
        [signal for signal in signals if signal.rule not in tried],
        tuple(signal.rule for signal in signals if signal.rule in tried),
    )


def turn(state: WatchState, life: Life) -> WatchState:
    """Return the state with `life`, the very same if that is no news."""
    return state if life is state.life else replace(state, life=life)


def forget(state: WatchState, mention: str) -> WatchState:
    """Return the state without the text of a deleted mention, the very same if it has none."""
    memory = erase(state.memory, mention)
    return state if memory is state.memory else replace(state, memory=memory)


def repeat(state: WatchState, match: Match, story: Story, now: datetime) -> tuple[WatchState, Verdict]:
    """Answer a mention that has been counted: an edit may change what stands for the story, and rules may look at
    it.
    """
    at = state.clock or match.mention.time
    if not match.mention.edited:
        outcome = Outcome(Decision.REDELIVERED, "this post has been counted before")
        return state, Verdict(receipts=(receipt(match, at, outcome, story.id, state.life.open),))
    memory = edit(state.memory, story, match)
    state = state if memory is state.memory else replace(state, memory=memory)
    outcome = Outcome(Decision.EDITED, "a new state of a post that has been counted")
    looking = [rule for rule in state.rules if rule.repeats]
    if not looking or not match.about(OWN):
        return state, Verdict(receipts=(receipt(match, at, outcome, story.id, state.life.open),))
    at = max(now, match.mention.seen, state.clock or now)
    state, settled = settle(state, at)
    heard = hearing(match, first=False, again=True)
    readings = hear_all(looking, state.readings, heard, state.window, at)
    readings, tripped = step_all(looking, readings, state.window, at)
    state = replace(state, clock=at, readings=readings)
    signals, tried = part(state, tripped)
    alerts = settled.alerts
    if signals:
        life, outcome, reason = _trip(state, match, signals)
        state = turn(state, life)
        told = _tell(state, reason, match.mention.seen) if reason else None
        alerts += (told,) if told else ()
    record = answer(state, match, outcome, story.id, (looking, tripped))
    return state, Verdict(alerts, (record,), shadowed=settled.shadowed + tried)


def watched(state: WatchState, match: Match, at: datetime) -> tuple[Armed, ...]:
    """Return the rules that look at a match when it is `at`: none if it is late, few if it is about competitors
    only.
    """
    if _late(state, match, at):
        return ()
    return state.rules if match.about(OWN) else tuple([rule for rule in state.rules if rule.rivals])


def _late(state: WatchState, match: Match, at: datetime) -> bool:
    return match.mention.time < at - timedelta(seconds=state.lateness)


def sorts(match: Match, fold: Fold) -> tuple[str, ...]:
    """Return as what a mention counts in the window."""
    found = [ENTITY + one.entity for one in match.entities if one.entity != OWN]
    if match.about(OWN):
        found += [MENTIONS, PLATFORM + match.mention.platform]
        if fold.story.own == 1:
            found.append(STORIES)
        if match.sentiment.label is SentimentClass.NEGATIVE:
            found.append(NEGATIVE)
    return tuple(found)


def respond(
    state: WatchState, match: Match, fold: Fold, signals: Sequence[Signal]
) -> tuple[Life, Outcome, AlertReason | None]:
    """Return the life of the incident after a match, what was decided, and why people are told, if they are."""
    if not match.about(OWN) and signals:
        return _trip(state, match, signals)
    if not match.about(OWN):
        names = ", ".join(one.entity for one in match.entities)
        return state.life, Outcome(Decision.COMPETITOR_ONLY, f"about {names}; counted for comparison"), None
    life = _count(state.life, match, fold)
    if state.clock and _late(state, match, state.clock):
        return life, Outcome(Decision.LATE, f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC, too late to alert"), None
    if not signals:
        return _stir(state, life), _quiet(state, fold), None
    return _trip(turn(state, life), match, signals)


def _trip(state: WatchState, match: Match, signals: Sequence[Signal]) -> tuple[Life, Outcome, AlertReason | None]:
    """Return what becomes of the incident where a rule has tripped."""
    life = state.life
    lead = incident.lead(life, signals)
    outcome = incident.decide(life, lead, lead.at)
    if outcome.decision is Decision.OPENED:
        life = incident.open_at(life, match.watch, match.mention.id, lead, _window(state, lead))
    else:
        life = incident.join(life, lead, outcome.decision)
    return life, outcome, _REASONS.get(outcome.decision)


def _stir(state: WatchState, life: Life) -> Life:
    """Keep the open incident from resolving while a rule measures much of what trips it."""
    if life.open is None or state.clock is None:
        return life
    readings = [state.readings[rule.id] for rule in state.rules if not rule.shadow and rule.id in state.readings]
    return incident.stir(life, state.clock) if any(map(restless, readings)) else life


def _count(life: Life, match: Match, fold: Fold) -> Life:
    """Count a match to the open incident, unless it is older than that."""
    since = life.since
    if life.open is None or since is None or match.mention.time <= since:
        return life
    before = fold.before
    new = before is None or before.last is None or before.last <= since
    negative = match.sentiment.label is SentimentClass.NEGATIVE
    return incident.count(life, Mentions(1, int(new), int(negative), {match.mention.platform: 1}))


def _window(state: WatchState, signal: Signal) -> Mentions:
    """Return what was heard in the window of `signal`: an incident begins with that."""
    since, window = signal.at - timedelta(seconds=signal.window), state.window
    return Mentions(
        mentions=window.count(MENTIONS, since, signal.at),
        stories=sum(1 for _ in state.memory.since(since)),
        negative=window.count(NEGATIVE, since, signal.at),
        platforms=window.counts(PLATFORM, since, signal.at),
    )


def _quiet(state: WatchState, fold: Fold) -> Outcome:
    """Return what is decided where no rule has tripped."""
    readings = [(rule.id, state.readings[rule.id]) for rule in state.rules if not rule.shadow]
    figures = "; ".join(
        f"{name}: warming up" if reading.warming else f"{name}: {reading.value:g} of {reading.threshold:g}"
        for name, reading in readings
    )
    if fold.before is not None:
        return Outcome(Decision.FOLDED, f"copy {fold.story.copies} of a known story; {figures}")
    if state.life.open is not None:
        return Outcome(Decision.IN_INCIDENT, figures)
    warming = bool(readings) and all(reading.warming for _, reading in readings)
    return Outcome(Decision.WARMING_UP if warming else Decision.BELOW_THRESHOLD, figures)


def measured(state: WatchState, rules: Sequence[Armed], signals: Sequence[Signal]) -> tuple[Measured, ...]:
    """Return how far each of `rules` was from firing."""
    tripped = {signal.rule for signal in signals}
    return tuple([_measured(rule, state.readings[rule.id], rule.id in tripped) for rule in rules])


def _measured(rule: Armed, reading: Any, tripped: bool) -> Measured:
    found: Measured = Measured.__pydantic_validator__.validate_python(
        {
            "rule": rule.id,
            "value": reading.value,
            "threshold": reading.threshold,
            "warming": reading.warming,
            "tripped": tripped,
            "shadow": rule.shadow,
        }
    )
    return found


def receipt(
    match: Match, at: datetime, outcome: Outcome, story: str | None = None, about: Incident | None = None
) -> Receipt:
    """Return the record of what was decided about `match`."""
    return _record(match, at, outcome, story, about, None)


def answer(
    state: WatchState, match: Match, outcome: Outcome, story: str, looked: tuple[Sequence[Armed], Sequence[Signal]]
) -> Receipt:
    """Return the record of what was decided about `match`, with what the rules that `looked` have measured."""
    rules = measured(state, *looked) if looked[0] else None
    return _record(match, state.clock or match.mention.time, outcome, story, state.life.open, rules)


def _record(
    match: Match,
    at: datetime,
    outcome: Outcome,
    story: str | None,
    about: Incident | None,
    rules: tuple[Measured, ...] | None,
) -> Receipt:
    found: Receipt = _receipt(
        {
            "mention": match.mention.id,
            "watch": match.watch,
            "at": at,
            "decision": outcome.decision,
            "detail": outcome.detail,
            "story": story,
            "incident": about.id if about else None,
            "rules": rules,
        }
    )
    return found


_receipt = Receipt.__pydantic_validator__.validate_python
