"""`earshot backtest`: the incidents and alerts that a watch file would have given over recorded posts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from cli.matched import Matched
    from cli.progress import Progress
    from cli.recordings import Recording
    from schemas.alert import Alert
    from schemas.signal import Signal

_LOOK = {"opened": "red", "grew": "yellow", "resolved": "green", "withdrawn": "dim"}


def backtest(  # noqa: PLR0913, PLR0917 - they are options
    watches: Annotated[Path | None, typer.Option("--watches", "-w", metavar="FILE", help="The watch file.")] = None,
    input: Annotated[  # noqa: A002 - the name of the option
        str,
        typer.Option(
            "--input", "-i", metavar="FILE", help="Recorded posts: .jsonl, .json or .csv, also .gz or .zip; - is stdin."
        ),
    ] = "",
    begin: Annotated[
        str, typer.Option("--from", metavar="TIME", help="What the broker got since: 2026-03-02T06:00, or 2d.")
    ] = "",
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="With --from: up to when; now by itself.")] = "",
    mentions: Annotated[
        bool, typer.Option("--mentions", help="Judge what was matched then, as earshot.mentions has it.")
    ] = False,
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
    FILE --scores OUT. Instead of --input, --from TIME [--to TIME] takes what the raw topics of EARSHOT_KAFKA hold, and
    with --mentions what its workers have matched: that is only judged again, with what people said meanwhile.
    """
    history = bool(begin or end or mentions)
    if counts and rule and scores and not (watches or old or new or input or history):
        _score(counts, rule, scores)
    elif old and new and bool(input) != history and not (watches or counts):
        _compare(old, new, _recording(input, begin, end, mentions=mentions), (json, html))
    elif watches and bool(input) != history and not (old or new or counts or html):
        _backtest(watches, _recording(input, begin, end, mentions=mentions), json=json)
    else:
        raise typer.BadParameter(
            _wanted(watches=bool(watches), compared=bool(old or new), counts=bool(counts or rule or scores))
        )


def _wanted(*, watches: bool, compared: bool, counts: bool) -> str:
    """Return which options belong together, as far as it can be told by those given which were meant."""
    ways = {
        "--watches and --input (or --from)": watches,
        "--old, --new and --input (or --from)": compared,
        "--counts, --rule and --scores": counts,
    }
    meant = [way for way, is_meant in ways.items() if is_meant]
    return f"write {meant[0] if len(meant) == 1 else ', or '.join(ways)}"


def _recording(path: str, begin: str, end: str, *, mentions: bool) -> "Recording | Matched":
    """Return what is judged: what is in the file, or, without one, what a deployment has heard or matched."""
    from cli.matched import matched_since
    from cli.recordings import kept_since, recorded_in

    if path:
        return recorded_in(path)
    return matched_since(begin, end) if mentions else kept_since(begin, end)


def _score(counts: Path, rule: Path, scores: Path) -> None:
    """Try one rule on a series of counts."""
    from cli.counting import read_counts, read_rule, write_scores
    from cli.printable import counted
    from pipeline.offline.counts import score_counts

    if scores.resolve() in {counts.resolve(), rule.resolve()}:
        raise typer.BadParameter(f"the scores would be written over {scores}: name another file", param_hint="--scores")
    rows = list(read_counts(counts))
    armed = read_rule(rule)
    # exports may begin with the newest; what is written stands in the order of the file
    order = sorted(range(len(rows)), key=lambda place: rows[place][1])
    found = score_counts(armed, [rows[place][1:] for place in order])
    scored = dict(zip(order, found, strict=True))
    starts = write_scores(scores, ((row[0], scored[place]) for place, row in enumerate(rows)))
    typer.echo(f"{counted(len(rows), 'count')}, {counted(len(starts), 'alert')}: {scores}")


def _compare(old: Path, new: Path, recording: "Recording | Matched", shown: "tuple[bool, Path | None]") -> None:
    """Show what would change if `new` took the place of `old`."""
    from json import dumps

    from cli.check import read_watches
    from cli.comparing import Curve, as_json, hourly, table
    from cli.page import write_page
    from cli.printable import console
    from pipeline.offline.compare import compare
    from schemas.alert import Alert
    from schemas.receipt import Receipt

    before = [one for one in recording.judge(read_watches(old)) if isinstance(one, Alert)]
    wanted = read_watches(new)
    curves, after = {watch.id: Curve(hourly(watch)) for watch in wanted}, []
    for one in recording.judge(wanted):
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
        out = console(markup=True)
        out.print(table(found) if found else "[dim]neither would have told anybody anything[/]")
        out.print(f"[dim]{recording.said}; times are UTC[/]")
    if recording.unreadable:
        raise typer.Exit(1)


