"""Passing: what is told and what ends because time passes, one moment after the other, however often time is told."""

from datetime import datetime

from pipeline import surge
from pipeline.alerts import hold, silence
from pipeline.alerts.notice import notice, signal
from pipeline.alerts.route import audience, dispatch, tell
from pipeline.detect import Armed, begin_all, step_all
from pipeline.frozen import replace
from pipeline.incidents import escalate, incident
from pipeline.incidents.escalate import Timer
from pipeline.incidents.handle import handle
from pipeline.incidents.moments import Kind, Moment, route_at
from pipeline.incidents.trip import Cause, part
from pipeline.incidents.view import back, look
from pipeline.state import WatchState
from schemas.alert import Alert, AlertReason
from schemas.watch import Route, Watch


def begin(state: WatchState, at: datetime) -> WatchState:
    """Let time begin to pass where it has not yet, for the watch or for rules of it."""
    if not state.begins:
        return state
    window = state.window.start(at)
    return replace(state, window=window, readings=begin_all(state.rules, state.readings, window, at), waits=False)


def rest(state: WatchState, at: datetime) -> WatchState:
    """Return a watch that has forgotten its last story without what no rule looks at any more."""
    return replace(state, window=state.window.rest(at), crowd=surge.rest(state.crowd, at))


def pass_to(state: WatchState, at: datetime) -> tuple[WatchState, tuple[Alert, ...], tuple[str, ...]]:
    """Return the state after all that was due up to `at`, what people are told, and which shadow rules tripped."""
    alerts: list[Alert] = []
    shadowed: list[str] = []
    while (watch := state.watch) and (due := state.upcoming) is not None and due.at <= at:
        if due.kind is Kind.RULES:
            state, told, tried = _rules(state, due.at)
            shadowed += tried
        elif due.group:
            seen, told = _incident(look(state, due.group), watch, due)
            state = back(state, seen, due.group)
        else:
            state, told = _DO[due.kind](state, watch, due)
        alerts += told
    return state, tuple(alerts), tuple(shadowed)


def _rules(state: WatchState, at: datetime) -> tuple[WatchState, tuple[Alert, ...], tuple[str, ...]]:
    """Step the rules that time alone may trip at this moment."""
    rules = [rule for rule in state.timed if _awake(rule, state, at)]
    readings, tripped = step_all(rules, state.readings, state.window, at)
    state = replace(state, readings=readings)
    signals, tried = part(state, tripped)
    if not signals:
        return state, (), tried
    state, _, alerts = handle(state, Cause(f"{signals[0].rule} at {at.isoformat()}"), signals, at)
    return state, alerts, tried


def _awake(rule: Armed, state: WatchState, at: datetime) -> bool:
    known = state.readings.get(rule.id)
    when = rule.wakes(rule.config, known) if rule.wakes and known is not None else None
    return when is not None and when <= at


def _incident(state: WatchState, watch: Watch, due: Moment) -> tuple[WatchState, tuple[Alert, ...]]:
    life = state.life
    routes: tuple[Route, ...] | None = None
    match Timer[due.what]:
        case Timer.CLOSES:
            return replace(state, life=incident.close(life)), ()
        case Timer.RESOLVES:
            life, reason = incident.resolve(life), AlertReason.RESOLVED
        case Timer.ESCALATES:
            step = escalate.step_of(life.incident, watch) if life.incident else None
            routes = step.routes if step else ()
            life, reason = escalate.escalate(life, due.at), AlertReason.ESCALATED
        case Timer.LAPSES:
            life, reason = escalate.lapse(life, due.at), AlertReason.LAPSED
        case Timer.REMINDS:
            life, reason = escalate.remind(life, due.at), AlertReason.REMINDER
    state = replace(state, life=life)
    alert = tell(watch, life, reason, due.at, (state.window, state.memory))
    return _dispatch(state, alert, audience(watch, alert.incident) if routes is None else routes)


def _digest(state: WatchState, watch: Watch, due: Moment) -> tuple[WatchState, tuple[Alert, ...]]:
    desk, route = state.desks[due.what], route_at(watch, due.what)
    desks = {address: found for address, found in state.desks.items() if address != due.what}
    if route is None or not desk.lines:
        return replace(state, desks=desks), ()
    after = hold.cleared(desk, due.at)
    return replace(state, desks=desks | {due.what: after}), (hold.digest(watch, route, desk, due.at),)


def flush(state: WatchState, watch: Watch, at: datetime) -> tuple[Alert, ...]:
    """Return the digests of all that waits, now that nothing will ever be due again."""
    waiting = ((route_at(watch, address), desk) for address, desk in state.desks.items() if desk.lines)
    return tuple(hold.digest(watch, route, desk, at) for route, desk in waiting if route)


def _warning(state: WatchState, watch: Watch, due: Moment) -> tuple[WatchState, tuple[Alert, ...]]:
    life = state.life
    hush = next(one for one in life.silences if one.id == due.what)
    about = ("silence", hush.id, hush.until.isoformat())
    what = signal("silence", due.at, hush.held)
    alert = notice(watch, AlertReason.SILENCE_ENDS, about, what, silence=hush.told())
    state = replace(state, life=replace(life, silences=silence.warned(life.silences, hush)))
    return _dispatch(state, alert, watch.routes)


def _over(state: WatchState, watch: Watch, due: Moment) -> tuple[WatchState, tuple[Alert, ...]]:
    life = replace(state.life, silences=silence.expired(state.life.silences, due.at))
    return replace(state, life=life, groups=state.groups.reckon(watch, life)), ()


def _dispatch(state: WatchState, alert: Alert, routes: tuple[Route, ...]) -> tuple[WatchState, tuple[Alert, ...]]:
    dispatched = dispatch(state.desks, alert, routes)
    return replace(state, desks=dispatched.desks), (dispatched.now,) if dispatched.now else ()


_DO = {Kind.INCIDENT: _incident, Kind.DIGEST: _digest, Kind.SILENCE_ENDS: _warning, Kind.SILENCE_OVER: _over}
