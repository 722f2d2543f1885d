"""Times as tables of posts hold them: of listening tools, of platforms' exports, of spreadsheets.

A time without a zone is UTC, but for a German date with words, which is of Berlin (`feeddate`). Of 3/4/2026 nobody can
tell which is the month: that is told by the other rows of the same table.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from agents.ingest.formats.feeddate import read_date
from agents.ingest.platforms.payload import moment

LONGEST = 60
_COUNTED = re.compile(r"(\d{9,10}|\d{12,13})(?:\.\d{1,9})?")
"""Seconds or milliseconds since 1970, also as floating point numbers are exported; other numbers are something else."""
_COMPACT = re.compile(r"20\d{12}")
_SHORT_YEAR = re.compile(r"(\d{1,2}\.\d{1,2}\.)(\d\d)(?!\d)")
_HALF = re.compile(r"\d ?[ap]\.?m\b", re.IGNORECASE)
_NAMED_ZONE = re.compile(r"\d ?[A-Za-z]{2,5}(?: \d{4})?")
_SLASHED = re.compile(
    r"(?P<a>\d{1,2})(?P<sign>[/-])(?P<b>\d{1,2})(?P=sign)(?P<year>\d{4})"
    r"(?:,?[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_ZONED = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([A-Z]{2,4}|[+-]\d{4})")
_ZONES = {"UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONES |= {"WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3}
_PATTERNS = (
    "%a %b %d %H:%M:%S %z %Y",  # X before 2020
    "%d-%b-%Y %I:%M%p",
    "%d-%b-%Y %I:%M %p",
    "%d-%b-%Y",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y, %I:%M %p",
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y, %I:%M:%S %p",
    "%b %d, %Y %H:%M",
    "%b %d, %Y",
    "%B %d, %Y %I:%M %p",
    "%B %d, %Y",
    "%d %b %Y %I:%M %p",
    "%d %b %Y %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)


def days_first(written: Iterable[str]) -> bool | None:
    """Tell whether in dates with slashes the day stands before the month; None where no row can tell.

    >>> days_first(["3/4/2026", "27/4/2026"]), days_first(["4/27/2026 8:00 PM"]), days_first(["3/4/2026"])
    (True, False, None)
    """
    halved = False
    for one in written:
        if found := _SLASHED.fullmatch(one.strip()):
            if int(found["a"]) > 12:
                return True
            if int(found["b"]) > 12:
                return False
            halved = halved or bool(found["half"])
    # where the clock has twelve hours the month most often stands first: what no row speaks against
    return False if halved else None


def read_time(written: str, *, day_first: bool | None = None) -> datetime | None:
    """Return the moment that a cell means, in UTC; nothing where it is none, or nobody can tell which.

    >>> read_time("2020-06-30 23:59:59 EDT") == read_time("2020-07-01T03:59:59Z") == read_time("1593575999")
    True
    """
    text = " ".join(written.replace("\u202f", " ").split())
    if not text or len(text) > LONGEST:
        return None
    if text.replace(".", "", 1).isdecimal():
        return _number(text)
    if found := _SLASHED.fullmatch(text):
        return _slashed(found, day_first)
    if found := _ZONED.fullmatch(text):
        return _zoned(*found.groups())
    known = moment(text) or read_date(_SHORT_YEAR.sub(r"\g<1>20\g<2>", text, count=1)) or _by_pattern(text)
    return known or _mailed(text)


def _mailed(text: str) -> datetime | None:
    """Return what a date of a mail means; what reads those knows of no halves of a day, and takes any zone for UTC."""
    if _HALF.search(text):
        return None
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        mailed = parsedate_to_datetime(text)
        if mailed.tzinfo is not None:
            return mailed.astimezone(UTC)
        return None if _NAMED_ZONE.search(text, text.find(":")) else mailed.replace(tzinfo=UTC)
    return None


def _number(text: str) -> datetime | None:
    if found := _COUNTED.fullmatch(text):
        return moment(found[1])
    with suppress(ValueError):
        if _COMPACT.fullmatch(text):
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return None


def _slashed(found: re.Match[str], day_first: bool | None) -> datetime | None:
    first, second = int(found["a"]), int(found["b"])
    order = day_first if day_first is not None else days_first([found[0]])
    if order is None and first != second:
        return None
    day, month = (first, second) if order else (second, first)
    hour, minute, seconds = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    with suppress(ValueError):
        return datetime(int(found["year"]), month, day, hour, minute, seconds, tzinfo=UTC)
    return None


def _zoned(written: str, zone: str) -> datetime | None:
    if zone[0] in "+-":
        return moment(f"{written}{zone}")
    if zone not in _ZONES or (local := moment(written)) is None:
        return None
    return local.replace(tzinfo=timezone(timedelta(hours=_ZONES[zone]))).astimezone(UTC)


def _by_pattern(text: str) -> datetime | None:
    for pattern in _PATTERNS:
        with suppress(ValueError, OverflowError):
            found = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is given below
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None
