"""Watch files: the YAML in which people write what they want to hear about, in one file or in many.

A file may hold watches, `defaults` for them, `teams` that watches inherit from, named `lists`, and `include` others.
Reading checks everything that needs no other part of Earshot: the YAML, the fields, names given twice. Queries and
the fields of rules are checked by `pipeline.check`, the fields of routes where alerts are sent.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import Field

from schemas.errors import ConfigError
from schemas.findings import Place, fit, nearest
from schemas.inherit import Defaults, LoadedFile, Team, Teams, idle, inherit, teams_of
from schemas.located import describe
from schemas.mention import OWN
from schemas.model import Written
from schemas.watch import IDENTIFIER, Identifier, NamedList, Watch, mentioned

Read = Callable[[str], str | bytes]
"""Returns the content of a file; raises ConfigError where it cannot be read."""
MOST_FILES = 10_000

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
    "include": "[teams.yml]",
    "expires": "2027-06-30",
    "entries": "[first, second]",
    "timeline": "[{at: 0m, posts: 10, over: 5m, text: 'My Company {n}'}]",
    "text": "My Company is in the news",
    "at": "0m",
}
"""What could be written for each field: the help for one that is missing or empty."""


class WatchFile(Written):
    """One file."""

    include: tuple[str, ...] = ()
    defaults: Defaults = Defaults()
    teams: dict[Identifier, Team] = {}
    lists: dict[Identifier, NamedList] = {}
    watches: Annotated[tuple[Watch, ...], Field(min_length=1)] = ()


@dataclass(slots=True)
class Entry:
    """One watch as written, with what it inherits; `watch` is None where it does not fit, `errors` say why."""

    written: dict[str, Any]
    place: Place
    watch: Watch | None
    errors: list[ConfigError] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id as written, as far as there is one."""
        written = self.written.get("id")
        return written[:63] if isinstance(written, str) else ""

    @property
    def owner(self) -> str:
        """The name of the owner, as far as one is written."""
        owner = self.written.get("owner")
        name = owner.get("name") if isinstance(owner, dict) else owner
        return name[:200] if isinstance(name, str) else ""

    @property
    def good(self) -> Watch | None:
        """The watch if nothing is wrong with it."""
        return None if self.errors else self.watch


