"""Reading the processes' own `/metrics`: what the topics do not tell."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from cli.children import ask
from schemas.metrics import EVENTS_INGESTED, LAG


@dataclass(frozen=True, slots=True)
class Gauges:
    """`ingested`: events that the broker has acknowledged; `lag`: records that wait; `groups`: whose lag is known."""

    ingested: int = 0
    lag: int = 0
    groups: frozenset[str] = frozenset()


def read_gauges(ports: Iterable[int]) -> Gauges:
    """Return the sums over the processes on `ports`; one that does not answer at the moment adds nothing."""
    ingested = lag = 0.0
    groups: set[str] = set()
    for port in ports:
        for family in text_string_to_metric_families(str(ask(port, "/metrics") or b"", "utf-8")):
            for sample in family.samples:
                if sample.name == f"{EVENTS_INGESTED.name}_total":
                    ingested += sample.value
                elif sample.name == LAG.name:
                    lag += sample.value
                    groups.add(sample.labels.get("group", ""))
    return Gauges(int(ingested), int(lag), frozenset(groups))
