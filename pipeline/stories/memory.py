"""The memory of one watch: its stories, what finds them, and when they are looked at again. It is for dedup.

A memory is a value: what is done to it makes another one, and it stays what it was. Its tables change in place for all
that (see table.py): they are as the memory that was made last has them, and the one before it keeps the log by which
they become its own again, should anyone ask (Baker 1991, "Shallow binding makes arrays fast"). So an operation costs
what it costs in a dict; whoever looks back, as a test or a benchmark does, pays for the way; and a memory that nobody
holds any more takes its log with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.stories.sketch import number
from pipeline.stories.story import Segment, Story
from pipeline.stories.table import Hours, Log, Overlay


@dataclass(slots=True)
class Tables:
    """All that is remembered. `segments` holds sealed members by row name; the rest are indexes made from both.

    `members`, `roots`, `texts` and `leads` (by triples) name stories. `hours` has the stories by the hour in which they
    are looked at again, because they or their texts expire; `heard` by the hour of their last mention. `touched` are
    the rows that have changed since they were last stored, and whether they were there then.
    """

    stories: dict[str, Story] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)
    roots: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    leads: dict[int, tuple[str, ...]] = field(default_factory=dict)
    hours: Hours = field(default_factory=Hours)
    heard: Hours = field(default_factory=Hours)
    touched: dict[str, bool] = field(default_factory=dict)


class Memory:
    """All stories of a watch: a value that is changed by a `Draft` alone. `size` is the number of stories."""

    __slots__ = ("_later", "_tables", "next_hour", "serial", "size")

    def __init__(self, tables: Tables | None = None) -> None:
        """Remember what is in `tables`, which are nobody else's."""
        self._tables = Tables() if tables is None else tables
        self._later: tuple[Memory, Log] | None = None
        self.serial = 0
        self.size = sum(self._tables.hours.counts.values())
        self.next_hour = self._tables.hours.first

    @property
    def made(self) -> bool:
        """Whether the tables are there; else whoever asks for them waits."""
        return True

    def make(self) -> None:
        """Make the tables, where that was put off."""

    @property
    def tables(self) -> Tables:
        """The tables as this memory has them, until another one is asked; to be read only."""
        if self._later is not None:
            self._return()
        return self._tables

    def _return(self) -> None:
        """Undo what has come later, so that the tables are as they were; the later ones know how to do it again."""
        back, one = [], self
        while one._later is not None:
            back.append(one)
            one = one._later[0]
        for earlier in reversed(back):
            assert earlier._later is not None
            later, log = earlier._later
            earlier._later, later._later = None, (earlier, log.undo())

    @property
    def stories(self) -> dict[str, Story]:
        """The stories by id."""
        return self.tables.stories

    @property
    def touched(self) -> dict[str, bool]:
        """The rows that have changed since they were last stored, and whether they were there then."""
        return self.tables.touched

    def known(self, mention: str) -> Story | None:
        """Return the story that has counted the mention with this id."""
        tables = self.tables
        found = tables.members.get(number(mention))
        return tables.stories[found] if found else None

    def due(self, now: datetime) -> bool:
        """Tell whether anything expires up to `now`."""
        return self.next_hour is not None and hour_of(now) > self.next_hour

    def since(self, start: datetime) -> Iterator[Story]:
        """Yield the stories that have an own-brand mention later than `start`, in no order."""
        tables = self.tables
        # nothing is heard before it is said
        for name in tables.heard.since(hour_of(start)):
            story = tables.stories[name]
            if story.last is not None and story.last > start:
                yield story

    def numbered(self, serial: int) -> "Memory":
        """Return the memory whose next story has this serial."""
        draft = Draft(self)
        draft.serial = serial
        return draft.done()

    def saved(self) -> "Memory":
        """Return the memory of which no row has changed, as they were all stored."""
        if not self.touched:
            return self
        draft = Draft(self)
        for name in list(draft.tables.touched):
            draft.log.drop(draft.tables.touched, name)
        return draft.done()

    def anew(self) -> "Memory":
        """Return the memory in tables of its own if no story is in it: a dict keeps the room of all that it once held.

        What lies over a store on disk holds only what has changed, and stays there.
        """
        if self.size or isinstance(self.tables.members, Overlay):
            return self
        made = Memory(Tables(touched=dict(self.touched)))
        made.serial = self.serial
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Memory):
            return NotImplemented
        return self is other or self._all() == other._all()

    __hash__ = None  # type: ignore[assignment]

    def _all(self) -> tuple[int, dict[str, Story], dict[str, Segment]]:
        stories, segments = self.stories, self.tables.segments
        return self.serial, {name: stories[name] for name in stories}, {name: segments[name] for name in segments}


class Deferred(Memory):
    """A memory whose tables are made when somebody asks for them. Before that nothing has changed, and none is due."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[[], Tables], serial: int = 0) -> None:
        """Put off what `build` does."""
        self._build: Callable[[], Tables] | None = build
        self._later, self.serial, self.next_hour = None, serial, None

    def __getattr__(self, name: str) -> Any:
        # only what is not set comes here
        if name not in ("_tables", "size"):
            raise AttributeError(name)
        self.make()
        return getattr(self, name)

    @property
    def made(self) -> bool:
        """Whether somebody has asked."""
        return self._build is None

    def make(self) -> None:
        """Make the tables now."""
        if self._build is not None:
            serial = self.serial
            Memory.__init__(self, self._build())
            self.serial, self._build = serial, None

    @property
    def touched(self) -> dict[str, bool]:
        """The rows that have changed since they were last stored."""
        return super().touched if self.made else {}

    def numbered(self, serial: int) -> Memory:
        """Return the memory whose next story has this serial."""
        return super().numbered(serial) if self._build is None else Deferred(self._build, serial)


class Draft:
    """The memory after another one while it is being made; `log` writes to its tables. If that fails, it never was.

    `serial`, `size` and `next_hour` are those of the memory that `done` returns.
    """

    __slots__ = ("_made", "log", "next_hour", "serial", "size", "tables")

    def __init__(self, memory: Memory) -> None:
        """Begin to change `memory`."""
        self.tables, self.log = memory.tables, Log()
        self.serial, self.size, self.next_hour = memory.serial, memory.size, memory.next_hour
        self._made = made = Memory.__new__(Memory)
        made._tables, made._later = self.tables, None
        # from here on: whoever asks that one undoes what was done, whether or not this is finished
        memory._later = made, self.log

    def touch(self, row: str, *, stored: bool) -> None:
        """Note that a row changes, and whether it was stored where this is the first time."""
        if row not in self.tables.touched:
            self.log.put(self.tables.touched, row, stored)

    def done(self) -> Memory:
        """Return the memory; nothing may be written after that."""
        made = self._made
        made.serial, made.size, made.next_hour = self.serial, self.size, self.next_hour
        return made


def hour_of(time: datetime) -> int:
    """Return a number for the hour of `time`."""
    return time.toordinal() * 24 + time.hour
