"""Share: how much one address wants to hear of all watches together, and the digest of what is more. Pure.

Judge keys what goes to such an address by the address, so that all of it, and its ledger, is in one partition with one
owner: what was told is counted there, survives a restart with the ledger, and is the same for any number of processes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from agents.alert.channel import addresses, delivery_id
from agents.alert.ledger import Ledger
from pipeline.alerts.hold import Desk, keep
from pipeline.alerts.notice import signal
from pipeline.alerts.quiet import quiet_until
from schemas.alert import Alert, AlertReason
from schemas.delivery import NOWHERE, Delivery, DeliveryState
from schemas.duration import print_duration
from schemas.handling import Budget
from schemas.incident import Incident, IncidentState
from schemas.receipt import Decision, Held, Receipt
from schemas.severity import reaches, worst
from schemas.watch import Owner, Purpose, Route

_NAME_LIMIT = 200
_NOT_TOLD = frozenset({DeliveryState.HELD, DeliveryState.FOLDED, DeliveryState.DEAD})


def admitted(requested: Iterable[Delivery], alert: Alert, known: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Return what `alert` asks for as it goes into the ledger: held where its address has had its share.

    `known` is all that was asked for before.
    """
    routes = _routes(alert)
    found: list[Delivery] = []
    for entry in requested:
        route = routes[entry.id]
        if (budget := route.budget) is None or not budget.shared or _let_through(alert, budget):
            found.append(entry)
            continue
        told = sorted(_told((*known, *found), entry, now - timedelta(seconds=budget.per)))
        found.append(entry if len(told) < budget.alerts else _held(entry, route, told[-budget.alerts], budget))
    return found


def _routes(alert: Alert) -> dict[str, Route]:
    return {delivery_id(alert.id, single): single for route in alert.routes for single in addresses(route)}


def _let_through(alert: Alert, budget: Budget) -> bool:
    return budget.except_from is not None and reaches(alert.incident.severity, budget.except_from)


def _told(known: Iterable[Delivery], entry: Delivery, since: datetime) -> Iterable[datetime]:
    """Return when the address of `entry` was told something after `since`, or is about to be."""
    return (
        one.requested
        for one in known
        if (one.channel, one.to, one.key) == (entry.channel, entry.to, entry.key)
        and one.state not in _NOT_TOLD
        and one.requested > since
    )


def _held(entry: Delivery, route: Route, told: datetime, budget: Budget) -> Delivery:
    """Return the entry that waits for the digest: until there is room again, and the route is awake."""
    free = told + timedelta(seconds=budget.per)
    awake = quiet_until(route.quiet, free) if route.quiet else None
    return entry.model_copy(update={"state": DeliveryState.HELD, "next_at": awake or free})


def receipts(entries: Iterable[Delivery], alerts: Mapping[str, Alert]) -> list[Receipt]:
    """Return what there is to say of each of `alerts` that is held: judge has said that people are told of it."""
    found: dict[str, list[Delivery]] = {}
    for entry in entries:
        if entry.state is DeliveryState.HELD and entry.alert in alerts:
            found.setdefault(entry.alert, []).append(entry)
    return [_receipt(alerts[name], held) for name, held in found.items()]


def _receipt(alert: Alert, entries: Sequence[Delivery]) -> Receipt:
    routes = _routes(alert)
    held = tuple([_by(entry, routes[entry.id].budget) for entry in entries])
    why = [f"the budget that watches share at {one.channel} {one.to} is used up ({one.limit})" for one in held]
    return Receipt(
        mention=alert.mention or f"watch:{alert.watch}",
        watch=alert.watch,
        at=alert.at,
        decision=Decision.OVER_BUDGET,
        detail=f"{'; '.join(why)}; it is in the digest",
        incident=alert.incident.id,
        group=alert.incident.group,
        held=held,
        alert=alert.id,
    )


