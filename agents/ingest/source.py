"""The contract of a source, the loader that finds the sources there are, and the file in which people list theirs.

A source is one file in `agents/ingest/sources/`: the file's name is its `kind`, its docstring shows an entry of the
sources file and says what it reads and what it cannot promise, and it defines one subclass of `Source`.
"""

import asyncio
import importlib
import inspect
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from agents.ingest.asks import Asks
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import ConfigError
from schemas.event import PLATFORM_ALIASES, Delivered
from schemas.findings import Place, fit, nearest
from schemas.located import load_located
from schemas.model import Written
from schemas.settings import Settings
from schemas.watch import Identifier


class Reading(NamedTuple):
    """One thing a source has read.

    `item` is what it delivers, or what it could not read. `cursor` is where the source stands once this item and all
    before it are acknowledged; without one the source stands where it stood. `done`, where somebody waits for it, is
    resolved when the broker has acknowledged the item, and fails when the broker refused it. `rest` is for how many
    seconds the source then asks nobody, as it is told to: it counts as heard meanwhile.
    """

    item: Delivered | Dead
    cursor: Mapping[str, str] | None = None
    done: asyncio.Future[None] | None = None
    rest: float = 0.0


Readings = AsyncGenerator[Reading, None]


class Step(NamedTuple):
    """One step of `earshot sources test`: what was tried, whether it went well, and what that means for a person.

    Of a step that failed, `detail` says exactly which permission or credential is missing and where to get it. It
    repeats no secret.
    """

    name: str
    ok: bool
    detail: str = ""


class Entry(Written):
    """What every entry of the sources file has; a kind's own fields are added by its `Config`."""

    id: Identifier
    kind: Identifier


C = TypeVar("C", bound=Entry)


class Source(ABC, Generic[C]):
    """Where events come from. One object per entry of the sources file, driven by the runner.

    `ordered`: everything it yields keeps its order, in one partition. `resumable`: it waits for its checkpoint before
    it runs; a source that is only ever pushed to has none, and starts whether or not the broker answers. `exclusive`:
    of all processes that have it in their sources file only one runs it at a time.

    `platforms` are those whose posts it yields, for people; it may yield others. `asks` is what the watches ask for.
    `kept` is what must survive a restart whatever is read, such as a refresh token that changes with every use: the
    runner fills it before the first run and stores it with the checkpoint. It is shown to nobody.
    """

    Config: ClassVar[type[Entry]]
    ordered: ClassVar[bool] = False
    resumable: ClassVar[bool] = True
    exclusive: bool = True
    platforms: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: C, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.asks = Asks()
        self.kept: dict[str, str] = {}

    def prepare(self) -> None:
        """Check what can be checked before any source runs (files, secrets, ports); called once at start.

        Raises:
            ConfigError: it cannot work as configured, so the process does not start.
        """
        return

    def facts(self) -> Mapping[str, str | float]:
        """Return what people want to know of it now; stored with the checkpoint and shown by `earshot sources`.

        `quota_left` and `quota_resets` (a time in ISO 8601), `spent_day`, `spent_month` and `spent_unit`,
        `budget_left`, `token_expires` (ISO 8601) are known by name; others are shown as they are.
        """
        return {}

    async def check(self) -> AsyncIterator[Step]:
        """Yield, step by step, whether it could work as configured: credentials, permissions, what it would see.

        Called after `prepare`, without a broker. A step that fails may be followed by others.
        """
        return
        yield Step("", ok=True)

    def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of the past, from `start` to before `end`; each event says that it is `backfill`.

        Raises:
            ConfigError: the platform cannot be asked for its past, or not for that.
        """
        raise ConfigError(
            f"a source of kind {self.config.kind} cannot be asked for the past",
            where=f"source {self.config.id}",
            hint=f"asked was {start:%Y-%m-%d} to {end:%Y-%m-%d}; export it and read the file with kind: replay",
        )

    @abstractmethod
    def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what there is from `checkpoint` on, for ever or until a finite source is finished.

        Called again after an error, with the last cursor that was acknowledged, so an item may be yielded twice and
        must have the same id then. A `Heartbeat` says that the source answered; it may carry a cursor of its own. A
        resume that was not exact yields a `Gap`.

        Raises:
            SourceError: it could not be read now; the runner tries again.
            ConfigError: it can never be read as configured; this source ends, the others go on.
        """


