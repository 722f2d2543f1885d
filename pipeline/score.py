"""Risk from 0 to 100: how much a mention asks for somebody's eyes, as a sum of named factors that each give a reason.

The points of each factor are a convention, chosen so that one factor alone never fills the scale and an angry post by
somebody with many readers comes out above an angry post by nobody. Nothing is learnt, nothing is random. A watch may
weigh the factors otherwise. What only shows in what was heard before, judge adds (see surge.py).
"""

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.sentiment.words import Remembered, cut
from pipeline.speed import loudness
from schemas.about import Risk
from schemas.mention import Factor, Mention, Score, Sentiment, SentimentClass
from schemas.watch import NO_LISTS, Lists, Watch

CRISIS_WORDS = Path(__file__).with_name("crisis_words.txt")

SENTIMENT_POINTS = {SentimentClass.NEGATIVE: 35.0, SentimentClass.POSITIVE: -15.0}
"""Times the probability of the class; neutral and unsure move nothing."""
BASE_POINTS = 10.0
"""Somebody is talking about the company at all."""
REACH_POINTS = 5.0
"""For each power of ten of followers beyond the first ten, up to `REACH_MOST`."""
REACH_MOST = 25.0
TIER_POINTS = {1: 25.0, 2: 15.0}
"""The least reach of a site or an author of that tier; the first is the most there is, whatever the followers."""
CREDIBILITY_POINTS = {1: 8.0, 2: 5.0}
"""Who is in a tier is believed; so is a verified author, as one of the second."""
ECHO_POINTS = -3.0
"""A repost or a reply says less of its own."""
COMPLAINT_POINTS = 6.0
CRISIS_MORE, CRISIS_MOST = 0.25, 1.5
"""What each further word of a category adds to the points of the first, and how much that makes at most."""
LONGEST = 5_000
"""How many characters are searched for crisis words."""

PLAIN = Risk()
"""What a watch that says nothing weighs."""
_ASKS = "warum wieso weshalb wann why when refund erstattung beschwerde reklamation complaint kundenservice"
_ASKING = frozenset(_ASKS.split())
_QUESTIONS = frozenset({"?", "??"})


def score(
    mention: Mention, sentiment: Sentiment, risk: Risk = PLAIN, lists: Lists = NO_LISTS, text: str | None = None
) -> Score:
    """Return the risk of `mention`: the sum of its factors as `risk` weighs them, cut off at 0 and 100.

    `text` is what is searched for words where that is not all it says.
    """
    if text is None:
        text = f"{mention.title}\n{mention.text}" if mention.title else mention.text
    parts = cut(text[:LONGEST])
    words = [part.folded for part in parts if part.kind == "word"]
    tier = _tier(mention, risk, lists) if risk.tier_1 or risk.tier_2 else 0
    found = (
        _MENTION,
        _negativity(sentiment),
        *_crisis(words),
        _complaint(words, asks=not _QUESTIONS.isdisjoint([part.folded for part in parts]), sentiment=sentiment),
        _reach(mention, tier),
        _credibility(mention, tier),
        *loudness(mention),
        _echo(mention),
    )
    return total([factor for factor in found if factor is not None], risk)


_MENTION = Factor(name="mention", points=BASE_POINTS, detail="the company is talked about")


def weigh(plain: Score, watch: Watch, mention: Mention, sentiment: Sentiment, text: str | None = None) -> Score:
    """Return the score as `watch` weighs it, given the one of a watch that says nothing about that."""
    return plain if watch.risk == PLAIN else score(mention, sentiment, watch.risk, watch.lists, text)


@lru_cache(maxsize=65_536)
def names_crisis(name: str) -> bool:
    """Tell whether a name is of several words and one of them is a crisis word."""
    words = [part.folded for part in cut(name) if part.kind == "word"]
    return len(words) > 1 and any(_points[word] for word in words)


