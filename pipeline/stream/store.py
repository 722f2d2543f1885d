"""Stores: where the rows of a partition are held while a worker has it. In memory here, on disk in diskstore.py."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.form import ALONE, MEMBERS, STORY, read_segment, read_story
from pipeline.stories.index import contents
from pipeline.stories.memory import Memory
from pipeline.stories.outline import read_outline
from pipeline.stories.story import story_row
from pipeline.stories.table import Unread
from pipeline.stream.rows import Rows


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a changelog was read, and what has to be done there with the next batch.

    `term` is the highest before `end`. The keys in `again` have to be written again, those in `removed` to be removed.
    """

    end: int
    term: int = 0
    again: frozenset[bytes] = frozenset()
    removed: frozenset[bytes] = frozenset()


class Store(Protocol):
    """The rows of one partition by key; reading and writing are those of a dict as far as `Rows` needs them."""

    def get(self, key: bytes) -> bytes | None:
        """Return the row of `key`."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Go through all rows."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def pop(self, key: bytes, default: None, /) -> object:
        """Remove the row of `key`, if there is one."""

    def open(self, of: str, first: int, end: int) -> Place:
        """Return up to where the rows are known of the changelog `of` something, which has `first` up to `end`."""

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take in the next record of the changelog; None removes the row."""

    def suspects(self) -> Collection[bytes] | None:
        """Return the keys of the rows that may not count or are kept as deleted, None if any may be."""

    def caught_up(self, rows: Rows, place: Place) -> None:
        """Note that all records before `place` were taken in, and which of them count."""

    def states(self, rows: Rows) -> Iterator[tuple[str, dict[str, bytes], Memory]]:
        """Yield the watches with the rows that their state is restored from, and their memory."""

    def memory(self, watch: str) -> Memory:
        """Return the memory of a watch of which nothing is known yet."""

    def settle(self, memories: Mapping[str, Memory], place: Place | None) -> dict[str, Memory] | None:
        """Store what a batch has changed, now that the changelog has it, and return the memories over that.

        Without a `place` it is not known what lies between; None means that the changelog has to be read then.
        """


class MemoryStore(dict[bytes, bytes]):
    """All rows in memory; what a worker knew is gone when it ends."""

    def __init__(self, *content: Mapping[bytes, bytes]) -> None:
        """Begin with nothing, or with rows that are there."""
        super().__init__(*content)

    def open(self, of: str, first: int, end: int) -> Place:  # noqa: ARG002
        """Begin with nothing."""
        self.clear()
        return Place(first)

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take in the next record of the changelog."""
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value

    def suspects(self) -> None:
        """Tell that any row may not count."""

    def caught_up(self, rows: Rows, place: Place) -> None:
        """Note nothing: `rows` know what counts."""

    def states(self, rows: Rows) -> Iterator[tuple[str, dict[str, bytes], Memory]]:
        """Yield the watches with head and watch; of their stories only what the indexes need is read."""
        names: dict[str, list[str]] = defaultdict(list)
        for name in rows.names():
            watch, _, row = name.partition("/")
            names[watch].append(row)
        for watch, some in names.items():
            found = {row: rows.value(f"{watch}/{row}") for row in ALONE}
            alone = {row: value for row, value in found.items() if value is not None}
            yield watch, alone, self._remembered(rows, watch, some)

    def _remembered(self, rows: Rows, watch: str, names: Iterable[str]) -> Memory:
        """Return the memory of a watch that has the rows of these `names`."""
        outlines, segments = [], {}
        for name in names:
            if name.startswith(STORY):
                outlines.append(read_outline(rows[f"{watch}/{name}"]))
            elif name.startswith(MEMBERS):
                segments[name] = read_segment(rows[f"{watch}/{name}"])
        tables = contents(outlines, segments)
        kept = (outline.id for outline in outlines)
        tables.stories = Unread(kept, lambda story: read_story(rows[f"{watch}/{story_row(story)}"]))
        return Memory(tables)

    def memory(self, watch: str) -> Memory:  # noqa: ARG002
        """Return an empty memory."""
        return Memory()

    def settle(self, memories: Mapping[str, Memory], place: Place | None) -> dict[str, Memory]:  # noqa: ARG002
        """Return the memories as they are: nothing lies below them."""
        return dict(memories)
