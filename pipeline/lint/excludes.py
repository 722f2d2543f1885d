"""Excludes: a NOT that keeps out most of what the rest of the query finds, on a sample."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched
from pipeline.lint.tree import alternatives
from pipeline.query.printing import print_node
from pipeline.query.tree import And, Not

MOST = 0.5
LEAST_POSTS = 10
"""Fewer posts than this say nothing."""


def look(watched: Watched, context: Context) -> Iterator[Finding]:
    """Yield the queries and alternatives whose exclusions keep out more than they let through."""
    if (counts := context.counts) is None:
        return
    for asked in watched.asked:
        for node in alternatives(asked.query.root):
            part = (watched.watch.id, asked.entity, print_node(node))
            found, kept = counts.bare[part], counts.matched[part]
            if isinstance(node, And) and found >= LEAST_POSTS and found - kept > MOST * found:
                excluded = [operand for operand in node.operands if isinstance(operand, Not)]
                words = " and ".join(print_node(operand) for operand in excluded)
                yield Finding(
                    "excludes",
                    watched.where(*asked.path, column=excluded[0].column),
                    f"{words} keeps out {found - kept} of {found} posts of the sample",
                    "a crisis that mentions it would not be heard",
                    "exclude a phrase in place of a word, or join what is meant with AND",
                )