@cache
def sources() -> Mapping[str, type[Source[Any]]]:
    """Return every kind of source there is; a file that does not fit the contract is an error, never passed over."""
    package = importlib.import_module("agents.ingest.sources")
    return {
        found.name: _source_in(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    }


def _source_in(name: str) -> type[Source[Any]]:
    module = importlib.import_module(name)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Source) and value.__module__ == name
    ]
    if len(found) != 1:
        raise TypeError(f"{name} must define one subclass of Source, not {len(found)}")
    return found[0]


def load_sources(settings: Settings) -> tuple[Source[Any], ...]:
    """Return the sources that the sources file lists; nothing of them has been opened yet.

    Raises:
        ConfigError: the file cannot be read or an entry is wrong; `where` is `file:line`.
    """
    path = settings.sources
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read ({error.strerror})", where=str(path), hint="EARSHOT_SOURCES must name the sources file"
        ) from error
    return parse_sources(text, settings)


def parse_sources(text: str | bytes, settings: Settings) -> tuple[Source[Any], ...]:
    """Return the sources that `text` lists, read as the settings' sources file.

    Raises:
        ConfigError: an entry is wrong; `where` is `file:line`.
    """
    data, line_of = load_located(text, str(settings.sources))
    place = Place(str(settings.sources), line_of, examples={"sources": "[{id: news, kind: rss, url: …}]"})
    for field in data:
        if field != "sources":
            raise place.at(field).error("is not a field here", nearest(field, ["sources"]))
    entries = data.get("sources")
    if entries is None:
        raise place.at("sources").missing()
    if not isinstance(entries, list) or not entries:
        raise place.at("sources").error("must be a list of at least one source", "begin each entry with `- `")
    return tuple(_read_all(entries, place.at("sources"), settings))


def examples(source: type[Source[Any]]) -> list[str]:
    """Return the entries of a sources file that the source's docstring shows."""
    documented = inspect.getdoc(sys.modules[source.__module__]) or ""
    return [line.strip() for line in documented.splitlines() if line.startswith("    - ")]


def _read_all(entries: list[Any], place: Place, settings: Settings) -> Iterator[Source[Any]]:
    ids: dict[str, int] = {}
    for index, entry in enumerate(entries):
        source = _read(entry, place.at(index), settings)
        name = source.config.id
        if name in ids:
            raise place.at(index, "id").error(f"is `{name}` a second time", "every source needs an id of its own")
        ids[name] = index
        yield source


_CALLED = PLATFORM_ALIASES | {"atom": "rss", "feed": "rss", "csv": "replay", "jsonl": "replay", "imap": "alertmail"}
"""Kinds of source by what else people call them."""


def _read(entry: Any, place: Place, settings: Settings) -> Source[Any]:
    if not isinstance(entry, dict):
        raise place.error("must be a group of fields", "write `id:`, `kind:` and the fields of that kind")
    kind = entry.get("kind")
    if kind is None:
        raise place.at("kind").missing()
    known = sources()
    if not isinstance(kind, str) or kind not in known:
        meant = _CALLED.get(str(kind).lower())
        hint = f"did you mean `{meant}`?" if meant in known else nearest(str(kind), known, "there are")
        raise place.at("kind").error(f"is `{kind}`, which is no kind of source", hint)
    config, errors = fit(known[kind].Config, entry, place)
    if config is None:
        hint = errors[0].hint or next(iter(f"as in {one}" for one in examples(known[kind])), "")
        raise ConfigError("; ".join(error.message for error in errors), where=errors[0].where, hint=hint)
    return known[kind](config, settings)
