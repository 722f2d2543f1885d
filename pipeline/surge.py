"""Surge: the factors of risk that only what was heard before can tell: a new story, and signs of coordination.

Coordination is advisory: it adds a little to the risk and never takes anything away, nor does it hold back an alert.
Its signs are looked for among the mentions of the last hour, at most `KEPT` of them: many young accounts, one text from
several accounts that is no repost, and many posts of few authors.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.frozen import swift
from pipeline.score import add
from pipeline.stories.dedup import Trail
from pipeline.stories.story import writer
from pipeline.windows.window import milliseconds
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
"""Of a mention: its time (ms), author and story (numbers, 0: unknown), whether the account is young, is a repost.

A bare tuple, because it is sorted, and taken apart by column."""


@swift
@dataclass(frozen=True, slots=True)
class Crowd:
    """The latest mentions of a watch, the oldest first by the times at which they were posted."""

    voices: tuple[Voice, ...] = ()


NOBODY = Crowd()
_NEW = Factor(name="novelty", points=NOVELTY_POINTS, detail="a new story")


def surge(crowd: Crowd, match: Match, trail: Trail, risk: Risk) -> tuple[Crowd, Match]:
    """Return the crowd with one own-brand mention more, and the match with what that says about its risk."""
    if not match.about(OWN):
        return crowd, match
    mention, now = match.mention, milliseconds(match.mention.time)
    author = mention.author
    young = bool(author and author.created and mention.time - author.created < YOUNG)
    voice = (now, writer(match) or 0, int(trail.story, 16), young, bool(mention.repost_of))
    kept = _latest(crowd.voices, voice)
    found: tuple[Factor, ...] = () if trail.stories else (_NEW,)
    if signs := _signs(kept):
        points = SIGN_POINTS * len(signs)
        found += (Factor(name="coordination", points=points, detail=f"{', '.join(signs)}; a hint, no more"),)
    return Crowd(kept), match.model_copy(update={"score": add(match.score, found, risk)}) if found else match


def rest(crowd: Crowd, now: datetime) -> Crowd:
    """Return the crowd without those who spoke, if that was more than an hour ago."""
    return NOBODY if crowd.voices and crowd.voices[-1][0] <= milliseconds(now) - HOUR_MS else crowd


def _latest(voices: tuple[Voice, ...], voice: Voice) -> tuple[Voice, ...]:
    """Return the voices of the hour before `voice` with it, by their times, at most `KEPT`."""
    if voices and voice < voices[-1]:
        voices, voice = (*voices[:-1], voice), voices[-1]
        voices = tuple(sorted(voices))
    if voices and voices[0][0] <= (oldest := voice[0] - HOUR_MS):
        voices = tuple([one for one in voices if one[0] > oldest])
    return (*voices, voice)[-KEPT:]


def _signs(voices: tuple[Voice, ...]) -> list[str]:
    if len(voices) < min(LEAST_YOUNG, LEAST_SAME):
        return []
    _, authors, stories, new, reposts = zip(*voices, strict=True)
    signs = []
    if sum(new) >= LEAST_YOUNG:
        young = {author for author, is_new in zip(authors, new, strict=True) if is_new and author}
        if len(young) >= LEAST_YOUNG and 2 * len(young) >= len(set(authors) - {0}):
            signs.append(f"{len(young)} young accounts")
    if any(reposts) or not all(authors):
        own = [(story, by) for story, by, again in zip(stories, authors, reposts, strict=True) if by and not again]
        stories, authors = tuple([story for story, _ in own]), tuple([by for _, by in own])
    if len(stories) - len(set(stories)) >= LEAST_SAME - 1:
        story, same = Counter(stories).most_common(1)[0]
        own_by = {by for one, by in zip(stories, authors, strict=True) if one == story}
        if same >= LEAST_SAME and len(own_by) >= LEAST_SAME:
            signs.append(f"{same} identical posts")
    if len(authors) >= LEAST_BURST and POSTS_AN_AUTHOR * len(set(authors)) <= len(authors):
        signs.append(f"{len(authors)} posts of few authors")
    return signs
