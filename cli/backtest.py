"""`earshot backtest`: the incidents and alerts that a watch file would have given over recorded posts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.explain import feeling, noting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from cli.progress import Progress
    from cli.reading import Unreadable
    from schemas.alert import Alert
    from schemas.event import Post
    from schemas.signal import Signal

_LOOK = {"opened": "red", "grew": "yellow", "resolved": "green", "withdrawn": "dim"}


def backtest(  # noqa: PLR0913, PLR0917 - they are options
    watches: Annotated[Path | None, typer.Option("--watches", "-w", metavar="FILE", help="The watch file.")] = None,
    input: Annotated[  # noqa: A002 - the name of the option
        str, typer.Option("--input", "-i", metavar="FILE", help="Recorded posts: .jsonl or .csv, also .gz; - is stdin.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object with the incidents and the alerts.")] = False,
    old: Annotated[Path | None, typer.Option(metavar="FILE", help="With --new: compare two watch files.")] = None,
    new: Annotated[Path | None, typer.Option(metavar="FILE", help="With --old: the newer of the two.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as a page, too.")] = None,
    counts: Annotated[Path | None, typer.Option(metavar="FILE", help="Try --rule on timestamp,value rows.")] = None,
    rule: Annotated[Path | None, typer.Option(metavar="FILE", help="One rule, as it stands in a watch.")] = None,
    scores: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the scores of --counts go.")] = None,
) -> None:
    """Show which incidents and alerts there would have been; exit code 1 if a line is no post.

    Three ways: --watches FILE --input POSTS · --old FILE --new FILE --input POSTS [--html PAGE] · --counts FILE --rule
    FILE --scores OUT.
    """
    if counts and rule and scores and not (watches or old or new or input):
        _score(counts, rule, scores)
    elif old and new and input and not (watches or counts):
        _compare(old, new, input, (json, html))
    elif watches and input and not (old or new or counts or html):
        _backtest(watches, input, json=json)
    else:
        raise typer.BadParameter(
            "write --watches and --input, or --old, --new and --input, or --counts, --rule and --scores"
        )


def _score(counts: Path, rule: Path, scores: Path) -> None:
    """Try one rule on a series of counts."""
    from cli.counting import read_counts, read_rule, write_scores
    from pipeline.counts import score_counts

    rows = list(read_counts(counts))
    armed = read_rule(rule)
    found = score_counts(armed, ((time, count) for _, time, count in rows))
    starts = write_scores(scores, zip([written for written, *_ in rows], found, strict=True))
    typer.echo(f"{len(rows):,} counts, {len(starts)} alerts: {scores}")


def _compare(old: Path, new: Path, posts: str, shown: "tuple[bool, Path | None]") -> None:
    """Show what would change if `new` took the place of `old`."""
    from json import dumps

    from rich.console import Console

    from cli.check import read_watches
    from cli.comparing import Curve, as_json, hourly, table
    from cli.page import write_page
    from cli.reading import read_in_order
    from pipeline.backtest import backtest as judge_posts
    from pipeline.compare import compare
    from schemas.alert import Alert
    from schemas.event import Post
    from schemas.receipt import Receipt

    unreadable: list[Unreadable] = []
    heard = [post for post in noting(read_in_order(posts), unreadable) if isinstance(post, Post)]
    feels = feeling()
    before = [one for one in judge_posts(read_watches(old), heard, feels=feels) if isinstance(one, Alert)]
    wanted = read_watches(new)
    curves, after = {watch.id: Curve(hourly(watch)) for watch in wanted}, []
    for one in judge_posts(wanted, heard, feels=feels):
        if isinstance(one, Receipt):
            curves[one.watch].hear(one)
        else:
            after.append(one)
    found = compare(before, after)
    json, page = shown
    if page:
        write_page(page, curves, found)
    if json:
        typer.echo(dumps(as_json(found), ensure_ascii=False))
    else:
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(highlight=False, width=140)
        console.print(table(found) if found else "[dim]neither would have told anybody anything[/]")
        console.print(f"[dim]{_count(len(heard), 'post')}; times are UTC[/]")
    if unreadable:
        raise typer.Exit(1)


def _backtest(watches: Path, posts: str, *, json: bool) -> None:
    from rich.console import Console

    from cli.check import read_watches
    from cli.progress import Heard, Progress
    from cli.reading import read_in_order
    from pipeline.backtest import backtest as judge_posts

    wanted = read_watches(watches)
    progress = Progress({watch.id: Heard() for watch in wanted})
    unreadable: list[Unreadable] = []
    counted = _counted(noting(read_in_order(posts), unreadable), progress)
    for record in judge_posts(wanted, counted, feels=feeling()):
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
        copies = f"{_count(len(watch.stories), 'story', 'stories')}, {_count(watch.folded, 'copy', 'copies')} of them"
        told = f"{_count(len(watch.incidents), 'incident')}, {_count(watch.alerts, 'alert')}"
        console.print(f"[bold]{name}[/]  {copies}, {told}")
        alerts = [alert for alert in progress.alerts.values() if alert.watch == name]
        console.print(_table(alerts) if alerts else "[dim]nobody would have been told anything[/]\n")
    heard = f"{_count(progress.heard, 'post')}, {_count(progress.decided, 'match', 'matches')}"
    console.print(f"[dim]{heard}; times are UTC[/]")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _table(alerts: "list[Alert]") -> Any:
    from rich import box
    from rich.markup import escape
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
            escape(_because(alert)),
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

    span, known = print_duration(signal.window), signal.expected or 0.0
    usual = f", {known:g} before" if signal.expected is not None else ""
    measured = f"{signal.value:g} in {span} (from {signal.threshold:g} on{usual})"
    match signal.kind:
        case "silence":
            measured = f"nothing for {signal.value:g} h (from {signal.threshold:g} h on)"
        case "negative-share":
            measured = f"{known:.0%} in {span}, surely {signal.value:.0%} (from {signal.threshold:.0%} on)"
        case "share-of-voice":
            measured = f"own share {known:.0%} in {span}"
        case "sentiment-shift":
            measured = f"surely {signal.value:.0%} more in {span} (from {signal.threshold:.0%} on, {known:.0%} before)"
    return f"{signal.rule}: {measured}"