@dataclass(slots=True)
class WatchFiles:
    """All that was read. `errors` are those around the watches; each entry has its own."""

    parts: tuple[LoadedFile, ...]
    entries: tuple[Entry, ...]
    lists: dict[str, NamedList]
    list_places: dict[str, Place]
    errors: list[ConfigError]

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The watches that nothing is wrong with."""
        return tuple(watch for entry in self.entries if (watch := entry.good) is not None)

    def wrong(self) -> list[ConfigError]:
        """Return everything that is wrong, each thing once, in the order of the files and their lines."""
        found = [*self.errors, *(error for entry in self.entries for error in entry.errors)]
        return sorted({str(error): error for error in found}.values(), key=self._order)

    def _order(self, error: ConfigError) -> tuple[int, int]:
        name, _, line = error.where.rpartition(":")
        names = [file.name for file in self.parts]
        return (names.index(name) if name in names else -1, int(line) if line.isdecimal() else 0)


def read_watches(text: str | bytes, name: str) -> WatchFiles:
    """Return what one file, called `name`, holds; it may include no others."""

    def refuse(other: str) -> bytes:
        raise ConfigError("a text on its own includes no files", where=other)

    return read_files([name], lambda wanted: text if wanted == name else refuse(wanted))


def read_files(names: Iterable[str], read: Read, top: str = "", before: Iterable[LoadedFile] = ()) -> WatchFiles:
    """Return what the files called `names` hold together with those that they include from the folder `top` or below.

    Teams and lists of each are known to all. A file that cannot be read at all is an error among the others. Files
    that are as they were `before` are not taken apart again.
    """
    errors: list[ConfigError] = []
    files = tuple(_read_all(names, read, PurePosixPath(top), errors, {file.name: file for file in before}))
    teams: dict[str, Place] = {}
    list_places: dict[str, Place] = {}
    for file in files:
        errors += _outer(file)
        errors += _named(file, "teams", teams)
        errors += _named(file, "lists", list_places)
    lists, wrong = _lists(files)
    errors += wrong
    known = teams_of(files)
    entries = tuple(entry for file in files for entry in _entries(file, known, lists))
    if files and not errors and not entries:
        errors.append(files[0].place.at("watches").missing())
    for error, entry in _given_twice(entries):
        entry.errors.append(error)
    if any(entry.errors for entry in entries):
        errors += [idle(file) for file in files if "defaults" in file.data and "watches" not in file.data]
    return WatchFiles(files, entries, lists, list_places, errors)


def _read_all(
    names: Iterable[str], read: Read, top: PurePosixPath, errors: list[ConfigError], before: Mapping[str, LoadedFile]
) -> Iterator[LoadedFile]:
    """Yield each file and those that it includes, every one once."""
    waiting = list(dict.fromkeys(names))
    known = set(waiting)
    while waiting:
        name = waiting.pop(0)
        try:
            file = LoadedFile.read(name, read(name), EXAMPLES, before.get(name))
        except ConfigError as error:
            errors.append(error)
            continue
        yield file
        for included, wrong in _included(file, top):
            if wrong:
                errors.append(wrong)
            elif included not in known and len(known) < MOST_FILES:
                known.add(included)
                waiting.append(included)


def _included(file: LoadedFile, top: PurePosixPath) -> Iterator[tuple[str, ConfigError | None]]:
    """Yield the names of the files that a file includes, below the folder of the first, or what is wrong with them."""
    written = file.data.get("include", [])
    for index, name in enumerate(written if isinstance(written, list) else ()):
        here = file.place.at("include", index)
        if not isinstance(name, str) or not name.strip():
            yield "", here.error(f"must be a text, not {describe(name)}", "write the name of a file")
            continue
        path = PurePosixPath(file.name).parent / name
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not path.is_relative_to(top):
            yield "", here.error(f"is {name!r}", "files are included from the folder of the first one or below")
        else:
            yield str(path), None


def _outer(file: LoadedFile) -> Iterator[ConfigError]:
    """Find what is wrong with the file around the watches, and entries that are no groups of fields."""
    data, place = file.data, file.place
    for key in data:
        if key not in WatchFile.model_fields:
            yield place.at(key).error("is not a field here", nearest(key, WatchFile.model_fields, "the fields are"))
    for name, model in (("include", list), ("defaults", dict), ("teams", dict), ("lists", dict)):
        if name in data and not isinstance(data[name], model):
            what = "a list" if model is list else "a group of fields"
            yield place.at(name).error(f"must be {what}, not {describe(data[name])}")
    for path, written in file.partial():
        if not isinstance(written, dict):
            yield place.at(*path).error(f"must be a group of fields, not {describe(written)}")
            continue
        fields = Defaults.model_fields if path == ("defaults",) else Team.model_fields
        for key in written:
            if key not in fields:
                yield place.at(*path, key).error("is not a field here", nearest(key, fields, "the fields are"))
    yield from _watch_list(data, place)


def _watch_list(data: dict[str, Any], place: Place) -> Iterator[ConfigError]:
    """Find what is wrong with the list of watches itself."""
    if "watches" not in data:
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


def _named(file: LoadedFile, field_name: str, known: dict[str, Place]) -> Iterator[ConfigError]:
    """Note the teams or lists of a file, and find those that another one has as well."""
    written = file.data.get(field_name)
    for name in written if isinstance(written, dict) else ():
        here = file.place.at(field_name, name)
        if not re.fullmatch(IDENTIFIER, name):
            yield here.error("has a name that is not made of lower-case letters, digits and hyphens", "rename it")
        if name in known:
            yield here.error(f"is given already at {known[name].where}", "give one of them another name")
        known.setdefault(name, here)


def _lists(files: Iterable[LoadedFile]) -> tuple[dict[str, NamedList], list[ConfigError]]:
    """Return the lists that fit, and what is wrong with the others."""
    found: dict[str, NamedList] = {}
    errors: list[ConfigError] = []
    for file in files:
        written = file.data.get("lists")
        for name, content in written.items() if isinstance(written, dict) else ():
            made, wrong = fit(NamedList, content, file.place.at("lists", name))
            errors += wrong
            if made is not None:
                found.setdefault(name, made)
    return found, errors


def _entries(file: LoadedFile, teams: Teams, lists: dict[str, NamedList]) -> Iterator[Entry]:
    """Yield the watches of a file, whatever is wrong with them."""
    for index, written in written_items(file.data, "watches"):
        merged, place, errors = inherit(written, file, index, teams)
        watch, wrong = fit(Watch, merged, place)
        if watch is not None and any(mentioned(text, lists) for text in watch.asked):
            watch = watch.asking(lists)
        yield Entry(merged, place, watch, errors + wrong)


def written_items(data: Any, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of a list of groups as written, with their index; what is no such thing is left out."""
    entries = data.get(name) if isinstance(data, dict) else None
    return [
        (i, entry) for i, entry in enumerate(entries if isinstance(entries, list) else ()) if isinstance(entry, dict)
    ]


def _given_twice(entries: Iterable[Entry]) -> Iterator[tuple[ConfigError, Entry]]:
    """Find watches, rules of one watch and competitors of one watch that have the same name."""
    seen: dict[str, Place] = {}
    for entry in entries:
        here = entry.place
        found = list(_repeated(entry.written.get("id"), here.at("id"), seen, "every watch needs an id of its own"))
        rules: dict[str, Place] = {}
        for number, rule in written_items(entry.written, "rules"):
            named = "name" if rule.get("name") else "kind"
            hint = f"tell them apart: `name: {rule.get('kind')}-2`"
            found += _repeated(rule.get(named), here.at("rules", number, named), rules, hint)
        rivals: dict[str, Place] = {}
        for number, rival in written_items(entry.written, "competitors"):
            where = here.at("competitors", number, "name")
            found += _repeated(rival.get("name"), where, rivals, "write both queries into one, with OR")
            if rival.get("name") == OWN:
                found.append(where.error(f"is {OWN!r}, which stands for your own brand", "write the competitor's name"))
        yield from ((error, entry) for error in found)


def _repeated(written: Any, here: Place, seen: dict[str, Place], hint: str) -> Iterator[ConfigError]:
    """Say that `written` is in `seen` already, or note it there."""
    if isinstance(written, str) and written:
        if written in seen:
            yield here.error(f"is {written!r}, which is already given {here.seen_from(seen[written])}", hint)
        seen.setdefault(written, here)