def _backtest(watches: Path, recording: "Recording | Matched", *, json: bool) -> None:

    from cli.check import read_watches
    from cli.printable import console
    from cli.progress import Progress, Tally

    wanted = read_watches(watches)
    progress = Progress({watch.id: Tally() for watch in wanted})
    for record in recording.judge(wanted):
        progress.receive(record)
    progress.heard = recording.posts
    if json:
        typer.echo(_to_json(progress, recording.records))
    else:
        _print(progress, recording.said, console(120, markup=True))
    if recording.unreadable:
        raise typer.Exit(1)


def _to_json(progress: "Progress", records: int) -> str:
    from json import dumps

    incidents = [incident for watch in progress.watches.values() for incident in watch.incidents.values()]
    about: dict[str, Any] = {
        **({"records": records} if records else {}),
        "heard": progress.heard,
        "matched": progress.decided,
        "folded": sum(watch.folded for watch in progress.watches.values()),
        "stories": sum(len(watch.stories) for watch in progress.watches.values()),
        "decisions": {str(decision): count for decision, count in sorted(progress.decisions.items())},
        "incidents": [incident.model_dump(mode="json", exclude_none=True) for incident in incidents],
        "alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in progress.alerts.values()],
    }
    return dumps(about, ensure_ascii=False)


def _print(progress: "Progress", read: str, console: "Console") -> None:
    from cli.printable import counted

    for name, watch in progress.watches.items():
        copies = f"{counted(len(watch.stories), 'story', 'stories')}, {counted(watch.folded, 'copy', 'copies')} of them"
        told = f"{counted(len(watch.incidents), 'incident')}, {counted(watch.alerts, 'alert')}"
        console.print(f"[bold]{name}[/]  {copies}, {told}")
        alerts = [alert for alert in progress.alerts.values() if alert.watch == name]
        console.print(_table(alerts) if alerts else "[dim]nobody would have been told anything[/]\n")
    console.print(f"[dim]{read}, {counted(progress.decided, 'match', 'matches')}; times are UTC[/]")


def _table(alerts: "list[Alert]") -> Any:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table("time", "alert", "mentions", "stories", "because", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[2].justify = table.columns[3].justify = "right"
    # a narrow terminal shows less beside each other, and all of it
    table.columns[0].no_wrap, table.columns[4].overflow = True, "fold"
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
    signal, lasted = alert.incident.signal, (alert.at - alert.incident.opened).total_seconds() / 3600
    if alert.reason == "resolved" and signal.kind == "silence":
        return f"heard again after {signal.value + (alert.at - signal.at).total_seconds() / 3600:.1f} h"
    if alert.reason == "resolved":
        return f"quiet again after {lasted:.1f} h, peak {alert.incident.peak:g}"
    return say_signal(signal)


def say_signal(signal: "Signal") -> str:
    """Return in a few words what a rule has measured."""
    from pipeline.incidents.incident import figure
    from schemas.duration import print_duration

    span, known = print_duration(signal.window), signal.expected or 0.0
    what = "before" if signal.kind == "spike" else "usual"
    usual = f", {known:g} {what}" if signal.expected is not None else ""
    measured = f"{figure(signal.value)} in {span} (from {figure(signal.threshold)} on{usual})"
    match signal.kind:
        case "silence":
            measured = f"nothing for {signal.value:g} h (from {signal.threshold:g} h on)"
        case "negative-share":
            measured = f"{known:.0%} in {span}, surely {signal.value:.0%} (from {signal.threshold:.0%} on)"
        case "composite":
            measured = "its conditions hold"
        case "share-of-voice":
            measured = f"own share {known:.0%} in {span}"
        case "sentiment-shift":
            measured = f"surely {signal.value:.0%} more in {span} (from {signal.threshold:.0%} on, {known:.0%} before)"
    return f"{signal.rule}: {measured}"
