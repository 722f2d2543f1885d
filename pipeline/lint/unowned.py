"""Unowned: alerts that reach nobody, or an owner who cannot be reached."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield owners without an address, and watches that only print what they have to say."""
    watch = watched.watch
    if not watch.owner.contact:
        yield Finding(
            "unowned",
            watched.where("owner"),
            f"{watch.owner.name} has no contact",
            "whoever reads an alert cannot ask the owner",
            "write owner: {name: …, contact: …}",
        )
    if all(route.channel == "console" for route in watch.routes):
        yield Finding(
            "unowned",
            watched.where("routes"),
            "all routes end at the console",
            "alerts are printed to a log and reach nobody",
            "add a route to slack or email",
        )
