"""`earshot dead`: look at what could not be processed, and put it back once the cause is gone."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agents.strays import Stray
    from schemas.dead import Dead

dead = typer.Typer(name="dead", help="What could not be processed: list it, look at it, put it back.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Name = Annotated[str, typer.Argument(help="topic/partition/offset, as `earshot dead list` shows it.")]


@dead.command("list")
def list_all(json: Json = False) -> None:
    """List the dead records, oldest first; exit code 1 if there are any, or something that is none."""
    from agents.dead import list_dead
    from cli.printable import name_strays
    from schemas.settings import load_settings

    strays: list[Stray] = []
    records = list_dead(load_settings(), strays.append)
    if json:
        for record in records:
            typer.echo(record.to_bytes())
    elif records:
        _print_table(records)
    else:
        typer.echo("no dead records")
    name_strays(strays)
    if records or strays:
        raise typer.Exit(1)


def _print_table(records: "list[Dead]") -> None:
    from rich import box
    from rich.table import Table

    from cli.printable import print_table, printable

    table = Table("name", "reason", "at", "bytes", "detail", box=box.SIMPLE_HEAD)
    table.columns[3].justify = "right"
    for record in records:
        about = (record.id, record.reason, f"{record.at:%Y-%m-%d %H:%M:%S}", f"{record.size:,}", record.detail)
        table.add_row(*map(printable, about))
    print_table(table)


@dead.command()
def show(name: Name, json: Json = False) -> None:
    """Show one dead record with the beginning of the original."""
    from agents.dead import show_dead
    from cli.printable import printable
    from schemas.settings import load_settings

    record = show_dead(load_settings(), name)
    if json:
        typer.echo(record.to_bytes())
        return
    about = {
        "name": record.id,
        "reason": record.reason,
        "detail": record.detail,
        "at": record.at.isoformat(),
        "key": record.key or "none",
        "sha256": record.sha256,
        "size": f"{record.size} bytes" + ("" if record.complete else f", the first {len(record.original)} kept"),
    }
    typer.echo("\n".join(f"{label + ':':<8} {printable(text)}" for label, text in about.items()))
    # what could not be processed may hold anything, control sequences of the terminal included
    typer.echo("\n" + repr(record.original[:2000])[2:-1])


@dead.command()
def requeue(name: Name) -> None:
    """Put the original of a dead record back at the end of its topic."""
    from agents.dead import requeue_dead
    from schemas.settings import load_settings

    record = requeue_dead(load_settings(), name)
    typer.echo(f"{record.id} is back in {record.topic}")
