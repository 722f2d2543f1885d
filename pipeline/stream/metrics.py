"""What the worker counts: the one place where the stages of the stream meet Prometheus, a few calls a batch."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from agents.observe import counter, gauge, histogram
from schemas.alert import Alert
from schemas.metrics import (
    ALERTS_MADE,
    BATCH_SECONDS,
    COMMIT_AGE,
    DEAD_RECORDS,
    DECISIONS,
    EVENTS_READ,
    FOLDS,
    INCIDENTS_OPEN,
    LAG,
    MATCHES,
    SHADOW_TRIPS,
    SOURCE_GAPS,
    STATE_BYTES,
    STORIES,
    TICK_AGE,
    WATCHES_CHANGED,
    WATCHES_MATCHED,
    WATCHES_WRONG,
    Metric,
)
from schemas.receipt import Receipt
from schemas.topics import raw_topic

MOST_SOURCES = 1000
"""How many sources have a series of their own; the rest share one."""
_gapped: set[str] = set()


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Measure how long a batch takes from its arrival to its acknowledgement."""
    started = perf_counter()
    yield
    histogram(BATCH_SECONDS).labels(stage).observe(perf_counter() - started)


def heard(events: Mapping[str, int], matches: Mapping[str, int]) -> None:
    """Count events that listen read, by platform, and matches by watch; platforms we do not know share one label."""
    for platform, count in events.items():
        counter(EVENTS_READ).labels(raw_topic(platform).rpartition(".")[2]).inc(count)
    for watch, count in matches.items():
        counter(MATCHES).labels(watch).inc(count)


def gap(source: str) -> None:
    """Count a resume that was not exact; the name of the source is what a record says, so there may be any number."""
    if len(_gapped) < MOST_SOURCES:
        _gapped.add(source)
    counter(SOURCE_GAPS).labels(source if source in _gapped else "other").inc()


def buried(reason: str) -> None:
    """Count a record sent to the dead topic."""
    counter(DEAD_RECORDS).labels(reason).inc()


def judged(alerts: Iterable[Alert], receipts: Iterable[Receipt]) -> None:
    """Count what judge decided in a batch, once it is written."""
    for alert in alerts:
        counter(ALERTS_MADE).labels(alert.watch, alert.reason).inc()
    for decision, times in Counter([receipt.decision for receipt in receipts]).items():
        counter(DECISIONS).labels(decision).inc(times)


def shadowed(watch: str, rule: str, times: int) -> None:
    """Count how often a rule would have tripped that is only tried."""
    counter(SHADOW_TRIPS).labels(watch, rule).inc(times)


def incidents(watch: str, unresolved: int) -> None:
    """Note how many incidents of a watch are not resolved."""
    gauge(INCIDENTS_OPEN).labels(watch).set(unresolved)


def told(watch: str, mentions: int, *, folded: bool) -> None:
    """Count mentions as copies of stories that were known, or as the beginnings of new ones."""
    counter(FOLDS if folded else STORIES).labels(watch).inc(mentions)


def ticked(seconds: float) -> None:
    """Note the time that judge took from a tick, in Unix seconds."""
    gauge(TICK_AGE).set(seconds)


def watching(watches: int) -> None:
    """Note that from now on this worker matches with so many watches."""
    gauge(WATCHES_MATCHED).set(watches)
    gauge(WATCHES_CHANGED).set_to_current_time()


def watches_wrong(wrong: Mapping[tuple[str, str], int]) -> None:
    """Note which watches have a mistake now, by name and owner; a nameless one stands for whole files."""
    metric = gauge(WATCHES_WRONG)
    metric.clear()
    for names, count in list(wrong.items())[:MOST_SOURCES]:
        metric.labels(*names).set(count)


def lag(group: str, lags: dict[Any, int]) -> None:
    """Note how far a group is behind."""
    _by_partition(LAG, group, lags)


def commit_age(group: str, seconds: dict[Any, float]) -> None:
    """Note for how long records have waited for a group without any being committed."""
    _by_partition(COMMIT_AGE, group, seconds)


def _by_partition(wanted: Metric, group: str, values: Mapping[Any, float]) -> None:
    """Set a gauge for the partitions of a group; those it no longer has are forgotten."""
    metric, shown = gauge(wanted), _shown.setdefault((wanted.name, group), set())
    for topic, partition in shown - values.keys():
        metric.remove(group, topic, str(partition))
    shown.clear()
    for tp, value in values.items():
        shown.add((tp.topic, tp.partition))
        metric.labels(group, tp.topic, str(tp.partition)).set(value)


_shown: dict[tuple[str, str], set[tuple[str, int]]] = {}


def state(figures: Mapping[str, int]) -> None:
    """Note how large the state on disk is, by where its bytes are."""
    for where, size in figures.items():
        gauge(STATE_BYTES).labels(where).set(size)
