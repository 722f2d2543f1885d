"""Dedup: the story memory of one watch. Every mention is one more copy of a known story, or begins one.

A mention is folded by identity (its own, or that of the post it reposts or quotes), by its address, by the same text,
and by near-identical text (see `sketch`). Where it belongs to several stories these are one from then on, the oldest
(see `join`). What a quote says beside the post that it quotes leads nowhere: it is another's opinion of it. Stories
expire by the time judge has reached, `KEPT` after their last mention, and the oldest go first when there are more than
`MAX_STORIES`. The text of a story's representative is kept no longer than its platform allows; then the next copy
stands for the story.

Every operation returns a new memory (see memory.py) and notes the rows it changed in `touched`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

from pipeline.frozen import replace, swift
from pipeline.stories.gathered import Gathered, keep, read, without
from pipeline.stories.index import enter, equal, leading, named, schedule, take_out
from pipeline.stories.join import join, links_of
from pipeline.stories.memory import Draft, Memory, Tables, hour_of
from pipeline.stories.quotation import quote
from pipeline.stories.sketch import Sketch, forget, near, number, sketch
from pipeline.stories.sketch import lay_ready as ready
from pipeline.stories.story import HASHES, KEPT, Segment, Story, begin, members_row, named_by, story_row, writer
from schemas.mention import Match, Mention

MAX_STORIES = 20_000
_CROWDED_OUT = 500
"""How many of the oldest stories go when there are too many: a few at once, so that it costs little on average."""
_OPINION = Sketch(b"", (), 0)


@swift
@dataclass(frozen=True, slots=True)
class Fold:
    """What became of a mention: the story as it is now and as it was before, None when the mention began it."""

    story: Story
    before: Story | None


class Trail(NamedTuple):
    """What leads a mention to its story. `stories` are all that it belongs to, the oldest first; none if it begins one.

    `identity` and `links` are numbers, `text` is its sketch, `known` what `named` tells of it.
    """

    identity: int
    links: tuple[int, ...]
    text: Sketch
    known: Mapping[int, tuple[str, ...]]
    stories: tuple[Story, ...]

    @property
    def story(self) -> str:
        """The id of the story that the mention will be in."""
        return self.stories[0].id if self.stories else named_by(self.identity)


def trace(memory: Memory, mention: Mention) -> Trail:
    """Return what leads a mention that is not known to its story."""
    tables = memory.tables
    text, links, identity = draw(mention), links_of(mention), number(mention.id)
    names, very_same = _find(tables, (identity, *links)), equal(tables, text)
    known: Mapping[int, tuple[str, ...]] = {}
    if very_same:
        names.add(very_same)
    elif text.key:
        known = named(tables, text.triples)
        names |= _find_near(tables, text, known)
    found = [tables.stories[name] for name in names]
    return Trail(identity, links, text, known, tuple(sorted(found, key=attrgetter("serial"))))


def place(memory: Memory, match: Match, at: datetime, trail: Trail | None = None) -> tuple[Memory, Fold]:
    """Put a mention that is not known into its story; it is `at`. `trail` is what `trace` has found in this memory."""
    identity, links, text, known, stories = trail or trace(memory, match.mention)
    draft, before = Draft(memory), None
    if stories:
        before, *others = stories
        story = join(draft, before.take(match, at), others, text, links)
    else:
        story = begin(match, text, links, at, (draft.serial, leading(known, text.triples)))
        enter(draft, story)
    if len(story.tail) >= HASHES:
        story = _seal(draft, story, at)
    _keep(draft, story, before)
    draft.log.put(draft.tables.members, identity, story.id)
    _make_room(draft)
    return draft.done(), Fold(story, before)


def draw(mention: Mention) -> Sketch:
    """Return the sketch of what a mention says for itself; drawn before, it is at hand."""
    return _OPINION if mention.quote_of else sketch(*_said(mention))


def _said(mention: Mention) -> tuple[str, str]:
    said = f"{mention.title}\n{mention.text}" if mention.title else mention.text
    return said, mention.in_reply_to or ""


def draw_all(mentions: Iterable[Mention]) -> None:
    """Draw mentions that are about to be placed, a few dozen at most: what that works with stays in the caches."""
    for mention in mentions:
        draw(mention)


Drawn = tuple[bytes, tuple[int, ...], int]
"""A sketch as it goes from one process to another."""


def drawn(mention: Mention) -> Drawn:
    """Draw a mention for another process, which will place it."""
    found = draw(mention)
    return found.triples, found.figures, found.key


def lay_ready(mention: Mention, drawn: Drawn) -> None:
    """Have at hand what another process has drawn of a mention that is about to be placed."""
    if not mention.quote_of:
        ready(Sketch(*drawn), *_said(mention))


def put_away() -> None:
    """Forget what was drawn: no text stays in memory because nothing came after it."""
    forget()


def _find(tables: Tables, numbers: Sequence[int]) -> set[str]:
    """Find the stories of the posts and addresses that a mention leads to, or that lead to it."""
    names = [tables.roots.get(number) or tables.members.get(number) for number in numbers]
    return {name for name in names if name}


def _find_near(tables: Tables, text: Sketch, known: Mapping[int, tuple[str, ...]]) -> set[str]:
    if not any(known.values()):
        return set()
    stories = [tables.stories[name] for name in set().union(*known.values())]
    return {story.id for story in stories if any(near(text, one.triples, one.figures) for one in story.wordings)}


def _keep(draft: Draft, story: Story, before: Story | None) -> None:
    """Store a story, in the hour in which it is looked at again."""
    if before is not None:
        schedule(draft, before, story)
    draft.log.put(draft.tables.stories, story.id, story)
    draft.touch(story_row(story.id), stored=before is not None)


def _seal(draft: Draft, story: Story, at: datetime) -> Story:
    """Move the identities of a story's latest mentions into a row of their own, and drop those that have expired."""
    name, segments = members_row(story.id, story.sealed), draft.tables.segments
    draft.log.put(segments, name, Segment(at, story.tail))
    draft.touch(name, stored=False)
    dropped = story.dropped
    while segments[members_row(story.id, dropped)].heard <= at - KEPT:
        _drop_segment(draft, members_row(story.id, dropped))
        dropped += 1
    return replace(story, tail=(), sealed=story.sealed + 1, dropped=dropped)


