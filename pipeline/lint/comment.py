"""Comment: a hashtag that YAML takes for the beginning of a comment, with all that stands behind it."""

import re
from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched

_HASHTAG = re.compile(r"[ \t]+(#[^\W\d_]\w*)")
_QUOTED = frozenset("'\"|>")


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield queries that end before a hashtag, because they stand in no quotes."""
    for asked in watched.asked:
        real = watched.place.at(*asked.path).real
        located = watched.files.get(real.name)
        start, end = located.span_of(*real.path) if located else (0, 0)
        if located is None or start == end or located.source[start] in _QUOTED:
            continue
        if cut := _HASHTAG.match(located.source, end):
            line, column = located.point(cut.start(1))
            yield Finding(
                "comment",
                f"{real.name}:{line}:{column}",
                f"{cut[1]} and what follows is not asked for",
                "in YAML a # behind a space begins a comment",
                "put the whole query in single quotes",
            )
