"""Surge: the factors of risk that only what was heard before can tell: a new story, and signs of coordination.

Coordination is advisory: it adds a little to the risk and never takes anything away, nor does it hold back an alert.
Its signs are looked for among the mentions of the last hour, at most `KEPT` of them: many young accounts, one text from
several accounts that is no repost, and many posts of few authors.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from pipeline.dedup import Fold
from pipeline.score import add
from pipeline.story import writer
from pipeline.window import milliseconds
from schemas.about import Risk
from schemas.mention import OWN, Factor, Match

KEPT = 30
HOUR_MS = 3_600_000
YOUNG = timedelta(days=30)
NOVELTY_POINTS = 5.0
SIGN_POINTS = 3.0
"""For each sign of coordination."""
LEAST_YOUNG, LEAST_SAME, LEAST_BURST = 5, 5, 12
"""How many young accounts, identical posts, and posts in all there have to be before it is a sign."""
POSTS_AN_AUTHOR = 4

Voice = tuple[int, int, int, bool, bool]
"""Of a mention: its time (ms), author and story (numbers, 0: unknown), whether the account is young, is a repost."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The latest mentions of a watch, the oldest first."""

    voices: tuple[Voice, ...] = ()


NOBODY = Crowd()
_NEW = Factor(name="novelty", points=NOVELTY_POINTS, detail="a new story")


def surge(crowd: Crowd, match: Match, fold: Fold, risk: Risk) -> tuple[Crowd, Match]:
    """Return the crowd with one own-brand mention more, and the match with what that says about its risk."""
    if not match.about(OWN):
        return crowd, match
    mention, now = match.mention, milliseconds(match.mention.time)
    author = mention.author
    young = bool(author and author.created and mention.time - author.created < YOUNG)
    voice = (now, writer(match) or 0, int(fold.story.id, 16), young, bool(mention.repost_of))
    kept = (*(one for one in crowd.voices if one[0] > now - HOUR_MS), voice)[-KEPT:]
    found: tuple[Factor, ...] = (_NEW,) if fold.before is None else ()
    if signs := _signs(kept):
        points = SIGN_POINTS * len(signs)
        found += (Factor(name="coordination", points=points, detail=f"{', '.join(signs)}; a hint, no more"),)
    return Crowd(kept), match.model_copy(update={"score": add(match.score, found, risk)}) if found else match


def _signs(voices: tuple[Voice, ...]) -> list[str]:
    if len(voices) < min(LEAST_YOUNG, LEAST_SAME):
        return []
    signs = []
    young = {author for _, author, _, new, _ in voices if new and author}
    authors = {author for _, author, *_ in voices if author}
    if len(young) >= LEAST_YOUNG and 2 * len(young) >= len(authors):
        signs.append(f"{len(young)} young accounts")
    own = [(story, author) for _, author, story, _, repost in voices if author and not repost]
    story, same = Counter(story for story, _ in own).most_common(1)[0] if own else (0, 0)
    if same >= LEAST_SAME and len({author for one, author in own if one == story}) >= LEAST_SAME:
        signs.append(f"{same} identical posts")
    if len(own) >= LEAST_BURST and POSTS_AN_AUTHOR * len({author for _, author in own}) <= len(own):
        signs.append(f"{len(own)} posts of few authors")
    return signs