def _drop_segment(draft: Draft, name: str) -> None:
    _drop_members(draft, draft.tables.segments[name].hashes)
    draft.log.drop(draft.tables.segments, name)
    draft.touch(name, stored=True)


def _drop_members(draft: Draft, members: Iterable[int]) -> None:
    for member in members:
        draft.log.drop(draft.tables.members, member)


def expire(memory: Memory, now: datetime) -> Memory:
    """Forget the stories, and the texts, whose time has passed in an hour before that of `now`."""
    if not memory.due(now):
        return memory
    this, draft = hour_of(now), Draft(memory)
    tables = draft.tables
    while draft.next_hour is not None and this > draft.next_hour:
        stories = [tables.stories[name] for name in sorted(tables.hours.names(draft.next_hour))]
        over = [hour_of(story.heard + KEPT) < this for story in stories]
        _forget(draft, list(compress(stories, over)))
        for story, gone in zip(stories, over, strict=True):
            if not gone:
                _keep(draft, _untold(story), story)
    return draft.done().anew()


def _make_room(draft: Draft) -> None:
    if draft.size <= MAX_STORIES:
        return
    left, tables = draft.size - _CROWDED_OUT, draft.tables
    for hour in sorted(tables.heard.counts):
        if draft.size == left:
            break
        together = [tables.stories[name] for name in tables.heard.names(hour)]
        together.sort(key=attrgetter("heard", "serial"))
        _forget(draft, together[: draft.size - left])


def _forget(draft: Draft, stories: Sequence[Story]) -> None:
    """Forget stories; many at once cost less than one by one."""
    take_out(draft, stories)
    for story in stories:
        for at in range(story.dropped, story.sealed):
            _drop_segment(draft, members_row(story.id, at))
        _drop_members(draft, story.tail)
        draft.log.drop(draft.tables.stories, story.id)
        draft.touch(story_row(story.id), stored=True)


def edit(memory: Memory, story: Story, match: Match) -> Memory:
    """Take over the new state of a post that stands for its story; any other post's state is not kept."""
    if story.stands != match.mention.id:
        return memory
    return _changed(memory, [(story, replace(story, quote=quote(match), writer=writer(match)))])


def remember(memory: Memory, story: Story, gathered: Gathered) -> Memory:
    """Remember what a post of `story` has gathered; the very same memory if that is no news."""
    if gathered in read(story.gathered):
        return memory
    return _changed(memory, [(story, replace(story, gathered=keep(story.gathered, gathered)))])


def _changed(memory: Memory, stories: Iterable[tuple[Story, Story]]) -> Memory:
    """Return the memory in which stories have changed from what they were; the very same if none has."""
    if not (changed := [(before, after) for before, after in stories if after != before]):
        return memory
    draft = Draft(memory)
    for before, after in changed:
        _keep(draft, after, before)
    return draft.done()


def erase(memory: Memory, mention: str) -> Memory:
    """Forget the text and the author of a deleted post; that it was heard still counts."""
    story = memory.known(mention)
    if story is None:
        return memory
    left = without(story.gathered, number(mention))
    after = replace(story, opened="" if story.opened == mention else story.opened, gathered=left)
    return _changed(memory, [(story, _untold(after) if story.stands == mention else after)])


def _untold(story: Story) -> Story:
    """Return the story without what stands for it."""
    return replace(story, stands="", quote="", writer=None)


def erase_author(memory: Memory, author: str) -> Memory:
    """Forget the texts of all that an author (`platform:id`) wrote; as long as this takes, it is seldom asked for."""
    by, found = number(author), []
    for story in [memory.stories[name] for name in memory.stories]:
        spread, stands = story.spread.without(by), bool(story.stands) and story.writer == by
        if spread is not story.spread or stands:
            after = replace(story, spread=spread)
            found.append((story, _untold(after) if stands else after))
    return _changed(memory, found)


def clear(memory: Memory) -> Memory:
    """Forget everything."""
    draft = Draft(memory)
    _forget(draft, [draft.tables.stories[name] for name in draft.tables.stories])
    draft.serial = 0
    return draft.done()
