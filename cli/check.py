"""`earshot check`: is a watch file right, and what does it ask for, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.lint import Finding, Lint
    from pipeline.lint.sample import Sample
    from schemas.watch import Rule, Watch
    from schemas.watchfile import WatchFiles


_SPANS = frozenset({"window", "reference", "learn", "cooldown", "for"})
"""The settings of rules that are durations."""


def read_watches(path: Path) -> "tuple[Watch, ...]":
    """Return the watches of a file or folder, checked in every respect: fields, queries, rules and routes.

    Raises:
        ConfigError: something in it is wrong; the text says where and what was meant.
    """
    from agents.watchfolder import read_watches as read

    files = read(path)
    if wrong := files.wrong():
        raise wrong[0]
    return files.watches


def check(
    watches: Annotated[Path, typer.Argument(help="The watch file, or a folder of them.")],
    sample: Annotated[str, typer.Option(metavar="FILE", help="Recorded posts, to measure the queries on.")] = "",
    diff: Annotated[bool, typer.Option("--diff", help="Print the changes that are offered, as a patch.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 also for what is only doubtful.")] = False,
) -> None:
    """Check a watch file: what is wrong (exit code 1), what is probably not meant, and what each watch asks for.

    The tests that watches carry are run as well.
    """
    from datetime import date

    from agents.watchfolder import read_watches as read
    from pipeline.lint import lint
    from pipeline.offline.prove import failing

    files = read(watches)
    if wrong := files.wrong() or [failure for entry in files.entries for failure in failing(entry)]:
        typer.echo("\n".join(map(str, wrong)), err=True)
        raise typer.Exit(1)
    found = lint(files, date.today(), _sample(sample) if sample else None)  # noqa: DTZ011 - the day where people are
    if diff:
        typer.echo(patch(files, found.findings), nl=False)
    else:
        _print(files, found)
        typer.echo("\n".join(f"warning: {finding}" for finding in found.findings), err=True, nl=bool(found.findings))
    if strict and found.findings:
        raise typer.Exit(1)


def _sample(path: str) -> "Sample":
    from cli.reading import Unreadable, read_posts
    from pipeline.lint.sample import Sample

    return Sample(tuple(post for post in read_posts(path) if not isinstance(post, Unreadable)))


def _print(files: "WatchFiles", found: "Lint") -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for watch in files.watches:
        console.print(f"[green]ok[/] [bold]{escape(watch.id)}[/]  {escape(watch.purpose.goal)}")
        rows = describe(watch)
        if found.counts:
            usual, counted = found.counts.per_day(watch.id), found.counts.own[watch.id]
            rows.append(("expects", f"{usual:,.1f} mentions a day ({counted:,} in the sample)"))
        for label, text in rows:
            console.print(f"     [dim]{label:<13}[/]{escape(text)}")


def patch(files: "WatchFiles", findings: "Iterable[Finding]") -> str:
    """Return the edits that `findings` offer as a unified diff; of two for the same place the first."""
    from difflib import unified_diff

    edits = [edit for finding in findings for edit in finding.edits]
    diff: list[str] = []
    for part in files.parts:
        before, name = part.located.source, part.name.lstrip("/")
        after, changed = before, len(before) + 1
        for edit in sorted((edit for edit in edits if edit.file == part.name), key=lambda edit: -edit.start):
            if edit.end <= changed:
                after, changed = after[: edit.start] + edit.text + after[edit.end :], edit.start
        lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}")
        diff += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(diff)


def describe(watch: "Watch") -> list[tuple[str, str]]:
    """Return what a watch asks for as (label, sentence) pairs: the queries, the rules, who is told."""
    from schemas.duration import print_duration

    rows = [("hears", " ".join(watch.query.split()))]
    rows += [("beside it", f"{rival.name}: {' '.join(rival.query.split())}") for rival in watch.competitors]
    rows += [("alerts when", say_rule(rule)) for rule in watch.rules]
    told = ", ".join(
        " ".join(filter(None, (route.channel, _addresses(route.to), f"({route.language})"))) for route in watch.routes
    )
    owner = f"{watch.owner.name}, within {print_duration(watch.owner.respond_within)}"
    return [*rows, ("tells", told), ("owner", owner)]


def _addresses(to: str | tuple[str, ...]) -> str:
    return to if isinstance(to, str) else ", ".join(to)


def _setting(name: str, value: object) -> object:
    """Return a setting as it is said: a bare number of seconds with its unit."""
    from schemas.duration import print_duration

    return print_duration(value) if name in _SPANS and isinstance(value, int | float) else value


def say_rule(rule: "Rule") -> str:
    """Return a rule in one sentence; a kind without a sentence of its own is said by its settings."""
    said = {name: _setting(name, value) for name, value in rule.settings.items()}
    match rule.kind:
        case "count":
            return f"{said.get('threshold')} or more {said.get('distinct', 'mentions')} within {said.get('window')}"
        case "spike":
            return (
                f"{said.get('window')} bring {said.get('factor')} times as much as the {said.get('window')} before,"
                f" and at least {said.get('floor')}"
            )
        case "every":
            return "there is a mention" if rule.id == rule.kind else f"{rule.id}: there is a mention"
    settings = ", ".join(f"{name} {value}" for name, value in said.items())
    return f"{rule.id}: {settings}" if settings else rule.id
