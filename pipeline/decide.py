"""Decide: what becomes of one match, or of one moment, once the stages have looked at it; and the receipt of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pipeline import relevance
from pipeline.alerts.route import audience, tell
from pipeline.detect import Armed
from pipeline.frozen import replace
from pipeline.incidents import handle, incident, worse
from pipeline.incidents.incident import Outcome
from pipeline.incidents.life import Life
from pipeline.incidents.passing import begin, flush, pass_to, rest
from pipeline.incidents.trip import cause_of
from pipeline.state import Verdict, WatchState
from pipeline.stories.dedup import Fold, expire
from pipeline.windows.window import ENTITY, IRRELEVANT, MENTIONS, NEGATIVE, PLATFORM, STORIES
from schemas.about import Relevance
from schemas.alert import Alert, AlertReason
from schemas.control import WatchRemoved, WatchVersion
from schemas.incident import Incident
from schemas.mention import OWN, Match, SentimentClass
from schemas.receipt import Decision, Receipt
from schemas.signal import Signal
from schemas.watch import Watch

NOT_WATCHED = Outcome(Decision.BELOW_THRESHOLD, "not counted: no such watch is published")


def settle(state: WatchState, at: datetime) -> tuple[WatchState, Verdict]:
    """Let time pass up to `at`: stories expire, and what `pipeline.incidents.passing` knows of happens.

    What follows bears the moment at which it was due, so that it is the same however often time is told.
    """
    if not state.due(at) or state.watch is None:
        return state, Verdict()
    made = state.memory.made
    after, alerts, shadowed = pass_to(without_expired(begin(state, at), at), at)
    if state.memory.made and not made:
        # people are told something, for which the stories were needed: now it is known which have expired
        return settle(state, at)
    return after, Verdict(alerts=alerts, shadowed=shadowed)


def without_expired(state: WatchState, at: datetime) -> WatchState:
    """Return the state without the stories that have expired up to `at`; a watch that has none left comes to rest."""
    if not state.memory.due(at) or state.watch is None:
        return state
    after = replace(state, memory=expire(state.memory, at))
    return rest(after, at) if state.memory.size and not after.memory.size else after


def renew(state: WatchState, record: WatchVersion | WatchRemoved, now: datetime) -> tuple[WatchState, Verdict]:
    """Return the state after another version of the watch, or what is left when it is removed, which is nothing.

    An incident that is open then is closed, and people are told; so they are of what still waits for them.
    """
    after, watch = state.adopt(record), state.watch
    if isinstance(record, WatchVersion) or watch is None:
        return after, Verdict()
    found = [_withdrawn(state, watch, life, max(now, record.at)) for life in (state.life, *state.groups.lives.values())]
    closed = [one for one in found if one]
    alerts = (*(alert for alert, _ in closed), *flush(state, watch, max(now, record.at)))
    return after, Verdict(alerts=alerts, receipts=tuple(note for _, note in closed))


def _withdrawn(state: WatchState, watch: Watch, life: Life, now: datetime) -> tuple[Alert, Receipt] | None:
    """Return what people are told of an incident that is open when its watch is removed, and the record of it."""
    found = life.open
    if found is None:
        return None
    at = max(now, found.updated)
    alert = tell(watch, incident.withdraw(life, at), AlertReason.WITHDRAWN, at, (state.window, state.memory))
    note = Receipt(
        mention=f"watch:{watch.id}",
        watch=watch.id,
        at=at,
        decision=Decision.WITHDRAWN,
        detail="the watch was removed, so its incident is closed",
        incident=found.id,
        group=found.group,
    )
    return alert.model_copy(update={"routes": audience(watch, alert.incident)}), note


class Belief(NamedTuple):
    """A match as it is believed: without the own brand where that is `doubted`; `relevance` None: nothing is known."""

    match: Match
    relevance: Relevance | None = None
    doubted: bool = False


def believe(state: WatchState, match: Match) -> Belief:
    """Return what is believed of a match."""
    if state.meaning is None or state.watch is None or not match.about(OWN):
        return Belief(match)
    found = state.meaning.judge(relevance.read(match))
    if found.probability >= state.watch.relevance.least:
        return Belief(match, found)
    rest = tuple([one for one in match.entities if one.entity != OWN])
    return Belief(match.model_copy(update={"entities": rest}), found, doubted=True)


def _doubted(state: WatchState, found: Relevance) -> Outcome:
    """Return what is decided about a mention that is probably not meant."""
    least = state.watch.relevance.least if state.watch else 0.0
    words = ", ".join(f"{one.word} {one.weight:+g}" for one in found.words) or "nothing known in it"
    return Outcome(
        Decision.IRRELEVANT,
        f"{found.probability:.0%} probable that it is meant, {least:.0%} are wanted ({words}); counted, not alerted",
    )


def rules_for(state: WatchState, match: Match, at: datetime) -> tuple[Armed, ...]:
    """Return the rules that look at a match when it is `at`: none if it is late or of the past, few if about rivals."""
    if match.mention.backfill or _late(state, match, at):
        return ()
    return state.rules if match.about(OWN) else tuple([rule for rule in state.rules if rule.rivals])


def _late(state: WatchState, match: Match, at: datetime) -> bool:
    return match.mention.time < at - timedelta(seconds=state.lateness)


def counted_as(match: Match, fold: Fold) -> tuple[str, ...]:
    """Return as what a mention counts in the window."""
    if not match.entities:
        return (IRRELEVANT,)
    found = [ENTITY + one.entity for one in match.entities if one.entity != OWN]
    if match.about(OWN):
        found += [MENTIONS, PLATFORM + match.mention.platform]
        if fold.story.own == 1:
            found.append(STORIES)
        if match.sentiment.label is SentimentClass.NEGATIVE:
            found.append(NEGATIVE)
    return tuple(found)


def respond(
    state: WatchState, belief: Belief, fold: Fold, signals: Sequence[Signal]
) -> tuple[WatchState, Outcome, handle.Told]:
    """Return the state after a match, what was decided, and who is told."""
    match = belief.match
    if passed := _passed_over(state, belief, signals):
        return state, passed, ()
    state = handle.count_in(state, match, fold)
    if state.clock and _late(state, match, state.clock):
        late = Outcome(Decision.LATE, f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC, too late to alert")
        return state, late if match.about(OWN) or signals else _of_rivals(match), ()
    if not signals or (state.watch and state.watch.group_by):
        state = handle.stir(state, match, fold)
    if signals:
        return handle.handle(state, cause_of(match, fold.story.id), signals, match.mention.seen)
    life = handle.of(state, match, fold)
    if not match.about(OWN) and life is None:
        return state, _of_rivals(match), ()
    outcome = _quiet(state, fold, life)
    return state, outcome if life is None or life is state.life else replace(outcome, incident=life.open), ()


def _passed_over(state: WatchState, belief: Belief, signals: Sequence[Signal]) -> Outcome | None:
    """Return what is decided of a match that no incident counts, if it is such a one."""
    match = belief.match
    if belief.doubted and belief.relevance and not signals:
        return _doubted(state, belief.relevance)
    if not match.about(OWN) and not signals:
        return None if state.watch and state.watch.group_by and not match.mention.backfill else _of_rivals(match)
    if match.mention.backfill:
        said = f"posted {match.mention.time:%Y-%m-%d %H:%M} UTC and asked for from the past; counted there"
        return Outcome(Decision.BACKFILLED, said)
    return None


def _of_rivals(match: Match) -> Outcome:
    names = ", ".join(one.entity for one in match.entities)
    return Outcome(Decision.COMPETITOR_ONLY, f"about {names}; counted for comparison")


def _quiet(state: WatchState, fold: Fold, life: Life | None) -> Outcome:
    """Return what is decided where no rule has tripped; `life` is that of the incident that the match belongs to."""
    # a rule that does not look at competitors has no reading before the first mention of the own brand
    seen = [rule.id for rule in state.rules if not rule.shadow and rule.id in state.readings]
    readings = [(name, state.readings[name]) for name in seen]
    figures = "; ".join(
        f"{name}: warming up{_until(reading)}"
        if reading.warming
        else f"{name}: {reading.value:g} of {reading.threshold:g}"
        for name, reading in readings
    )
    known = worse.again(life, state.watch.incidents, state.clock) if life and state.watch and state.clock else None
    if fold.before is not None:
        return Outcome(Decision.FOLDED, f"copy {fold.story.copies} of a known story; {figures}", again=known)
    if life is not None:
        return Outcome(Decision.IN_INCIDENT, figures, again=known)
    warming = bool(readings) and all(reading.warming for _, reading in readings)
    return Outcome(Decision.WARMING_UP if warming else Decision.BELOW_THRESHOLD, figures)


def _until(reading: Any) -> str:
    at: datetime | None = getattr(reading, "ready", None)
    return f" until {at:%Y-%m-%d %H:%M} UTC" if at else ""


def _measurements(state: WatchState, rules: Sequence[Armed], signals: Sequence[Signal]) -> tuple[dict[str, Any], ...]:
    """Return how far each of `rules` was from firing: the fields of a `Measured` each, which the receipt makes."""
    tripped = {signal.rule for signal in signals}
    return tuple([_measured(rule, state.readings[rule.id], rule.id in tripped) for rule in rules])


def _measured(rule: Armed, reading: Any, tripped: bool) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "value": reading.value,
        "threshold": reading.threshold,
        "warming": reading.warming,
        "tripped": tripped,
        "shadow": rule.shadow,
        "scaled": getattr(reading, "scaled", None),
        "until": getattr(reading, "ready", None) if reading.warming else None,
        "expected": None if reading.warming else getattr(reading, "expected", None),
    }


def receipt(
    match: Match,
    at: datetime,
    outcome: Outcome,
    story: str | None = None,
    about: Incident | None = None,
    rules: tuple[dict[str, Any], ...] | None = None,
) -> Receipt:
    """Return the record of what was decided about `match`, with what `rules` have measured."""
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
            "score": match.score,
        }
    )
    return found


# what `Receipt(**fields)` does, without the keywords in between: once for every match
_receipt = Receipt.__pydantic_validator__.validate_python


def measured_receipt(
    state: WatchState,
    match: Match,
    outcome: Outcome,
    story: str,
    looked: tuple[Sequence[Armed], Sequence[Signal]],
    relevance: Relevance | None = None,
) -> Receipt:
    """Return the record of what was decided about `match`, with what the rules that `looked` have measured."""
    rules = _measurements(state, *looked) if looked[0] else None
    about = outcome.incident or state.life.open
    record = receipt(match, state.clock or match.mention.time, outcome, story, about, rules)
    if not (relevance or outcome.held or outcome.again or outcome.alert or (about and about.group)):
        return record
    more = {"relevance": relevance, "held": outcome.held or None, "group": about.group if about else None}
    return record.model_copy(update=more | {"again": outcome.again, "alert": outcome.alert})
