"""Operator: a word that was probably meant as an operator."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield what the parser has wondered about."""
    for asked in watched.asked:
        for hint in asked.query.hints:
            what, _, do = hint.message.partition("; ")
            where = watched.where(*asked.path, column=hint.column)
            yield Finding("operator", where, what, "operators are written in capitals", do)
