"""`earshot topics`: make the broker's topics agree with what Earshot needs, or say where they do not."""

from typing import Annotated

import typer

topics = typer.Typer(name="topics", help="The topics on the broker: create what is missing, compare, raise partitions.")


@topics.command()
def apply() -> None:
    """Create the topics that are missing; what exists is never changed."""
    from agents.topics import apply_topics
    from schemas.settings import load_settings

    made = apply_topics(load_settings())
    typer.echo("\n".join(f"created {name}" for name in made) or "all topics exist")


@topics.command()
def check() -> None:
    """Compare the broker's topics with what Earshot needs and change nothing; exit code 1 if they differ."""
    from agents.topics import check_topics
    from schemas.settings import load_settings

    findings = check_topics(load_settings())
    typer.echo("\n".join(findings) or "all topics are as they should be")
    if findings:
        raise typer.Exit(1)


@topics.command()
def acls(
    principal: Annotated[str, typer.Option(help="Who each process is to the broker.")] = "User:earshot-{process}",
    process: Annotated[list[str] | None, typer.Option(help="Only what this one needs; all by default.")] = None,
    table: Annotated[bool, typer.Option("--table", help="As a table in Markdown instead.")] = False,
) -> None:
    """Print what each process must be allowed, as the arguments of Kafka's kafka-acls.sh, a line each."""
    from schemas import acls as known
    from schemas.errors import ConfigError
    from schemas.settings import load_settings

    if wrong := set(process or ()) - set(known.PROCESSES):
        raise ConfigError(f"there is no process {min(wrong)}", hint=f"there are {', '.join(known.PROCESSES)}")
    settings = load_settings()
    typer.echo(
        known.table(settings) if table else "\n".join(known.commands(process or known.PROCESSES, settings, principal))
    )


@topics.command("raise")
def raise_partitions(
    partitions: Annotated[int, typer.Argument(min=1, max=1000, help="How many each topic shall have.")],
) -> None:
    """Give all topics more partitions and move the state to where it belongs then; everything else must be stopped."""
    from pipeline.stream.repartition import raise_partitions
    from schemas.settings import load_settings

    moved = raise_partitions(load_settings(), partitions)
    typer.echo(
        f"{partitions} partitions; the state of {len(moved.watches())} watches has moved."
        f" Now start everything again with EARSHOT_PARTITIONS={partitions}"
    )
