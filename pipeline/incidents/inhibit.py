"""Inhibit: which open incident keeps a signal from being told. Alertmanager's semantics, without its trap.

A rule of `inhibit` has a source (an incident that is open), a target (a signal) and labels that must be equal. There a
label that both lack counts as equal, so that a forgotten one mutes everything; here it does not. As there, what fits
both sides is not held back by what fits both sides too: nothing inhibits itself.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pipeline.alerts.silence import Labels, fits
from schemas.control import Inhibitor
from schemas.handling import Inhibition
from schemas.incident import Incident
from schemas.mention import OWN
from schemas.severity import Severity
from schemas.signal import Signal
from schemas.watch import Watch


def source_labels(watch: Watch, incident: Incident, entity: str = OWN) -> Labels:
    """Return what an incident can be recognised by; `entity` is what it is about where its group does not say so."""
    signal = incident.signal
    group = {label: (value,) for label, value in (incident.group or {}).items()}
    return {"entity": (entity,), **group, **_common(watch, signal, incident.severity)}


def target_labels(watch: Watch, signal: Signal, severity: Severity, known: Mapping[str, tuple[str, ...]]) -> Labels:
    """Return what a signal can be recognised by; `known` is what it is about."""
    return {**known, **_common(watch, signal, severity)}


def _common(watch: Watch, signal: Signal, severity: Severity) -> dict[str, tuple[str, ...]]:
    team = {"team": (watch.team,)} if watch.team else {}
    return {"watch": (watch.id,), "rule": (signal.rule,), "kind": (signal.kind,), "severity": (severity,), **team}


Source = TypeVar("Source", bound=Incident | Inhibitor)


def inhibitor(
    rules: Iterable[Inhibition], target: Labels, sources: Iterable[tuple[str, Source, Labels]]
) -> tuple[str, Source] | None:
    """Return the incident that holds a signal back, the oldest of several; `sources` are those that are open."""
    waiting = sorted(sources, key=lambda one: (one[1].opened, one[1].id))
    for rule in rules:
        if not fits(rule.targets, target):
            continue
        both = fits(rule.sources, target)
        for name, incident, labels in waiting:
            if (
                fits(rule.sources, labels)
                and not (both and fits(rule.targets, labels))
                and _equal(rule, labels, target)
            ):
                return name, incident
    return None


def _equal(rule: Inhibition, source: Labels, target: Labels) -> bool:
    """Tell whether both have every label that must be equal, with a value in common."""
    return all(
        not {value.casefold() for value in source.get(label, ())}.isdisjoint(
            value.casefold() for value in target.get(label, ())
        )
        for label in rule.equal
    )
