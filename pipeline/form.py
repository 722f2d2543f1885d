"""The forms of the rows that a watch's state is stored in, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from pipeline.alerts.hold import Desk
from pipeline.frozen import replace
from pipeline.incidents.group import Entry, Groups
from pipeline.incidents.life import Life
from pipeline.learnt import NOTHING, Learnt
from pipeline.stories.memory import Memory
from pipeline.stories.story import Segment, Story
from pipeline.surge import NOBODY, Crowd
from pipeline.windows.window import Numbers
from schemas.alert import Quote
from schemas.model import UtcTime

SHORTEST = 3600.0
"""The window looks back at least so many seconds, for the shares in an alert."""
STORY, MEMBERS = "story/", "members/"
"""How the names of rows begin that hold a story or a segment."""
HEAD, WATCH, LEARNT, GROUPS = "head", "watch", "learnt", "groups"
ALONE = (HEAD, WATCH, LEARNT, GROUPS)
"""The rows that hold no part of the story memory."""


@dataclass(frozen=True, slots=True)
class Head:
    """The row `head`; `v` is the version of its form."""

    v: int
    clock: UtcTime | None = None
    serial: int = 0
    horizon: float = SHORTEST
    began: UtcTime | None = None
    series: dict[str, tuple[Numbers, Numbers, Numbers]] = field(default_factory=dict)
    readings: dict[str, Any] = field(default_factory=dict)
    life: Life = Life()  # noqa: RUF009 - it cannot change
    desks: dict[str, Desk] = field(default_factory=dict)
    crowd: Crowd = NOBODY


@dataclass(frozen=True, slots=True)
class _Groups:
    """The row `groups`: the incidents of a watch that tells them apart."""

    v: int
    lives: dict[str, Life] = field(default_factory=dict)
    trail: tuple[Entry, ...] = ()
    held: dict[str, int] = field(default_factory=dict)


_groups_form: TypeAdapter[_Groups] = TypeAdapter(_Groups)
head_form: TypeAdapter[Head] = TypeAdapter(Head)
story_form: TypeAdapter[Story] = TypeAdapter(Story)
learnt_form: TypeAdapter[Learnt] = TypeAdapter(Learnt)
segment_form: TypeAdapter[Segment] = TypeAdapter(Segment)
read_segment = segment_form.validate_json
"""Read the row of a segment."""


def read_story(value: bytes) -> Story:
    """Read the row of a story.

    Raises:
        pydantic.ValidationError: something else stands there.
    """
    story = story_form.validate_json(value)
    if story.quote and not story.stands:
        # rows of the form before have its id in the quote alone
        return replace(story, stands=Quote.from_bytes(story.quote.encode()).mention)
    return story


def learnt_row(learnt: Learnt) -> bytes | None:
    """Return the row of what feedback has taught, None where that is nothing."""
    return None if learnt == NOTHING else learnt_form.dump_json(learnt)


def groups_row(groups: Groups) -> bytes | None:
    """Return the row of groups, None where there is nothing in them."""
    if not groups:
        return None
    return _groups_form.dump_json(
        _Groups(1, dict(groups.lives), groups.trail, dict(groups.held)), exclude_defaults=True
    )


def read_groups(row: bytes) -> Groups:
    """Return the groups in a row; what is due is not stored."""
    found = _groups_form.validate_json(row)
    return Groups(found.lives, found.trail, held=found.held)


def memory_row(memory: Memory, name: str) -> bytes | None:
    """Return the row of that name, of a story or of a segment; None where there is none."""
    if name.startswith(STORY):
        story = memory.stories.get(name.removeprefix(STORY))
        return None if story is None else story_form.dump_json(story, exclude_defaults=True)
    segment = memory.tables.segments.get(name)
    return None if segment is None else segment_form.dump_json(segment)


def read_memory(rows: Mapping[str, bytes]) -> tuple[list[Story], dict[str, Segment]]:
    """Return the stories and segments that are among `rows`."""
    stories = [read_story(value) for name, value in rows.items() if name.startswith(STORY)]
    return stories, {name: read_segment(value) for name, value in rows.items() if name.startswith(MEMBERS)}
