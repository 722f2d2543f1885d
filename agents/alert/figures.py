"""The figures of a message, in the words of its language: what was measured, and how it is divided."""

from types import SimpleNamespace

from agents.alert.localize import Localizer, cut
from schemas.alert import Alert
from schemas.mention import OWN
from schemas.signal import Signal

NAME_LIMIT = 80
RIVALS = 2
"""So many competitors are named in a headline."""

_SHARES = frozenset({"negative-share", "sentiment-shift", "share-of-voice"})
"""The kinds of rule that measure a share of 1."""


def ratio(signal: Signal) -> float:
    """Return how many times the usual was measured, or the threshold where nothing is known to be usual."""
    usual = signal.threshold if signal.expected is None else signal.expected
    return signal.value / usual if usual > 0 else 0.0


def figure(signal: Signal, local: Localizer) -> str:
    """Return what was measured as people write it."""
    if signal.kind in _SHARES:
        return local.share(signal.value, 1)
    return local.span(3600 * signal.value) if signal.kind == "silence" else local.number(signal.value)


def rivals(alert: Alert) -> dict[str, int]:
    """Return how often each competitor was mentioned."""
    return {cut(name, NAME_LIMIT): count for name, count in alert.shares.items() if name != OWN}


def voice(alert: Alert, local: Localizer) -> SimpleNamespace:
    """Return the shares of the talk as people write them: the own one, and those of the largest competitors."""
    total = sum(alert.shares.values())
    largest = sorted(rivals(alert).items(), key=lambda one: (-one[1], one[0]))[:RIVALS]
    others = [f"{name} {local.share(count, total)}" for name, count in largest if count]
    return SimpleNamespace(own=local.share(alert.incident.signal.expected or 0, 1), others=others)


def counted(counts: dict[str, int], local: Localizer) -> str:
    """Write counts by name, the largest first, at most six of them."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:6]
    return ", ".join(f"{name} {local.number(count)}" for name, count in largest if count)
