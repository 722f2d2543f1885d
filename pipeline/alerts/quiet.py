"""Quiet hours: until when a route sleeps, by the clock on somebody's wall, across both changes of it.

An hour that the clock leaps over ends where it leaps; one that it shows twice is over the second time.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.handling import DAYS, QuietHours

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def quiet_until(hours: QuietHours, at: datetime) -> datetime | None:
    """Return when the quiet hours that `at` lies in are over (UTC), or None where it lies in none.

    >>> quiet_until(QuietHours(begin="22:00", end="07:00"), datetime(2026, 3, 28, 21, 30, tzinfo=UTC))
    datetime.datetime(2026, 3, 29, 5, 0, tzinfo=datetime.timezone.utc)
    """
    begin, end = hours.span
    zone = hours.zone_info
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        if DAYS[day.weekday()] not in hours.days:
            continue
        over = _instant(day if begin < end else day + _DAY, end, zone, last=True)
        if _instant(day, begin, zone, last=False) <= at < over:
            return over
    return None


def _instant(day: date, wall: time, zone: ZoneInfo, *, last: bool) -> datetime:
    """Return when the clock on the wall first shows `wall` on `day` or later, or for the last time."""
    local = datetime.combine(day, wall, zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    # the clock never shows it: it leaps over it some time between the two readings
    while second.astimezone(zone).replace(tzinfo=None) < datetime.combine(day, wall):
        second += _MINUTE
    return second
