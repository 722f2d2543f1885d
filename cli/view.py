"""The live view of the demo: on a terminal a picture that changes, elsewhere plain lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.gauges import Gauges
from cli.progress import Progress, Tally
from schemas.alert import Alert, AlertReason

SPARKS = "▁▂▃▄▅▆▇█"
WIDE, NARROW = 48, 24
"""Hours that the sparkline shows, on a terminal of at least 110 columns and on a smaller one."""
LINE_SECONDS = 5.0
_LOOK = {
    AlertReason.OPENED: "red",
    AlertReason.GREW: "yellow",
    AlertReason.RESOLVED: "green",
    AlertReason.ROSE: "red",
    AlertReason.ESCALATED: "red",
    AlertReason.REMINDER: "yellow",
    AlertReason.LAPSED: "yellow",
    AlertReason.DIGEST: "blue",
    AlertReason.SILENCE_ENDS: "magenta",
    AlertReason.WITHDRAWN: "dim",
    AlertReason.MISTAKE: "magenta",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is replayed: so many `posts`, from `start` until time has passed to `end` in every one of `partitions`."""

    posts: int
    start: datetime
    end: datetime
    partitions: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one moment of a run."""

    progress: Progress
    gauges: Gauges
    plan: Plan

    @property
    def now(self) -> datetime:
        """The time that judge has reached."""
        return self.gauges.judged or self.plan.start

    @property
    def share(self) -> float:
        """How much of the replay has been heard, from 0 to 1."""
        return min(1.0, self.progress.heard / self.plan.posts)

    @property
    def judged(self) -> bool:
        """Tell whether all time has passed and nothing waits in any topic."""
        receipts = self.progress.decided == sum(watch.matched for watch in self.progress.watches.values())
        ticked = min(self.progress.clock(self.plan.partitions), self.now) >= self.plan.end
        return ticked and receipts and self.gauges.lag == 0

    @property
    def finished(self) -> bool:
        """Tell whether all posts were heard and judged, and everybody was told."""
        return self.progress.heard >= self.plan.posts and self.judged and self.progress.waiting == 0


class View(Protocol):
    """Where a run says what happens."""

    inbox: str

    def say(self, text: str) -> None:
        """Tell of a step."""

    def wait(self, names: list[str]) -> None:
        """Tell that these processes are not ready yet."""

    def show(self, moment: Moment) -> None:
        """Show the state of the run."""


class Lines:
    """Plain lines, for a pipe or a CI log: every alert, and the counts every few seconds."""

    def __init__(self, console: Console) -> None:
        self.inbox = ""
        self._console = console
        self._next = 0.0
        self._told: set[str] = set()

    def say(self, text: str) -> None:
        """Print the step."""
        self._console.print(text, markup=False, soft_wrap=True)

    def wait(self, names: list[str]) -> None:
        """Print nothing: the next step says it."""

    def show(self, moment: Moment) -> None:
        """Print alerts that are new, and now and then the counts."""
        for alert in moment.progress.alerts.values():
            if alert.id not in self._told:
                self._told.add(alert.id)
                self.say(f"{alert.at:%Y-%m-%d %H:%M}  {alert.reason:<8} {alert.watch}: {say_incident(alert)}")
        if monotonic() >= self._next:
            self._next = monotonic() + LINE_SECONDS
            counts = ", ".join(f"{value} {name}" for name, value in counts_of(moment).items())
            self.say(f"{moment.now:%Y-%m-%d %H:%M}  {counts}")


class Picture:
    """A picture that changes, for a terminal."""

    def __init__(self, live: Live) -> None:
        self.inbox = ""
        self._live = live
        self._steps: list[str] = []

    def say(self, text: str) -> None:
        """Add the step to the list that is shown until the replay begins."""
        self._steps.append(text)
        self._live.update(self._frame(self._listed()), refresh=True)

    def wait(self, names: list[str]) -> None:
        """Show whom the run waits for."""
        waiting = Text(f"  … waiting for {' and '.join(names)}", "dim")
        self._live.update(self._frame(self._listed(), waiting), refresh=True)

    def show(self, moment: Moment) -> None:
        """Show the state of the run."""
        self._live.update(self._frame(*picture(moment, WIDE if self._live.console.width >= 110 else NARROW)))

    def _listed(self) -> Text:
        return Text("\n").join(Text.assemble(("  ✓ ", "green"), step) for step in self._steps)

    def _frame(self, *parts: RenderableType) -> Panel:
        where = f"[dim]Slack and mail as they arrive:[/] [link={self.inbox}]{escape(self.inbox)}[/]"
        return Panel(Group(*parts), title="[bold]Earshot[/]", subtitle=where, box=box.ROUNDED, padding=(1, 2))


def picture(moment: Moment, hours: int = WIDE) -> Iterator[RenderableType]:
    """Yield the parts of the picture, from top to bottom."""
    clock = Table.grid(padding=(0, 2), expand=True)
    clock.add_column()
    clock.add_column(ratio=1)
    clock.add_row(f"[bold]{moment.now:%a %d %b %Y  %H:%M}[/]", ProgressBar(total=1.0, completed=moment.share))
    yield clock
    yield Text()
    counts = Table.grid(expand=True)
    for _ in counts_of(moment):
        counts.add_column(justify="center", ratio=1)
    counts.add_row(*(f"[bold]{value:,}[/]\n[dim]{name}[/]" for name, value in counts_of(moment).items()))
    yield counts
    yield _watches(moment, hours)
    yield _alerts(moment)


def counts_of(moment: Moment) -> dict[str, int]:
    """Return the counts of a run in the order of the path."""
    watches = moment.progress.watches.values()
    return {
        "heard": moment.progress.heard,
        "matched": sum(watch.matched for watch in watches),
        "folded": sum(watch.folded for watch in watches),
        "stories": sum(len(watch.stories) for watch in watches),
        "incidents": sum(len(watch.incidents) for watch in watches),
        "alerts": len(moment.progress.alerts),
        "delivered": len(moment.progress.told),
        "lag": moment.gauges.lag,
    }


def _watches(moment: Moment, hours: int) -> Table:
    heading = f"last {hours} hours"
    table = Table("watch", heading, "matched", "incident", box=box.SIMPLE_HEAD, expand=True)
    table.columns[2].justify = "right"
    table.columns[3].ratio = 1
    for name, watch in moment.progress.watches.items():
        heard = f"[cyan]{sparkline(watch, moment.now, hours)}[/]"
        table.add_row(f"[bold]{escape(name)}[/]", heard, f"{watch.matched:,}", _state(watch))
    return table


def _state(watch: Tally) -> str:
    if opened := watch.open:
        incident = opened[-1]
        return f"[red]● {incident.state}[/], {incident.mentions} mentions"
    return f"[green]✓ {len(watch.incidents)} resolved[/]" if watch.incidents else "[dim]quiet[/]"


def sparkline(watch: Tally, now: datetime, hours: int) -> str:
    """Return the mentions of a watch in the last `hours`, one character an hour, as tall as its busiest hour ever."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    counts = [watch.by_hour[this - timedelta(hours=back)] for back in range(hours - 1, -1, -1)]
    top = max(watch.by_hour.values(), default=0)
    return "".join(SPARKS[-(-count * 8 // top) - 1] if count else " " for count in counts)


def _alerts(moment: Moment, rows: int = 6) -> Table:
    table = Table("time", "alert", "watch", "incident", box=box.SIMPLE_HEAD, expand=True)
    table.columns[3].ratio = 1
    alerts = sorted(moment.progress.alerts.values(), key=lambda alert: (alert.at, alert.id))[-rows:]
    for alert in alerts:
        look = _LOOK[alert.reason]
        table.add_row(
            f"{alert.at:%d %b %H:%M}", f"[{look}]{alert.reason}[/]", escape(alert.watch), escape(say_incident(alert))
        )
    for _ in range(rows - len(alerts)):
        table.add_row()
    return table


def say_incident(alert: Alert) -> str:
    """Return in a few words how large the incident of an alert is."""
    incident = alert.incident
    return f"{incident.mentions:,} mentions in {incident.stories:,} stories, peak {incident.peak:g}"


@contextmanager
def view_for(console: Console) -> Iterator[View]:
    """Yield the view that suits where `console` writes."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, refresh_per_second=8, vertical_overflow="crop") as live:
        yield Picture(live)
