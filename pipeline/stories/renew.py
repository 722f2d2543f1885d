"""Renew: the indexes of a memory after its rows were changed by another worker, in the changelog that both follow."""

from collections.abc import Iterable
from typing import Any

from pipeline.stories.index import enter, schedule, take_out
from pipeline.stories.memory import Draft, Memory
from pipeline.stories.story import Segment, Story

Was = tuple[Story | None, Story | None]
"""A story as it was and as it is; None is "no such story"."""


def renew(
    memory: Memory, stories: Iterable[Was], segments: Iterable[tuple[str, Segment | None, Segment | None]]
) -> Memory:
    """Return the memory with its indexes as they are after `stories` and `segments` have changed in the store below.

    Segments come with the id of their story, as they were and as they are.
    """
    draft, pairs, sealed = Draft(memory), list(stories), list(segments)
    members = draft.tables.members
    gone = [key for before, _ in pairs if before for key in before.tail]
    gone += [key for _, before, _ in sealed if before for key in before.hashes]
    for key in gone:
        draft.log.drop(members, key)
    for before, after in pairs:
        if before and not (after and _alike(before, after)):
            take_out(draft, [before])
    # in the order in which they began: a triple leads to the first ones
    for before, story in sorted(((before, after) for before, after in pairs if after), key=lambda pair: pair[1].serial):
        if before and _alike(before, story):
            schedule(draft, before, story)
        else:
            enter(draft, story)
    for name, hashes in [(after.id, after.tail) for _, after in pairs if after] + [
        (name, after.hashes) for name, _, after in sealed if after
    ]:
        for key in hashes:
            draft.log.put(members, key, name)
    return draft.done()


def _alike(one: Story, other: Story) -> bool:
    """Tell whether it is still the same story, which is indexed in the same way."""
    return _indexed(one) == _indexed(other)


def _indexed(story: Story) -> tuple[Any, ...]:
    return story.serial, story.key, story.root, story.also, story.links
