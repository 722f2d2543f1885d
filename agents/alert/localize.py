"""Numbers, times and spans of time as people write them in German and in English."""

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

LOCALES = {"de": Locale("de", "DE"), "en": Locale("en", "GB")}
ZONE = ZoneInfo("Europe/Berlin")
ELLIPSIS = "…"
UNBROKEN = "\u00a0"
"""A space at which no line is broken."""
LARGEST = 1e15

_SPACES = re.compile(rf"[^\S{UNBROKEN}]+")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
# invisible characters that turn the direction of writing around: a link could be shown backwards
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """Return `text` without line breaks, control characters and turned writing, white space collapsed.

    A space at which no line may be broken stays one: between a day and its month, a figure and its %.
    """
    kept = (" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text if c not in _TURNING)
    return " ".join(_SPACES.split("".join(kept))).strip()


def cut(text: str, limit: int) -> str:
    """Return `text` as one line of at most `limit` characters, cut at a word where that costs little."""
    line = one_line(text)
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    word = head.rsplit(" ", 1)[0]
    return (word if len(word) > limit * 2 // 3 else head).rstrip() + ELLIPSIS


def excerpt(text: str, place: int, limit: int) -> str:
    """Return `text` as `cut` does, from a little before the character at `place` where else its word would be cut off.

    What was left out at the front is an ellipsis.
    """
    line, short = one_line(text), cut(text, limit)
    # where the place is after the line was tidied
    at = len(one_line(f"{text[:place]}x")) - 1
    word = len(line[at:].split(" ", 1)[0])
    if at + word < len(short) or not 0 < place < len(text) or line == short:
        return short
    early = max(0, at - limit // 3)
    begin = line.find(" ", early, at) + 1 or early
    return ELLIPSIS + cut(line[begin:], limit - 1)


class Localizer:
    """Writes figures in one language; times are Berlin's."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = LOCALES[language]

    def number(self, value: float) -> str:
        """Write a number: whole where it is, else with one digit after the point; astronomic ones are cut off."""
        return format_decimal(round(min(value, LARGEST), 1), format="#,##0.#", locale=self.locale)

    def signed(self, value: float) -> str:
        """Write points that are added or taken away, with their sign."""
        return ("−" if value < 0 else "+") + self.number(abs(value))

    def share(self, part: float, whole: float) -> str:
        """Write `part` of `whole` as a percentage, neither 0 nor 100 unless it is exactly that."""
        percent = round(100 * part / whole) if whole else 0
        if 0 < part < whole:
            percent = min(max(percent, 1), 99)
        return format_percent(percent / 100, locale=self.locale)

    def when(self, moment: datetime, today: datetime) -> str:
        """Write an instant: the time alone on the day of `today`, else with its date."""
        local = moment.astimezone(ZONE)
        time = self._time(local)
        if local.date() == today.astimezone(ZONE).date():
            return time
        return f"{self._date(local)}, {time}"

    def moment(self, moment: datetime) -> str:
        """Write an instant with its date."""
        local = moment.astimezone(ZONE)
        return f"{self._date(local)}, {self._time(local)}"

    def _date(self, local: datetime) -> str:
        """Write a date; the day stays with its month."""
        return format_date(local, "long", self.locale).replace(" ", UNBROKEN, 1)

    def _time(self, local: datetime) -> str:
        """Write a time of day; the hour that comes twice when the clocks are set back says which of them it is."""
        clock = format_time(local, "HH:mm", locale=self.locale)
        if self.language != "de":
            return f"{clock} {local.tzname()}"
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return f"{clock} Uhr ({'Sommerzeit' if local.dst() else 'Winterzeit'})" if twice else f"{clock} Uhr"

    def span(self, seconds: float) -> str:
        """Write a span of time in its two largest units: `2 hours, 5 minutes`; a German day stands in the dative."""
        rest = max(1, round(seconds))
        if rest >= 3600:
            rest = round(rest / 60) * 60
        parts = []
        for unit, size in _UNITS:
            count, rest = divmod(rest, size)
            if count:
                parts.append(format_unit(count, unit, locale=self.locale))
            if len(parts) == 2 or (parts and not count):
                break
        return format_list(parts, "standard", self.locale).replace("Tage", "Tagen").replace("Tagenn", "Tagen")
