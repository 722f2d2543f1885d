"""Mistake: what the owner of a watch is told when it is wrong as written, by the routes that its alerts take."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from pipeline.route import choose
from schemas.alert import Alert, AlertReason
from schemas.errors import ConfigError
from schemas.incident import Incident, IncidentState
from schemas.signal import Signal
from schemas.watch import Watch


def tell_owner(watch: Watch, errors: Sequence[ConfigError], at: datetime) -> Alert:
    """Return the alert that tells the owner of `watch` of `errors`.

    Its id follows from the errors, wherever they stand, so that nobody is told the same twice. It is an incident of its
    own, over as soon as it is told: it opens nothing and keeps nothing from opening.
    """
    said = [error.message.splitlines()[0] + (f" ({error.hint})" if error.hint else "") for error in errors]
    note = " · ".join(f"{error.where}: {text}" for error, text in zip(errors, said, strict=True))
    name = sha256("\n".join([watch.id, *said]).encode()).hexdigest()[:16]
    signal = Signal(rule="watch-file", kind="watch-file", at=at, value=len(errors), threshold=1, window=1.0)
    incident = Incident(
        id=name,
        watch=watch.id,
        state=IncidentState.RESOLVED,
        revision=1,
        opened=at,
        updated=at,
        last_signal=at,
        resolved=at,
        signal=signal,
        mentions=0,
        stories=0,
        peak=0,
        told=0,
    )
    return Alert(
        id=f"{name}.1",
        watch=watch.id,
        reason=AlertReason.MISTAKE,
        incident=incident,
        at=at,
        seen=at,
        purpose=watch.purpose,
        owner=watch.owner,
        routes=choose(watch),
        query=watch.query,
        note=note,
    )
