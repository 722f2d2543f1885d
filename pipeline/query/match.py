"""All queries of all watches at once: the automaton says which could match a mention, and only those are asked."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from pipeline.query.automaton import Automaton
from pipeline.query.error import QueryError
from pipeline.query.naming import Leaf, Names, names_in, naming
from pipeline.query.parse import TreeKey, tree, tree_key
from pipeline.query.reading import Reading, comparable
from pipeline.query.record import LANGUAGE, facts
from pipeline.query.tree import Node
from pipeline.query.verify import cheap_first, satisfy, spans
from schemas.errors import ConfigError
from schemas.event import Event
from schemas.glimpse import Glimpse
from schemas.mention import OWN, EntityMatch, Language, Mention
from schemas.watch import Watch

FEW = 64
FRACTION = 16
"""So many queries, or such a share of all, are kept beside the large automaton before it is built anew."""


@dataclass(frozen=True, slots=True)
class WatchMatch:
    """A watch that a mention satisfies, with the entities it is about, the own brand first, and where it names them.

    `language` is that of the mention where some query has asked for it.
    """

    watch: Watch
    entities: tuple[EntityMatch, ...]
    names: tuple[Names, ...] = ()
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query of one entity of the watch with this number."""

    watch: int
    entity: str
    key: TreeKey
    root: Node
    names: tuple[Leaf, ...]


_NONE: frozenset[int] = frozenset()
Numbers = dict[TreeKey, list[int]]
"""Which queries are asked, and by which of the matcher's numbers."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """An automaton; `queries` are those it was made of, in the order of its numbers, asked or no longer."""

    automaton: Automaton
    queries: tuple[TreeKey, ...]

    @classmethod
    def of(cls, queries: Iterable[TreeKey], roots: Mapping[TreeKey, Node]) -> "_Layer":
        kept = tuple(queries)
        return cls(Automaton([roots[query] for query in kept]), kept)


class Matcher:
    """The compiled queries of all watches. Immutable; `match` keeps nothing."""

    __slots__ = ("_asked", "_layers", "_searches", "_watches")

    def __init__(self, watches: tuple[Watch, ...], asked: tuple[_Asked, ...], before: "Matcher | None" = None) -> None:
        """Compile; use `Matcher.compile`, which reads the queries."""
        self._watches = watches
        self._asked = asked
        numbers: Numbers = {}
        for number, one in enumerate(asked):
            numbers.setdefault(one.key, []).append(number)
        self._layers = _layers(numbers, {one.key: one.root for one in asked}, before)
        self._searches = tuple(
            [(layer.automaton, [numbers.get(query, ()) for query in layer.queries]) for layer in self._layers]
        )

    @classmethod
    def compile(cls, watches: Iterable[Watch], before: "Matcher | None" = None) -> "Matcher":
        """Return the matcher of `watches`, whose queries may ask for the lists that each knows.

        What has been compiled `before` is used again: a few changed watches are there within milliseconds.

        Raises:
            ConfigError: a query cannot be read; the error names the watch, the entity and the column.
        """
        kept = tuple(watches)
        asked = tuple(_read(number, watch, *of) for number, watch in enumerate(kept) for of in _entities(watch))
        return cls(kept, asked, before)

    def candidates(self, text: str, title: str | None, post: Event | Glimpse | Mention) -> Set[int]:
        """Return the queries that a post could match, by their numbers: mostly none, which its letters alone say."""
        spelled = comparable(text, title)
        found = _NONE
        for automaton, numbers in self._searches:
            queries = automaton.candidates(spelled, tuple(facts(post)) if automaton.asks_for_facts else ())
            if queries:
                found = found.union(*[numbers[query] for query in queries])
        return found

    def match(self, mention: Mention, candidates: Iterable[int] | None = None) -> tuple[WatchMatch, ...]:
        """Return the watches that `mention` satisfies, in the order they were given."""
        if candidates is None:
            candidates = self.candidates(mention.text, mention.title, mention)
        reading = Reading(mention)
        found: dict[int, list[tuple[EntityMatch, Names]]] = {}
        for number in sorted(candidates):
            asked = self._asked[number]
            places = satisfy(asked.root, reading)
            if places is not None:
                entity = EntityMatch(entity=asked.entity, spans=spans(places))
                found.setdefault(asked.watch, []).append((entity, names_in(asked.names, places, reading)))
        return tuple([self._found(number, some, reading.told) for number, some in found.items()])

    def _found(self, number: int, some: list[tuple[EntityMatch, Names]], told: Language | None) -> WatchMatch:
        entities, names = zip(*some, strict=True)
        return WatchMatch(self._watches[number], entities, names, told)


def _layers(numbers: Numbers, roots: Mapping[TreeKey, Node], before: Matcher | None) -> tuple[_Layer, ...]:
    """Return automata that hold all queries: the large one of before and a small one for what is new, or one of all."""
    if before is not None and before._layers:
        base = before._layers[0]
        known = set(base.queries)
        fresh = [query for query in numbers if query not in known]
        gone = len(known) + len(fresh) - len(numbers)
        if len(fresh) + gone <= max(FEW, len(numbers) // FRACTION):
            return (base, _Layer.of(fresh, roots)) if fresh else (base,)
    return (_Layer.of(numbers, roots),)


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
        root = tree(text, watch.lists)
        # the order matters to the cost only, and most queries name no language
        ordered = cheap_first(root) if f"{LANGUAGE}:" in text.lower() else root
        return _Asked(number, entity, tree_key(text, watch.lists), ordered, naming(root))
    except QueryError as error:
        whose = "query" if entity == OWN else f"query of competitor {entity}"
        where = f"watch {watch.id}, {whose}, column {error.column}"
        raise ConfigError(error.message, where=where, hint=error.hint) from error
