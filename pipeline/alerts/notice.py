"""Notices: what people are told that is no incident of the watch: a digest, the end of a silence, a mistake.

Each is an incident of its own, closed from the start: it opens nothing and keeps nothing from opening.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from schemas.alert import Alert, AlertReason
from schemas.incident import Incident, IncidentState
from schemas.signal import Signal
from schemas.watch import Watch


def notice(watch: Watch, reason: AlertReason, about: Iterable[str], what: Signal, **more: Any) -> Alert:
    """Return the alert that tells of `reason`, at the time of `what`; `more` are other fields of the alert.

    Its id follows from `about`, so what is the same is told once.
    """
    at = what.at
    name = sha256("\n".join([watch.id, *about]).encode()).hexdigest()[:16]
    fields: dict[str, Any] = {"mentions": 0, "stories": 0, "peak": 0.0, "told": 0.0, **more.pop("incident", {})}
    incident = Incident(
        id=name,
        watch=watch.id,
        state=IncidentState.CLOSED,
        revision=1,
        opened=at,
        updated=at,
        last_signal=at,
        resolved=at,
        signal=what,
        **fields,
    )
    told = {"routes": watch.routes, **more}
    return Alert(
        id=f"{name}.1",
        watch=watch.id,
        reason=reason,
        incident=incident,
        at=at,
        seen=at,
        purpose=watch.purpose,
        owner=watch.owner,
        query=watch.query,
        **told,
    )


def signal(rule: str, at: datetime, value: float = 1.0) -> Signal:
    """Return the signal of a notice: no rule of the watch, but what it is about."""
    return Signal(rule=rule, kind=rule, at=at, value=value, threshold=1, window=1.0)
