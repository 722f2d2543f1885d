"""Reading the processes' own `/metrics`: what the topics do not tell."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from cli.children import ask
from schemas.metrics import EVENTS_READ, LAG


@dataclass(frozen=True, slots=True)
class Gauges:
    """`heard`: events that the worker has read; `lag`: records that wait."""

    heard: int = 0
    lag: int = 0


def read_gauges(ports: Iterable[int]) -> Gauges:
    """Return the sums over the processes on `ports`; one that does not answer at the moment adds nothing."""
    heard = lag = 0.0
    for port in ports:
        for family in text_string_to_metric_families(str(ask(port, "/metrics") or b"", "utf-8")):
            for sample in family.samples:
                if sample.name == f"{EVENTS_READ.name}_total":
                    heard += sample.value
                elif sample.name == LAG.name:
                    lag += sample.value
    return Gauges(int(heard), int(lag))
