"""Dedup: the story memory of one watch. Every mention is one more copy of a known story, or begins one.

A mention is folded by identity (its own, or that of the post it reposts), by the same text, and by near-identical text
(see `sketch`), in this order; among near ones the oldest story wins, so that a copy always goes where the copy before
it went. Stories expire by the time judge has reached, `KEPT` after their last mention, and the oldest go first when
there are more than `MAX_STORIES`. The text of a story's representative is kept no longer than its platform allows;
then the next copy stands for the story.

Every operation returns a new memory and notes the rows it changed in `touched`. Its tables are all in memory, or lie
over a store (see table.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from immutables import Map

from pipeline.sketch import Sketch, bands, bands_of, near, number, sketch
from pipeline.story import HASHES, KEPT, Segment, Story, begin, members_row, quote, story_row
from pipeline.table import Hours, Kept, KeptHours, Table, get_all
from schemas.mention import Match

MAX_STORIES = 20_000
_CROWDED_OUT = 500
"""How many of the oldest stories go when there are too many: a few at once, so that it costs little on average."""
_CANDIDATES = 16
"""How many stories one band names, the first ones; template texts would fill it with thousands."""

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
        return self.next_hour is not None and _hour(now) > self.next_hour

    def since(self, start: datetime) -> Iterator[Story]:
        """Yield the stories that have an own-brand mention later than `start`, in no order."""
        # nothing is heard before it is said
        for name in self.heard.since(_hour(start)):
            story = self.stories[name]
            if story.last is not None and story.last > start:
                yield story


@dataclass(frozen=True, slots=True)
class Fold:
    """What became of a mention: the story as it is now and as it was before, None when the mention began it."""

    story: Story
    before: Story | None


def place(memory: Memory, match: Match, at: datetime) -> tuple[Memory, Fold]:
    """Put a mention that is not known into its story; it is `at`."""
    mention = match.mention
    text = sketch(f"{mention.title}\n{mention.text}" if mention.title else mention.text)
    root = number(f"{mention.platform}:{mention.repost_of}") if mention.repost_of else None
    identity = number(mention.id)
    before = _find(memory, identity, root, text.key)
    if before is None:
        named = _named(memory, text.triples)
        before = _find_near(memory, text, named)
    if before is None:
        story = begin(match, text, root, at, (memory.serial, _room(named)))
        memory = _index(memory, story, named)
    else:
        story = before.take(match, at)
    if len(story.tail) == HASHES:
        story, memory = _seal(story, memory, at)
    return _make_room(_keep(memory, story, before, identity)), Fold(story, before)


def _find(memory: Memory, identity: int, root: int | None, text: int) -> Story | None:
    """Find the story of the reposted post, of a post that reposts this one, or of the same text."""
    found = None
    if root is not None:
        found = memory.members.get(root) or memory.roots.get(root)
    found = found or memory.roots.get(identity) or (memory.texts.get(text) if text else None)
    return memory.stories[found] if found else None


def _named(memory: Memory, triples: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """Return the bands of a text in their order, with the stories that each of them names."""
    keys = bands(triples)
    return dict(zip(keys, get_all(memory.bands, keys, ()), strict=True))


def _find_near(memory: Memory, text: Sketch, named: Mapping[int, tuple[str, ...]]) -> Story | None:
    names = set().union(*named.values())
    for story in sorted((memory.stories[name] for name in names), key=lambda story: story.serial):
        if near(text, story.triples, story.figures):
            return story
    return None


def _room(named: Mapping[int, tuple[str, ...]]) -> tuple[int, ...]:
    """Return which of a story's bands can still name it: stored, so that a restored memory finds the same."""
    return tuple([at for at, names in enumerate(named.values()) if len(names) < _CANDIDATES])


def _index(memory: Memory, story: Story, named: Mapping[int, tuple[str, ...]]) -> Memory:
    """Add a new story to the indexes that find it by its text and by the post it reposts."""
    found, keys = memory.bands.mutate(), list(named)
    alone = (story.id,)
    for at in story.banded:
        found[keys[at]] = named[keys[at]] + alone if named[keys[at]] else alone
    return Memory(
        serial=max(memory.serial, story.serial + 1),
        stories=memory.stories,
        segments=memory.segments,
        size=memory.size + 1,
        members=memory.members,
        roots=memory.roots.set(story.root, story.id) if story.root else memory.roots,
        texts=memory.texts.set(story.key, story.id) if story.key else memory.texts,
        bands=found.finish(),
        hours=memory.hours,
        heard=memory.heard,
        next_hour=memory.next_hour,
        touched=memory.touched,
    )


