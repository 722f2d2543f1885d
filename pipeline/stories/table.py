"""Tables that lie partly in a store: immutable mappings of what changed since, over what was stored before. Pure.

Where state is nobody's, as in a backtest, `immutables.Map` does. Where it has an owner, on disk or in plain dicts, a
`Table` takes its place and offers the part of that interface which the story memory uses: reading goes through the
changes to the store, and writing only adds changes. The owner writes them there and goes on with an empty table over
it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

from immutables import Map

from pipeline.frozen import swift

K = TypeVar("K")
V = TypeVar("V")
_UNCHANGED: Any = object()


class Stored(Protocol[K, V]):
    """What a store holds of one table."""

    def get(self, key: K) -> V | None:
        """Return the value of `key`, None if there is none."""

    def get_all(self, keys: Sequence[K]) -> list[V | None]:
        """Return the values of `keys`, in their order; cheaper than one by one."""

    def __iter__(self) -> Iterator[K]:
        """Go through all keys, however long that takes."""


class Kept(dict[K, V]):
    """A store that is a dict."""

    def get_all(self, keys: Sequence[K]) -> list[V | None]:
        """Return the values of `keys`, in their order."""
        return list(map(self.get, keys))

    def settle(self, table: "Map[K, V] | Table[K, V]") -> None:
        """Take in the changes of `table`, which lies over this store."""
        if found := dict(changes(table).items()):
            gone = [key for key, value in found.items() if value is None] if None in found.values() else ()
            self.update(cast(dict[K, V], found))
            for key in gone:
                del self[key]


class Table(Generic[K, V]):
    """A mapping: `changes` lie over `stored`, and None in them takes a key away."""

    __slots__ = ("changes", "stored")

    def __init__(self, stored: Stored[K, V], changes: "Map[K, V | None]" = Map()) -> None:  # noqa: B008 - cannot change
        self.stored = stored
        self.changes = changes

    def get(self, key: K, default: V | None = None) -> V | None:
        """Return the value of `key`, or `default`."""
        found = self.changes.get(key, _UNCHANGED)
        if found is _UNCHANGED:
            found = self.stored.get(key)
        return default if found is None else found

    def __getitem__(self, key: K) -> V:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[K]:
        yield from (key for key, value in self.changes.items() if value is not None)
        yield from (key for key in self.stored if key not in self.changes)

    def set(self, key: K, value: V) -> "Table[K, V]":
        """Return the table with `value` for `key`."""
        return Table(self.stored, self.changes.set(key, value))

    def update(self, values: Mapping[K, V]) -> "Table[K, V]":
        """Return the table with all of `values`."""
        return Table(self.stored, self.changes.update(values))

    def delete(self, key: K) -> "Table[K, V]":
        """Return the table without `key`.

        Raises:
            KeyError: it has none.
        """
        self[key]
        return Table(self.stored, self.changes.set(key, None))

    def mutate(self) -> "Mutation[K, V]":
        """Return a changing copy; its `finish` makes a table again."""
        return Mutation(self)


class Mutation(Generic[K, V]):
    """A table in the making."""

    __slots__ = ("_changes", "_stored")

    def __init__(self, table: Table[K, V]) -> None:
        self._stored, self._changes = table.stored, table.changes.mutate()

    def __getitem__(self, key: K) -> V:
        if (found := self.get(key)) is None:
            raise KeyError(key)
        return found

    def get(self, key: K) -> V | None:
        """Return the value of `key`, None if there is none."""
        found = self._changes.get(key, _UNCHANGED)
        return self._stored.get(key) if found is _UNCHANGED else found

    def __setitem__(self, key: K, value: V) -> None:
        self._changes[key] = value

    def __delitem__(self, key: K) -> None:
        self[key]
        self._changes[key] = None

    def pop(self, key: K, default: V | None = None) -> V | None:
        """Take `key` away and return what it had, or `default`."""
        if (found := self.get(key)) is None:
            return default
        self._changes[key] = None
        return found

    def finish(self) -> Table[K, V]:
        """Return the table."""
        return Table(self._stored, self._changes.finish())


def changes(table: "Map[K, V] | Table[K, V]") -> "Map[K, V | None]":
    """Return what has changed in a table since it was stored.

    Raises:
        TypeError: it does not lie over a store.
    """
    if isinstance(table, Map):
        raise TypeError("this table lies over no store")
    return table.changes


def get_all(table: "Map[K, V] | Table[K, V]", keys: Sequence[K], default: V) -> list[V]:
    """Return the values of `keys` in their order, `default` for those that `table` does not have."""
    if isinstance(table, Map):
        return [table.get(key, default) for key in keys]
    found = table.stored.get_all(keys)
    if changed := table.changes:
        found = [changed.get(key, value) for key, value in zip(keys, found, strict=True)]
    return [default if value is None else value for value in found]


def _none_stored(_hour: int) -> Iterable[str]:
    return ()


@swift
@dataclass(frozen=True, slots=True)
class Hours:
    """Names by hour, immutable. `counts` says how many each hour has, the stored ones included.

    `changes` are the names that came to an hour (True) or left it (False) since `stored` told of them. Without a store
    that is all there is.
    """

    counts: Map[int, int] = Map()  # noqa: RUF009 - it cannot change
    changes: Map[int, Map[str, bool]] = Map()  # noqa: RUF009
    stored: Callable[[int], Iterable[str]] = field(default=_none_stored, repr=False)

    @property
    def first(self) -> int | None:
        """The earliest hour that has names."""
        return min(self.counts, default=None)

    def names(self, hour: int) -> set[str]:
        """Return the names of `hour`."""
        changes = self.changes.get(hour, _NO_NAMES)
        found = {name for name in self.stored(hour) if name not in changes}
        return found | {name for name, added in changes.items() if added}

    def since(self, hour: int) -> Iterator[str]:
        """Yield the names of `hour` and of all later ones."""
        for one in sorted(self.counts):
            if one >= hour:
                yield from self.names(one)

    def add(self, hour: int, name: str) -> "Hours":
        """Return the hours with `name`, which was in none, in `hour`."""
        changes = self.changes.set(hour, self.changes.get(hour, _NO_NAMES).set(name, True))
        return Hours(self.counts.set(hour, self.counts.get(hour, 0) + 1), changes, self.stored)

    def remove(self, hour: int, name: str) -> "Hours":
        """Return the hours without `name`, which is in `hour`."""
        left = self.counts[hour] - 1
        counts = self.counts.set(hour, left) if left else self.counts.delete(hour)
        names = self.changes.get(hour, _NO_NAMES)
        if self.stored is not _none_stored:
            return Hours(counts, self.changes.set(hour, names.set(name, False)), self.stored)
        changes = self.changes.set(hour, names.delete(name)) if left else self.changes.delete(hour)
        return Hours(counts, changes, self.stored)

    @classmethod
    def of(cls, names: Mapping[int, Iterable[str]]) -> "Hours":
        """Return the hours that have `names`, without a store."""
        changes = Map({hour: Map(dict.fromkeys(found, True)) for hour, found in names.items()})
        return cls(Map({hour: len(found) for hour, found in changes.items()}), changes)


class KeptHours(dict[int, set[str]]):
    """The names of each hour, in a dict."""

    def __call__(self, hour: int) -> Iterable[str]:
        """Return the names of `hour`."""
        return self.get(hour, ())

    def hours(self) -> Hours:
        """Return what is stored, without changes."""
        return Hours(Map({hour: len(names) for hour, names in self.items()}), stored=self)

    def settle(self, hours: Hours) -> Hours:
        """Take in the changes of `hours`, which lie over this store, and return them without these."""
        for hour, changes in hours.changes.items():
            names = self.setdefault(hour, set())
            names.update(changes)
            names.difference_update([name for name, added in changes.items() if not added])
            if not names:
                del self[hour]
        return Hours(hours.counts, stored=self)


_NO_NAMES: Map[str, bool] = Map()
