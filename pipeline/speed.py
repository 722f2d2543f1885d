"""Speed: how much people react to a post, and how fast that goes: by its age, and from one look at it to the next.

What a post has gathered by its age is known at once, and says little of an old post that takes off. What it gathers
between two looks is only known from the second on, and until then unknown, which is said and not guessed.
"""

import math

from schemas.mention import Factor, Mention

ENGAGEMENT_POINTS = 4.0
"""For each power of ten of likes, comments and shares together (shares and comments count twice)."""
ENGAGEMENT_MOST = 16.0
SPREAD_POINTS, SPREAD_MOST = 4.0, 16.0
"""For each power of ten of reactions an hour, by the age of the post or between looks, whichever is faster."""
SHORTEST_HOURS = 0.25
"""So old is any post taken to be, and so far apart two looks, when its speed is measured."""
_LOUD = {"shares": 2, "reposts": 2, "retweets": 2, "quotes": 2, "comments": 2, "replies": 2, "likes": 1, "reactions": 1}


def reactions(mention: Mention) -> float | None:
    """Return how often people have reacted to a post, by the weight of each kind; None where that is not counted."""
    loud, counted = 0.0, False
    for name, number in (mention.metrics or {}).items():
        if weight := _LOUD.get(name):
            counted = True
            loud += weight * number if number > 0 else 0.0
    return loud if counted and math.isfinite(loud) else None


def loudness(mention: Mention, between: float | None = None) -> tuple[Factor, ...]:
    """Return the factors for how much people react, and how fast; none where nobody does.

    `between` is how many reactions an hour it has gathered between two looks, None where that is unknown.
    """
    loud = reactions(mention)
    if not loud:
        return ()
    metrics = mention.metrics or {}
    points = min(ENGAGEMENT_MOST, ENGAGEMENT_POINTS * math.log10(1 + loud))
    named = ", ".join(f"{metrics[name]:,.0f} {name}" for name in _LOUD if metrics.get(name, 0) > 0)
    engagement = Factor(name="engagement", points=round(points, 1), detail=named)
    by_age = loud / max(SHORTEST_HOURS, (mention.seen - mention.time).total_seconds() / 3600)
    detail = f"{by_age:,.0f} reactions an hour since it was posted, between looks unknown"
    if between is not None:
        detail = f"spreads at {between:,.0f} an hour, {by_age:,.0f} since it was posted"
    points = min(SPREAD_MOST, SPREAD_POINTS * math.log10(1 + max(by_age, between or 0.0)))
    return engagement, Factor(name="spread", points=round(points, 1), detail=detail)
