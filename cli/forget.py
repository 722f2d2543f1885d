"""`earshot forget`: what a person may ask for, that a post or all they wrote is remembered no longer."""

from typing import Annotated

import typer

_SOURCE = "earshot forget"
"""Who asks for it in the raw topic, where else a source would stand."""


def forget(
    name: Annotated[str, typer.Argument(help="The post, or the author, as PLATFORM:ID, such as x:12 or xing:anna.")],
    *,
    author: Annotated[bool, typer.Option("--author", help="It is an author, and all of theirs is meant.")] = False,
) -> None:
    """Forget a post, or all that an author wrote: their words go out of the state and of whatever is told later."""
    from pydantic import TypeAdapter, ValidationError

    from agents import clock
    from cli.control import send
    from schemas.event import Deletion, Platform
    from schemas.settings import load_settings
    from schemas.topics import raw_topic

    written, _, native = name.partition(":")
    try:
        platform = TypeAdapter[str](Platform).validate_python(written)
    except ValidationError:
        native = ""
    if not native:
        raise typer.BadParameter(f"{name!r} is no PLATFORM:ID, such as x:12")
    record = Deletion(source=_SOURCE, seen=clock.now(), platform=platform, id=native, author=author)
    send(load_settings(), "forget", (raw_topic(platform), record.key), record)
    what = "what this author wrote" if author else "this post"
    typer.echo(f"{record.key}: {what} is forgotten by every watch and goes out of Slack; mails that were sent stay")
