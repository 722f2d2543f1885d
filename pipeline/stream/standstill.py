"""Standstill: for how long something that has work to do has got nowhere. Pure; what is looked at is in looking.py."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

LONGEST_STEP = 5.0
"""Seconds that one step may add: while this process itself did not run (frozen, starved) nothing could get on."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: whether work `waits`, and how far it has got, as a value that changes when it gets on."""

    waits: bool
    done: Hashable


@dataclass(frozen=True, slots=True)
class Standstill:
    """How far it had got, and the `seconds` for which that has been so although work waited."""

    done: Hashable
    seconds: float = 0.0


Key = TypeVar("Key", bound=Hashable)


def step(
    before: Mapping[Key, Standstill], looks: Mapping[Key, Look], seconds: float, *, broker: bool
) -> dict[Key, Standstill]:
    """Return the standstill of everything that is looked at, `seconds` after `before`.

    What gets on, or has nothing to do, begins at nought. While the `broker` is away no time passes: it is waited for.
    """
    after = {}
    for key, look in looks.items():
        known = before.get(key)
        if known is None or not look.waits or known.done != look.done:
            after[key] = Standstill(look.done)
        else:
            passed = min(max(seconds, 0.0), LONGEST_STEP) if broker else 0.0
            after[key] = Standstill(look.done, known.seconds + passed)
    return after


def stuck(standstills: Iterable[tuple[str, Standstill]], limit: float) -> str:
    """Return which of the named `standstills` has lasted longest, if that is more than `limit` seconds, or nothing."""
    name, longest = max(standstills, key=lambda named: named[1].seconds, default=("", Standstill(None)))
    return f"{name} has work and has got nowhere for {longest.seconds:.0f} s" if longest.seconds > limit else ""
