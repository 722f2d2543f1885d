"""What a batch leads to, apart from state: the records to be written, and what the metrics are told of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.alerts.route import addressed
from pipeline.state import Verdict
from pipeline.stream import metrics
from pipeline.stream.producer import Outgoing
from schemas.alert import Alert
from schemas.control import Gone, Inhibitor, Taken
from schemas.receipt import Receipt
from schemas.topics import ALERTS, MENTIONS, RECEIPTS

LARGEST_ALERT = 1_000_000
"""Bytes of an alert that its topic takes for sure."""
_CUT = 2000
_TO = {"inhibitor": (MENTIONS, b"inhibitor"), "gone": (ALERTS, b"gone"), "taken": (ALERTS, b"taken")}


class Watched(Protocol):
    """Who knows the watches of a partition."""

    def open(self, watch: str) -> int:
        """Return how many incidents of a watch are not resolved."""


@dataclass(slots=True)
class BatchOutcome:
    """What a batch leads to, apart from state."""

    dead: list[Outgoing] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    folded: Counter[tuple[str, bool]] = field(default_factory=Counter)
    shadowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    news: list[Inhibitor | Gone | Taken] = field(default_factory=list)

    def add(self, watch: str, verdict: Verdict) -> None:
        """Add what followed from one record for `watch`."""
        self.alerts += verdict.alerts
        self.receipts += verdict.receipts
        self.news += verdict.news
        for rule in verdict.shadowed:
            self.shadowed[watch, rule] += 1
        if verdict.folded is not None:
            self.folded[watch, verdict.folded] += 1

    def count(self, partition: Watched) -> None:
        """Tell the metrics, once everything is written."""
        metrics.judged(self.alerts, self.receipts)
        for watch in {alert.watch for alert in self.alerts}:
            metrics.incidents(watch, partition.open(watch))
        for (watch, folded), mentions in self.folded.items():
            metrics.told(watch, mentions, folded=folded)
        for (watch, rule), times in self.shadowed.items():
            metrics.shadowed(watch, rule, times)

    def outgoing(self, partitions: int = 1) -> list[Outgoing]:
        """Return the records to be written; what others have to know goes to every one of `partitions`."""
        return [
            *self.dead,
            *(Outgoing(ALERTS, key.encode(), _fitting(one)) for alert in self.alerts for key, one in addressed(alert)),
            *(Outgoing(RECEIPTS, receipt.mention.encode(), receipt.to_bytes()) for receipt in self.receipts),
            *(Outgoing(*_TO[one.type], one.to_bytes(), to) for one in self.news for to in range(partitions)),
        ]


def _fitting(alert: Alert) -> bytes:
    """Return the alert with its quotes cut where the topic would not take it: three book-length posts stop nobody."""
    value = alert.to_bytes()
    if len(value) <= LARGEST_ALERT:
        return value
    quotes = tuple(quote.model_copy(update={"text": quote.text[:_CUT] + " …"}) for quote in alert.quotes)
    return alert.model_copy(update={"quotes": quotes}).to_bytes()
