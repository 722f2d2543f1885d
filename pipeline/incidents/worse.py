"""Worse: when what people know of an incident is no longer enough.

By default they are told at one, two, four, sixteen and 256 times what a rule needs: the worse they know it to be, the
more it takes, so that a storm that doubles and doubles is told four times and not ten. A rule is compared with what it
measured when people were told; another rule, that measures something else, by how many times its threshold that is. So
an incident that five grave posts have opened is told of again when there are hundreds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline.incidents.life import Life
from schemas.handling import Handling
from schemas.receipt import Again
from schemas.signal import Signal


def far(signals: Sequence[Signal]) -> float:
    """Return how many times its threshold the rule measures that is farthest above it."""
    return max(signal.value / signal.threshold for signal in signals)


def peak(life: Life, signal: Signal) -> float:
    """Return the most that the last incident measured, as the rule of `signal` would have measured it."""
    if life.incident is None:
        return 0.0
    last = life.incident.signal
    if signal.rule == last.rule:
        return life.incident.peak
    return (life.height or life.incident.peak / last.threshold) * signal.threshold


def known(life: Life, signal: Signal) -> float:
    """Return what people know of the open incident, as the rule of `signal` would have measured it.

    Of another rule that is how many times its threshold was measured when they were told.
    """
    if life.signal is None or signal.rule == life.signal.rule:
        return life.told
    return max(_times(life, life.signal), life.far) * signal.threshold


def _times(life: Life, leading: Signal) -> float:
    """Return how many times what was needed then people know of: at night less is needed than at noon."""
    return life.told / (life.needed or leading.threshold)


def enough(life: Life, signal: Signal, handling: Handling) -> float:
    """Return what the rule of `signal` has to measure for people to be told of the open incident again.

    `worse_by` times what they know of, or as many times that as this is its threshold.
    """
    told = known(life, signal)
    times = _times(life, signal) if life.signal and signal.rule == life.signal.rule else told / signal.threshold
    return told * max(handling.worse_by, times)


def grown(life: Life, signal: Signal, handling: Handling) -> bool:
    """Tell whether a signal is so much worse that people are told of the open incident again."""
    return signal.value >= enough(life, signal, handling)


def lead(life: Life, signals: Sequence[Signal], handling: Handling) -> Signal:
    """Return the signal that speaks for all: the leading rule's, unless another has grown and it has not.

    Where no incident is open, or the leading rule is silent, it is the one farthest above its threshold.
    """
    farthest = max(signals, key=lambda signal: signal.value / signal.threshold)
    if life.open is None or life.signal is None:
        return farthest
    leading = next((signal for signal in signals if signal.rule == life.signal.rule), farthest)
    return leading if grown(life, leading, handling) or not grown(life, farthest, handling) else farthest


def again(life: Life, handling: Handling, at: datetime, signal: Signal | None = None) -> Again | None:
    """Return what would be enough at `at` to tell people of the open incident once more; None where there is none.

    It is told by the measure of the leading rule; `signal` is what has tripped at `at`.
    """
    if life.open is None or life.signal is None or life.alerted is None:
        return None
    leading = signal if signal and signal.rule == life.signal.rule else life.signal
    after = life.alerted + timedelta(seconds=handling.patience)
    found = {"rule": leading.rule, "known": life.told, "value": enough(life, leading, handling)}
    return Again.model_validate(found | {"after": after if at < after else None})
