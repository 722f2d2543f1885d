"""Risk from 0 to 100: how much a mention asks for somebody's eyes, as a sum of factors that each give their reason.

The points of each factor are a convention, chosen so that one factor alone never fills the scale and an angry post by
somebody with many readers comes out above an angry post by nobody. Nothing is learnt, nothing is random.
"""

import math
import re
from functools import cache, lru_cache
from pathlib import Path

from pipeline.feeling_words import cut
from schemas.mention import Factor, Mention, Score, Sentiment, SentimentClass

CRISIS_WORDS = Path(__file__).with_name("crisis_words.txt")

SENTIMENT_POINTS = {SentimentClass.NEGATIVE: 35.0, SentimentClass.POSITIVE: -15.0}
"""Times the probability of the class; neutral and unsure move nothing."""
BASE_POINTS = 10.0
"""Somebody is talking about the company at all."""
REACH_POINTS = 5.0
"""For each power of ten of followers beyond the first ten, up to `REACH_MOST`."""
REACH_MOST = 25.0
VERIFIED_POINTS = 5.0
ENGAGEMENT_POINTS = 4.0
"""For each power of ten of likes, comments and shares together (shares and comments count twice)."""
ENGAGEMENT_MOST = 16.0
SPREAD_POINTS = -3.0
"""A repost or a reply says less of its own."""
COMPLAINT_POINTS = 6.0
CRISIS_MOST = 30.0
LONGEST = 5_000
"""How many characters are searched for crisis words."""

_LOUD = {"shares": 2, "reposts": 2, "retweets": 2, "quotes": 2, "comments": 2, "replies": 2, "likes": 1, "reactions": 1}
_ASKS = "warum wieso weshalb wann why when refund erstattung beschwerde reklamation complaint kundenservice"
_ASKING = frozenset(_ASKS.split())
_QUESTIONS = frozenset({"?", "??"})


def score(mention: Mention, sentiment: Sentiment) -> Score:
    """Return the risk of `mention`: the sum of its factors, cut off at 0 and 100."""
    text = f"{mention.title}\n{mention.text}" if mention.title else mention.text
    parts = cut(text[:LONGEST])
    words = [part.folded for part in parts if part.kind == "word"]
    found = (
        Factor(name="mention", points=BASE_POINTS, detail="the company is talked about"),
        _sentiment(sentiment),
        _crisis(words),
        _complaint(words, asks=not _QUESTIONS.isdisjoint([part.folded for part in parts]), sentiment=sentiment),
        _reach(mention),
        _verified(mention),
        _engagement(mention),
        _echo(mention),
    )
    factors = tuple(factor for factor in found if factor is not None)
    total = sum(factor.points for factor in factors)
    return Score(value=round(max(0.0, min(100.0, total)), 1), factors=factors)


def _sentiment(sentiment: Sentiment) -> Factor | None:
    points = SENTIMENT_POINTS.get(sentiment.label, 0.0) * sentiment.probability
    if not points:
        return None
    detail = f"{sentiment.label.value}, {sentiment.probability:.0%} sure"
    return Factor(name="sentiment", points=round(points, 1), detail=detail)


def _crisis(words: list[str]) -> Factor | None:
    """The most urgent crisis word counts in full, every further different one a third."""
    found = {word: points for word in words if (points := _crisis_points(word))}
    if not found:
        return None
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    points = ranked[0][1] + sum(extra for _, extra in ranked[1:]) / 3
    named = ", ".join(word for word, _ in ranked[:5])
    return Factor(name="crisis-words", points=round(min(CRISIS_MOST, points), 1), detail=named)


def _complaint(words: list[str], *, asks: bool, sentiment: Sentiment) -> Factor | None:
    """A question or a claim in a post that is not glad waits for an answer."""
    asked = sorted(_ASKING.intersection(words))
    if sentiment.label == SentimentClass.POSITIVE or not (asked or asks):
        return None
    detail = f"asks or complains: {', '.join(asked)}" if asked else "asks a question"
    return Factor(name="complaint", points=COMPLAINT_POINTS if asked else COMPLAINT_POINTS / 2, detail=detail)


def _reach(mention: Mention) -> Factor | None:
    followers = mention.author.followers if mention.author else None
    if not followers or followers <= 10:
        return None
    points = min(REACH_MOST, REACH_POINTS * math.log10(followers / 10))
    return Factor(name="reach", points=round(points, 1), detail=f"{followers:,} followers")


def _verified(mention: Mention) -> Factor | None:
    if mention.author is None or not mention.author.verified:
        return None
    return Factor(name="verified", points=VERIFIED_POINTS, detail="the author is verified")


def _engagement(mention: Mention) -> Factor | None:
    metrics = mention.metrics or {}
    loud = sum(weight * metrics[name] for name, weight in _LOUD.items() if metrics.get(name, 0) > 0)
    if not loud or not math.isfinite(loud):
        return None
    points = min(ENGAGEMENT_MOST, ENGAGEMENT_POINTS * math.log10(1 + loud))
    named = ", ".join(f"{metrics[name]:,.0f} {name}" for name in _LOUD if metrics.get(name, 0) > 0)
    return Factor(name="engagement", points=round(points, 1), detail=named)


def _echo(mention: Mention) -> Factor | None:
    if mention.repost_of:
        return Factor(name="spread", points=SPREAD_POINTS, detail="a repost")
    if mention.in_reply_to:
        return Factor(name="spread", points=SPREAD_POINTS, detail="a reply")
    return None


class _CrisisWords:
    """Looks words up: whole ones in a table, those with `*` by one expression for each number of points."""

    def __init__(self, text: str) -> None:
        self._whole: dict[str, float] = {}
        partial: dict[float, list[str]] = {}
        points = 0.0
        for line in text.splitlines():
            if heading := re.match(r"\[(\d+)\]", line):
                points = float(heading[1])
            elif "*" in line and not line.startswith("#"):
                partial.setdefault(points, []).append(re.escape(line.strip()).replace(r"\*", ".*"))
            elif line.strip() and not line.startswith("#"):
                self._whole[line.strip()] = points
        self._partial = {points: re.compile("|".join(patterns)) for points, patterns in partial.items()}

    def __call__(self, word: str) -> float:
        """Return the points of a folded word; 0 for an ordinary one."""
        if word in self._whole:
            return self._whole[word]
        return max((points for points, pattern in self._partial.items() if pattern.fullmatch(word)), default=0.0)


@cache
def _crisis_words() -> _CrisisWords:
    return _CrisisWords(CRISIS_WORDS.read_text("utf-8"))


@lru_cache(maxsize=65_536)
def _crisis_points(word: str) -> float:
    return _crisis_words()(word)
