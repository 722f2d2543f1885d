"""Dates as feeds of German sites write them, which feedparser takes for none, or reads without their zone.

A date that is not read makes an old entry one of this moment, and a zone that is not read moves it by hours.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

LONGEST = 60
_MONTHS = "jan feb mar apr mai jun jul aug sep okt nov dez".split()  # noqa: SIM905 - read better than in quotes
_SPELT = {"maerz": "mar", "mär": "mar", "mrz": "mar", "jän": "jan", "may": "mai", "oct": "okt", "dec": "dez"}
_GERMAN = re.compile(
    r"(?:mo|di|mi|do|fr|sa|so|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend)\b"
    r"|.*\b(?:mai|okt|dez|mär|maerz|mrz|jän|januar|februar|juni|juli)|\d{1,2}\.|.*\buhr\b",
    re.IGNORECASE,
)
_ZONES = {"wet": 0, "west": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3, "gmt": 0, "utc": 0}
_HERE = ZoneInfo("Europe/Berlin")
_DATE = re.compile(
    r"(?:[^\W\d_]{2,10}(?:\.?,\s*|\.?\s+))?(?P<day>\d{1,2})"
    r"(?:\.\s?(?P<number>\d{1,2})\.\s?|\.?[\s-](?P<month>[^\W\d_]{3,9})\.?[\s-])(?P<year>\d{4})"
    r"(?:,?\s+(?:um\s+)?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:\s+Uhr)?"
    r"(?:\s+(?P<zone>[a-z]{2,5}|[+-]\d{2}:?\d{2}))?)?",
    re.IGNORECASE,
)


def read_date(written: str) -> datetime | None:
    """Return the moment that a date means, in UTC; nothing where feedparser knows better.

    Without a zone a German date is of Berlin, and any other is UTC.

    >>> read_date("Do, 10 Dez 2020 10:00:00 +0100"), read_date("27.11.2026, 10:00 Uhr") == read_date(
    ...     "Fri, 27 Nov 2026 10:00:00 CET"
    ... )
    (datetime.datetime(2020, 12, 10, 9, 0, tzinfo=datetime.timezone.utc), True)
    """
    if len(written) > LONGEST or not (found := _DATE.fullmatch(written.strip())):
        return None
    zone = _zone((found["zone"] or "").lower(), _HERE if _GERMAN.match(written.strip()) else UTC)
    month = int(found["number"]) if found["number"] else _month(found["month"].lower())
    if zone is None or month is None:
        return None
    try:
        hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
        local = datetime(int(found["year"]), month, int(found["day"]), hour, minute, second, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _month(written: str) -> int | None:
    start = next((month for spelt, month in _SPELT.items() if written.startswith(spelt)), written[:3])
    return _MONTHS.index(start) + 1 if start in _MONTHS else None


def _zone(written: str, otherwise: tzinfo) -> tzinfo | None:
    if not written:
        return otherwise
    if written[0] in "+-":
        ahead = timedelta(hours=int(written[1:3]), minutes=int(written[-2:]))
        return timezone(-ahead if written[0] == "-" else ahead) if ahead < timedelta(days=1) else None
    return timezone(timedelta(hours=_ZONES[written])) if written in _ZONES else None
