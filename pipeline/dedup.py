"""Dedup: the story memory of one watch. Every mention is one more copy of a known story, or begins one.

A mention is folded by identity (its own, or that of the post it reposts), by the same text, and by near-identical text
(see `sketch`), in this order; among near ones the oldest story wins, so that a copy always goes where the copy before
it went. Stories expire by the time judge has reached, `KEPT` after their last mention, and the oldest go first when
there are more than `MAX_STORIES`. The text of a story's representative is kept no longer than its platform allows;
then the next copy stands for the story.

Every operation returns a new memory and notes the rows it changed in `touched`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from immutables import Map

from pipeline.sketch import Sketch, bands, near, number, sketch
from pipeline.story import HASHES, KEPT, Segment, Story, begin, members_row, quote, story_row
from pipeline.window import milliseconds
from schemas.mention import Match

MAX_STORIES = 20_000
_CROWDED_OUT = 500
"""How many of the oldest stories go when there are too many: a few at once, so that it costs little on average."""
_CANDIDATES = 16
"""How many stories one band names, the first ones; template texts would fill it with thousands."""
_HOUR = 3_600_000

Index = Map[int, str]


@dataclass(frozen=True, slots=True)
class Memory:
    """All stories of a watch. `segments` holds their sealed members by row name; the rest are indexes made from both.

    `hours`: the stories by the hour in which they are looked at again, because they or their texts expire.
    """

    serial: int = 0
    stories: Map[str, Story] = Map()  # noqa: RUF009 - it cannot change
    segments: Map[str, Segment] = Map()  # noqa: RUF009
    members: Index = field(default=Map(), compare=False)
    roots: Index = field(default=Map(), compare=False)
    texts: Index = field(default=Map(), compare=False)
    bands: Map[int, tuple[str, ...]] = field(default=Map(), compare=False)
    hours: Map[int, Map[str, None]] = field(default=Map(), compare=False)
    next_hour: int | None = field(default=None, compare=False)
    touched: Map[str, None] = field(default=Map(), compare=False)

    def known(self, mention: str) -> Story | None:
        """Return the story that has counted the mention with this id."""
        found = self.members.get(number(mention))
        return self.stories[found] if found else None

    def due(self, now: datetime) -> bool:
        """Tell whether anything expires up to `now`."""
        return self.next_hour is not None and milliseconds(now) // _HOUR > self.next_hour

    def count_since(self, start: datetime) -> int:
        """Return how many stories have an own-brand mention later than `start`."""
        return sum(1 for story in self.stories.values() if story.last is not None and story.last > start)


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
    return {band: memory.bands.get(band, ()) for band in bands(triples)}


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
    for at in story.banded:
        found[keys[at]] = named[keys[at]] + (story.id,)
    return Memory(
        serial=max(memory.serial, story.serial + 1),
        stories=memory.stories,
        segments=memory.segments,
        members=memory.members,
        roots=memory.roots.set(story.root, story.id) if story.root else memory.roots,
        texts=memory.texts.set(story.key, story.id) if story.key else memory.texts,
        bands=found.finish(),
        hours=memory.hours,
        next_hour=memory.next_hour,
        touched=memory.touched,
    )


def _keep(memory: Memory, story: Story, before: Story | None, identity: int | None = None) -> Memory:
    """Store a story, in the hour in which it is looked at again, and the identity of its latest mention."""
    hours, next_hour = memory.hours, memory.next_hour
    hour = _hour(story)
    if before is None:
        hours = hours.set(hour, hours.get(hour, _EMPTY).set(story.id, None))
        next_hour = hour if next_hour is None else min(next_hour, hour)
    elif _hour(before) != hour:
        hours = _leave(hours, _hour(before), story.id)
        hours = hours.set(hour, hours.get(hour, _EMPTY).set(story.id, None))
        next_hour = min(hours)
    return Memory(
        serial=memory.serial,
        stories=memory.stories.set(story.id, story),
        segments=memory.segments,
        members=memory.members if identity is None else memory.members.set(identity, story.id),
        roots=memory.roots,
        texts=memory.texts,
        bands=memory.bands,
        hours=hours,
        next_hour=next_hour,
        touched=memory.touched.set(story_row(story.id), None),
    )


def _hour(story: Story) -> int:
    return milliseconds(story.expires) // _HOUR


_EMPTY: Map[str, None] = Map()


def _leave(hours: Map[int, Map[str, None]], hour: int, story: str) -> Map[int, Map[str, None]]:
    left = hours[hour].delete(story)
    return hours.set(hour, left) if left else hours.delete(hour)


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
    while memory.next_hour is not None and milliseconds(now) // _HOUR > memory.next_hour:
        for name in sorted(memory.hours[memory.next_hour]):
            story = memory.stories[name]
            if milliseconds(story.heard + KEPT) // _HOUR < milliseconds(now) // _HOUR:
                memory = _forget(memory, story)
            else:
                memory = _keep(memory, replace(story, quote=None), story)
    return memory


def _make_room(memory: Memory) -> Memory:
    if len(memory.stories) <= MAX_STORIES:
        return memory
    oldest = sorted(memory.stories.values(), key=lambda story: (story.heard, story.serial))
    for story in oldest[:_CROWDED_OUT]:
        memory = _forget(memory, story)
    return memory


def _forget(memory: Memory, story: Story) -> Memory:
    hours = _leave(memory.hours, _hour(story), story.id)
    names = [members_row(story.id, sealed) for sealed in range(story.dropped, story.sealed)]
    members, segments, touched = _delete(memory.members, story.tail), memory.segments, memory.touched
    for name in names:
        members, segments = _delete(members, segments[name].hashes), segments.delete(name)
    for name in (story_row(story.id), *names):
        touched = touched.set(name, None)
    keys, found = bands(story.triples), memory.bands.mutate()
    for band in (keys[at] for at in story.banded):
        left = tuple(name for name in found[band] if name != story.id)
        if left:
            found[band] = left
        else:
            del found[band]
    return replace(
        memory,
        stories=memory.stories.delete(story.id),
        segments=segments,
        members=members,
        roots=_release(memory.roots, story.root, story.id),
        texts=_release(memory.texts, story.key, story.id),
        bands=found.finish(),
        hours=hours,
        next_hour=min(hours, default=None),
        touched=touched,
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


def rebuild(serial: int, stories: Iterable[Story], segments: Map[str, Segment]) -> Memory:
    """Return the memory that holds what was stored; made at once, which takes half of adding one by one."""
    kept = {story.id: story for story in sorted(stories, key=lambda story: story.serial)}
    members: dict[int, str] = {}
    named: dict[int, list[str]] = {}
    hours: dict[int, dict[str, None]] = {}
    for name, story in kept.items():
        members |= dict.fromkeys(story.tail, name)
        for sealed in range(story.dropped, story.sealed):
            members |= dict.fromkeys(segments[members_row(name, sealed)].hashes, name)
        keys = bands(story.triples)
        for at in story.banded:
            named.setdefault(keys[at], []).append(name)
        hours.setdefault(_hour(story), {})[name] = None
    return Memory(
        serial=serial,
        stories=Map(kept),
        segments=segments,
        members=Map(members),
        roots=Map({story.root: name for name, story in kept.items() if story.root}),
        texts=Map({story.key: name for name, story in kept.items() if story.key}),
        bands=Map({band: tuple(names) for band, names in named.items()}),
        hours=Map({hour: Map(names) for hour, names in hours.items()}),
        next_hour=min(hours, default=None),
    )
