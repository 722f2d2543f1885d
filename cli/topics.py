"""`earshot topics`: make the broker's topics agree with what Earshot needs, or say where they do not."""

import typer

topics = typer.Typer(name="topics", help="The topics on the broker: create what is missing, or compare.")


@topics.command()
def apply() -> None:
    """Create the topics that are missing; what exists is never changed."""
    from agents.topics import apply_topics
    from schemas.settings import load_settings

    made = apply_topics(load_settings())
    typer.echo("\n".join(f"created {name}" for name in made) or "all topics exist")


@topics.command()
def check() -> None:
    """Compare the broker's topics with what Earshot needs; exit code 1 if they differ."""
    from agents.topics import check_topics
    from schemas.settings import load_settings

    findings = check_topics(load_settings())
    typer.echo("\n".join(findings) or "all topics are as they should be")
    if findings:
        raise typer.Exit(1)
