"""Dedup: the story memory of one watch. Every mention is one more copy of a known story, or begins one.

A mention is folded by identity (its own, or that of the post it reposts or quotes), by its address, by the same text,
and by near-identical text (see `sketch`). Where it belongs to several stories these are one from then on, the oldest
(see `join`). What a quote says beside the post that it quotes leads nowhere: it is another's opinion of it. Stories
expire by the time judge has reached, `KEPT` after their last mention, and the oldest go first when there are more than
`MAX_STORIES`. The text of a story's representative is kept no longer than its platform allows; then the next copy
stands for the story.

Every operation returns a new memory and notes the rows it changed in `touched`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, compress
from operator import attrgetter
from typing import NamedTuple

from pipeline.frozen import replace, swift
from pipeline.stories.join import join, links_of, room
from pipeline.stories.memory import Memory, enter, hour_of, named, schedule, take_out, without
from pipeline.stories.quotation import quote
from pipeline.stories.sketch import Sketch, band, forget, near, number, sketch
from pipeline.stories.story import HASHES, KEPT, Segment, Story, begin, members_row, named_by, story_row, writer
from schemas.mention import Match, Mention

MAX_STORIES = 20_000
_CROWDED_OUT = 500
"""How many of the oldest stories go when there are too many: a few at once, so that it costs little on average."""
_OPINION = Sketch((), (), 0)


@swift
@dataclass(frozen=True, slots=True)
class Fold:
    """What became of a mention: the story as it is now and as it was before, None when the mention began it."""

    story: Story
    before: Story | None


class Trail(NamedTuple):
    """What leads a mention to its story. `stories` are all that it belongs to, the oldest first; none if it begins one.

    `identity` and `links` are numbers, `text` is its sketch, `known` its bands with the stories that each names.
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
    text, links, identity = draw(mention), links_of(mention), number(mention.id)
    found = _find(memory, (identity, *links), text.key)
    known: Mapping[int, tuple[str, ...]] = {}
    if text.key and text.key not in memory.texts:
        known = named(memory, text.triples)
        found |= _find_near(memory, text, known)
    return Trail(identity, links, text, known, tuple(sorted(found.values(), key=attrgetter("serial"))))


def place(memory: Memory, match: Match, at: datetime, trail: Trail | None = None) -> tuple[Memory, Fold]:
    """Put a mention that is not known into its story; it is `at`. `trail` is what `trace` has found in this memory."""
    identity, links, text, known, stories = trail or trace(memory, match.mention)
    before = None
    if stories:
        before, *others = stories
        memory, story = join(memory, before.take(match, at), others, text, links)
    else:
        story = begin(match, text, links, at, (memory.serial, room(known)))
        memory = enter(memory, story, known)
    if len(story.tail) >= HASHES:
        story, memory = _seal(story, memory, at)
    return _make_room(_keep(memory, story, before, identity)), Fold(story, before)


def draw(mention: Mention) -> Sketch:
    """Return the sketch of what a mention says for itself; drawn before, it is at hand."""
    if mention.quote_of:
        return _OPINION
    return sketch(f"{mention.title}\n{mention.text}" if mention.title else mention.text)


def draw_all(mentions: Iterable[Mention]) -> None:
    """Draw mentions that are about to be placed, a few dozen at most: what that works with stays in the caches."""
    band([triples for mention in mentions if (triples := draw(mention).triples)])


def put_away() -> None:
    """Forget what was drawn: no text stays in memory because nothing came after it."""
    forget()


def _find(memory: Memory, numbers: Sequence[int], text: int) -> dict[str, Story]:
    """Find the stories of the posts and addresses that a mention leads to, or that lead to it, and of the same text."""
    names = {memory.roots.get(number) or memory.members.get(number) for number in numbers}
    if text:
        names.add(memory.texts.get(text))
    return {name: memory.stories[name] for name in names if name}


def _find_near(memory: Memory, text: Sketch, known: Mapping[int, tuple[str, ...]]) -> dict[str, Story]:
    stories = [memory.stories[name] for name in set().union(*known.values())]
    return {story.id: story for story in stories if any(near(text, one.triples, one.figures) for one in story.wordings)}


