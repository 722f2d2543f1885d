"""Decide: what becomes of one match, or of one moment, once the stages have looked at it; and the receipt of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline import incident
from pipeline.dedup import Fold, edit, erase, erase_author, expire
from pipeline.detect import Armed
from pipeline.incident import Life, Mentions, Outcome
from pipeline.route import tell
from pipeline.state import Verdict, WatchState
from pipeline.story import Story
from pipeline.window import ENTITY, MENTIONS, NEGATIVE, PLATFORM, STORIES
from schemas.alert import AlertReason
from schemas.event import Deletion
from schemas.incident import Incident
from schemas.mention import OWN, Match, SentimentClass
from schemas.receipt import Decision, Receipt
from schemas.signal import Signal

NOT_WATCHED = Outcome(Decision.BELOW_THRESHOLD, "not counted: no such watch is published")
_REASONS = {Decision.OPENED: AlertReason.OPENED, Decision.UPDATED: AlertReason.GREW}


def settle(state: WatchState, at: datetime) -> tuple[WatchState, Verdict]:
    """Let time pass up to `at`: stories expire, and an incident that has been quiet for long enough resolves.

    What follows bears the moment at which it was due, so that it is the same however often time is told.
    """
    if not state.due(at) or state.watch is None:
        return state, Verdict()
    state = replace(state, window=state.window.start(at), memory=expire(state.memory, at))
    due = state.life.resolves
    if due is None or due > at:
        return state, Verdict()
    state = replace(state, life=incident.resolve(state.life))
    alert = (
        tell(state.watch, state.life, AlertReason.RESOLVED, due, (state.window, state.memory)) if state.watch else None
    )
    return state, Verdict(alerts=(alert,) if alert else ())


def turn(state: WatchState, life: Life) -> WatchState:
    """Return the state with `life`, the very same if that is no news."""
    return state if life is state.life else replace(state, life=life)


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


def respond(
    state: WatchState, match: Match, fold: Fold, signals: Sequence[Signal]
) -> tuple[Life, Outcome, AlertReason | None]:
    """Return the life of the incident after a match, what was decided, and why people are told, if they are."""
    if not match.about(OWN):
        names = ", ".join(one.entity for one in match.entities)
        return state.life, Outcome(Decision.COMPETITOR_ONLY, f"about {names}; counted for comparison"), None
    if match.mention.backfill:
        said = f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC and asked for from the past; counted there"
        return state.life, Outcome(Decision.BACKFILLED, said), None
    life = _count(state.life, match, fold)
    if state.clock and _late(state, match, state.clock):
        return life, Outcome(Decision.LATE, f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC, too late to alert"), None
    if not signals:
        return _stir(state, life), _quiet(state, fold), None
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