def total(factors: Sequence[Factor], risk: Risk) -> Score:
    """Return the score of unweighted `factors`."""
    weighed = _weighed(factors, risk)
    return Score(value=_cut_off([factor.points for factor in weighed]), factors=weighed)


def _weighed(factors: Sequence[Factor], risk: Risk) -> tuple[Factor, ...]:
    weights = risk.weights
    if not weights:
        return tuple(factors)
    return tuple([_times(one, weights[one.name]) if one.name in weights else one for one in factors])


def add(score: Score, factors: Sequence[Factor], risk: Risk) -> Score:
    """Return `score` with more factors, unweighted ones; the very same without any."""
    if not factors:
        return score
    more = _weighed(factors, risk)
    # a score from elsewhere may have a value without factors; nothing of it is lost
    known = [factor.points for factor in score.factors] or [score.value]
    return Score(value=_cut_off([sum(known), *[one.points for one in more]]), factors=(*score.factors, *more))


def hasten(score: Score, mention: Mention, between: float, risk: Risk) -> Score:
    """Return the score of a post that gathers so many reactions an hour `between` two looks, in place of unknown."""
    fast = _weighed([one for one in loudness(mention, between) if one.name == "spread"], risk)
    rest = [one for one in score.factors if one.name != "spread"]
    known = [one.points for one in rest] if score.factors else [score.value]
    return Score(value=_cut_off([*known, *[one.points for one in fast]]), factors=(*rest, *fast))


def _cut_off(points: Iterable[float]) -> float:
    return round(max(0.0, min(100.0, sum(points))), 1)


def _times(factor: Factor, weight: float) -> Factor:
    return factor.model_copy(update={"points": round(factor.points * weight, 1)})


def sentence(score: Score) -> str:
    """Return a score as a sentence: the factors that move it, the strongest first, and what is not known."""
    ranked = sorted((one for one in score.factors if one.points), key=lambda one: (-abs(one.points), one.name))
    parts = [
        f"{one.name} {one.points:+g} ({one.detail})" if one.detail else f"{one.name} {one.points:+g}" for one in ranked
    ]
    unknown = [
        f"{one.name} {one.detail}" for one in score.factors if not one.points and one.detail.startswith("unknown")
    ]
    return (
        f"Risk {score.value:g} of 100: {', '.join(parts) or 'no factor'}{'; ' if unknown else ''}{', '.join(unknown)}."
    )


def _negativity(sentiment: Sentiment) -> Factor | None:
    points = SENTIMENT_POINTS.get(sentiment.label, 0.0) * sentiment.probability
    if not points:
        return None
    detail = f"{sentiment.label.value}, {sentiment.probability:.0%} sure"
    return Factor(name="negativity", points=round(points, 1), detail=detail)


def _crisis(words: list[str]) -> list[Factor]:
    """Return a factor for each category that a word of the post belongs to, in the order of the file."""
    found: dict[str, dict[str, float]] = {}
    for word in words:
        for category, points in _points[word]:
            found.setdefault(category, {})[word] = points
    order = _crisis_words().categories
    return [_category(name, found[name]) for name in order if name in found] if found else []


def _category(name: str, found: dict[str, float]) -> Factor:
    many = min(CRISIS_MOST, 1 + CRISIS_MORE * (len(found) - 1))
    return Factor(name=name, points=round(max(found.values()) * many, 1), detail=", ".join(sorted(found)[:5]))


def _complaint(words: list[str], *, asks: bool, sentiment: Sentiment) -> Factor | None:
    """A question or a claim in a post that is not glad waits for an answer."""
    asked = sorted(_ASKING.intersection(words))
    if sentiment.label == SentimentClass.POSITIVE or not (asked or asks):
        return None
    detail = f"asks or complains: {', '.join(asked)}" if asked else "asks a question"
    return Factor(name="complaint", points=COMPLAINT_POINTS if asked else COMPLAINT_POINTS / 2, detail=detail)


