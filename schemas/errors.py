"""The four words of error between the parts of Earshot; everything else that is raised is a bug."""

from enum import StrEnum


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


class FailureKind(StrEnum):
    """Why a source could not be read: the label by which failures are counted."""

    NETWORK = "network"
    """Nobody answered, or the connection broke."""
    RATE_LIMITED = "rate-limited"
    SERVER = "server"
    """The service says that it is the one in trouble (5xx)."""
    REFUSED = "refused"
    """The service does not want what we asked for, or we must not follow where it sends us."""
    BROKEN_ANSWER = "broken-answer"
    """What came is too large, too deep, or not what it should be."""
    BUDGET = "budget"
    """Our own limit of money or calls."""
    CONFIG = "config"
    """It ended for good, and a person has to correct something."""
    BUG = "bug"


class SourceError(EarshotError):
    """A source could not be read; it is tried again after `retry_after` seconds, or by the runner's own back-off.

    `status` is what an HTTP server answered, 0 where none did.
    """

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        *,
        kind: FailureKind = FailureKind.NETWORK,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.kind = kind
        self.status = status


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
