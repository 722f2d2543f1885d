"""What a run of the demo amounted to: for people as a table, for machines as JSON."""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from cli.progress import Progress, Tally
from schemas.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run. Times are in seconds; `page` is the inbox as a file."""

    figures: dict[str, Any]
    watches: dict[str, dict[str, Any]]
    page: str

    @property
    def undelivered(self) -> int:
        """How many deliveries were given up."""
        return int(self.figures["undelivered"])


def summarise(progress: Progress, started: datetime, page: str) -> Summary:
    """Return the summary of a finished run whose first process was `started` then."""
    delays = progress.delays()
    first = min((one.at for one in progress.told), default=None)
    watches = {name: _watch(watch) for name, watch in progress.watches.items()}
    figures = {
        "heard": progress.heard,
        "matched": sum(watch["matched"] for watch in watches.values()),
        "folded": sum(watch["folded"] for watch in watches.values()),
        "stories": sum(watch["stories"] for watch in watches.values()),
        "incidents": sum(len(watch["incidents"]) for watch in watches.values()),
        "alerts": len(progress.alerts),
        "delivered": len(progress.told),
        "undelivered": len(progress.deliveries) - len(progress.told),
        "seconds_to_first_alert": None if first is None else round((first - started).total_seconds(), 2),
        "event_to_alert_p50": quantile(delays, 0.5),
        "event_to_alert_p95": quantile(delays, 0.95),
        "duration": round((datetime.now(UTC) - started).total_seconds(), 1),
    }
    return Summary(figures, watches, page)


def _watch(watch: Tally) -> dict[str, Any]:
    told = {"id", "opened", "resolved", "mentions", "stories", "peak", "revision"}
    incidents = [incident.model_dump(mode="json", include=told) for incident in watch.incidents.values()]
    return {
        "matched": watch.matched,
        "folded": watch.folded,
        "stories": len(watch.stories),
        "alerts": watch.alerts,
        "incidents": incidents,
    }


def quantile(ordered: list[float], share: float) -> float | None:
    """Return the value that `share` of the `ordered` ones do not exceed; None where there are none."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else None


def write_summary(summary: Summary, path: str) -> None:
    """Write the summary as one JSON object to a file, or to standard output for `-`.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = json.dumps({**summary.figures, "watches": summary.watches, "inbox": summary.page}, ensure_ascii=False)
    if path == "-":
        sys.stdout.write(f"{text}\n")
        return
    try:
        Path(path).write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=path) from None


def print_summary(summary: Summary, console: Console) -> None:
    """Print the summary for people."""
    said = summary.figures
    table = Table("watch", "matched", "folded", "stories", "incidents", "alerts", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, watch in summary.watches.items():
        counts = [watch["matched"], watch["folded"], watch["stories"], len(watch["incidents"]), watch["alerts"]]
        table.add_row(name, *(f"{count:,}" for count in counts))
    console.print(table)
    console.print(f"{said['heard']:,} posts heard, {said['alerts']} alerts, {said['delivered']} messages delivered")
    if said["seconds_to_first_alert"] is not None:
        console.print(
            f"first alert {said['seconds_to_first_alert']:.1f} s after the processes started; from the post to the"
            f" accepted alert {said['event_to_alert_p50']:.2f} s (median), {said['event_to_alert_p95']:.2f} s (p95)",
            soft_wrap=True,
        )
    if summary.undelivered:
        console.print(f"[red]{summary.undelivered} messages could not be delivered[/]")
    console.print(f"[dim]all of it took {said['duration']:.0f} s; the inbox is kept in[/] {summary.page}")
