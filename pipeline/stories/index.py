"""Index: what leads to a story, written as the story is; it follows from the stories and their segments."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from pipeline.stories.memory import Draft, Memory, Tables, hour_of
from pipeline.stories.sketch import bands, bands_of
from pipeline.stories.story import Outline, Segment, Story, Wording, members_row
from pipeline.stories.table import Hours, get_all


def named(tables: Tables, triples: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
    """Return the bands of a text in their order, with the stories that each of them names."""
    keys = bands(triples)
    return dict(zip(keys, get_all(tables.bands, keys, ()), strict=True))


def enter(draft: Draft, story: Story, known: Mapping[int, tuple[str, ...]]) -> None:
    """Add a new story to the indexes that find it, and note when it is looked at again.

    `known` are the bands of its first wording, as `named` tells.
    """
    tables, hour = draft.tables, hour_of(story.expires)
    draft.serial, draft.size = max(draft.serial, story.serial + 1), draft.size + 1
    draft.next_hour = hour if draft.next_hour is None else min(draft.next_hour, hour)
    tables.hours.add(draft.log, hour, story.id)
    tables.heard.add(draft.log, hour_of(story.heard), story.id)
    lead(draft, story.id, (story.root, *story.links) if story.root else story.links)
    if story.key:
        word(draft, story.id, story.wordings[0], known)
    for wording in story.also:
        word(draft, story.id, wording, named(tables, wording.triples))


def word(draft: Draft, story: str, wording: Wording, known: Mapping[int, tuple[str, ...]]) -> None:
    """Let a wording lead to a story, by the bands that it is to have there."""
    table, put, alone = draft.tables.bands, draft.log.put, (story,)
    places = list(known.items())
    for key, names in map(places.__getitem__, wording.banded):
        put(table, key, _with(names, story) if names else alone)
    put(draft.tables.texts, wording.key, story)


def _with(names: tuple[str, ...], story: str) -> tuple[str, ...]:
    # by name, so that it does not matter in which order they came
    return tuple(sorted((*names, story)))


def lead(draft: Draft, story: str, links: Sequence[int]) -> None:
    """Let posts and addresses lead to a story."""
    for link in links:
        draft.log.put(draft.tables.roots, link, story)


def schedule(draft: Draft, before: Story, story: Story) -> None:
    """Note when a story is looked at again, and when it was heard, where that has changed."""
    hours, heard = draft.tables.hours, draft.tables.heard
    hour, hour_heard = hour_of(story.expires), hour_of(story.heard)
    was, was_heard = hour_of(before.expires), hour_of(before.heard)
    if was != hour:
        hours.remove(draft.log, was, story.id)
        hours.add(draft.log, hour, story.id)
        _look_again(draft, hour)
    if was_heard != hour_heard:
        heard.remove(draft.log, was_heard, story.id)
        heard.add(draft.log, hour_heard, story.id)


def _look_again(draft: Draft, hour: int | None = None) -> None:
    """Find the earliest hour that has names, of which `hour` may be one that was added."""
    hours, first = draft.tables.hours, draft.next_hour
    if first is not None and hour is not None and hour < first:
        first = hour
    draft.next_hour = first if first in hours.counts else hours.first


def take_out(draft: Draft, stories: Sequence[Story]) -> None:
    """Remove stories from all indexes but that of their members."""
    tables, log = draft.tables, draft.log
    worded = [(story.id, one) for story in stories for one in story.wordings]
    for keys, (name, one) in zip(bands_of([one.triples for _, one in worded]), worded, strict=True):
        for band in map(keys.__getitem__, one.banded):
            names = tables.bands[band]
            if len(names) > 1:
                log.put(tables.bands, band, tuple([other for other in names if other != name]))
            else:
                log.drop(tables.bands, band)
        _release(draft, tables.texts, one.key, name)
    for story in stories:
        for link in (story.root, *story.links):
            _release(draft, tables.roots, link, story.id)
        tables.hours.remove(log, hour_of(story.expires), story.id)
        tables.heard.remove(log, hour_of(story.heard), story.id)
    draft.size -= len(stories)
    _look_again(draft)


def _release(draft: Draft, index: dict[int, str], key: int | None, story: str) -> None:
    if key and index.get(key) == story:
        draft.log.drop(index, key)


def contents(stories: Iterable[Story | Outline], segments: dict[str, Segment]) -> Tables:
    """Return the tables of a memory of these stories, but not the stories; all at once takes less than one by one."""
    kept = sorted(stories, key=attrgetter("serial"))
    found = Tables(segments=segments)
    hours: dict[int, dict[str, bool]] = {}
    heard: dict[int, dict[str, bool]] = {}
    worded = [(story.id, one) for story in kept for one in story.wordings]
    for keys, (name, one) in zip(bands_of([one.triples for _, one in worded]), worded, strict=True):
        alone = (name,)
        for at in one.banded:
            names = found.bands.get(keys[at])
            found.bands[keys[at]] = _with(names, name) if names else alone
        found.texts[one.key] = name
    for story in kept:
        name = story.id
        found.members.update(dict.fromkeys(story.tail, name))
        for sealed in range(story.dropped, story.sealed):
            found.members.update(dict.fromkeys(segments[members_row(name, sealed)].hashes, name))
        found.roots.update(dict.fromkeys([link for link in (story.root, *story.links) if link], name))
        hours.setdefault(hour_of(story.expires), {})[name] = True
        heard.setdefault(hour_of(story.heard), {})[name] = True
    found.hours, found.heard = Hours.of(hours), Hours.of(heard)
    return found


def rebuild(stories: Iterable[Story], segments: dict[str, Segment]) -> Memory:
    """Return the memory of these stories, without the serial of the next one."""
    known = {story.id: story for story in stories}
    tables = contents(known.values(), segments)
    tables.stories = known
    return Memory(tables)
