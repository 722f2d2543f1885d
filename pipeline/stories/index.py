"""Index: what leads to a story, written as the story is; it follows from the stories and their segments.

Near-identical texts are found by the triples with the smallest numbers, the same few in both (a bottom-k sketch, Broder
1997): these numbers are hashes, so of two texts that overlap by 0.7 the four smallest have none in common less than
once in a hundred, and never where a text has fewer than fourteen triples, as more would have to differ than may. A
triple that leads to `CROWD` stories tells nothing, so it is passed over for the next one, by those who ask as by those
who are asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from pipeline.stories.memory import Draft, Memory, Tables, hour_of
from pipeline.stories.outline import Outline
from pipeline.stories.sketch import Sketch, unpack
from pipeline.stories.story import FIRST, Segment, Story, Wording, members_row
from pipeline.stories.table import Hours, get_all

CROWD = 16
"""How many stories a triple leads to, the first ones; template texts would fill it with thousands."""


def named(tables: Tables, packed: bytes) -> dict[int, tuple[str, ...]]:
    """Return the places of the triples by which a text is looked for, and the stories to which each of them leads."""
    found: dict[int, tuple[str, ...]] = {}
    triples = unpack(packed)
    for begin in range(0, len(triples), len(FIRST)):
        some = triples[begin : begin + len(FIRST)]
        for at, names in enumerate(get_all(tables.leads, some, ()), begin):
            if len(names) < CROWD:
                found[at] = names
                if len(found) == len(FIRST):
                    return found
    return found


def equal(tables: Tables, text: Sketch) -> str | None:
    """Return the story that has this very text, None if none has: its key finds it, its triples and facts confirm."""
    name = tables.texts.get(text.key) if text.key else None
    return name if name and tables.stories[name].says(text) else None


def leading(known: Mapping[int, tuple[str, ...]], triples: bytes, story: str = "") -> tuple[int, ...]:
    """Return by which of the places a story is found, where `named` knows so much: a restored memory finds the same."""
    places = tuple([at for at, names in known.items() if story not in names] if story else known)
    return FIRST if places == FIRST[: len(unpack(triples))] else places


def enter(draft: Draft, story: Story) -> None:
    """Add a new story to the indexes that find it, and note when it is looked at again."""
    tables, hour = draft.tables, hour_of(story.expires)
    draft.serial, draft.size = max(draft.serial, story.serial + 1), draft.size + 1
    draft.next_hour = hour if draft.next_hour is None else min(draft.next_hour, hour)
    tables.hours.add(draft.log, hour, story.id)
    tables.heard.add(draft.log, hour_of(story.heard), story.id)
    lead(draft, story.id, (story.root, *story.links) if story.root else story.links)
    for wording in story.wordings:
        word(draft, story.id, wording)


def word(draft: Draft, story: str, wording: Wording) -> None:
    """Let a wording lead to a story."""
    table, put, alone = draft.tables.leads, draft.log.put, (story,)
    for triple in wording.leads:
        names = table.get(triple)
        put(table, triple, _with(names, story) if names else alone)
    put(draft.tables.texts, wording.key, story)


def _with(names: tuple[str, ...], story: str) -> tuple[str, ...]:
    # by name, so that it does not matter in which order they came
    return names if story in names else tuple(sorted((*names, story)))


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
    draft.next_hour = first if first in hours else hours.first


def take_out(draft: Draft, stories: Sequence[Story]) -> None:
    """Remove stories from all indexes but that of their members."""
    tables, log = draft.tables, draft.log
    leads = tables.leads
    for story in stories:
        for one in story.wordings:
            for triple in one.leads:
                names = leads.get(triple, ())
                if len(names) > 1:
                    log.put(leads, triple, tuple([other for other in names if other != story.id]))
                elif names:
                    log.drop(leads, triple)
            _release(draft, tables.texts, one.key, story.id)
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
    hours: dict[int, dict[str, bool]] = defaultdict(dict)
    heard: dict[int, dict[str, bool]] = defaultdict(dict)
    leads, texts, members, roots = found.leads, found.texts, found.members, found.roots
    for story in kept:
        name = story.id
        alone = (name,)
        for one in story.wordings:
            for triple in one.leads:
                if (names := leads.setdefault(triple, alone)) is not alone:
                    leads[triple] = _with(names, name)
            texts[one.key] = name
        for identity in story.tail:
            members[identity] = name
        for sealed in range(story.dropped, story.sealed):
            members.update(dict.fromkeys(segments[members_row(name, sealed)].hashes, name))
        for link in story.links:
            roots[link] = name
        if story.root:
            roots[story.root] = name
        hours[hour_of(story.expires)][name] = True
        heard[hour_of(story.heard)][name] = True
    found.hours, found.heard = Hours(dict(hours)), Hours(dict(heard))
    return found


def rebuild(stories: Iterable[Story], segments: dict[str, Segment]) -> Memory:
    """Return the memory of these stories, without the serial of the next one."""
    known = {story.id: story for story in stories}
    tables = contents(known.values(), segments)
    tables.stories = known
    return Memory(tables)
