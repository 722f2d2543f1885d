"""Holder: which open incident holds a signal of a watch back – one of its own groups, or one of another watch.

What it holds back is counted: by the incident itself, which says so when it is over, or, where that belongs to another
watch, by this one, which says so when it hears of the end.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from pipeline.alerts.notice import notice, signal
from pipeline.alerts.route import dispatch
from pipeline.alerts.silence import Labels, fits
from pipeline.frozen import replace
from pipeline.incidents.abroad import Abroad
from pipeline.incidents.group import WHOLE
from pipeline.incidents.incident import Outcome, describe
from pipeline.incidents.inhibit import inhibitor, source_labels
from pipeline.incidents.view import back, look
from pipeline.state import WatchState
from schemas.alert import Alert, AlertReason
from schemas.control import Inhibitor
from schemas.incident import Incident
from schemas.mention import OWN
from schemas.receipt import Decision, Held
from schemas.signal import Signal

T = TypeVar("T")
ABROAD = "\0abroad"
"""Stands for the group of an incident of another watch."""


def holder(state: WatchState, labels: Labels, name: str, at: datetime) -> tuple[str, Incident | Inhibitor] | None:
    """Return the open incident that holds back a signal of the group `name`, and whose it is."""
    watch = state.watch
    if watch is None or not watch.inhibit:
        return None
    own = [one for one in _sources(state) if one[0] != name]
    if found := inhibitor(watch.inhibit, labels, own):
        return found
    abroad = [(ABROAD, one, one.labels) for one in state.groups.abroad.at(at, watch.id)]
    return inhibitor([rule for rule in watch.inhibit if rule.across], labels, abroad) if abroad else None


def _sources(state: WatchState) -> Iterator[tuple[str, Incident, Labels]]:
    """Yield the incidents that are open, with what they can be recognised by."""
    watch = state.watch
    assert watch is not None, "no rule steps without a watch"
    by_entity = {rule.id for rule in state.rules if rule.about == "entity"}
    found = [(WHOLE, state.life.open)] if state.life.open else []
    for name, one in (*found, *state.groups.open):
        entity = one.signal.about if one.signal.rule in by_entity and one.signal.about else OWN
        yield name, one, source_labels(watch, one, entity)


def note(state: WatchState, name: str, by: Incident | Inhibitor) -> WatchState:
    """Count a signal that was held back by an incident."""
    if name == ABROAD:
        held = {**state.groups.held, by.id: state.groups.held.get(by.id, 0) + 1}
        return replace(state, groups=replace(state.groups, held=held))
    view = look(state, name)
    return back(state, replace(view, life=replace(view.life, inhibited=view.life.inhibited + 1)), name)


def inhibited(tripped: Signal, by: Incident | Inhibitor) -> Outcome:
    """Return what is decided about a signal that an incident holds back."""
    held = Held(by="inhibition", incident=by.id, watch=by.watch, group=by.group)
    said = ", ".join(f"{label} {value}" for label, value in (by.group or {}).items())
    about = f" about {said}" if said else ""
    detail = f"{describe(tripped)}; held back while the incident {by.id} of {by.watch}{about} ({by.severity}) is open"
    return Outcome(Decision.INHIBITED, detail, held=(held,))


def knowing(state: WatchState, abroad: Abroad) -> WatchState:
    """Return the state that knows which incidents of other watches are open; the very same where that says nothing."""
    if abroad is state.groups.abroad or state.version is None or not state.version.watch.inhibit:
        return state
    return replace(state, groups=replace(state.groups, abroad=abroad))


def news(before: WatchState, after: WatchState, now: datetime) -> tuple[Inhibitor, ...]:
    """Return what other watches have to know: which incidents may inhibit from here on, and which no more."""
    if not (_across(before) or _across(after)):
        return ()
    known, found = _telling(before, now), _telling(after, now)
    told = [one for name, one in found.items() if name not in known or _said(known[name]) != _said(one)]
    return (*told, *(one.model_copy(update={"open": False}) for name, one in known.items() if name not in found))


def _across(state: WatchState) -> bool:
    rules = state.version.watch.inhibit if state.version else ()
    return bool(rules) and any(rule.across for rule in rules)


def _said(one: Inhibitor) -> tuple[object, ...]:
    return one.severity, one.labels


def _telling(state: WatchState, now: datetime) -> dict[str, Inhibitor]:
    """Return the open incidents that a rule of the watch makes known to others."""
    watch = state.watch
    if watch is None:
        return {}
    rules = [rule for rule in watch.inhibit if rule.across]
    return {
        one.id: Inhibitor(
            watch=watch.id,
            id=one.id,
            at=max(now, state.clock or now, one.opened),
            open=True,
            opened=one.opened,
            severity=one.severity,
            group=_without_author(one.group) or None,
            labels=_without_author(labels),
        )
        for _, one, labels in _sources(state)
        if any(fits(rule.sources, labels) for rule in rules)
    }


def _without_author(labels: Mapping[str, T] | None) -> dict[str, T]:
    """Return labels that may go where a deletion would not find them: nobody's name does."""
    return {label: value for label, value in (labels or {}).items() if label != "author"}


def hear(state: WatchState, record: Inhibitor, now: datetime) -> tuple[WatchState, tuple[Alert, ...]]:
    """Return the state after news of an incident of another watch; when it is over, people are told what it held."""
    watch, count = state.watch, state.groups.held.get(record.id)
    if record.open or watch is None or count is None:
        return state, ()
    held = {name: known for name, known in state.groups.held.items() if name != record.id}
    alert = notice(
        watch,
        AlertReason.DIGEST,
        ("inhibited", record.id),
        signal("digest", max(now, record.at), count),
        withheld="inhibited",
        note=f"{record.id} ({record.watch})",
    )
    dispatched = dispatch(state.desks, alert, watch.routes)
    after = replace(state, desks=dispatched.desks, groups=replace(state.groups, held=held))
    return after, (dispatched.now,) if dispatched.now else ()
