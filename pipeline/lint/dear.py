"""Dear: what costs at every post, whatever it says."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield what the parser has found to be dear."""
    for asked in watched.asked:
        for hint in asked.query.hints:
            if hint.dear:
                where = watched.where(*asked.path, column=hint.column)
                yield Finding("dear", where, hint.what, hint.why, hint.do)
