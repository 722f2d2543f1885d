"""Gathered: what the posts of a story had gathered when they were looked at, which tells how fast they gather more.

A platform's counts come from many machines, and one that is behind tells less than was told before. So what falls is no
speed, and counts as standing still until it has been made up. Speed is measured from the latest look that is a quarter
of an hour ago, or from the first: of looks a minute apart each would tell of chance alone.
"""

from typing import NamedTuple

from msgspec.json import Decoder, Encoder

from pipeline.speed import SHORTEST_HOURS, reactions
from pipeline.stories.sketch import number
from schemas.mention import Match

POSTS = 16
"""Of so many posts a story remembers it: of those that have gathered most, and of the one looked at last."""
HOUR_MS = 3_600_000


class Gathered(NamedTuple):
    """What is remembered of one `post`, a number: the `risk` with which rules have counted it, and up to three `looks`.

    A look is a time (ms) and how many reactions there were. A story keeps them as JSON: as values they would be a tenth
    of what it takes, and few posts are looked at again.
    """

    post: int
    risk: float
    looks: tuple[tuple[int, float], ...]


def first(match: Match) -> Gathered | None:
    """Return what is remembered of a post about the own brand that is heard; None where nothing is counted."""
    count = reactions(match.mention)
    if count is None:
        return None
    return Gathered(number(match.mention.id), match.score.value, ((_looked(match), count),))


def look(known: Gathered, match: Match) -> tuple[Gathered, float | None]:
    """Return what is remembered after another look at a post, and how many reactions an hour it gathers.

    None where that is unknown: nothing is counted now, fewer than before, or the look is older than the last. The last
    look again says the same again.
    """
    at, count = _looked(match), reactions(match.mention)
    if count is None:
        return known, None
    last, most = known.looks[-1]
    if at > last:
        looks = (*known.looks[:2], (at, max(count, most)))
        while len(looks) > 2 and at - looks[1][0] >= SHORTEST_HOURS * HOUR_MS:
            looks = looks[1:]
        known = known._replace(looks=looks)
    began, before = known.looks[0]
    if at < last or at == began or count < most:
        return known, None
    return known, (count - before) / max(SHORTEST_HOURS, (at - began) / HOUR_MS)


def read(kept: str) -> tuple[Gathered, ...]:
    """Return what a story remembers."""
    return _decode(kept) if kept else ()


def keep(kept: str, *more: Gathered) -> str:
    """Return what a story remembers with `more`, in place of what was known of their posts; the first of them stays."""
    if not kept and len(more) == 1:
        return _encode(more).decode()
    posts = {one.post for one in more}
    found = (*more, *[one for one in read(kept) if one.post not in posts])
    if len(found) > POSTS:
        found = (*found[:1], *sorted(found[1:], key=lambda one: (-one.looks[-1][1], one.post))[: POSTS - 1])
    return _encode(found).decode()


def without(kept: str, post: int) -> str:
    """Return what a story remembers without a post; the very same where it is not among them."""
    found = read(kept)
    left = tuple([one for one in found if one.post != post])
    return kept if left == found else _encode(left).decode() if left else ""


def _looked(match: Match) -> int:
    # one rounding of what a clock says in microseconds: the same wherever it is done
    return round(match.mention.seen.timestamp() * 1000)


_encode = Encoder().encode
_decode = Decoder(tuple[Gathered, ...]).decode
