"""`earshot demo`: two real crises, replayed in fast motion through all that runs in production."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from cli.summary import Summary


def demo(
    json: Annotated[str, typer.Option(metavar="FILE", help="Also write the summary as JSON; - is stdout.")] = "",
    speed: Annotated[float, typer.Option(min=1, help="Seconds of the crises that pass in a second.")] = 43_200,
) -> None:
    """See it happen: two real crises, replayed through a broker, the worker and delivery, on this machine only."""
    from rich.console import Console

    from cli.play import Play
    from cli.up import Terminated, until_terminated
    from cli.view import view_for
    from schemas.settings import load_settings

    console = Console(highlight=False, stderr=json == "-")
    try:
        with until_terminated():
            play = Play(load_settings(), speed)
            with view_for(console) as view:
                summary = play.run(view)
    except (KeyboardInterrupt, Terminated):
        typer.echo("stopped before the end", err=True)
        raise typer.Exit(130) from None
    _conclude(summary, console, json)


def _conclude(summary: "Summary", console: "Console", json: str) -> None:
    from cli.summary import print_summary, write_summary

    print_summary(summary, console)
    if json:
        write_summary(summary, json)
    if summary.undelivered:
        raise typer.Exit(1)
