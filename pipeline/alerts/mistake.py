"""Mistake: what the owner of a watch is told when it is wrong as written, by the routes that its alerts take."""

from collections.abc import Sequence
from datetime import datetime

from pipeline.alerts.notice import notice, signal
from schemas.alert import Alert, AlertReason
from schemas.errors import ConfigError
from schemas.watch import Watch


def tell_owner(watch: Watch, errors: Sequence[ConfigError], at: datetime) -> Alert:
    """Return the alert that tells the owner of `watch` of `errors`.

    Its id follows from the errors, wherever they stand, so that nobody is told the same twice. It is an incident of its
    own, over as soon as it is told: it opens nothing and keeps nothing from opening.
    """
    said = [error.message.splitlines()[0] + (f" ({error.hint})" if error.hint else "") for error in errors]
    note = " · ".join(f"{error.where}: {text}" for error, text in zip(errors, said, strict=True))
    return notice(watch, AlertReason.MISTAKE, said, signal("watch-file", at, len(errors)), note=note)
