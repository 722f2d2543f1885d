"""`earshot sources`: how each source is doing, whether it could work, and the past, asked for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agents.ingest.overview import Row
    from agents.ingest.source import Source
    from agents.strays import Stray
    from schemas.settings import Settings

sources = typer.Typer(name="sources", help="Where posts come from: how each source is doing, tests, and the past.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@sources.callback(invoke_without_command=True)
def overview(context: typer.Context, json: Json = False) -> None:
    """Show every source: state, last event, lag, quota, money, token, owner; exit code 1 if something is not well."""
    if context.invoked_subcommand is not None:
        return
    from agents.ingest.overview import rows
    from cli.printable import name_strays
    from schemas.settings import load_settings

    strays: list[Stray] = []
    found = rows(load_settings(), strays.append)
    if json:
        for row in found:
            typer.echo(row.to_bytes())
    else:
        _print_table(found)
    name_strays(strays)
    if strays or any(row.state in ("failing", "ended", "silent") for row in found):
        raise typer.Exit(1)


@sources.command()
def test(name: Annotated[str, typer.Argument(metavar="ID|KIND", help="One source, or all of a kind.")]) -> None:
    """Try the credentials and permissions of a source step by step, without a broker; exit code 1 if one is missing."""
    import asyncio

    from agents.ingest.overview import check
    from schemas.settings import load_settings

    settings, well = load_settings(), True
    for source in _named(name, settings):
        typer.echo(f"{source.config.id} ({source.config.kind})")
        for step in asyncio.run(check(source)):
            well &= step.ok
            typer.echo(f"  {'ok  ' if step.ok else 'FAIL'} {step.name}{': ' if step.detail else ''}{step.detail}")
    if not well:
        raise typer.Exit(1)


@sources.command()
def backfill(
    name: Annotated[str, typer.Argument(metavar="ID|KIND", help="One source, or all of a kind.")],
    start: Annotated[
        datetime,
        typer.Option(
            "--from",
            metavar="DAY",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="2026-03-02, or 2026-03-02T06:00:00, in UTC.",
        ),
    ],
    end: Annotated[
        datetime, typer.Option("--to", metavar="DAY", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Not included.")
    ],
    alert: Annotated[bool, typer.Option("--alert", help="Let it alert as if it were said now.")] = False,
) -> None:
    """Ask a source for its past: it enters the statistics and alerts nobody."""
    import asyncio

    from agents.ingest.backfill import backfill as ask
    from agents.logs import configure
    from schemas.errors import ConfigError
    from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "ingest")
    begin, before = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    if begin >= before:
        raise ConfigError("--from must be before --to")
    for source in _named(name, settings):
        count = asyncio.run(ask(source, begin, before, alert=alert))
        typer.echo(f"{source.config.id}: {count} posts")


@sources.command("import")
def read_opml(
    path: Annotated[Path, typer.Argument(help="A list of feeds in OPML, as feed readers export it.")],
) -> None:
    """Print entries of the sources file for the feeds of an OPML file."""
    from agents.ingest.formats.opml import entries
    from agents.ingest.formats.opml import read_opml as read
    from schemas.errors import ConfigError

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path)) from error
    for entry in entries(read(data, str(path))):
        typer.echo(_entry(entry))


@sources.command()
def kinds() -> None:
    """List the kinds of source there are, each with an example entry."""
    import inspect
    import sys

    from agents.ingest.source import examples
    from agents.ingest.source import sources as known

    for kind, source in sorted(known().items()):
        documented = inspect.getdoc(sys.modules[source.__module__]) or ""
        typer.echo(f"{kind}: {documented.partition(chr(10))[0]}")
        for example in examples(source):
            typer.echo(f"  {example}")


def _named(name: str, settings: "Settings") -> "list[Source[Any]]":
    from agents.ingest.asks import Asks
    from agents.ingest.source import load_sources
    from agents.ingest.watched import written
    from schemas.errors import ConfigError
    from schemas.findings import nearest

    # what is pushed is not awaited here: its port is that of the ingest which may run beside
    listed = load_sources(settings.model_copy(update={"webhook_port": 0}))
    found = [source for source in listed if source.config.id == name]
    found = found or [source for source in listed if source.config.kind == name]
    if not found:
        names = [source.config.id for source in listed]
        hint = nearest(name, names, "it lists")
        raise ConfigError(f"lists no source `{name}`", where=str(settings.sources), hint=hint)
    asks = Asks(written(settings))
    for source in found:
        source.asks = asks
        source.prepare()
    return found


def _entry(fields: Any) -> str:
    """Return an entry as one line of YAML."""
    import yaml

    return "- " + yaml.safe_dump(dict(fields), default_flow_style=True, sort_keys=False, width=10_000).strip()


def _print_table(found: "tuple[Row, ...]") -> None:
    from rich import box
    from rich.table import Table

    from cli.printable import console

    titles = ("id", "kind", "platform", "state", "last event", "heard", "lag", "quota", "money", "token", "owner")
    table = Table(*titles, box=box.SIMPLE_HEAD)
    for row in found:
        table.add_row(*row.cells())
    out = console(160)
    out.print(table)
    for row in found:
        if row.trouble:
            out.print(f"{row.id}: {row.trouble}")
