"""Handle: from signals, and from every mention that is heard, to the incidents that they belong to, whosever these are.

Without `group_by` and `inhibit` that is the watch's one incident. Else what belongs to a group is done to the state as
that group sees it (`look`), and taken over from there (`back`): one code for one incident and for many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.alerts.silence import Labels
from pipeline.detect import About, restless
from pipeline.frozen import replace
from pipeline.incidents import incident
from pipeline.incidents.group import (
    MOST_CROWD,
    MOST_TALES,
    OTHERS,
    WHOLE,
    Group,
    Marks,
    group_of,
    marks_about,
    marks_of,
)
from pipeline.incidents.holder import holder, inhibited, note
from pipeline.incidents.incident import Opening, Outcome
from pipeline.incidents.inhibit import target_labels
from pipeline.incidents.life import Life, Mentions
from pipeline.incidents.trip import Cause, announce, heard_within, trip
from pipeline.incidents.view import back, look
from pipeline.state import WatchState
from pipeline.stories.dedup import Fold
from pipeline.windows.heard import number
from schemas.alert import Alert
from schemas.mention import OWN, Match, SentimentClass
from schemas.receipt import Decision
from schemas.severity import SEVERITIES, Severity
from schemas.signal import Signal

STRONGEST = (
    Decision.OPENED,
    Decision.UPDATED,
    Decision.QUIET_HOURS,
    Decision.OVER_BUDGET,
    Decision.BELOW_SEVERITY,
    Decision.INHIBITED,
    Decision.IN_INCIDENT,
    Decision.SILENCED,
    Decision.COOLING_DOWN,
    Decision.LATE,
    Decision.BACKFILLED,
    Decision.FOLDED,
    Decision.BELOW_THRESHOLD,
    Decision.WARMING_UP,
    Decision.EDITED,
    Decision.REDELIVERED,
    Decision.IRRELEVANT,
    Decision.COMPETITOR_ONLY,
)
"""Of several decisions about a mention the first of these stands for all."""
Told = tuple[Alert, ...]


def turn(state: WatchState, life: Life) -> WatchState:
    """Return the state with `life`, the very same if that is no news."""
    return state if life is state.life else replace(state, life=life)


def handle(
    state: WatchState, cause: Cause, signals: Sequence[Signal], seen: datetime
) -> tuple[WatchState, Outcome, Told]:
    """Return the state after signals, what was decided, and who is told; `seen` is when their cause reached us."""
    watch = state.watch
    if watch is None or not (watch.group_by or watch.inhibit):
        life, outcome = trip(state, cause, signals)
        return announce(turn(state, life), cause, outcome, seen)
    outcomes: list[tuple[Group, Outcome]] = []
    alerts: Told = ()
    for part in _parts(state, cause, signals):
        state, outcome, told = _one(state, cause, part, seen)
        outcomes.append((part.group, outcome))
        alerts += told
    return state, _all(outcomes), alerts


@dataclass(frozen=True, slots=True)
class _Part:
    """The signals of one group, and what each can be recognised by."""

    group: Group
    signals: tuple[tuple[Signal, Severity, Labels], ...]


def _parts(state: WatchState, cause: Cause, signals: Sequence[Signal]) -> list[_Part]:
    """Return the signals by their groups, the gravest first: what it opens may hold back the others."""
    watch = state.watch
    assert watch is not None, "no rule steps without a watch"
    marks = marks_of(cause.match, cause.story) if cause.match else {}
    abouts = {rule.id: rule.about for rule in state.rules}
    found: dict[str, _Part] = {}
    for tripped in signals:
        about = abouts[tripped.rule]
        known = next(marks_about(about, marks, tripped.about), None) or next(marks_about("", marks))
        group = group_of(watch.group_by, known)
        signal = _of_group(state, group, tripped) if about == "mention" else tripped
        rule = watch.rule(signal.rule)
        severity = rule.judged(signal.value) if rule else SEVERITIES[0]
        labels = target_labels(watch, signal, severity, _values(marks if about in ("mention", "post") else known))
        before = found.get(group.name, _Part(group, ()))
        found[group.name] = _Part(group, (*before.signals, (signal, severity, labels)))
    return sorted(found.values(), key=lambda part: -max(SEVERITIES.index(severity) for _, severity, _ in part.signals))


def _values(marks: Marks) -> dict[str, tuple[str, ...]]:
    return {label: tuple(dict.fromkeys(name for pair in values for name in pair)) for label, values in marks.items()}


def _of_group(state: WatchState, group: Group, signal: Signal) -> Signal:
    """Return the signal of a rule that counts mentions as far as these are the group's."""
    if group.broad:
        return signal
    heard, _ = state.groups.heard(group, signal.at - timedelta(seconds=signal.window), signal.at)
    return signal.model_copy(update={"value": max(1.0, min(signal.value, float(heard.mentions)))})


