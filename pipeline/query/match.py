"""All queries of all watches at once: the automaton says which could match a mention, and only those are asked."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.query.automaton import Automaton
from pipeline.query.error import QueryError
from pipeline.query.naming import Leaf, Names, names_in, naming
from pipeline.query.parse import TreeKey, tree, tree_key
from pipeline.query.reading import Reading, Untold, comparable, tell_all
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
AT_ONCE = 20
"""Of so many mentions languages are told at once: what they work with still lies in the processor's caches."""


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


_Found = tuple[EntityMatch, Names]
"""What a query has found of its entity, and where that is named."""


class _Asking(NamedTuple):
    """What queries have `found`, by their numbers, and which are `left` to be asked once the language is told."""

    left: list[int]
    found: dict[int, _Found]


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
        return self.match_all([(mention, candidates)])[0]

    def match_all(self, mentions: Sequence[tuple[Mention, Iterable[int]]]) -> list[tuple[WatchMatch, ...]]:
        """Return that for each of `mentions` with its candidates.

        The languages that queries ask for are told at once, of `AT_ONCE` mentions.
        """
        return [
            found
            for start in range(0, len(mentions), AT_ONCE)
            for found in self._match_some(mentions[start : start + AT_ONCE])
        ]

    def _match_some(self, mentions: Sequence[tuple[Mention, Iterable[int]]]) -> list[tuple[WatchMatch, ...]]:
        found: list[tuple[WatchMatch, ...]] = []
        waiting: list[tuple[int, Reading, _Asking]] = []
        for place, (mention, candidates) in enumerate(mentions):
            reading = Reading(mention, waits=True)
            asking = self._ask(reading, sorted(candidates), {})
            if asking.left:
                waiting.append((place, reading, asking))
            found.append(() if asking.left else self._matches(reading, asking))
        if waiting:
            tell_all([reading for _, reading, _ in waiting])
        for place, reading, asking in waiting:
            found[place] = self._matches(reading, self._ask(reading, asking.left, asking.found))
        return found

    def _ask(self, reading: Reading, numbers: Iterable[int], found: dict[int, _Found]) -> "_Asking":
        """Ask queries of a mention, beside what is `found` already; those that wait for its language are left."""
        left = []
        for number in numbers:
            asked = self._asked[number]
            try:
                places = satisfy(asked.root, reading)
            except Untold:
                left.append(number)
                continue
            if places is not None:
                entity = EntityMatch(entity=asked.entity, spans=spans(places))
                found[number] = entity, names_in(asked.names, places, reading)
        return _Asking(left, found)

    def _matches(self, reading: Reading, asking: "_Asking") -> tuple[WatchMatch, ...]:
        by_watch: dict[int, list[_Found]] = {}
        for number in sorted(asking.found):
            by_watch.setdefault(self._asked[number].watch, []).append(asking.found[number])
        return tuple([self._found(number, some, reading.told) for number, some in by_watch.items()])

    def _found(self, number: int, some: list[_Found], told: Language | None) -> WatchMatch:
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