def _keep(memory: Memory, story: Story, before: Story | None, identity: int | None = None) -> Memory:
    """Store a story, in the hour in which it is looked at again, and the identity of its latest mention."""
    memory = _schedule(memory, before, story)
    return Memory(
        serial=memory.serial,
        stories=memory.stories.set(story.id, story),
        segments=memory.segments,
        size=memory.size,
        members=memory.members if identity is None else memory.members.set(identity, story.id),
        roots=memory.roots,
        texts=memory.texts,
        bands=memory.bands,
        hours=memory.hours,
        heard=memory.heard,
        next_hour=memory.next_hour,
        touched=memory.touched.set(story_row(story.id), None),
    )


def _schedule(memory: Memory, before: Story | None, story: Story) -> Memory:
    """Note when a story is looked at again, and when it was heard."""
    hours, heard = memory.hours, memory.heard
    hour, hour_heard = _hour(story.expires), _hour(story.heard)
    if before is None:
        next_hour = hour if memory.next_hour is None else min(memory.next_hour, hour)
        hours, heard = hours.add(hour, story.id), heard.add(hour_heard, story.id)
        return replace(memory, hours=hours, heard=heard, next_hour=next_hour)
    was, was_heard = _hour(before.expires), _hour(before.heard)
    if was == hour and was_heard == hour_heard:
        return memory
    if was != hour:
        hours = hours.remove(was, story.id).add(hour, story.id)
    if was_heard != hour_heard:
        heard = heard.remove(was_heard, story.id).add(hour_heard, story.id)
    return replace(memory, hours=hours, heard=heard, next_hour=hours.first)


def _hour(time: datetime) -> int:
    """Return a number for the hour of `time`."""
    return time.toordinal() * 24 + time.hour


def _seal(story: Story, memory: Memory, at: datetime) -> tuple[Story, Memory]:
    """Move the identities of a story's latest mentions into a row of their own, and drop those that have expired."""
    name = members_row(story.id, story.sealed)
    segments, touched, members = memory.segments.set(name, Segment(at, story.tail)), memory.touched, memory.members
    touched = touched.set(name, None)
    dropped = story.dropped
    while segments[members_row(story.id, dropped)].heard <= at - KEPT:
        name = members_row(story.id, dropped)
        members = _delete(members, segments[name].hashes)
        segments, touched, dropped = segments.delete(name), touched.set(name, None), dropped + 1
    story = replace(story, tail=(), sealed=story.sealed + 1, dropped=dropped)
    return story, replace(memory, segments=segments, touched=touched, members=members)


def expire(memory: Memory, now: datetime) -> Memory:
    """Forget the stories, and the texts, whose time has passed in an hour before that of `now`."""
    while memory.next_hour is not None and _hour(now) > memory.next_hour:
        for name in sorted(memory.hours.names(memory.next_hour)):
            story = memory.stories[name]
            if _hour(story.heard + KEPT) < _hour(now):
                memory = _forget(memory, story)
            else:
                memory = _keep(memory, replace(story, quote=None), story)
    return memory


def _make_room(memory: Memory) -> Memory:
    if memory.size <= MAX_STORIES:
        return memory
    left = memory.size - _CROWDED_OUT
    for hour in sorted(memory.heard.counts):
        if memory.size == left:
            break
        together = [memory.stories[name] for name in memory.heard.names(hour)]
        together.sort(key=lambda story: (story.heard, story.serial))
        for story in together[: memory.size - left]:
            memory = _forget(memory, story)
    return memory


def _forget(memory: Memory, story: Story) -> Memory:
    names = [members_row(story.id, sealed) for sealed in range(story.dropped, story.sealed)]
    members, segments, touched = _delete(memory.members, story.tail), memory.segments, memory.touched
    for name in names:
        members, segments = _delete(members, segments[name].hashes), segments.delete(name)
    for name in (story_row(story.id), *names):
        touched = touched.set(name, None)
    memory = _take_out(memory, story)
    stories = memory.stories.delete(story.id)
    return replace(memory, stories=stories, segments=segments, members=members, touched=touched)


def _take_out(memory: Memory, story: Story) -> Memory:
    """Remove a story from all indexes but that of its members."""
    keys, found = bands(story.triples), memory.bands.mutate()
    for band in (keys[at] for at in story.banded):
        left = tuple(name for name in found[band] if name != story.id)
        if left:
            found[band] = left
        else:
            del found[band]
    hours = memory.hours.remove(_hour(story.expires), story.id)
    return replace(
        memory,
        size=memory.size - 1,
        roots=_release(memory.roots, story.root, story.id),
        texts=_release(memory.texts, story.key, story.id),
        bands=found.finish(),
        hours=hours,
        heard=memory.heard.remove(_hour(story.heard), story.id),
        next_hour=hours.first,
    )