def _one(state: WatchState, cause: Cause, part: _Part, seen: datetime) -> tuple[WatchState, Outcome, Told]:
    """Return what follows for one group."""
    name, group = state.groups.room(part.group), part.group
    loud: list[Signal] = []
    muted: list[Outcome] = []
    for signal, _, labels in part.signals:
        if found := holder(state, labels, name, signal.at):
            state = note(state, *found)
            muted.append(inhibited(signal, found[1]))
        else:
            loud.append(signal)
    view = look(state, name)
    if not loud:
        view = turn(view, incident.stir(view.life, part.signals[0][0].at))
        return back(state, view, name), muted[0], ()
    if name == OTHERS:
        view, loud = _share(view, cause, group, loud)
    crowd = view.life.crowd if name == OTHERS else ()

    def opens(lead: Signal, severity: Severity) -> tuple[Opening, Mentions]:
        return _opening(view, cause, group, (lead, severity), crowd)

    life, outcome = trip(view, cause, loud, opens if name != WHOLE else None)
    view, outcome, told = announce(turn(view, life), cause, outcome, seen)
    held = (*(one for other in muted for one in other.held), *outcome.held)
    outcome = replace(outcome, incident=view.life.open, held=held)
    return back(state, view, name), outcome, told


def _share(view: WatchState, cause: Cause, group: Group, signals: Sequence[Signal]) -> tuple[WatchState, list[Signal]]:
    """Let one more group share the incident of those that there is no room for: it grows with how many they are."""
    life, first = view.life, signals[0]
    known = life.crowd if life.open else ()
    crowd = known if number(group.name) in known else (*known, number(group.name))[:MOST_CROWD]
    if life.open and crowd is not known:
        since = first.at - timedelta(seconds=first.window)
        if len(known) == MOST_CROWD and cause.match:  # it is told apart from no other: only this mention is new
            since = cause.match.mention.time - timedelta(milliseconds=1)
        life = incident.count(life, view.groups.heard(group, since, first.at)[0])
    grown = [one.model_copy(update={"value": max(one.value, float(len(crowd)))}) for one in signals]
    return replace(view, life=replace(life, crowd=crowd)), grown


def _opening(
    view: WatchState, cause: Cause, group: Group, tripped: tuple[Signal, Severity], crowd: tuple[int, ...]
) -> tuple[Opening, Mentions]:
    """Return what the incident of a group opens with, and what was heard of it in the window of the leading signal."""
    watch, (lead, severity) = view.watch, tripped
    assert watch is not None, "no rule steps without a watch"
    named = f"{cause.name}\n{OTHERS if crowd else group.name}"
    if group.broad and not crowd:
        return Opening(watch.id, named, severity, watch.incidents, group.labels), heard_within(view, lead)
    heard, tales = view.groups.heard(group, lead.at - timedelta(seconds=lead.window), lead.at)
    return Opening(watch.id, named, severity, watch.incidents, None if crowd else group.labels, tales, crowd), heard


