"""The watch file: the YAML in which people write what they want to hear about.

Reading it checks everything that needs no other part of Earshot: the YAML, the fields, names given twice. Queries and
the fields of rules are checked by `pipeline.check`, the fields of routes where alerts are sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.errors import ConfigError
from schemas.findings import Place, fit, nearest
from schemas.located import describe, load_located
from schemas.mention import OWN
from schemas.watch import Watch, WatchFile

EXAMPLES = {
    "watches": "[{id: …, purpose: …, query: …, rules: …, owner: …, routes: …}]",
    "id": "my-company",
    "purpose": "{goal: reputation, measure: first answer within an hour}",
    "goal": "reputation",
    "measure": "first answer within an hour",
    "query": "'\"My Company\" OR #mycompany'",
    "rules": "[{kind: count, threshold: 10, window: 1h}]",
    "kind": "count",
    "threshold": "10",
    "window": "1h",
    "factor": "3",
    "floor": "20",
    "owner": "{name: Press office, contact: press@example.com, respond_within: 1h}",
    "name": "Press office",
    "respond_within": "1h",
    "routes": "[{channel: slack, to: '#press', language: en}]",
    "channel": "slack",
    "to": "'#press'",
    "competitors": "[{name: Other Company, query: '\"Other Company\"'}]",
}
"""What could be written for each field: the help for one that is missing or empty."""


@dataclass(frozen=True, slots=True)
class LocatedWatches:
    """The watches of a file that fit, and where everything in the file stands."""

    watches: tuple[Watch, ...]
    data: dict[str, Any]
    place: Place

    def line(self, *path: str | int) -> int:
        """Return the line of a part, such as `line("watches", 0, "rules", 1, "threshold")`."""
        return self.place.line_of(*path)


def parse_watches(text: str | bytes, name: str) -> LocatedWatches:
    """Return the watches written in `text`, a file called `name`.

    Raises:
        ConfigError: the first thing that is wrong, with `name:line`, the field and what was probably meant.
    """
    located, errors = read_watches(text, name)
    if errors:
        raise errors[0]
    return located


def read_watches(text: str | bytes, name: str) -> tuple[LocatedWatches, list[ConfigError]]:
    """Return the watches that fit, and everything that is wrong with the others.

    Raises:
        ConfigError: the text cannot be read as fields with values at all.
    """
    data, line_of = load_located(text, name)
    place = Place(name, line_of, (), EXAMPLES)
    errors = list(_outer(data, place))
    watches = []
    for index, written in written_items(data, "watches"):
        watch, wrong = fit(Watch, written, place.at("watches", index))
        errors += wrong
        if watch is not None:
            watches.append(watch)
    errors += _given_twice(data, place)
    return LocatedWatches(tuple(watches), data, place), sorted(errors, key=line_in)


def line_in(error: ConfigError) -> int:
    """Return the line that an error of a file names."""
    return int(error.where.rpartition(":")[2])


def written_items(data: Any, field: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of a list of groups as written, with their index; what is no such thing is left out."""
    entries = data.get(field) if isinstance(data, dict) else None
    return [
        (i, entry) for i, entry in enumerate(entries if isinstance(entries, list) else ()) if isinstance(entry, dict)
    ]


def _outer(data: dict[str, Any], place: Place) -> Iterator[ConfigError]:
    """Find what is wrong with the file around the watches, and entries that are no groups of fields."""
    unknown = [key for key in data if key not in WatchFile.model_fields]
    for key in unknown:
        yield place.at(key).error("is not a field here", nearest(key, WatchFile.model_fields, "the fields are"))
    if "watches" not in data:
        if not unknown:
            yield place.at("watches").missing()
        return
    entries, here = data["watches"], place.at("watches")
    if entries is None or entries == []:
        yield here.missing("is empty")
    elif not isinstance(entries, list):
        yield here.error(f"must be a list, not {describe(entries)}", "begin each watch with `- id:`")
    else:
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                yield here.at(index).error(f"must be a group of fields, not {describe(entry)}", "begin it with `- id:`")


def _given_twice(data: dict[str, Any], place: Place) -> Iterator[ConfigError]:
    """Find watches, rules of one watch and competitors of one watch that have the same name."""
    seen: dict[str, int] = {}
    for index, watch in written_items(data, "watches"):
        here = place.at("watches", index)
        yield from _repeated(watch.get("id"), here.at("id"), seen, "every watch needs an id of its own")
        rules: dict[str, int] = {}
        for number, rule in written_items(watch, "rules"):
            named = "name" if rule.get("name") else "kind"
            hint = f"tell them apart: `name: {rule.get('kind')}-2`"
            yield from _repeated(rule.get(named), here.at("rules", number, named), rules, hint)
        rivals: dict[str, int] = {}
        for number, rival in written_items(watch, "competitors"):
            where = here.at("competitors", number, "name")
            yield from _repeated(rival.get("name"), where, rivals, "write both queries into one, with OR")
            if rival.get("name") == OWN:
                yield where.error(f"is {OWN!r}, which stands for your own brand", "write the competitor's name")


def _repeated(written: Any, here: Place, seen: dict[str, int], hint: str) -> Iterator[ConfigError]:
    """Say that `written` is in `seen` already, or note it there."""
    if isinstance(written, str) and written:
        line = here.line_of(*here.path)
        if written in seen:
            yield here.error(f"is {written!r}, which is already given on line {seen[written]}", hint)
        seen.setdefault(written, line)