def _tier(mention: Mention, risk: Risk, lists: Lists) -> int:
    """Return the tier that the site or the author stands in: 1, 2, or 0 for none."""
    try:
        site = (urlsplit(mention.url).hostname or "").removeprefix("www.") if mention.url else ""
    except ValueError:
        site = ""
    author = mention.author
    names = {one.lower() for one in (author.name, author.id) if one} if author else set()
    for tier, written in ((1, risk.tier_1), (2, risk.tier_2)):
        for one in _entries(written, lists):
            if one in names or (site and (site == one or site.endswith(f".{one}"))):
                return tier
    return 0


def _entries(written: Iterable[str], lists: Lists) -> Iterable[str]:
    for one in written:
        listed = lists.get(one[1:]) if one.startswith("@") else None
        yield from (entry.lower().lstrip("@") for entry in (listed.entries if listed else (one,)))


def _reach(mention: Mention, tier: int) -> Factor:
    """A tier says more than a count of followers, unless that counts more: who is in a tier is never less than without.

    Where neither is known, that is said and not guessed.
    """
    followers = mention.author.followers if mention.author else None
    points = min(REACH_MOST, REACH_POINTS * math.log10(followers / 10)) if followers and followers > 10 else 0.0
    if tier and points <= TIER_POINTS[tier]:
        return Factor(name="reach", points=TIER_POINTS[tier], detail=f"tier {tier}")
    if followers is None:
        return _UNKNOWN_REACH
    detail = f"{followers:,} followers, more than tier {tier}" if tier else f"{followers:,} followers"
    return Factor(name="reach", points=round(points, 1), detail=detail)


_UNKNOWN_REACH = Factor(name="reach", points=0.0, detail="unknown")


def _credibility(mention: Mention, tier: int) -> Factor | None:
    verified = mention.author is not None and mention.author.verified
    if not (tier or verified):
        return None
    detail = " and ".join([f"tier {tier}"] * bool(tier) + ["the author is verified"] * verified)
    return Factor(name="credibility", points=CREDIBILITY_POINTS[tier or 2], detail=detail)


def _echo(mention: Mention) -> Factor | None:
    if mention.repost_of:
        return Factor(name="echo", points=ECHO_POINTS, detail="a repost")
    if mention.in_reply_to:
        return Factor(name="echo", points=ECHO_POINTS, detail="a reply")
    return None


class _CrisisWords:
    """Looks words up: whole ones in a table, those with `*` by one expression for each category."""

    def __init__(self, text: str) -> None:
        self.categories: dict[str, float] = {}
        self._whole: dict[str, list[str]] = {}
        partial: dict[str, list[str]] = {}
        category = ""
        for line in text.splitlines():
            if heading := re.match(r"\[([a-z-]+) (\d+)\]", line):
                category = heading[1]
                self.categories[category] = float(heading[2])
            elif "*" in line and not line.startswith("#"):
                partial.setdefault(category, []).append(re.escape(line.strip()).replace(r"\*", ".*"))
            elif line.strip() and not line.startswith("#"):
                self._whole.setdefault(line.strip(), []).append(category)
        self._partial = {name: re.compile("|".join(patterns)) for name, patterns in partial.items()}
        self._some_partial = re.compile("|".join([one for patterns in partial.values() for one in patterns]))

    def __call__(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return the categories of a folded word with their points; none for an ordinary one."""
        found = set(self._whole.get(word, ()))
        if not found and not self._some_partial.fullmatch(word):
            return ()
        found.update(name for name, pattern in self._partial.items() if pattern.fullmatch(word))
        return tuple((name, self.categories[name]) for name in sorted(found))


@cache
def _crisis_words() -> _CrisisWords:
    return _CrisisWords(CRISIS_WORDS.read_text("utf-8"))


def _crisis_points(word: str) -> tuple[tuple[str, float], ...]:
    return _crisis_words()(word)


_points = Remembered(_crisis_points)
