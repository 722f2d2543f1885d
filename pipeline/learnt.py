"""Learnt: what feedback on alerts has taught about one watch, as data that can be looked at, forgotten and reset.

An example keeps which words a post has, sorted and each once, and no text. It goes with its post when that is deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.frozen import replace
from pipeline.stories.sketch import number
from schemas.control import Feedback

MOST = 2_000
"""So many examples and verdicts are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Example:
    """A post that is about the watched entity, or is not; `mention` and `writer` are numbers for it and its author."""

    us: bool
    words: tuple[str, ...]
    mention: int = 0
    writer: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody said of an alert."""

    alert: str
    rule: str
    useful: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """The examples and the verdicts of one watch, the oldest first."""

    examples: tuple[Example, ...] = ()
    verdicts: tuple[Judgement, ...] = ()

    def tallies(self) -> Mapping[str, tuple[int, int]]:
        """Return for each rule how many of its alerts were useful, and how many noise."""
        found: dict[str, tuple[int, int]] = {}
        for one in self.verdicts:
            useful, noise = found.get(one.rule, (0, 0))
            found[one.rule] = (useful + one.useful, noise + (not one.useful))
        return dict(sorted(found.items()))


NOTHING = Learnt()


def learn(learnt: Learnt, record: Feedback, writers: Mapping[str, int | None]) -> Learnt:
    """Return what is known after `record`; what is said again of an alert or a post takes the place of what was.

    `writers` are the numbers of the authors by mention, as far as they are known.
    """
    new = tuple(
        Example(record.useful, post.words, number(post.mention), writers.get(post.mention)) for post in record.posts
    )
    told = {one.mention for one in new}
    examples = (*(one for one in learnt.examples if one.mention not in told), *new)
    verdict = Judgement(record.alert, record.rule, record.useful)
    verdicts = (*(one for one in learnt.verdicts if one.alert != record.alert), verdict)
    return Learnt(examples[-MOST:], verdicts[-MOST:])


def unlearn(learnt: Learnt, key: str, *, author: bool) -> Learnt:
    """Return what is known without a deleted post, or all posts of an author; the very same if none is among it."""
    gone = number(key)
    kept = tuple(one for one in learnt.examples if (one.writer if author else one.mention) != gone)
    return learnt if len(kept) == len(learnt.examples) else replace(learnt, examples=kept)
