"""Detectors: the code behind the kinds of rule. A file `<kind>.py` in this folder is all that a new kind needs.

It defines `Config(Written)`, the fields that people write beside `kind`; `State`, a frozen value that pydantic can
store; and `step(config, state, window, now) -> (State, Signal | None)`, called at every own-brand mention that is not
late. Its docstring holds an example that shows where it fires. The kind is the file's name, `-` for `_`.

What else it may define:

- `hear(config, state, heard, window, now) -> State`, called before `step` at every mention that is counted, a late one
  or a competitor's too: what it wants to remember beyond the window.
- `begin(config, state, window, now) -> State`: time begins to pass for it, before it has heard anything: from then on
  it knows that nothing was. Without it a rule knows nothing before its first mention.
- `wakes(config, state) -> datetime | None`: when time alone may trip it; it is stepped at that moment.
- `REPEATS = True`: it hears, and is stepped at, new states of posts that have been counted (`heard.again`).
- `reweighs(config) -> bool`: whether it hears, and is stepped at, those of them whose risk is higher than the one that
  it has counted (`heard.before`), and only those.
- `RIVALS = True`: it is stepped at mentions that are about competitors only, too; `rivals(config) -> bool` where that
  depends on what is written.
- `about(config) -> About`: what its signals are about, so that they find the incident of their group: `mention` (the
  very one that trips it), or the kind of key that it counts by. Without it: the own brand, all in all.
- `LEADS = True`: the very post that trips it is what people must see first, although its signals are about no post.
- `resolve(config, lists) -> Config`: takes over the entries of the watch's named lists.
- `needs(config) -> set[str]`: the named lists without which it means nothing, `earshot check` looks for them.
- `plan(config, campaigns) -> Config`: takes over the watch's campaigns, which scale what is usual.
- `read(config, state)` and `written(config, state)`: for a state that pydantic cannot read or write alone.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, cast

from pydantic import TypeAdapter

from pipeline.frozen import replace, swift
from pipeline.windows.heard import Heard
from pipeline.windows.window import Window
from schemas.handling import Campaign
from schemas.model import Written
from schemas.signal import Signal
from schemas.watch import Lists, Rule, Watch

About = Literal["", "mention", "post", "entity", "story", "platform", "author", "site", "hashtag"]
"""What a signal is about: `mention` (of which it counts how many), one `post`, a kind of key, nothing in particular."""
CALM = 0.5
"""An incident is over when no rule measures this share of what trips it, for a while."""


@swift
@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector measured last, what it had to reach, and whether it has seen enough to judge: what scored.

    Detectors without a memory of their own use it as their `State`; every `State` has these three. One whose measure is
    never near zero has `calm` too: less than that is quiet again (else less than half of the threshold is). One that
    knows when it will have seen enough has `ready`, and one that keeps a baseline `expected`.
    """

    value: float = 0.0
    threshold: float = 0.0
    warming: bool = True


def restless(reading: Any) -> bool:
    """Tell whether a rule measures so much that an incident is not over."""
    return bool(reading.value >= getattr(reading, "calm", CALM * reading.threshold) > 0)


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
    """A rule of a watch with its detector and its checked settings; what else the detector defines, None if it does
    not.

    A `shadow` rule is measured, counted and told of in receipts, and alerts nobody.
    """

    id: str
    kind: str
    detector: Detector
    config: Written
    states: TypeAdapter[Any]
    shadow: bool = False
    begin: Callable[[Any, Any, Window, datetime], Any] | None = None
    hear: Callable[[Any, Any, Heard, Window, datetime], Any] | None = None
    wakes: Callable[[Any, Any], datetime | None] | None = None
    repeats: bool = False
    reweighs: bool = False
    rivals: bool = False
    about: About = ""
    leads: bool = False
    """Whether a message begins with the post that has tripped it, or with its story; else with the largest stories."""
    basis: Written | None = None
    """The settings without campaigns: what was learnt counts as long as these are the same."""

    @property
    def reach(self) -> float:
        """How many seconds back the rule looks."""
        return self.detector.reach(self.config)

    def dump(self, state: Any) -> Any:
        """Return a state as it is stored."""
        made = getattr(self.detector, "written", None)
        return self.states.dump_python(made(self.config, state) if made else state, mode="json", exclude_defaults=True)

    def load(self, stored: Any) -> Any:
        """Return the state that `dump` stored.

        Raises:
            pydantic.ValidationError: it was stored by another version of the detector.
        """
        found, made = self.states.validate_python(stored), getattr(self.detector, "read", None)
        return made(self.config, found) if made else found

    def knowing(self, lists: Lists) -> "Armed":
        """Return the rule with the entries of named lists in place of their names."""
        made = getattr(self.detector, "resolve", None)
        return replace(self, config=made(self.config, lists)) if made else self

    def expecting(self, campaigns: tuple[Campaign, ...]) -> "Armed":
        """Return the rule that knows when more than usual is expected; the very same if that changes nothing for it."""
        made = getattr(self.detector, "plan", None) if campaigns else None
        return replace(self, config=made(self.config, campaigns), basis=self.config) if made else self

    def learns_as(self, other: "Armed") -> bool:
        """Tell whether what `other` has learnt is what this rule would have."""
        mine, its = self.basis or self.config, other.basis or other.config
        return self.id == other.id and self.kind == other.kind and mine == its


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
        found[module.name.replace("_", "-")] = cast(Detector, detector)
    return found


