"""Duplicate: two watches that ask for the same, so that everybody is told twice."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched
from pipeline.lint.tree import key


def look(watched: Watched, context: Context) -> Iterator[Finding]:
    """Yield the watch before this one that asks for the same in other words."""
    first = context.first[key(watched.asked[0].query.root)]
    if first is not watched:
        yield Finding(
            "duplicate",
            watched.where("query"),
            f"watch {watched.watch.id} asks for the same as {first.watch.id}",
            f"what is heard by one is heard by the other ({first.where('query')})",
            "make one watch of them, with the routes of both",
        )
