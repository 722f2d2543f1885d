"""Checks a watch file as a whole: its form, its queries, the fields of its rules and what they need, before a start."""

from collections.abc import Iterator
from typing import Any

from pipeline import query
from pipeline.detect import detectors
from schemas.errors import ConfigError
from schemas.findings import Place, fit, nearest
from schemas.watch import Lists, Rule, Watch, mentioned
from schemas.watchfile import Entry, WatchFiles, read_watches, written_items

EXCERPT = 40
"""How many characters of a query are shown on each side of a mistake."""


def load_watches(text: str | bytes, name: str) -> tuple[Watch, ...]:
    """Return the watches of a file that is right in every respect but its routes, which channels check.

    Raises:
        ConfigError: the first thing that is wrong, with `name:line`, the field and what was probably meant.
    """
    files = check(read_watches(text, name))
    if errors := files.wrong():
        raise errors[0]
    return files.watches


def findings(text: str | bytes, name: str) -> list[ConfigError]:
    """Return everything that is wrong with a watch file, in the order of its lines."""
    return check(read_watches(text, name)).wrong()


def check(files: WatchFiles) -> WatchFiles:
    """Return `files` with what is wrong with queries and rules among the errors of their watches."""
    for entry in files.entries:
        written, here = entry.written, entry.place
        entry.errors += _query(written.get("query"), here.at("query"), files)
        for number, rival in written_items(written, "competitors"):
            entry.errors += _query(rival.get("query"), here.at("competitors", number, "query"), files)
        for number, rule in written_items(written, "rules"):
            entry.errors += _rule(rule, here.at("rules", number), files)
            entry.errors += _entity(rule, entry, here.at("rules", number))
    return files


def _entity(rule: dict[str, Any], entry: Entry, here: Place) -> Iterator[ConfigError]:
    """Find a rule that counts each entity for itself, where all of them would share one incident."""
    written = entry.written.get("group_by")
    keys = written if isinstance(written, list | tuple) else ()
    if rule.get("kind") == "count" and rule.get("per") == "entity" and "entity" not in keys:
        yield here.at("per").error(
            "counts each entity for itself, and all would share the incident of the own brand",
            "write `group_by: [entity]` in the watch",
        )


def _query(written: Any, here: Place, files: WatchFiles) -> Iterator[ConfigError]:
    """Find what is wrong with a query; one that is missing or no text has been told of already."""
    if not isinstance(written, str) or not written.strip():
        return
    named = mentioned(written, files.list_places)
    for name in sorted(named - files.lists.keys()):
        yield here.error(f"asks for the list @{name}, in which something is wrong", files.list_places[name].where)
    if error := _mistake(written, {name: files.lists[name] for name in named & files.lists.keys()}):
        yield here.error(
            f"is not a query: {error.message}, at column {error.column}{_caret(written, error)}", error.hint
        )


def _mistake(written: str, lists: Lists) -> query.QueryError | None:
    try:
        query.tree(written, lists)
    except query.QueryError as error:
        return error
    return None


def _caret(written: str, error: query.QueryError) -> str:
    """Return two lines below the message: the part of the query around the mistake, and a caret under it."""
    at = max(0, min(len(written), error.column - 1))
    start, end = max(0, at - EXCERPT), min(len(written), at + EXCERPT)
    before = ("…" if start else "") + written[start:at]
    line = " ".join((before + written[at:end] + ("…" if end < len(written) else "")).splitlines())
    return f"\n    {line}\n    {' ' * len(before)}^"


def _rule(written: dict[str, Any], here: Place, files: WatchFiles) -> Iterator[ConfigError]:
    """Find what is wrong with the kind of a rule, or with the fields that its detector asks for."""
    kind = written.get("kind")
    if not isinstance(kind, str) or not kind:
        return
    known = detectors()
    if kind not in known:
        yield here.at("kind").error(f"is {kind!r}, which is no kind of rule", nearest(kind, known, "the kinds are"))
        return
    settings = {name: value for name, value in written.items() if name not in Rule.model_fields}
    config, errors = fit(known[kind].Config, settings, here)
    yield from errors
    asks = getattr(known[kind], "needs", None)
    for name in sorted(asks(config) - files.list_places.keys()) if asks and config is not None else ():
        yield here.error(
            f"asks for the list @{name}, which is not there", nearest(name, files.list_places, "there are")
        )