def _by(entry: Delivery, budget: Budget | None) -> Held:
    limit = f"{budget.alerts} in {print_duration(budget.per)}" if budget else None
    return Held(by="over-budget", channel=entry.channel, to=entry.to or None, limit=limit, until=entry.next_at)


def due(ledger: Ledger, now: datetime) -> list[list[Delivery]]:
    """Return what is held, by address, of the addresses whose digest is due."""
    held: dict[tuple[str, str], list[Delivery]] = {}
    for entry in ledger.pending():
        if entry.state is DeliveryState.HELD:
            held.setdefault((entry.channel, entry.to), []).append(entry)
    return [found for found in held.values() if min(one.next_at or now for one in found) <= now]


def folded(held: Iterable[Delivery], now: datetime) -> list[Delivery]:
    """Return the entries that the digest tells of."""
    return [one.model_copy(update={"state": DeliveryState.FOLDED, "at": now, "next_at": None}) for one in held]


def requested(made: Alert, key: str | None, now: datetime) -> Delivery:
    """Return the entry of a digest, to its one route: it keeps the digest, and counts at the address."""
    [entry] = Ledger().request(made, NOWHERE, now, key)
    return entry.model_copy(update={"made": made})


def digest(held: Sequence[Delivery], alerts: Mapping[str, Alert], now: datetime) -> Alert | None:
    """Return the one message about all that is held of an address; None where nothing of it is kept any more.

    Its id follows from the address and from when it was due, so a digest that is made again is the same.
    """
    known = [(one, alerts[one.alert]) for one in held if one.alert in alerts]
    if not known:
        return None
    first, (last, latest) = held[0], known[-1]
    said = [alert for _, alert in known]
    watches = dict.fromkeys(alert.watch for alert in said)
    desk = Desk()
    for alert in said:
        desk = keep(desk, _by_watch(alert) if len(watches) > 1 else alert)
    moment = min(one.next_at or now for one in held)
    name = sha256(f"share\n{first.channel}\n{first.to}\n{moment.isoformat()}".encode()).hexdigest()[:16]
    lost = {one.incident for one in held if one.alert not in alerts} - {alert.incident.id for alert in said}
    route = _routes(latest)[last.id].model_copy(update={"budget": None, "quiet": None})
    about = {
        "id": f"{name}.1",
        "watch": ", ".join(watches),
        "reason": AlertReason.DIGEST,
        "incident": _closed(name, desk, len(held), now),
        "at": now,
        "purpose": Purpose(
            goal=_several(alert.purpose.goal for alert in said),
            measure=_several(alert.purpose.measure for alert in said),
        ),
        "owner": Owner(name=_several(alert.owner.name for alert in said)),
        "query": "; ".join(dict.fromkeys(alert.query for alert in said)),
        "routes": (route,),
        "lines": desk.lines,
        "omitted": desk.more + len(lost),
        "withheld": "over-budget",
    }
    nothing: dict[str, object] = {
        "quotes": (),
        "platforms": {},
        "shares": {},
        "respond_by": None,
        "note": None,
        "silence": None,
    }
    return latest.model_copy(update=about | nothing)


def _by_watch(alert: Alert) -> Alert:
    """Return an alert that says in its line whose watch it is."""
    group = {"watch": alert.watch, **(alert.incident.group or {})}
    return alert.model_copy(update={"incident": alert.incident.model_copy(update={"group": group})})


def _closed(name: str, desk: Desk, held: int, now: datetime) -> Incident:
    return Incident(
        id=name,
        watch=name,
        state=IncidentState.CLOSED,
        revision=1,
        opened=now,
        updated=now,
        last_signal=now,
        resolved=now,
        severity=worst(*(line.severity for line in desk.lines)),
        signal=signal("digest", now, held),
        mentions=sum(line.mentions for line in desk.lines),
        stories=0,
        peak=0.0,
        told=0.0,
    )


def _several(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))[:_NAME_LIMIT]
