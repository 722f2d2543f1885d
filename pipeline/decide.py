"""Decide: what becomes of one match, or of one moment, once the stages have looked at it; and the receipt of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline import incident
from pipeline.dedup import Fold, edit, erase, erase_author, expire
from pipeline.detect import Armed
from pipeline.incident import Life, Mentions, Opening, Outcome
from pipeline.passing import flush, pass_to
from pipeline.route import audience, post, tell
from pipeline.silence import Labels, held, holding, take
from pipeline.state import Verdict, WatchState
from pipeline.story import Story
from pipeline.window import ENTITY, MENTIONS, NEGATIVE, PLATFORM, STORIES
from schemas.alert import Alert, AlertReason
from schemas.control import Acknowledge, Silence, WatchRemoved, WatchVersion
from schemas.event import Deletion
from schemas.incident import Incident
from schemas.mention import OWN, Match, SentimentClass
from schemas.receipt import Decision, Receipt
from schemas.severity import SEVERITIES, Severity, reaches, worst
from schemas.signal import Signal

NOT_WATCHED = Outcome(Decision.BELOW_THRESHOLD, "not counted: no such watch is published")
_WITHHELD: dict[str, Decision] = {"quiet-hours": Decision.QUIET_HOURS, "over-budget": Decision.OVER_BUDGET}


def settle(state: WatchState, at: datetime) -> tuple[WatchState, Verdict]:
    """Let time pass up to `at`: stories expire, and what `pipeline.passing` knows of happens.

    What follows bears the moment at which it was due, so that it is the same however often time is told.
    """
    if not state.due(at) or state.watch is None:
        return state, Verdict()
    state = replace(state, window=state.window.start(at), memory=expire(state.memory, at))
    state, alerts = pass_to(state, at)
    return state, Verdict(alerts=alerts)


def renew(state: WatchState, record: WatchVersion | WatchRemoved, now: datetime) -> tuple[WatchState, Verdict]:
    """Return the state after another version of the watch, or what is left when it is removed, which is nothing.

    An incident that is open then is closed, and people are told; so they are of what still waits for them.
    """
    after, watch, found = state.adopt(record), state.watch, state.life.open
    if isinstance(record, WatchVersion) or watch is None:
        return after, Verdict()
    waiting = flush(state, watch, max(now, record.at))
    if found is None:
        return after, Verdict(alerts=waiting)
    at = max(now, record.at, found.updated)
    life = incident.withdraw(state.life, at)
    alert = tell(watch, life, AlertReason.WITHDRAWN, at, (state.window, state.memory))
    note = Receipt(
        mention=f"watch:{watch.id}",
        watch=watch.id,
        at=at,
        decision=Decision.WITHDRAWN,
        detail="the watch was removed, so its incident is closed",
        incident=found.id,
    )
    alert = alert.model_copy(update={"routes": audience(watch, alert.incident)})
    return after, Verdict(alerts=(alert, *waiting), receipts=(note,))


def turn(state: WatchState, life: Life) -> WatchState:
    """Return the state with `life`, the very same if that is no news."""
    return state if life is state.life else replace(state, life=life)


def acknowledge(state: WatchState, record: Acknowledge) -> WatchState:
    """Return the state in which somebody takes care of the incident; the very same if that is no news."""
    return turn(state, incident.acknowledge(state.life, record.incident, record.by, record.at))


def hush(state: WatchState, record: Silence) -> WatchState:
    """Return the state with a silence, or without the one that it ends; the very same if that is no news."""
    silences = take(state.life.silences, record)
    return state if silences is state.life.silences else turn(state, replace(state.life, silences=silences))


def forget(state: WatchState, deletion: Deletion) -> WatchState:
    """Return the state without the text of a deleted mention, or of all of an author; the very same if it has none."""
    memory = erase_author(state.memory, deletion.key) if deletion.author else erase(state.memory, deletion.key)
    return state if memory is state.memory else replace(state, memory=memory)


def repeat(state: WatchState, match: Match, story: Story) -> tuple[WatchState, Verdict]:
    """Answer a mention that has been counted: an edit may change what stands for the story, nothing else happens."""
    outcome = Outcome(Decision.REDELIVERED, "this post has been counted before")
    if match.mention.edited:
        memory = edit(state.memory, story, match)
        state = state if memory is state.memory else replace(state, memory=memory)
        outcome = Outcome(Decision.EDITED, "a new state of a post that has been counted")
    at = state.clock or match.mention.time
    return state, Verdict(receipts=(receipt(match, at, outcome, story.id, state.life.open),))


def watched(state: WatchState, match: Match, at: datetime) -> tuple[Armed, ...]:
    """Return the rules that look at a match when it is `at`: none if it is late, of the past, or about competitors."""
    return () if match.mention.backfill or not match.about(OWN) or _late(state, match, at) else state.rules


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


def respond(state: WatchState, match: Match, fold: Fold, signals: Sequence[Signal]) -> tuple[Life, Outcome]:
    """Return the life of the incident after a match, and what was decided."""
    if not match.about(OWN):
        names = ", ".join(one.entity for one in match.entities)
        return state.life, Outcome(Decision.COMPETITOR_ONLY, f"about {names}; counted for comparison")
    if match.mention.backfill:
        said = f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC and asked for from the past; counted there"
        return state.life, Outcome(Decision.BACKFILLED, said)
    life = _count(state.life, match, fold)
    if state.clock and _late(state, match, state.clock):
        return life, Outcome(Decision.LATE, f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC, too late to alert")
    if not signals:
        return _stir(state, life), _quiet(state, fold)
    return _signalled(replace(state, life=life), match, fold, signals)


def _signalled(state: WatchState, match: Match, fold: Fold, signals: Sequence[Signal]) -> tuple[Life, Outcome]:
    """Return what follows from signals: those that a silence holds back are told to nobody, the others lead."""
    life, watch = state.life, state.watch
    assert watch is not None, "no rule steps without a watch"
    loud, hush = [], None
    for signal in signals:
        rule = watch.rule(signal.rule)
        severity = rule.judged(signal.value) if rule else SEVERITIES[0]
        if found := holding(life.silences, labels(match, fold, signal, severity), signal.at):
            hush, life = found, replace(life, silences=held(life.silences, found))
        else:
            loud.append((signal, severity))
    if hush and not loud:
        by = f" by {hush.by}" if hush.by else ""
        until = f"{hush.until:%Y-%m-%d %H:%M} UTC"
        detail = (
            f"{incident.describe(signals[0])}; silenced{by} until {until}{': ' + hush.reason if hush.reason else ''}"
        )
        return incident.stir(life, signals[0].at), Outcome(Decision.SILENCED, detail)
    severity = worst(*(severity for _, severity in loud))
    rose = life.open and not reaches(life.open.severity, severity)
    lead = incident.lead(life, [signal for signal, found in loud if found == severity or not rose])
    outcome = incident.decide(life, lead, severity, watch.incidents)
    if outcome.decision is Decision.OPENED:
        opening = Opening(match.watch, match.mention.id, severity, watch.incidents)
        return incident.open_at(life, opening, lead, _window(state, lead)), outcome
    return incident.join(life, lead, severity, outcome.decision), outcome


def labels(match: Match, fold: Fold, signal: Signal, severity: Severity) -> Labels:
    """Return what a silence can recognise a signal by."""
    mention = match.mention
    author = (mention.author.name, mention.author.id) if mention.author else ()
    found = {
        "rule": (signal.rule,),
        "kind": (signal.kind,),
        "severity": (severity,),
        "platform": (mention.platform,),
        "author": tuple(name for name in author if name),
        "entity": tuple(one.entity for one in match.entities),
        "story": (fold.story.id,),
        "source": (mention.source,),
        "language": (match.language.code,),
    }
    return {label: values for label, values in found.items() if values}


def announce(state: WatchState, outcome: Outcome, seen: datetime) -> tuple[WatchState, Outcome, tuple[Alert, ...]]:
    """Return the alert of an outcome for the routes that take it now, and the outcome as it is for all of them."""
    if outcome.tells is None or state.watch is None:
        return state, outcome, ()
    alert = tell(state.watch, state.life, outcome.tells, seen, (state.window, state.memory))
    posted = post(state.desks, alert, audience(state.watch, alert.incident))
    state = replace(state, desks=posted.desks)
    why = [f"{address} has it in the digest ({reason})" for address, reason in sorted(posted.held.items())]
    if posted.refused:
        why.append(f"{posted.refused} of {len(alert.routes)} routes take nothing so harmless")
    detail = "; ".join([outcome.detail, *why])
    if posted.now:
        return state, replace(outcome, detail=detail), (posted.now,)
    withheld = sorted(posted.held.values())
    decision = _WITHHELD[withheld[0]] if withheld else Decision.BELOW_SEVERITY
    return state, Outcome(decision, detail), ()


def _stir(state: WatchState, life: Life) -> Life:
    """Keep the open incident from resolving while a rule measures much of what trips it."""
    if life.open is None or state.clock is None:
        return life
    much = any(reading.value >= incident.CALM * reading.threshold for reading in state.readings.values())
    return incident.stir(life, state.clock) if much else life


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
    readings = [(rule.id, state.readings[rule.id]) for rule in state.rules]
    figures = "; ".join(
        f"{name}: warming up" if reading.warming else f"{name}: {reading.value:g} of {reading.threshold:g}"
        for name, reading in readings
    )
    if fold.before is not None:
        return Outcome(Decision.FOLDED, f"copy {fold.story.copies} of a known story; {figures}")
    if state.life.open is not None:
        return Outcome(Decision.IN_INCIDENT, figures)
    warming = all(reading.warming for _, reading in readings)
    return Outcome(Decision.WARMING_UP if warming else Decision.BELOW_THRESHOLD, figures)


def receipt(
    match: Match, at: datetime, outcome: Outcome, story: str | None = None, about: Incident | None = None
) -> Receipt:
    """Return the record of what was decided about `match`."""
    found: Receipt = _receipt(
        {
            "mention": match.mention.id,
            "watch": match.watch,
            "at": at,
            "decision": outcome.decision,
            "detail": outcome.detail,
            "story": story,
            "incident": about.id if about else None,
        }
    )
    return found


_receipt = Receipt.__pydantic_validator__.validate_python