def _delete(index: Index, keys: Iterable[int]) -> Index:
    found = index.mutate()
    for key in keys:
        found.pop(key, None)
    return found.finish()


def _release(index: Index, key: int | None, story: str) -> Index:
    return index.delete(key) if key and index.get(key) == story else index


def edit(memory: Memory, story: Story, match: Match) -> Memory:
    """Take over the new state of a post that stands for its story; any other post's state is not kept."""
    if story.quote is None or story.quote.mention != match.mention.id:
        return memory
    changed = quote(match)
    return memory if changed == story.quote else _keep(memory, replace(story, quote=changed), story)


def erase(memory: Memory, mention: str) -> Memory:
    """Forget the text and the author of a deleted post; that it was heard still counts."""
    story = memory.known(mention)
    if story is None or story.quote is None or story.quote.mention != mention:
        return memory
    return _keep(memory, replace(story, quote=None), story)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a memory holds, table by table."""

    stories: Kept[str, Story]
    segments: Kept[str, Segment]
    members: Kept[int, str]
    roots: Kept[int, str]
    texts: Kept[int, str]
    bands: Kept[int, tuple[str, ...]]
    hours: KeptHours
    heard: KeptHours


def contents(stories: Iterable[Story], segments: Mapping[str, Segment]) -> Contents:
    """Return the tables of a memory of these stories; made at once, which takes a part of adding one by one."""
    kept = Kept((story.id, story) for story in sorted(stories, key=lambda story: story.serial))
    members: Kept[int, str] = Kept()
    named: Kept[int, tuple[str, ...]] = Kept()
    hours, heard = KeptHours(), KeptHours()
    for keys, (name, story) in zip(bands_of([one.triples for one in kept.values()]), kept.items(), strict=True):
        members.update(dict.fromkeys(story.tail, name))
        for sealed in range(story.dropped, story.sealed):
            members.update(dict.fromkeys(segments[members_row(name, sealed)].hashes, name))
        alone = (name,)
        for at in story.banded:
            key = keys[at]
            named[key] = named[key] + alone if key in named else alone
        hours.setdefault(_hour(story.expires), set()).add(name)
        heard.setdefault(_hour(story.heard), set()).add(name)
    return Contents(
        stories=kept,
        segments=Kept(segments),
        members=members,
        roots=Kept((story.root, name) for name, story in kept.items() if story.root),
        texts=Kept((story.key, name) for name, story in kept.items() if story.key),
        bands=named,
        hours=hours,
        heard=heard,
    )


def rebuild(stories: Iterable[Story], segments: Mapping[str, Segment]) -> Memory:
    """Return the memory of these stories, which is nobody's."""
    found = contents(stories, segments)
    return Memory(
        size=len(found.stories),
        stories=Map(found.stories),
        segments=Map(segments),
        members=Map(found.members),
        roots=Map(found.roots),
        texts=Map(found.texts),
        bands=Map(found.bands),
        hours=Hours.of(found.hours),
        heard=Hours.of(found.heard),
        next_hour=min(found.hours, default=None),
    )


Was = tuple[Story | None, Story | None]
"""A story as it was and as it is; None is "no such story"."""


def renew(
    memory: Memory, stories: Iterable[Was], segments: Iterable[tuple[str, Segment | None, Segment | None]]
) -> Memory:
    """Return the memory with its indexes as they are after `stories` and `segments` have changed in the store below.

    Segments come with the id of their story, as they were and as they are.
    """
    pairs, sealed = list(stories), list(segments)
    gone = [key for before, _ in pairs if before for key in before.tail]
    gone += [key for _, before, _ in sealed if before for key in before.hashes]
    memory = replace(memory, members=_delete(memory.members, gone))
    for before, after in pairs:
        if before and not (after and _alike(before, after)):
            memory = _take_out(memory, before)
    # in the order in which they began: the first ones have the bands
    for before, story in sorted(((before, after) for before, after in pairs if after), key=lambda pair: pair[1].serial):
        if before and _alike(before, story):
            memory = _schedule(memory, before, story)
        else:
            memory = _schedule(_index(memory, story, _named(memory, story.triples)), None, story)
    members = memory.members.mutate()
    for name, hashes in [(after.id, after.tail) for _, after in pairs if after] + [
        (name, after.hashes) for name, _, after in sealed if after
    ]:
        for key in hashes:
            members[key] = name
    return replace(memory, members=members.finish())


def _alike(one: Story, other: Story) -> bool:
    """Tell whether it is still the same story, which is indexed in the same way."""
    return (one.serial, one.key, one.root) == (other.serial, other.key, other.root)
