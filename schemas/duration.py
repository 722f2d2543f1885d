"""Durations as people write them: `90s`, `30m`, `1h30m`, `2d`, `1w`."""

import re
from typing import Any

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhdw]\s*)+")


def parse_duration(value: Any) -> float:
    """Return the seconds that `value` names.

    Raises:
        ValueError: `value` is neither such a text nor a positive number of seconds.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    raise ValueError(f"write a duration as a number and a unit, such as 90s, 30m, 1h or 2d, not {value!r}")


def print_duration(seconds: float) -> str:
    """Return `seconds` in the largest unit that divides it: 5400.0 is `90m`."""
    for unit, size in reversed(_UNITS.items()):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
