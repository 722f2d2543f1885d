"""`earshot check`: is a watch file right, and what does it ask for, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.settings import Settings
    from schemas.watch import Rule, Watch


def read_watches(path: Path, deliverable_with: "Settings | None" = None) -> "tuple[Watch, ...]":
    """Return the watches of a file, checked in every respect: fields, queries, rules and routes.

    With `deliverable_with` the settings must hold what the routes' channels need, secrets included.

    Raises:
        ConfigError: something in the file is wrong; the text says where and what was meant.
    """
    from agents.alert.channel import check_routes
    from cli.reading import read_text
    from pipeline.check import load_watches
    from schemas.watchfile import parse_watches

    text, name = read_text(path), str(path)
    watches = load_watches(text, name)
    located = parse_watches(text, name)
    check_routes(
        watches,
        deliverable_with,
        require_secrets=deliverable_with is not None,
        where=lambda watch, route: f"{name}:{located.line('watches', watch, 'routes', route)}",
    )
    return watches


def check(watches: Annotated[Path, typer.Argument(help="The watch file.")]) -> None:
    """Check a watch file and say in words what each watch asks for; exit code 1 if something in it is wrong."""
    from rich.console import Console
    from rich.markup import escape

    if wrong := _findings(watches):
        typer.echo("\n".join(wrong), err=True)
        raise typer.Exit(1)
    console = Console(highlight=False, soft_wrap=True)
    for watch in read_watches(watches):
        console.print(f"[green]ok[/] [bold]{escape(watch.id)}[/]  {escape(watch.purpose.goal)}")
        for label, text in describe(watch):
            console.print(f"     [dim]{label:<13}[/]{escape(text)}")


def _findings(path: Path) -> list[str]:
    """Return everything that is wrong with a watch file, a sentence each."""
    from cli.reading import read_text
    from pipeline.check import findings
    from schemas.errors import ConfigError

    found = [str(error) for error in findings(read_text(path), str(path))]
    if not found:
        try:
            read_watches(path)
        except ConfigError as error:
            found.append(str(error))
    return found


def describe(watch: "Watch") -> list[tuple[str, str]]:
    """Return what a watch asks for as (label, sentence) pairs: the queries, the rules, who is told."""
    from schemas.duration import print_duration

    rows = [("hears", " ".join(watch.query.split()))]
    rows += [("beside it", f"{rival.name}: {' '.join(rival.query.split())}") for rival in watch.competitors]
    rows += [("alerts when", say_rule(rule)) for rule in watch.rules]
    told = ", ".join(
        f"{route.channel} {route.to if isinstance(route.to, str) else ', '.join(route.to)} ({route.language})"
        for route in watch.routes
    )
    owner = f"{watch.owner.name}, within {print_duration(watch.owner.respond_within)}"
    return [*rows, ("tells", told), ("owner", owner)]


def say_rule(rule: "Rule") -> str:
    """Return a rule in one sentence; a kind without a sentence of its own is said by its settings."""
    said = rule.settings
    match rule.kind:
        case "count":
            return f"{said.get('threshold')} or more {said.get('distinct', 'mentions')} within {said.get('window')}"
        case "spike":
            return (
                f"{said.get('window')} bring {said.get('factor')} times as much as the {said.get('window')} before,"
                f" and at least {said.get('floor')}"
            )
    return f"{rule.id}: " + ", ".join(f"{name} {value}" for name, value in said.items())
