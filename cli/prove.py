"""`earshot test`: the tests that watches carry in their file, run through the same code as live."""

from pathlib import Path
from typing import Annotated

import typer


def prove(
    watches: Annotated[Path, typer.Argument(help="The watch file, or a folder of them.")],
    watch: Annotated[list[str] | None, typer.Option(help="Only the watch with this id; all by default.")] = None,
) -> None:
    """Run `must_match`, `must_not_match`, `must_alert` and `must_not_alert`; exit code 1 if one fails."""
    from agents.watchfolder import read_watches
    from pipeline.offline.prove import count, failing
    from schemas.errors import ConfigError

    files = read_watches(watches)
    if wrong := files.wrong():
        typer.echo("\n".join(map(str, wrong)), err=True)
        raise typer.Exit(1)
    if unknown := set(watch or ()) - {one.id for one in files.watches}:
        raise ConfigError(f"there is no watch {min(unknown)}", where=str(watches))
    ran = failed = 0
    for entry in files.entries:
        if entry.good is None or (watch and entry.id not in watch):
            continue
        failures = failing(entry)
        ran, failed = ran + count(entry.good), failed + len(failures)
        typer.echo("\n".join(map(str, failures)), err=True, nl=bool(failures))
        if not failures and (tests := count(entry.good)):
            typer.echo(f"ok {entry.id}: {tests} test{'s' if tests > 1 else ''}")
    typer.echo(f"{ran} tests, {failed} failed" if ran else "no watch carries tests")
    if failed:
        raise typer.Exit(1)