def _keep(memory: Memory, story: Story, before: Story | None, identity: int | None = None) -> Memory:
    """Store a story, in the hour in which it is looked at again, and the identity of its latest mention."""
    if before is not None:
        memory = schedule(memory, before, story)
    return replace(
        memory,
        stories=memory.stories.set(story.id, story),
        members=memory.members if identity is None else memory.members.set(identity, story.id),
        touched=memory.touched.set(story_row(story.id), None),
    )


def _seal(story: Story, memory: Memory, at: datetime) -> tuple[Story, Memory]:
    """Move the identities of a story's latest mentions into a row of their own, and drop those that have expired."""
    name = members_row(story.id, story.sealed)
    segments, touched, members = memory.segments.set(name, Segment(at, story.tail)), memory.touched, memory.members
    touched = touched.set(name, None)
    dropped = story.dropped
    while segments[members_row(story.id, dropped)].heard <= at - KEPT:
        name = members_row(story.id, dropped)
        members = without(members, segments[name].hashes)
        segments, touched, dropped = segments.delete(name), touched.set(name, None), dropped + 1
    story = replace(story, tail=(), sealed=story.sealed + 1, dropped=dropped)
    return story, replace(memory, segments=segments, touched=touched, members=members)


def expire(memory: Memory, now: datetime) -> Memory:
    """Forget the stories, and the texts, whose time has passed in an hour before that of `now`."""
    this = hour_of(now)
    while memory.next_hour is not None and this > memory.next_hour:
        stories = [memory.stories[name] for name in sorted(memory.hours.names(memory.next_hour))]
        over = [hour_of(story.heard + KEPT) < this for story in stories]
        memory = _forget(memory, list(compress(stories, over)))
        for story, gone in zip(stories, over, strict=True):
            if not gone:
                memory = _keep(memory, replace(story, stands="", quote="", writer=None), story)
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
        memory = _forget(memory, together[: memory.size - left])
    return memory


def _forget(memory: Memory, stories: Sequence[Story]) -> Memory:
    """Forget stories; many at once cost less than one by one."""
    if not stories:
        return memory
    sealed = [members_row(story.id, at) for story in stories for at in range(story.dropped, story.sealed)]
    gone = [*(story.tail for story in stories), *(memory.segments[name].hashes for name in sealed)]
    rows = [story_row(story.id) for story in stories] + sealed
    return replace(
        take_out(memory, stories),
        stories=without(memory.stories, [story.id for story in stories]),
        segments=without(memory.segments, sealed),
        members=without(memory.members, chain.from_iterable(gone)),
        touched=memory.touched.update(dict.fromkeys(rows)),
    )


def edit(memory: Memory, story: Story, match: Match) -> Memory:
    """Take over the new state of a post that stands for its story; any other post's state is not kept."""
    if story.stands != match.mention.id:
        return memory
    changed = quote(match)
    after = replace(story, quote=changed, writer=writer(match))
    return memory if after == story else _keep(memory, after, story)


def erase(memory: Memory, mention: str) -> Memory:
    """Forget the text and the author of a deleted post; that it was heard still counts."""
    story = memory.known(mention)
    if story is None:
        return memory
    opened = "" if story.opened == mention else story.opened
    after = replace(story, opened=opened)
    if story.stands == mention:
        after = replace(after, stands="", quote="", writer=None)
    return memory if after == story else _keep(memory, after, story)


def erase_author(memory: Memory, author: str) -> Memory:
    """Forget the texts of all that an author (`platform:id`) wrote; as long as this takes, it is seldom asked for."""
    by = number(author)
    for story in [memory.stories[name] for name in memory.stories]:
        spread, stands = story.spread.without(by), bool(story.stands) and story.writer == by
        if spread is story.spread and not stands:
            continue
        after = replace(story, spread=spread)
        if stands:
            after = replace(after, stands="", quote="", writer=None)
        memory = _keep(memory, after, story)
    return memory


def clear(memory: Memory) -> Memory:
    """Forget everything."""
    return replace(_forget(memory, [memory.stories[name] for name in memory.stories]), serial=0)
