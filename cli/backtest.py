"""`earshot backtest`: the incidents and alerts that a watch file would have given over recorded posts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.explain import InputOption, WatchesOption, noting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from cli.progress import Progress
    from cli.reading import Unreadable
    from schemas.alert import Alert
    from schemas.event import Post
    from schemas.signal import Signal

_LOOK = {"opened": "red", "grew": "yellow", "resolved": "green", "withdrawn": "dim"}


def backtest(
    watches: WatchesOption,
    input: InputOption,  # noqa: A002 - the name of the option
    json: Annotated[bool, typer.Option("--json", help="One JSON object with the incidents and the alerts.")] = False,
) -> None:
    """Show which incidents and alerts there would have been; exit code 1 if a line is no post."""
    from rich.console import Console

    from cli.check import read_watches
    from cli.progress import Heard, Progress
    from cli.reading import read_posts
    from pipeline.backtest import backtest as judge_posts

    wanted = read_watches(watches)
    progress = Progress({watch.id: Heard() for watch in wanted})
    unreadable: list[Unreadable] = []
    for record in judge_posts(wanted, _counted(noting(read_posts(input), unreadable), progress)):
        progress.receive(record)
    if json:
        typer.echo(_to_json(progress))
    else:
        console = Console(highlight=False)
        # a file or a pipe is as wide as the tables are
        _print(progress, console if console.is_terminal else Console(highlight=False, width=120))
    if unreadable:
        raise typer.Exit(1)


def _counted(found: "Iterable[Post | Unreadable]", progress: "Progress") -> "Iterator[Post]":
    from schemas.event import Post

    for one in found:
        if isinstance(one, Post):
            progress.heard += 1
            yield one


def _to_json(progress: "Progress") -> str:
    from json import dumps

    incidents = [incident for watch in progress.watches.values() for incident in watch.incidents.values()]
    about: dict[str, Any] = {
        "heard": progress.heard,
        "matched": progress.decided,
        "folded": sum(watch.folded for watch in progress.watches.values()),
        "stories": sum(len(watch.stories) for watch in progress.watches.values()),
        "decisions": {str(decision): count for decision, count in sorted(progress.decisions.items())},
        "incidents": [incident.model_dump(mode="json", exclude_none=True) for incident in incidents],
        "alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in progress.alerts.values()],
    }
    return dumps(about, ensure_ascii=False)


def _print(progress: "Progress", console: "Console") -> None:
    for name, watch in progress.watches.items():
        copies = f"{len(watch.stories):,} stories, {watch.folded:,} copies of them"
        console.print(f"[bold]{name}[/]  {copies}, {len(watch.incidents)} incidents, {watch.alerts} alerts")
        alerts = [alert for alert in progress.alerts.values() if alert.watch == name]
        console.print(_table(alerts) if alerts else "[dim]nobody would have been told anything[/]\n")
    console.print(f"[dim]{progress.heard:,} posts, {progress.decided:,} matches; times are UTC[/]")


def _table(alerts: "list[Alert]") -> Any:
    from rich import box
    from rich.table import Table

    table = Table("time", "alert", "mentions", "stories", "because", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[2].justify = table.columns[3].justify = "right"
    opened = ""
    for alert in alerts:
        if opened and alert.incident.id != opened:
            table.add_section()
        opened, incident = alert.incident.id, alert.incident
        table.add_row(
            f"{alert.at:%Y-%m-%d %H:%M}",
            f"[{_LOOK.get(alert.reason, 'yellow')}]{alert.reason}[/]",
            f"{incident.mentions:,}",
            f"{incident.stories:,}",
            _because(alert),
        )
    return table


def _because(alert: "Alert") -> str:
    if alert.reason == "resolved":
        lasted = (alert.at - alert.incident.opened).total_seconds() / 3600
        return f"quiet again after {lasted:.1f} h, peak {alert.incident.peak:g}"
    return say_signal(alert.incident.signal)


def say_signal(signal: "Signal") -> str:
    """Return in a few words what a rule has measured."""
    from schemas.duration import print_duration

    usual = f", {signal.expected:g} before" if signal.expected is not None else ""
    measured = f"{signal.value:g} in {print_duration(signal.window)} (from {signal.threshold:g} on{usual})"
    return f"{signal.rule}: {measured}"
