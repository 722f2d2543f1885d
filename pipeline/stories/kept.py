"""Kept: the story memory of one watch in plain dicts, where somebody owns it: a worker, or a backtest."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from immutables import Map

from pipeline.stories.memory import Contents, Memory, contents, lay, opened
from pipeline.stories.story import Story
from pipeline.stories.table import Table, changes


class _Stories:
    """The stories of one watch: each stays in its row until it is asked for, as most never are."""

    def __init__(self, names: Iterable[str], read: Callable[[str], Story]) -> None:
        self._unread = set(names)
        self._known: dict[str, Story] = {}
        self._read = read

    def get(self, name: str) -> Story | None:
        """Return the story with this id."""
        if name in self._unread:
            self._known[name] = self._read(name)
            self._unread.remove(name)
        return self._known.get(name)

    def get_all(self, names: Sequence[str]) -> list[Story | None]:
        """Return the stories with these ids, in their order."""
        return list(map(self.get, names))

    def __iter__(self) -> Iterator[str]:
        return iter([*self._known, *self._unread])

    def settle(self, table: "Map[str, Story] | Table[str, Story]") -> None:
        """Take in the changes of `table`, which lies over this store."""
        for name, story in changes(table).items():
            self._unread.discard(name)
            if story is None:
                self._known.pop(name, None)
            else:
                self._known[name] = story


class KeptTables:
    """The tables of one watch, in dicts: a memory that lies over them finds things in a third of the time.

    They change with `settle`, so a memory from before that is of no use any more.
    """

    def __init__(self, found: Contents, read: Callable[[str], Story]) -> None:
        self.stories = _Stories(found.names, read)
        self.segments, self.members = found.segments, found.members
        self.roots, self.texts, self.bands = found.roots, found.texts, found.bands
        self._hours, self._heard = found.hours, found.heard

    @classmethod
    def empty(cls) -> "KeptTables":
        """Return the tables of a watch of which nothing is known yet."""
        return cls(contents((), {}), _read_nothing)

    def memory(self) -> Memory:
        """Return the memory that they hold."""
        return opened(self, self._hours.hours(), self._heard.hours())

    def hold(self, memory: Memory) -> bool:
        """Tell whether `memory` lies over them."""
        return isinstance(memory.stories, Table) and memory.stories.stored is self.stories

    def settle(self, memory: Memory) -> Memory:
        """Take in what has changed in `memory`, and return it over that."""
        self.stories.settle(memory.stories)
        self.segments.settle(memory.segments)
        self.members.settle(memory.members)
        self.roots.settle(memory.roots)
        self.texts.settle(memory.texts)
        self.bands.settle(memory.bands)
        return lay(memory, self, self._hours.settle(memory.hours), self._heard.settle(memory.heard))


def _read_nothing(story: str) -> Story:
    raise KeyError(story)
