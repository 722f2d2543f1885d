"""Detectors: the code behind the kinds of rule. A file `<kind>.py` in this folder is all that a new kind needs.

It defines `Config(Written)`, the fields that people write beside `kind`; `State`, a frozen value that pydantic can
store; and `step(config, state, window, now) -> (State, Signal | None)`, called at every own-brand mention that is not
late. Its docstring holds an example that shows where it fires.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol, cast

from pydantic import TypeAdapter

from pipeline.window import Window
from schemas.model import Written
from schemas.signal import Signal
from schemas.watch import Rule, Watch


@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector measured last, what it had to reach, and whether it has seen enough to judge: what scored.

    Detectors without a memory of their own use it as their `State`; every `State` has these three.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True


class Detector(Protocol):
    """A module of this folder. `reach(config)` is how many seconds back it looks."""

    Config: type[Written]
    State: type[Any]

    def reach(self, config: Any) -> float:
        """Return how many seconds of the window the detector looks at."""

    def step(self, config: Any, state: Any, window: Window, now: datetime) -> tuple[Any, Signal | None]:
        """Return what was measured, and the signal when that is enough; its rule is the kind, judge names it."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A rule of a watch with its detector and its checked settings."""

    id: str
    kind: str
    detector: Detector
    config: Written
    states: TypeAdapter[Any]

    @property
    def reach(self) -> float:
        """How many seconds back the rule looks."""
        return self.detector.reach(self.config)


@cache
def detectors() -> Mapping[str, Detector]:
    """Return every detector by its kind: the name of its file.

    Raises:
        ImportError: a file of the folder cannot be imported.
        TypeError: it lacks a part of the contract.
    """
    found: dict[str, Detector] = {}
    for module in pkgutil.iter_modules(__path__):
        detector = importlib.import_module(f"{__name__}.{module.name}")
        missing = [part for part in ("Config", "State", "reach", "step") if not hasattr(detector, part)]
        if missing:
            raise TypeError(f"detector {module.name} has no {', '.join(missing)}")
        found[module.name] = cast(Detector, detector)
    return found


def arm(watch: Watch) -> tuple[Armed, ...]:
    """Return the rules of `watch`, ready to step.

    Raises:
        KeyError: no detector of that kind (`earshot check` says so in words).
        pydantic.ValidationError: the settings do not fit the detector's `Config`.
    """
    return tuple(_arm(rule) for rule in watch.rules)


def _arm(rule: Rule) -> Armed:
    detector = detectors()[rule.kind]
    config = detector.Config.model_validate(rule.settings)
    return Armed(rule.id, rule.kind, detector, config, TypeAdapter(detector.State))


def step_all(
    rules: Iterable[Armed], states: Mapping[str, Any], window: Window, now: datetime
) -> tuple[dict[str, Any], tuple[Signal, ...]]:
    """Let `rules` look at `window`; return all states by rule id, and the signals of the rules that tripped."""
    after = dict(states)
    signals = []
    for rule in rules:
        before = states.get(rule.id) or rule.detector.State()
        after[rule.id], signal = rule.detector.step(rule.config, before, window, now)
        if signal is not None:
            signals.append(signal if signal.rule == rule.id else signal.model_copy(update={"rule": rule.id}))
    return after, tuple(signals)
