"""Checks a watch file as a whole: its form, its queries, and the fields of its rules, before anything starts."""

from collections.abc import Iterator
from typing import Any

from pipeline import query
from pipeline.detect import detectors
from schemas.errors import ConfigError
from schemas.findings import Place, fit, nearest
from schemas.watch import Rule, Watch
from schemas.watchfile import line_in, read_watches, written_items

EXCERPT = 40
"""How many characters of a query are shown on each side of a mistake."""


def load_watches(text: str | bytes, name: str) -> tuple[Watch, ...]:
    """Return the watches of a file that is right in every respect but its routes, which channels check.

    Raises:
        ConfigError: the first thing that is wrong, with `name:line`, the field and what was probably meant.
    """
    located, errors = _check(text, name)
    if errors:
        raise errors[0]
    return located


def findings(text: str | bytes, name: str) -> list[ConfigError]:
    """Return everything that is wrong with a watch file, in the order of its lines."""
    try:
        return _check(text, name)[1]
    except ConfigError as error:
        return [error]


def _check(text: str | bytes, name: str) -> tuple[tuple[Watch, ...], list[ConfigError]]:
    located, errors = read_watches(text, name)
    for index, watch in written_items(located.data, "watches"):
        here = located.place.at("watches", index)
        errors += _query(watch.get("query"), here.at("query"))
        for number, rival in written_items(watch, "competitors"):
            errors += _query(rival.get("query"), here.at("competitors", number, "query"))
        for number, rule in written_items(watch, "rules"):
            errors += _rule(rule, here.at("rules", number))
    return located.watches, sorted(errors, key=line_in)


def _query(written: Any, here: Place) -> Iterator[ConfigError]:
    """Find what is wrong with a query; one that is missing or no text has been told of already."""
    if not isinstance(written, str) or not written.strip():
        return
    try:
        query.parse(written)
    except query.QueryError as error:
        yield here.error(
            f"is not a query: {error.message}, at column {error.column}{_caret(written, error)}", error.hint
        )


def _caret(written: str, error: query.QueryError) -> str:
    """Return two lines below the message: the part of the query around the mistake, and a caret under it."""
    at = max(0, min(len(written), error.column - 1))
    start, end = max(0, at - EXCERPT), min(len(written), at + EXCERPT)
    before = ("…" if start else "") + written[start:at]
    line = " ".join((before + written[at:end] + ("…" if end < len(written) else "")).splitlines())
    return f"\n    {line}\n    {' ' * len(before)}^"


def _rule(written: dict[str, Any], here: Place) -> Iterator[ConfigError]:
    """Find what is wrong with the kind of a rule, or with the fields that its detector asks for."""
    kind = written.get("kind")
    if not isinstance(kind, str) or not kind:
        return
    known = detectors()
    if kind not in known:
        yield here.at("kind").error(f"is {kind!r}, which is no kind of rule", nearest(kind, known, "the kinds are"))
        return
    settings = {name: value for name, value in written.items() if name not in Rule.model_fields}
    yield from fit(known[kind].Config, settings, here)[1]
