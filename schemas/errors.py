"""The four words of error between the parts of Earshot; everything else that is raised is a bug."""


class EarshotError(Exception):
    """An error that has a meaning for the person or the process that runs into it."""


class InvalidMessage(EarshotError):
    """A record cannot be processed, now or ever: it goes to the dead topic with `reason` and is never retried.

    `reason` is a short word that serves as a metric label, such as `not-json` or `too-large`.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SourceError(EarshotError):
    """A source could not be read; it is tried again after `retry_after` seconds, or by the runner's own back-off."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryError(EarshotError):
    """A channel did not accept an alert.

    `permanent`: no repetition can help (the address does not exist, the token is revoked).
    `ambiguous`: the service may have accepted it all the same (a time-out, a 5xx); ask before sending again.
    `retry_after`: seconds that the service asked us to wait.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, ambiguous: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.ambiguous = ambiguous
        self.retry_after = retry_after


class ConfigError(EarshotError):
    """Something a person wrote is wrong, so the process stops at start; the text says where and what was meant.

    `where` is `file:line` or the name of an environment variable; `hint` is what to do about it.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(": ".join(part for part in (where, message) if part) + (f" ({hint})" if hint else ""))
        self.message = message
        self.where = where
        self.hint = hint
