"""The memory of one watch: its stories, what finds them, and when they are looked at again. It is for dedup.

`members`, `roots`, `texts` and `bands` name stories; they follow from the stories and their segments, as do the hours.
The tables are all in memory, or lie over a store (see table.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Protocol

from immutables import Map, MapMutation

from pipeline.frozen import replace
from pipeline.stories.sketch import bands, bands_of, number
from pipeline.stories.story import Outline, Segment, Story, Wording, members_row
from pipeline.stories.table import Hours, K, Kept, KeptHours, Mutation, Stored, Table, V, get_all

Index = Map[int, str] | Table[int, str]


@dataclass(frozen=True, slots=True)
class Memory:
    """All stories of a watch. `segments` holds their sealed members by row name; the rest are indexes made from both.

    `size` is the number of stories. `hours`: the stories by the hour in which they are looked at again, because they or
    their texts expire; `heard`: by the hour of their last mention.
    """

    serial: int = 0
    stories: Map[str, Story] | Table[str, Story] = Map()  # noqa: RUF009 - it cannot change
    segments: Map[str, Segment] | Table[str, Segment] = Map()  # noqa: RUF009
    size: int = field(default=0, compare=False)
    members: Index = field(default=Map(), compare=False)
    roots: Index = field(default=Map(), compare=False)
    texts: Index = field(default=Map(), compare=False)
    bands: Map[int, tuple[str, ...]] | Table[int, tuple[str, ...]] = field(default=Map(), compare=False)
    hours: Hours = field(default=Hours(), compare=False)
    heard: Hours = field(default=Hours(), compare=False)
    next_hour: int | None = field(default=None, compare=False)
    touched: Map[str, None] = field(default=Map(), compare=False)

    def known(self, mention: str) -> Story | None:
        """Return the story that has counted the mention with this id."""
        found = self.members.get(number(mention))
        return self.stories[found] if found else None

    def due(self, now: datetime) -> bool:
        """Tell whether anything expires up to `now`."""
        return self.next_hour is not None and hour_of(now) > self.next_hour

    def since(self, start: datetime) -> Iterator[Story]:
        """Yield the stories that have an own-brand mention later than `start`, in no order."""
        # nothing is heard before it is said
        for name in self.heard.since(hour_of(start)):
            story = self.stories[name]
            if story.last is not None and story.last > start:
                yield story


def named(memory: Memory, triples: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """Return the bands of a text in their order, with the stories that each of them names."""
    keys = bands(triples)
    return dict(zip(keys, get_all(memory.bands, keys, ()), strict=True))


def enter(memory: Memory, story: Story, known: Mapping[int, tuple[str, ...]]) -> Memory:
    """Add a new story to the indexes that find it, and note when it is looked at again.

    `known` are the bands of its first wording, as `named` tells.
    """
    links = (story.root, *story.links) if story.root else story.links
    hour, heard = hour_of(story.expires), hour_of(story.heard)
    memory = replace(
        memory,
        serial=max(memory.serial, story.serial + 1),
        size=memory.size + 1,
        roots=memory.roots.update(dict.fromkeys(links, story.id)) if links else memory.roots,
        texts=memory.texts.set(story.key, story.id) if story.key else memory.texts,
        bands=memory.bands.update(_naming(known, story.banded, story.id)) if story.key else memory.bands,
        hours=memory.hours.add(hour, story.id),
        heard=memory.heard.add(heard, story.id),
        next_hour=hour if memory.next_hour is None else min(memory.next_hour, hour),
    )
    for wording in story.also:
        memory = word(memory, story.id, wording, named(memory, wording.triples))
    return memory


def word(memory: Memory, story: str, wording: Wording, known: Mapping[int, tuple[str, ...]]) -> Memory:
    """Let a wording lead to a story, by the bands that it is to have there."""
    bands = memory.bands.update(_naming(known, wording.banded, story))
    return replace(memory, texts=memory.texts.set(wording.key, story), bands=bands)


def _naming(known: Mapping[int, tuple[str, ...]], banded: Sequence[int], story: str) -> dict[int, tuple[str, ...]]:
    """Return those of the bands that are to name a story, with it."""
    places, alone = list(known.items()), (story,)
    return {key: _with(names, story) if names else alone for key, names in map(places.__getitem__, banded)}


def _with(names: tuple[str, ...], story: str) -> tuple[str, ...]:
    # by name, so that it does not matter in which order they came
    return tuple(sorted((*names, story)))


def lead(memory: Memory, story: str, links: Sequence[int]) -> Memory:
    """Let posts and addresses lead to a story."""
    return replace(memory, roots=memory.roots.update(dict.fromkeys(links, story))) if links else memory


def schedule(memory: Memory, before: Story, story: Story) -> Memory:
    """Note when a story is looked at again, and when it was heard, where that has changed."""
    hours, heard = memory.hours, memory.heard
    hour, hour_heard = hour_of(story.expires), hour_of(story.heard)
    was, was_heard = hour_of(before.expires), hour_of(before.heard)
    if was == hour and was_heard == hour_heard:
        return memory
    first = memory.next_hour
    if was != hour:
        hours = hours.remove(was, story.id).add(hour, story.id)
        first = hour if first is None or hour < first else first
    if was_heard != hour_heard:
        heard = heard.remove(was_heard, story.id).add(hour_heard, story.id)
    return replace(memory, hours=hours, heard=heard, next_hour=_first(hours, first))


def _first(hours: Hours, known: int | None) -> int | None:
    """Return the earliest hour that has names; `known` was it, before some of these have changed."""
    if known is None or known not in hours.counts:
        return hours.first
    return known


def take_out(memory: Memory, stories: Sequence[Story]) -> Memory:
    """Remove stories from all indexes but that of their members."""
    found, texts, roots = memory.bands.mutate(), memory.texts.mutate(), memory.roots.mutate()
    hours, heard = memory.hours, memory.heard
    worded = [(story.id, one) for story in stories for one in story.wordings]
    for keys, (name, one) in zip(bands_of([one.triples for _, one in worded]), worded, strict=True):
        for band in map(keys.__getitem__, one.banded):
            left = tuple([other for other in found[band] if other != name])
            if left:
                found[band] = left
            else:
                del found[band]
        _release(texts, one.key, name)
    for story in stories:
        for link in (story.root, *story.links):
            _release(roots, link, story.id)
        hours = hours.remove(hour_of(story.expires), story.id)
        heard = heard.remove(hour_of(story.heard), story.id)
    return replace(
        memory,
        size=memory.size - len(stories),
        roots=roots.finish(),
        texts=texts.finish(),
        bands=found.finish(),
        hours=hours,
        heard=heard,
        next_hour=_first(hours, memory.next_hour),
    )


def _release(index: MapMutation[int, str] | Mutation[int, str], key: int | None, story: str) -> None:
    if key and index.get(key) == story:
        del index[key]


def without(index: Map[K, V] | Table[K, V], keys: Iterable[K]) -> Map[K, V] | Table[K, V]:
    """Return a table without `keys`, as far as it has them."""
    found = index.mutate()
    for key in keys:
        found.pop(key, None)
    return found.finish()


def hour_of(time: datetime) -> int:
    """Return a number for the hour of `time`."""
    return time.toordinal() * 24 + time.hour


@dataclass(frozen=True, slots=True)
class Contents:
    """What a memory holds beside the stories, table by table. `names` are theirs, as they began."""

    names: tuple[str, ...]
    segments: Kept[str, Segment]
    members: Kept[int, str]
    roots: Kept[int, str]
    texts: Kept[int, str]
    bands: Kept[int, tuple[str, ...]]
    hours: KeptHours
    heard: KeptHours


class Tables(Protocol):
    """The stored tables that a memory lies over."""

    @property
    def stories(self) -> Stored[str, Story]:
        """The stories by id."""

    @property
    def segments(self) -> Stored[str, Segment]:
        """The segments by row name."""

    @property
    def members(self) -> Stored[int, str]:
        """Stories by the identities of their mentions."""

    @property
    def roots(self) -> Stored[int, str]:
        """Stories by the post that they repost."""

    @property
    def texts(self) -> Stored[int, str]:
        """Stories by the whole of their text."""

    @property
    def bands(self) -> Stored[int, tuple[str, ...]]:
        """Stories by the bands of their texts."""


def lay(memory: Memory, tables: Tables, hours: Hours, heard: Hours) -> Memory:
    """Return `memory` over `tables`, which hold all that it has."""
    return replace(
        memory,
        stories=Table(tables.stories),
        segments=Table(tables.segments),
        members=Table(tables.members),
        roots=Table(tables.roots),
        texts=Table(tables.texts),
        bands=Table(tables.bands),
        hours=hours,
        heard=heard,
    )


def opened(tables: Tables, hours: Hours, heard: Hours) -> Memory:
    """Return the memory that `tables` hold; its serial is not there but in the head row."""
    return lay(Memory(size=sum(hours.counts.values()), next_hour=hours.first), tables, hours, heard)


def contents(stories: Iterable[Story | Outline], segments: Mapping[str, Segment]) -> Contents:
    """Return the tables of a memory of these stories; made at once, which takes a part of adding one by one."""
    kept = sorted(stories, key=attrgetter("serial"))
    members: Kept[int, str] = Kept()
    named: Kept[int, tuple[str, ...]] = Kept()
    hours, heard = KeptHours(), KeptHours()
    worded = [(story.id, one) for story in kept for one in story.wordings]
    for keys, (name, one) in zip(bands_of([one.triples for _, one in worded]), worded, strict=True):
        alone = (name,)
        for at in one.banded:
            key = keys[at]
            named[key] = _with(names, name) if (names := named.get(key)) else alone
    for story in kept:
        name = story.id
        for member in story.tail:
            members[member] = name
        for sealed in range(story.dropped, story.sealed):
            members.update(dict.fromkeys(segments[members_row(name, sealed)].hashes, name))
        hours.setdefault(hour_of(story.expires), set()).add(name)
        heard.setdefault(hour_of(story.heard), set()).add(name)
    return Contents(
        names=tuple([story.id for story in kept]),
        segments=Kept(segments),
        members=members,
        roots=Kept([(link, story.id) for story in kept for link in (story.root, *story.links) if link]),
        texts=Kept([(one.key, name) for name, one in worded]),
        bands=named,
        hours=hours,
        heard=heard,
    )


def rebuild(stories: Iterable[Story], segments: Mapping[str, Segment]) -> Memory:
    """Return the memory of these stories, which is nobody's."""
    known = {story.id: story for story in stories}
    found = contents(known.values(), segments)
    return Memory(
        size=len(known),
        stories=Map(known),
        segments=Map(segments),
        members=Map(found.members),
        roots=Map(found.roots),
        texts=Map(found.texts),
        bands=Map(found.bands),
        hours=Hours.of(found.hours),
        heard=Hours.of(found.heard),
        next_hour=min(found.hours, default=None),
    )
