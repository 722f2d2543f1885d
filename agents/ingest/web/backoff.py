"""How long to wait after an attempt that failed."""

FIRST = 1.0
LONGEST = 300.0
ASKED_AT_MOST = 86_400.0
"""A service that asks for more than a day is asked again after a day."""


def delay(failures: int, retry_after: float | None, chance: float) -> float:
    """Return the seconds to wait after the `failures`th failure in a row; `chance` is a random number below 1.

    The wait doubles up to five minutes and is spread over its upper half, so that many readers of one broken service
    do not return at one moment. What the service asked for (`retry_after`) is never undercut.

    >>> [delay(failures, None, 0.0) for failures in (1, 2, 3, 20)]
    [0.5, 1.0, 2.0, 150.0]
    >>> delay(1, 120.0, 0.5)
    120.75
    """
    backoff = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 30)) * (0.5 + chance / 2)
    return backoff if retry_after is None else min(max(retry_after, 0.0), ASKED_AT_MOST) + backoff
