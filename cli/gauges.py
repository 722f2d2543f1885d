"""Reading the processes' own `/metrics`: what the topics do not tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from cli.children import ask
from schemas.metrics import LAG, TICK_AGE


@dataclass(frozen=True, slots=True)
class Gauges:
    """`lag`: records that wait for the worker; `judged`: the time that judge has reached, None before it has any."""

    lag: int = 0
    judged: datetime | None = None


def read_gauges(ports: Iterable[int]) -> Gauges:
    """Return the gauges of the processes on `ports`; one that does not answer at the moment adds nothing."""
    lag = seconds = 0.0
    for port in ports:
        for family in text_string_to_metric_families(str(ask(port, "/metrics") or b"", "utf-8")):
            for sample in family.samples:
                if sample.name == LAG.name:
                    lag += sample.value
                elif sample.name == TICK_AGE.name:
                    seconds = max(seconds, sample.value)
    return Gauges(int(lag), datetime.fromtimestamp(seconds, UTC) if seconds else None)