def _all(outcomes: list[tuple[Group, Outcome]]) -> Outcome:
    """Return what was decided in all groups: the strongest stands for it, and says the rest."""
    group, first = min(outcomes, key=lambda one: STRONGEST.index(one[1].decision))
    if len(outcomes) == 1:
        return first
    rest = [(other, one) for other, one in outcomes if one is not first]
    detail = "; ".join(f"{other.name or 'the watch'}: {one.detail}" for other, one in ((group, first), *rest))
    held = tuple(found for _, one in ((group, first), *rest) for found in one.held)
    return replace(first, detail=detail, held=held)


def count_in(state: WatchState, match: Match, fold: Fold) -> WatchState:
    """Return the state that has counted a match to the incidents of its groups that are open."""
    watch, at = state.watch, state.clock or match.mention.time
    if watch is None or not watch.group_by:
        return turn(state, _count(state.life, match, fold, at)) if match.about(OWN) else state
    oldest = at - timedelta(seconds=state.window.horizon)
    for group in _groups(state, match, fold):
        name = state.groups.room(group)
        if not group.broad:
            state = replace(state, groups=state.groups.hear(match, group, fold.story.id, oldest))
        view = look(state, name)
        if view.life.open and (name != OTHERS or number(group.name) in view.life.crowd):
            state = back(state, turn(view, _count(view.life, match, fold, at)), name)
    return state


def _groups(state: WatchState, match: Match, fold: Fold, only: Sequence[About] | None = None) -> list[Group]:
    """Return the groups that a match belongs to, by what rules are about, or only by what those are that are given."""
    watch = state.watch
    assert watch is not None, "what is not watched is in no group"
    marks, own = marks_of(match, fold.story.id), match.about(OWN)
    abouts = dict.fromkeys(rule.about for rule in state.rules if not rule.shadow) if only is None else only
    found = {
        group.name: group
        for about in abouts
        if own or about == "entity"
        for group in (group_of(watch.group_by, known) for known in marks_about(about, marks))
    }
    return list(found.values())


def _count(life: Life, match: Match, fold: Fold, at: datetime) -> Life:
    """Count a match to the open incident, unless it is older than that; it is `at`."""
    since = life.since
    if life.open is None or since is None or match.mention.time <= since:
        return life
    before = fold.before
    new = before is None or before.last is None or before.last <= since
    if life.tales is not None and (len(life.tales) < MOST_TALES or number(fold.story.id) in life.tales):
        new = number(fold.story.id) not in life.tales
        life = replace(life, tales=(*life.tales, number(fold.story.id))) if new else life
    negative = match.sentiment.label is SentimentClass.NEGATIVE
    life = incident.broken(life, at) if match.about(OWN) else life
    return incident.count(life, Mentions(1, int(new), int(negative), {match.mention.platform: 1}))


def stir(state: WatchState, match: Match, fold: Fold) -> WatchState:
    """Keep the open incidents of a match from resolving while a rule measures much of what trips it."""
    alone = state.watch is None or not state.watch.group_by
    if state.clock is None or (alone and state.life.open is None):
        return state
    rules = [rule for rule in state.rules if not rule.shadow and rule.id in state.readings]
    if alone:
        if not any(restless(state.readings[rule.id]) for rule in rules):
            return state
        return turn(state, incident.stir(state.life, state.clock))
    abouts = list(dict.fromkeys(rule.about for rule in rules if restless(state.readings[rule.id])))
    for group in _groups(state, match, fold, abouts):
        name = state.groups.room(group)
        view = look(state, name)
        if view.life.open and (name != OTHERS or number(group.name) in view.life.crowd):
            state = back(state, turn(view, incident.stir(view.life, state.clock)), name)
    return state


def of(state: WatchState, match: Match, fold: Fold) -> Life | None:
    """Return the life of the open incident that a match without signals belongs to, where one is open."""
    if state.watch is None or not state.watch.group_by:
        return state.life if state.life.open else None
    lives = (look(state, state.groups.room(group)).life for group in _groups(state, match, fold))
    return next((life for life in lives if life.open), None)
