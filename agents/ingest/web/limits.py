"""How long a service asks us to stay away, in whichever of the headers in use it says so."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNIX_TIME = 1_000_000_000
"""A larger number is a moment (seconds since 1970), a smaller one a number of seconds."""


def wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until we may come back, by Retry-After or by the reset of a rate limit; None where none says.

    The reset is unix seconds at X, an ISO moment at Mastodon and the seconds left at Reddit.

    >>> wait_asked({"x-rate-limit-reset": "1763884860"}, datetime(2025, 11, 23, 8, 0, tzinfo=UTC))
    60.0
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    if (written := lowered.get("retry-after")) and (wait := retry_after(written, now)) is not None:
        return wait
    for name in ("x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset"):
        if (written := lowered.get(name)) and (wait := _until(written.strip(), now)) is not None:
            return wait
    return None


def retry_after(written: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, be it a number or a date."""
    if written.strip().isdecimal():
        return float(written)
    try:
        at = parsedate_to_datetime(written)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())


def _until(written: str, now: datetime) -> float | None:
    try:
        number = float(written)
        if not 0 <= number < 1e11:
            return None
        return max(0.0, number - now.timestamp()) if number > _UNIX_TIME else number
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(written)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None
