"""Two versions of a watch file over the same posts: the table of `earshot backtest --old A --new B`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pipeline.detect import arm
from pipeline.offline.compare import Difference
from schemas.alert import Alert
from schemas.receipt import Decision, Receipt
from schemas.watch import Watch

if TYPE_CHECKING:
    from rich.table import Table

HOUR = 3600
_NO_MENTION = {
    Decision.COMPETITOR_ONLY,
    Decision.IRRELEVANT,
    Decision.REDELIVERED,
    Decision.EDITED,
    Decision.WITHDRAWN,
}
"""What is decided about what no rule counts as a mention of the own brand."""


@dataclass(slots=True)
class Curve:
    """One watch by hours: mentions, and the least that one of the `hourly` rules of the new version asked for.

    `usual` is what was usual then and what would have been enough, where one of these rules keeps a baseline.
    """

    hourly: frozenset[str] = frozenset()
    mentions: dict[int, int] = field(default_factory=dict)
    limits: dict[int, float] = field(default_factory=dict)
    usual: dict[int, tuple[float, float]] = field(default_factory=dict)

    def hear(self, receipt: Receipt) -> None:
        """Take a receipt of the new version into account."""
        hour = int(receipt.at.timestamp()) // HOUR
        self.mentions[hour] = self.mentions.get(hour, 0) + (receipt.decision not in _NO_MENTION)
        looked = [one for one in receipt.rules or () if one.rule in self.hourly and not one.warming]
        if looked:
            self.limits[hour] = min(one.threshold for one in looked)
        usual = [(one.expected, one.threshold) for one in looked if one.expected is not None]
        if usual:
            self.usual[hour] = min(usual, key=itemgetter(1))


def hourly(watch: Watch) -> frozenset[str]:
    """Return the rules of `watch` whose threshold is a number of mentions an hour: only they can be drawn so."""
    found = set()
    for rule in arm(watch):
        settings: Any = rule.config
        plain = getattr(settings, "per", None) is None and getattr(settings, "distinct", "mentions") == "mentions"
        of_an_hour = rule.kind in {"count", "spike"} and settings.window == HOUR and plain
        if not rule.shadow and (of_an_hour or rule.kind == "unusual-volume"):
            found.add(rule.id)
    return frozenset(found)


def table(found: Iterable[Difference]) -> "Table":
    """Return the differences as a table."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from cli.printable import printable

    made = Table("change", "watch", "old", "new", "by", "because", box=box.SIMPLE_HEAD, pad_edge=False)
    for one in found:
        made.add_row(
            one.change, one.watch, say_time(one.old), say_time(one.new), say_by(one), escape(printable(because(one)))
        )
    return made


def because(one: Difference) -> str:
    """Return what tripped in the version that tells, and whose incident it is where they are told apart."""
    from cli.backtest import say_signal

    told = one.new or one.old
    group = ", ".join(f"{label} {name}" for label, name in (told.incident.group or {}).items()) if told else ""
    return f"{say_signal(told.incident.signal)}{f' · {group}' if group else ''}" if told else ""


def say_time(alert: Alert | None) -> str:
    """Return when an alert was, a dash where there was none."""
    return f"{alert.at:%Y-%m-%d %H:%M}" if alert else "–"


def say_by(one: Difference) -> str:
    """Return how much sooner or later the new version tells."""
    if not one.by:
        return ""
    minutes = round(one.by / timedelta(minutes=1))
    size = f"{abs(minutes) // 60} h {abs(minutes) % 60} min" if abs(minutes) >= 60 else f"{abs(minutes)} min"
    return f"{size} {'later' if minutes > 0 else 'sooner'}"


def as_json(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """Return the differences for machines; times are UTC."""
    return [
        {
            "change": one.change.value,
            "watch": one.watch,
            "old": one.old.at.isoformat() if one.old else None,
            "new": one.new.at.isoformat() if one.new else None,
            "seconds": one.by.total_seconds(),
        }
        for one in found
    ]
