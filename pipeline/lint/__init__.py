"""Lint: what is allowed in a watch and probably not meant. A file `<rule>.py` in this folder is all that a rule needs.

It defines `look(watched, context)`, which yields findings about one watch: what is there, why that is bad, and what to
do about it. A rule changes nothing and refuses nothing.
"""

import importlib
import pkgutil
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Protocol, cast

from pipeline.lint.sample import Counts, Sample
from pipeline.lint.tree import key
from pipeline.query import Query, parse
from schemas.findings import Place
from schemas.located import Located, Path
from schemas.mention import OWN
from schemas.spot import spot
from schemas.watch import Lists, Watch
from schemas.watchfile import WatchFiles


@dataclass(frozen=True, slots=True)
class TextEdit:
    """A change of a file that a finding offers: what stands from `start` to `end` becomes `text`."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is probably not meant: which rule found it, where (`file:line:column`), and three sentences."""

    rule: str
    where: str
    what: str
    why: str
    do: str
    edits: tuple[TextEdit, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.why} ({self.do}) [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a watch, read: the own brand's or a competitor's, and where it stands."""

    entity: str
    query: Query
    path: Path


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch that is looked at: it is right, but is it meant?"""

    watch: Watch
    place: Place
    asked: tuple[Asked, ...]
    files: Mapping[str, Located]
    list_places: Mapping[str, Place]

    def where(self, *path: str | int, column: int = 1) -> str:
        """Return `file:line:column` of a part; of a query the place of its `column`."""
        real = self.place.at(*path).real
        located = self.files.get(real.name)
        if located is not None:
            offset = spot(located, real.path, column - 1)
            start, end = located.span_of(*real.path)
            if offset is not None or start != end:
                line, at = located.point(start if offset is None else offset)
                return f"{real.name}:{line}:{at}"
        return f"{real.where}:1"

    def list_where(self, name: str) -> str:
        """Return where a named list is written."""
        return f"{self.list_places[name].where}:1"

    def edit(self, asked: Asked, column: int, written: str, text: str) -> tuple[TextEdit, ...]:
        """Return the edit that writes `text` for what is `written` at a column of a query; none where it is not so."""
        real = self.place.at(*asked.path).real
        located = self.files.get(real.name)
        start = spot(located, real.path, column - 1) if located else None
        if located is None or start is None or not located.source.startswith(written, start):
            return ()
        return (TextEdit(real.name, start, start + len(written), text),)


@dataclass(frozen=True, slots=True)
class Context:
    """What rules may know beside the watch: the day, the first watch that asks for something, by the key of its query,
    and counts of a sample where there is one.
    """

    today: date
    first: Mapping[Hashable, Watched]
    counts: Counts | None = None


class LintRule(Protocol):
    """A module of this folder."""

    def look(self, watched: Watched, context: Context) -> Iterable[Finding]:
        """Yield what is probably not meant."""


@dataclass(frozen=True, slots=True)
class Lint:
    """The findings, in the order of the files and their lines, and what a sample says about each watch."""

    findings: tuple[Finding, ...]
    counts: Counts | None = field(default=None)


@cache
def rules() -> Mapping[str, LintRule]:
    """Return every rule by its name: that of its file.

    Raises:
        ImportError: a file of the folder cannot be imported.
        TypeError: it has no `look`.
    """
    found: dict[str, LintRule] = {}
    for module in pkgutil.iter_modules(__path__):
        rule = importlib.import_module(f"{__name__}.{module.name}")
        if module.name not in _NO_RULES:
            if not hasattr(rule, "look"):
                raise TypeError(f"rule {module.name} has no look")
            found[module.name] = cast(LintRule, rule)
    return found


_NO_RULES = {"cover", "sample", "tree"}


def lint(files: WatchFiles, today: date, sample: Sample | None = None) -> Lint:
    """Look at the watches that are right; what is wrong with the others is said by `pipeline.check`."""
    located = {part.name: part.located for part in files.parts}
    watched = tuple(
        Watched(entry.good, entry.place, tuple(_asked(entry.good, files.lists)), located, files.list_places)
        for entry in files.entries
        if entry.good
    )
    queries = ((one.watch.id, asked.entity, asked.query) for one in watched for asked in one.asked)
    counts = sample.count(queries, files.lists) if sample else None
    first: dict[Hashable, Watched] = {}
    for one in watched:
        first.setdefault(key(one.asked[0].query.root), one)
    context = Context(today, first, counts)
    found = (finding for one in watched for rule in rules().values() for finding in rule.look(one, context))
    names = [part.name for part in files.parts]
    return Lint(tuple(sorted(dict.fromkeys(found), key=lambda finding: _order(finding, names))), counts)


def _order(finding: Finding, names: list[str]) -> tuple[int, int, int]:
    name, line, column = finding.where.rsplit(":", 2)
    return names.index(name), int(line), int(column)


def _asked(watch: Watch, lists: Lists) -> Iterator[Asked]:
    yield Asked(OWN, parse(watch.query, lists), ("query",))
    for number, rival in enumerate(watch.competitors):
        yield Asked(rival.name, parse(rival.query, lists), ("competitors", number, "query"))
