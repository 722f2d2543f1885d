"""Thousands: a number with points as Germans write it, which is read as a small one with decimals."""

import re
from collections.abc import Iterator
from typing import Any

from pipeline.lint import Context, Finding, Watched

_POINTS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield the settings of rules such as `threshold: 100.000`."""
    for number, rule in enumerate(watched.watch.rules):
        for field, value in (*rule.settings.items(), *rule.rises.items()):
            path = ("rules", number, *(("rises",) if field in rule.rises else ()), field)
            if (written := _written(watched, value, *path)) and _POINTS.fullmatch(written):
                yield Finding(
                    "thousands",
                    watched.where(*path),
                    f"{written} is {value:g}",
                    "a point separates decimals, not thousands",
                    f"write {written.replace('.', '')}, or {value:g} if that is meant",
                )


def _written(watched: Watched, value: Any, *path: str | int) -> str:
    """Return how a number stands in the file; empty where it is none, or stands nowhere."""
    real = watched.place.at(*path).real
    located = watched.files.get(real.name)
    if located is None or not isinstance(value, float):
        return ""
    start, end = located.span_of(*real.path)
    return located.source[start:end]