def arm(watch: Watch) -> tuple[Armed, ...]:
    """Return the rules of `watch`, ready to step.

    Whoever published it has checked it, maybe with another release of Earshot. A rule that this one cannot read is left
    out (see `unread`), and the others do not suffer: a worker that ended here would end at each start.
    """
    found = (_readable(rule) for rule in watch.rules)
    return tuple(rule.knowing(watch.lists).expecting(watch.campaigns) for rule in found if rule)


def unread(watch: Watch) -> tuple[str, ...]:
    """Return the names of the rules that `arm` leaves out."""
    return tuple(rule.id for rule in watch.rules if _readable(rule) is None)


def _readable(rule: Rule) -> Armed | None:
    try:
        return arm_rule(rule, rule.id)
    except ValueError:  # no such kind, or settings that its detector does not know
        return None


def arm_rule(rule: Rule, name: str) -> Armed:
    """Return one rule, ready to step, under that name.

    Raises:
        ValueError: there is no detector of that kind, or the settings do not fit its `Config`.
    """
    if rule.kind not in detectors():
        raise ValueError(f"{rule.kind!r} is no kind of rule")
    detector = detectors()[rule.kind]
    state: Any = detector.State
    config = detector.Config.model_validate(rule.settings)
    rivals, made = getattr(detector, "rivals", None), getattr(detector, "about", None)
    reweighs = getattr(detector, "reweighs", None)
    about: About = made(config) if made else ""
    return Armed(
        id=name,
        kind=rule.kind,
        detector=detector,
        config=config,
        states=_adapter(state),
        shadow=rule.shadow,
        begin=getattr(detector, "begin", None),
        hear=getattr(detector, "hear", None),
        wakes=getattr(detector, "wakes", None),
        repeats=getattr(detector, "REPEATS", False),
        reweighs=bool(reweighs and reweighs(config)),
        rivals=rivals(config) if rivals else getattr(detector, "RIVALS", False),
        about=about,
        leads=bool(about) or getattr(detector, "LEADS", False),
    )


@cache
def _adapter(state: Any) -> TypeAdapter[Any]:
    """Return what reads and writes the states of a kind; ten thousand watches share it."""
    return TypeAdapter(state)


def unbegun(rules: Iterable[Armed], states: Mapping[str, Any]) -> bool:
    """Tell whether time has yet to begin to pass for one of `rules`."""
    return any(rule.begin is not None and rule.id not in states for rule in rules)


def begin_all(rules: Iterable[Armed], states: Mapping[str, Any], window: Window, now: datetime) -> Mapping[str, Any]:
    """Return the states by rule id with those of the rules for which time begins to pass now."""
    new = {
        rule.id: rule.begin(rule.config, rule.detector.State(), window, now)
        for rule in rules
        if rule.begin is not None and rule.id not in states
    }
    return {**states, **new} if new else states


def hear_all(
    rules: Iterable[Armed], states: Mapping[str, Any], heard: Heard, window: Window, now: datetime
) -> Mapping[str, Any]:
    """Let `rules` hear a mention; return all states by rule id, the very same if none of them remembers anything."""
    after: dict[str, Any] | None = None
    for rule in rules:
        wanted = rule.repeats or not heard.again or (rule.reweighs and heard.before is not None)
        if rule.hear is not None and wanted:
            after = after or dict(states)
            before = states.get(rule.id) or rule.detector.State()
            after[rule.id] = rule.hear(rule.config, before, heard, window, now)
    return states if after is None else after


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


def timed(rules: Iterable[Armed]) -> tuple[Armed, ...]:
    """Return those of `rules` that time alone may trip."""
    return tuple([rule for rule in rules if rule.wakes is not None])


def next_wake(rules: Iterable[Armed], states: Mapping[str, Any]) -> datetime | None:
    """Return when time alone may trip one of `rules` next."""
    found: datetime | None = None
    for rule in rules:
        if rule.wakes is not None and (state := states.get(rule.id)) is not None:
            at = rule.wakes(rule.config, state)
            if at is not None and (found is None or at < found):
                found = at
    return found
