"""`earshot watches`: what is in force on a broker, and how it is changed without the worker's own files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.stream.published import Change, Published
    from schemas.settings import Settings
    from schemas.watchfile import WatchFiles

watches = typer.Typer(name="watches", help="The watches that are in force: show them, or publish others.")


@watches.command()
def apply(path: Annotated[Path, typer.Argument(help="The watch file, or a folder of them.")]) -> None:
    """Publish the watches of a file: in force on all workers within seconds. Nothing is changed if anything is wrong.

    What the file does not name any more is removed. Workers with files of their own (EARSHOT_WATCHES_FROM=file) publish
    these again when one of them starts, so have them follow the topic.
    """
    from agents.watchfolder import read_watches
    from schemas.settings import load_settings

    files = read_watches(path)
    if wrong := files.wrong():
        typer.echo("\n".join([*map(str, wrong), "nothing was changed"]), err=True)
        raise typer.Exit(1)
    change = _publish(load_settings(), files)
    for word, names in (("new", change.new), ("changed", change.changed), ("removed", change.removed)):
        for name in names:
            typer.echo(f"{word} {name}")
    if not change:
        typer.echo("all of it is in force already")


def _publish(settings: "Settings", files: "WatchFiles") -> "Change":
    import asyncio

    from pipeline.stream.producer import Outbox
    from pipeline.stream.publish import now, planned, publish

    change = planned(files, _published(settings), now(settings))

    async def write() -> None:
        await publish(change, Outbox(settings))

    asyncio.run(write())
    return change


def _published(settings: "Settings") -> "Published":
    from agents.access import check_access
    from pipeline.stream.follow import Follower

    check_access(settings, "watches")
    return Follower(settings).catch_up()


@watches.command("list")
def list_watches(json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Show the watches that are in force: since when, whose they are and what they ask for."""
    from rich import box
    from rich.table import Table

    from cli.printable import print_table, printable
    from schemas.settings import load_settings

    found = [one for _, one in sorted(_published(load_settings()).watches.items())]
    if json:
        typer.echo("\n".join(one.to_bytes().decode() for one in found))
        return
    table = Table("watch", "version", "since", "owner", "query", box=box.SIMPLE_HEAD)
    for one in found:
        watch = one.watch
        table.add_row(
            watch.id,
            one.version,
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            printable(watch.owner.name),
            printable(" ".join(watch.query.split())),
        )
    print_table(table if found else "no watch is published")
