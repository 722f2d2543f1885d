"""All queries of all watches at once: one automaton says which could match a text, and only those are asked.

Every query requires one of a few literals (tree.required). All literals together make one Aho-Corasick automaton over
the folded text, so a text that holds none of them costs one pass over its letters, however many watches there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from pipeline.normalize import fold
from pipeline.query.error import QueryError
from pipeline.query.parse import parse
from pipeline.query.tree import Literal, Node, required
from pipeline.query.verify import Reading, satisfy, spans
from schemas.errors import ConfigError
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

    __slots__ = ("_always", "_asked", "_automaton", "_holders", "_watches")

    def __init__(self, watches: tuple[Watch, ...], asked: tuple[_Asked, ...]) -> None:
        """Compile; use `Matcher.compile`, which reads the queries."""
        self._watches = watches
        self._asked = asked
        always: list[int] = []
        holders: dict[str, tuple[list[int], list[int]]] = {}
        for number, query in enumerate(asked):
            literals = required(query.root)
            if literals is None:
                always.append(number)
                continue
            for text, prefix in _shortest(literals):
                holders.setdefault(text, ([], []))[prefix].append(number)
        self._always = tuple(always)
        self._holders = tuple(holders.values())
        self._automaton = AhoCorasick(list(holders)) if holders else None

    @classmethod
    def compile(cls, watches: Iterable[Watch]) -> "Matcher":
        """Return the matcher of `watches`.

        Raises:
            ConfigError: a query cannot be read; the error names the watch, the entity and the column.
        """
        kept = tuple(watches)
        asked = tuple(_read(number, watch, *of) for number, watch in enumerate(kept) for of in _entities(watch))
        return cls(kept, asked)

    def match(self, mention: Mention) -> tuple[WatchMatch, ...]:
        """Return the watches that `mention` satisfies, in the order they were given."""
        candidates = self._candidates(fold(f"{mention.title}\n{mention.text}" if mention.title else mention.text))
        if not candidates:
            return ()
        reading = Reading(mention)
        found: dict[int, list[EntityMatch]] = {}
        for number in sorted(candidates):
            asked = self._asked[number]
            places = satisfy(asked.root, reading)
            if places is not None:
                entity = EntityMatch(entity=asked.entity, spans=spans(places))
                found.setdefault(asked.watch, []).append(entity)
        return tuple(WatchMatch(self._watches[number], tuple(entities)) for number, entities in found.items())

    def _candidates(self, folded: str) -> set[int]:
        """Return the queries that have a required literal in the text, as a word or as the beginning of one."""
        candidates = set(self._always)
        if self._automaton is None:
            return candidates
        last = len(folded)
        for pattern, start, end in self._automaton.find_matches_as_indexes(folded, True):
            if start and folded[start - 1].isalnum():
                continue
            whole, beginning = self._holders[pattern]
            candidates.update(beginning)
            if end == last or not folded[end].isalnum():
                candidates.update(whole)
        return candidates


def _shortest(literals: frozenset[Literal]) -> frozenset[Literal]:
    """The same text as a word and as a prefix is one literal: the prefix says all that the word says."""
    return frozenset((text, prefix) for text, prefix in literals if prefix or (text, True) not in literals)


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
        return _Asked(number, entity, parse(text).root)
    except QueryError as error:
        whose = "query" if entity == OWN else f"query of competitor {entity}"
        where = f"watch {watch.id}, {whose}, column {error.column}"
        raise ConfigError(error.message, where=where, hint=error.hint) from error
