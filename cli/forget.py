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

    from agents import clock, control
    from agents.access import check_access
    from agents.authored import posts_by
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
    settings = load_settings()
    check_access(settings, "forget")
    about = {"source": _SOURCE, "seen": clock.now(), "platform": platform}
    # each post for itself, too: which of them are quoted in messages is known by their ids and not by their author
    posts = posts_by(settings, platform, native) if author else []
    deletions = [Deletion.model_validate(about | {"id": one}) for one in posts]
    deletions.append(Deletion.model_validate(about | {"id": native, "author": author}))
    # of a post and an author with the same id the author's comes last, under a key that both have
    for some in (deletions[:-1], deletions[-1:]):
        control.send_all(settings, raw_topic(platform), {one.key: one for one in some})
    what = f"what this author wrote ({len(posts):,} posts are kept here)" if author else "this post"
    typer.echo(
        f"{platform}:{native}: {what} is forgotten by every watch and goes out of Slack; mails that were sent stay"
    )
