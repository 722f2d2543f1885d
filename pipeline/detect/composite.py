"""Composite: several rules at once. Negative, and widely read, and from three different authors: then it is serious.

`all_of` or `any_of` name rules as they are written in a watch, without names of their own. A part holds while it
measures what trips it and is not warming up. With `for`, it must all hold for so long without a break: then the rule
trips at a tick if nobody writes at that very moment. What is measured is the weakest part (of `any_of` the strongest)
beside what it needs: 1 is enough. Parts are asked at each mention and at the moment `for` is over.

>>> from datetime import UTC, datetime, timedelta
>>> from pipeline.windows.window import Window
>>> parts = [{"kind": "count", "threshold": 3, "window": "1h"}, {"kind": "count", "threshold": 2, "window": "10m"}]
>>> config, state, window = Config.model_validate({"all_of": parts, "for": "5m"}), State(), Window()
>>> for minute in [0, 20, 25, 28]:
...     now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
...     window = window.add(now, ("mentions",), now)
...     state, signal = step(config, state, window, now)
...     print(f"minute {minute}: {state.value:.2f}")
minute 0: 0.33
minute 20: 0.50
minute 25: 1.00
minute 28: 1.33
>>> now = wakes(config, state)
>>> state, signal = step(config, state, window, now)
>>> print(f"{now:%H:%M}: {signal.value:.2f}")
12:30: 1.00
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from pipeline.detect import Armed, arm_rule, begin_all, hear_all
from pipeline.frozen import replace
from pipeline.windows.heard import Heard
from pipeline.windows.window import Window
from schemas.handling import Campaign
from schemas.model import Duration, UtcTime, Written
from schemas.signal import Signal
from schemas.watch import Lists, Rule

MOST_PARTS = 8
Parts = Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=MOST_PARTS, strict=False)]
RIVALS = True
"""Its parts may look at competitors."""
REPEATS = True
"""Its parts may look at posts again."""


class Config(Written):
    """Either `all_of` or `any_of`, with rules; `for` is how long it must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=True)

    all_of: Parts | None = None
    any_of: Parts | None = None
    hold: Annotated[Duration | None, Field(alias="for")] = None
    _armed: tuple[Armed, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.all_of is None) == (self.any_of is None):
            raise ValueError("a composite has either `all_of` or `any_of`")
        rules = [Rule.model_validate(part) for part in self.all_of or self.any_of or ()]
        if any(rule.kind == "composite" or rule.shadow or rule.name for rule in rules):
            raise ValueError("a part of a composite is a plain rule: no composite, no shadow, no name")
        self._armed = tuple(arm_rule(rule, f"{at}") for at, rule in enumerate(rules))
        return self

    @property
    def parts(self) -> tuple[Armed, ...]:
        """The rules it is made of."""
        return self._armed


@dataclass(frozen=True, slots=True)
class State:
    """What was measured; the parts' states, by number; since when all holds; `looks` is when `for` is over.

    `ready` is when it will have seen enough, where the parts that have not know that of themselves.
    """

    value: float = 0.0
    threshold: float = 1.0
    warming: bool = True
    parts: Mapping[str, Any] = field(default_factory=dict)
    since: UtcTime | None = None
    looks: UtcTime | None = None
    ready: UtcTime | None = None


def resolve(config: Config, lists: Lists) -> Config:
    """Return the settings whose parts know the watch's `lists`."""
    copy = config.model_copy()
    copy._armed = tuple(part.knowing(lists) for part in config.parts)
    return copy


def needs(config: Config) -> set[str]:
    """Return the lists that the parts need."""
    parts = [(part.config, getattr(part.detector, "needs", None)) for part in config.parts]
    return {name for settings, asks in parts if asks for name in asks(settings)}


def plan(config: Config, campaigns: tuple[Campaign, ...]) -> Config:
    """Return the settings whose parts know the watch's `campaigns`."""
    copy = config.model_copy()
    copy._armed = tuple(part.expecting(campaigns) for part in config.parts)
    return copy


def read(config: Config, state: State) -> State:
    """Return a state that was read from a row, with the states of its parts as their detectors know them."""
    return replace(
        state, parts={part.id: part.load(state.parts[part.id]) for part in config.parts if part.id in state.parts}
    )


def written(config: Config, state: State) -> State:
    """Return the state as it goes into a row."""
    return replace(
        state, parts={part.id: part.dump(state.parts[part.id]) for part in config.parts if part.id in state.parts}
    )


def reach(config: Config) -> float:
    """Return how many seconds back the parts look."""
    return max(part.reach for part in config.parts)


def begin(config: Config, state: State, window: Window, now: datetime) -> State:
    """Let time begin to pass for the parts."""
    return replace(state, parts=begin_all(config.parts, state.parts, window, now))


def hear(config: Config, state: State, heard: Heard, window: Window, now: datetime) -> State:
    """Let the parts hear a mention."""
    return replace(state, parts=hear_all(config.parts, state.parts, heard, window, now))


def wakes(config: Config, state: State) -> datetime | None:
    """Return when `for` is over, or a part has something to say."""
    found = [
        at
        for part in config.parts
        if part.wakes and part.id in state.parts and (at := part.wakes(part.config, state.parts[part.id]))
    ]
    if state.looks:
        found.append(state.looks)
    return min(found, default=None)


def step(config: Config, state: State, window: Window, now: datetime) -> tuple[State, Signal | None]:
    """Return how far the weakest part is, and a signal when all have held for long enough."""
    parts = dict(state.parts)
    for part in config.parts:
        before = parts.get(part.id) or part.detector.State()
        parts[part.id], _ = part.detector.step(part.config, before, window, now)
    far = [
        0.0 if one.warming or not one.threshold else one.value / one.threshold
        for one in (parts[part.id] for part in config.parts)
    ]
    value = min(far) if config.all_of else max(far)
    warm = [one.warming for one in parts.values()]
    ready = [getattr(one, "ready", None) for one in parts.values() if one.warming]
    known = [at for at in ready if at]
    since = (state.since or now) if value >= 1 else None
    due = since + timedelta(seconds=config.hold or 0.0) if since else None
    state = replace(
        state,
        value=round(value, 6),
        warming=any(warm) if config.all_of else all(warm),
        parts=parts,
        since=since,
        looks=due if due and due > now else None,
        # any of them is enough where one of several has to hold
        ready=None if len(known) < len(ready) else (max if config.all_of else min)(known, default=None),
    )
    if due is None or due > now:
        return state, None
    return state, Signal(
        rule="composite", kind="composite", at=now, value=value, threshold=1.0, window=min(reach(config), 86_400.0)
    )
