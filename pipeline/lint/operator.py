"""Operator: a word, a handle or a sign that was probably meant as something else."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield what the parser has wondered about."""
    for asked in watched.asked:
        for hint in asked.query.hints:
            if not hint.dear:
                where = watched.where(*asked.path, column=hint.column)
                yield Finding("operator", where, hint.what, hint.why, hint.do)
