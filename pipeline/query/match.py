"""All queries of all watches at once: the automaton says which could match a mention, and only those are asked."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.query.automaton import Automaton
from pipeline.query.error import QueryError
from pipeline.query.parse import parse
from pipeline.query.reading import Reading, comparable
from pipeline.query.record import facts
from pipeline.query.tree import Node
from pipeline.query.verify import satisfy, spans
from schemas.errors import ConfigError
from schemas.event import Event
from schemas.mention import OWN, EntityMatch, Mention
from schemas.watch import Watch


@dataclass(frozen=True, slots=True)
class WatchMatch:
    """A watch that a mention satisfies, with the entities it is about, the own brand first."""

    watch: Watch
    entities: tuple[EntityMatch, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query of one entity of the watch with this number."""

    watch: int
    entity: str
    root: Node


class Matcher:
    """The compiled queries of all watches. Immutable; `match` keeps nothing."""

    __slots__ = ("_asked", "_automaton", "_watches")

    def __init__(self, watches: tuple[Watch, ...], asked: tuple[_Asked, ...]) -> None:
        """Compile; use `Matcher.compile`, which reads the queries."""
        self._watches = watches
        self._asked = asked
        self._automaton = Automaton([query.root for query in asked])

    @classmethod
    def compile(cls, watches: Iterable[Watch]) -> "Matcher":
        """Return the matcher of `watches`, whose queries may ask for the lists that each knows.

        Raises:
            ConfigError: a query cannot be read; the error names the watch, the entity and the column.
        """
        kept = tuple(watches)
        asked = tuple(_read(number, watch, *of) for number, watch in enumerate(kept) for of in _entities(watch))
        return cls(kept, asked)

    def candidates(self, text: str, title: str | None, post: Event | Mention) -> set[int]:
        """Return the queries that a post could match, by their numbers: mostly none, which its letters alone say."""
        known = facts(post) if self._automaton.asks_for_facts else ()
        return self._automaton.candidates(comparable(text, title), known)

    def match(self, mention: Mention, candidates: Iterable[int] | None = None) -> tuple[WatchMatch, ...]:
        """Return the watches that `mention` satisfies, in the order they were given."""
        if candidates is None:
            candidates = self.candidates(mention.text, mention.title, mention)
        reading = Reading(mention)
        found: dict[int, list[EntityMatch]] = {}
        for number in sorted(candidates):
            asked = self._asked[number]
            places = satisfy(asked.root, reading)
            if places is not None:
                entity = EntityMatch(entity=asked.entity, spans=spans(places))
                found.setdefault(asked.watch, []).append(entity)
        return tuple(WatchMatch(self._watches[number], tuple(entities)) for number, entities in found.items())


def _entities(watch: Watch) -> list[tuple[str, str]]:
    """Return the entities of a watch with their queries; none may hide another."""
    names = [OWN, *(rival.name for rival in watch.competitors)]
    for name in names:
        if names.count(name) > 1:
            hint = f"{OWN} is the name of the own brand" if name == OWN else "give each competitor a name of its own"
            raise ConfigError(f"two entities are called {name}", where=f"watch {watch.id}", hint=hint)
    return list(watch.queries.items())


def _read(number: int, watch: Watch, entity: str, text: str) -> _Asked:
    try:
        return _Asked(number, entity, parse(text, watch.lists).root)
    except QueryError as error:
        whose = "query" if entity == OWN else f"query of competitor {entity}"
        where = f"watch {watch.id}, {whose}, column {error.column}"
        raise ConfigError(error.message, where=where, hint=error.hint) from error
