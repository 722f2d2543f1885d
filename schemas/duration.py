"""Durations as people write them: `90s`, `30m`, `1h30m`, `2d`, `1w`."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

LONGEST = 10 * 366 * 86400.0
"""Ten years: whoever writes more has mistaken the unit."""

PATTERN = r"^\s*([0-9]+(\.[0-9]+)?\s*[smhdw]\s*)+$"
"""The form of the text, for editors."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])")
_IN_WORDS = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*([a-zäöü]+)\.?")
_WORDS = {
    "s": "s sec secs second seconds sek sekunde sekunden",
    "m": "m min mins minute minutes minuten",
    "h": "h hr hrs hour hours std stunde stunden",
    "d": "d day days tag tage tagen",
    "w": "w wk week weeks woche wochen",
}
_WHOLE = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?\s*[smhdw]\s*)+")


def parse_duration(value: Any) -> float:
    """Return the seconds that `value` names.

    Raises:
        ValueError: `value` is neither such a text nor a number of seconds, or is not between 0 and ten years.
    """
    if isinstance(value, str) and len(value) <= 100 and _WHOLE.fullmatch(value.strip()):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= LONGEST else float("inf")
    else:
        said = f"write a duration as a number and a unit, such as 90s, 30m, 1h or 2d, not {value!r}"
        raise ValueError(said + (f"; did you mean `{near}`?" if (near := _meant(value)) else ""))
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a duration is longer than nothing and at most ten years, not {value!r}")
    return seconds


def _meant(written: Any) -> str:
    """Return what to write instead of a duration in words, such as `1 Stunde`; nothing where that cannot be told."""
    found = _IN_WORDS.fullmatch(written.strip().lower()) if isinstance(written, str) and len(written) <= 100 else None
    unit = next((unit for unit, words in _WORDS.items() if found and found[2] in words.split()), "")
    return f"{found[1].replace(',', '.')}{unit}" if found and unit else ""


@lru_cache
def print_duration(seconds: float) -> str:
    """Return `seconds` in the largest unit that divides it: 5400.0 is `90m`. Parsed again, it is exactly the same."""
    for unit, size in reversed(_UNITS.items()):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{Decimal(repr(seconds)):f}s"
