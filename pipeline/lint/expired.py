"""Expired: a named list that nobody has looked at for too long, or soon will not have."""

from collections.abc import Iterator
from datetime import timedelta

from pipeline.lint import Context, Finding, Watched

SOON = timedelta(days=14)


def look(watched: Watched, context: Context) -> Iterator[Finding]:
    """Yield the lists of a watch that have expired or will within a fortnight."""
    for name, found in watched.watch.lists.items():
        if found.expires > context.today + SOON:
            continue
        over = found.expires < context.today
        yield Finding(
            "expired",
            watched.list_where(name),
            f"list {name} {'expired' if over else 'expires'} on {found.expires}",
            "it goes on as it is, right or wrong",
            f"{found.owner.name} should look at it and set another day",
        )
