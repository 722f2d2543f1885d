"""Severity: how bad an incident is, from what is merely worth watching to a crisis."""

from typing import Literal, get_args

Severity = Literal["watch", "review", "escalate", "crisis"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""All of them, the mildest first."""


def reaches(severity: Severity, least: Severity) -> bool:
    """Tell whether `severity` is at least as bad as `least`.

    >>> reaches("escalate", "review"), reaches("watch", "review")
    (True, False)
    """
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


def worst(*severities: Severity) -> Severity:
    """Return the worst of `severities`, the mildest there is if there are none."""
    return max(severities, key=SEVERITIES.index, default=SEVERITIES[0])
