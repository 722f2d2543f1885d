"""Tables of a story memory: dicts that change in place, and the log by which an operation on them is undone. Pure.

In memory a table is a plain dict, or an `Unread` one whose stories stay in their rows until they are asked for. Over a
store on disk it is an `Overlay`: it holds what has changed since the owner wrote there last. What they share is how a
`Log` writes: it notes what stood in the dict itself before. Values are never None.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_ABSENT: Any = object()
_GONE: Any = None
_held = dict.get
"""What stands in a dict itself, whatever lies below it."""


class Stored(Protocol[K, V]):
    """What a store holds of one table."""

    def get(self, key: K) -> V | None:
        """Return the value of `key`, None if there is none."""

    def get_all(self, keys: Sequence[K]) -> list[V | None]:
        """Return the values of `keys`, in their order; cheaper than one by one."""

    def __iter__(self) -> Iterator[K]:
        """Go through all keys, however long that takes."""


class Overlay(dict[K, V]):
    """A table over a store. As a dict it holds the changes (`changes`), of which None takes a key away."""

    __slots__ = ("stored",)

    def __init__(self, stored: Stored[K, V]) -> None:
        super().__init__()
        self.stored = stored

    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        found = _held(self, key, _ABSENT)
        if found is _ABSENT:
            found = self.stored.get(key)
        return default if found is None else found

    def __getitem__(self, key: K) -> V:
        found: V | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[K]:
        yield from [key for key, value in self.items() if value is not None]
        yield from [key for key in self.stored if not dict.__contains__(self, key)]

    def pop(self, key: K, default: Any = None) -> Any:
        """Take `key` away and return what it had, or `default`."""
        found = self.get(key)
        if found is not None:
            self[key] = _GONE
        return default if found is None else found


def changes(table: dict[K, V]) -> dict[K, V | None]:
    """Return what has changed in an overlay since it was stored; None is "removed"."""
    return dict(table.items())


def get_all(table: dict[K, V], keys: Sequence[K], default: V) -> list[V]:
    """Return the values of `keys` in their order, `default` for those that `table` does not have."""
    if not isinstance(table, Overlay):
        return [table.get(key, default) for key in keys]
    found: list[Any] = table.stored.get_all(keys)
    if table:
        found = [_held(table, key, value) for key, value in zip(keys, found, strict=True)]
    return [default if value is None else value for value in found]


class Unread(dict[str, V]):
    """A table whose values stay where they are read from until they are asked for, as most never are."""

    __slots__ = ("_read", "_unread")

    def __init__(self, names: Iterable[str], read: Callable[[str], V]) -> None:
        super().__init__()
        self._unread, self._read = set(names), read

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        found = _held(self, key)
        if found is None and key in self._unread:
            found = self._read(key)
            dict.__setitem__(self, key, found)
            self._unread.remove(key)
        return default if found is None else found

    def __getitem__(self, key: str) -> V:
        found: V | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._unread or dict.__contains__(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.keys(), *self._unread])

    def pop(self, key: str, default: Any = None) -> Any:
        """Take `key` away and return what it had, or `default`."""
        self._unread.discard(key)
        return dict.pop(self, key, default)


class Log:
    """Writes to tables, and knows what it takes to undo that."""

    __slots__ = ("_were",)

    def __init__(self) -> None:
        # a table, a key, and what stood there, one after the other: as many objects fewer to be made
        self._were: list[Any] = []

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Let `table` have `value` for `key`."""
        self._were.extend((table, key, _held(table, key, _ABSENT)))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        """Let `table` have nothing for `key`, if it has something."""
        self._were.extend((table, key, _held(table, key, _ABSENT)))
        table.pop(key, None)

    def undo(self) -> "Log":
        """Undo it all, and return what does it again."""
        again, were = Log(), self._were
        for at in range(len(were) - 3, -1, -3):
            table, key, value = were[at : at + 3]
            again._were.extend((table, key, _held(table, key, _ABSENT)))
            if value is _ABSENT:
                dict.pop(table, key, None)
            else:
                dict.__setitem__(table, key, value)
        return again


class Hours:
    """Names by hour; no hour is without names."""

    __slots__ = ("changes",)

    def __init__(self, changes: dict[int, dict[str, bool]] | None = None) -> None:
        self.changes = {} if changes is None else changes

    @property
    def counts(self) -> dict[int, int]:
        """How many names each hour has."""
        return {hour: len(names) for hour, names in self.changes.items()}

    @property
    def first(self) -> int | None:
        """The earliest hour that has names."""
        return min(self.changes, default=None)

    def __contains__(self, hour: object) -> bool:
        return hour in self.changes

    def names(self, hour: int) -> Collection[str]:
        """Return the names of `hour`; in memory in the order in which they came."""
        return list(self.changes.get(hour, ()))

    def since(self, hour: int) -> Iterator[str]:
        """Yield the names of `hour` and of all later ones."""
        for one in sorted(self.counts):
            if one >= hour:
                yield from self.names(one)

    def add(self, log: Log, hour: int, name: str) -> None:
        """Note `name`, which was in no hour, in `hour`."""
        names = self.changes.get(hour)
        if names is None:
            log.put(self.changes, hour, {name: True})
        else:
            log.put(names, name, True)

    def remove(self, log: Log, hour: int, name: str) -> None:
        """Note that `name` is in `hour` no more."""
        names = self.changes[hour]
        if len(names) > 1:
            log.drop(names, name)
        else:
            log.drop(self.changes, hour)


class StoredHours(Hours):
    """Names by hour over a store, which tells those of one hour; `changes`: what came (True) or left (False) since."""

    __slots__ = ("_counts", "stored")

    def __init__(self, counts: dict[int, int], stored: Callable[[int], Iterable[str]]) -> None:
        super().__init__()
        self._counts, self.stored = counts, stored

    @property
    def counts(self) -> dict[int, int]:
        """How many names each hour has, the stored ones included."""
        return self._counts

    @property
    def first(self) -> int | None:
        """The earliest hour that has names."""
        return min(self._counts, default=None)

    def __contains__(self, hour: object) -> bool:
        return hour in self._counts

    def names(self, hour: int) -> Collection[str]:
        """Return the names of `hour`."""
        changes = self.changes.get(hour, {})
        found = {name for name, added in changes.items() if added}
        found.update([name for name in self.stored(hour) if name not in changes])
        return found

    def add(self, log: Log, hour: int, name: str) -> None:
        """Note `name`, which was in no hour, in `hour`."""
        super().add(log, hour, name)
        log.put(self._counts, hour, self._counts.get(hour, 0) + 1)

    def remove(self, log: Log, hour: int, name: str) -> None:
        """Note that `name` is in `hour` no more."""
        if hour in self.changes:
            log.put(self.changes[hour], name, False)
        else:
            log.put(self.changes, hour, {name: False})
        if left := self._counts[hour] - 1:
            log.put(self._counts, hour, left)
        else:
            log.drop(self._counts, hour)
