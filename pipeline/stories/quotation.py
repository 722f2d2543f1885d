"""Quotation: what an alert may show of a post, as a story keeps it."""

import json
from typing import Any

from msgspec.json import Encoder

from schemas.mention import OWN, Match
from schemas.retention import may_last

MAX_QUOTE = 2_000
"""An alert shows less than this of a post."""
SHOWN = 180
"""An alert shows so much of the beginning of a post, or all of it, whatever is asked for."""
BEFORE = MAX_QUOTE // 4
"""How much is kept before the word that was asked for, where that stands too late to keep all before it."""


def as_kept(quote: object) -> object:
    """Read what stands for a story from a row of an older form, which held it as a value."""
    return "" if quote is None else json.dumps(quote, ensure_ascii=False) if isinstance(quote, dict) else quote


def quote(match: Match) -> str:
    """Return what an alert may show of a mention: of what may not last only the link, not the words nor the author.

    It is the JSON of a `Quote`: few are ever shown, and as values they would be half of what a story takes. It is
    written out here, as every story begins with it and a model takes three times as long.
    """
    mention, lasts = match.mention, may_last(match.mention.platform)
    text, place = kept(*said(match)) if lasts else ("", 0)
    words = match.sentiment.words if lasts else ()
    found: dict[str, Any] = {
        "mention": mention.id,
        "platform": mention.platform,
        "time": mention.time,
        "text": text,
        "sentiment": {
            "label": match.sentiment.label,
            "probability": match.sentiment.probability,
            "words": [{"text": word.text, "weight": word.weight} for word in words],
        },
        "risk": match.score.value,
        "factors": {factor.name: factor.points for factor in match.score.factors if factor.points},
    }
    if lasts and (author := mention.author):
        found |= {"author": author.name, "followers": author.followers}
    if mention.url is not None:
        found["url"] = mention.url
    if place:
        found["found"] = place
    return _encode(found).decode()


def said(match: Match) -> tuple[str, tuple[int, int]]:
    """Return what is shown of a post, and where in that the word stands that was asked for.

    The title stands before the text where only there is what was asked for, as often in the news.
    """
    text, title = match.mention.text, match.mention.title
    # of one that is doubted nothing is named
    named = sorted(match.entities, key=lambda one: one.entity != OWN)[:1]
    if not title or text.startswith(title) or not named or named[0].spans:
        return text, asked_for(match)
    return f"{title} – {text}" if text else title, (0, 0)


def asked_for(match: Match) -> tuple[int, int]:
    """Return where in the text the first word stands that was asked for, the own brand's first; (0, 0) if in none."""
    for own in (True, False):
        spans = [one for entity in match.entities if (entity.entity == OWN) is own for one in entity.spans]
        if spans:
            first = min(spans, key=lambda one: one.start)
            return first.start, first.end
    return 0, 0


def kept(text: str, asked: tuple[int, int]) -> tuple[str, int]:
    """Return what is kept of a text, and where in that the word begins that was `asked` for, 0 where that is early."""
    start, end = asked
    if not text:
        return "", 0
    if end >= MAX_QUOTE:
        begin = text.find(" ", start - BEFORE, start) + 1 or start - BEFORE
        text, start = "…" + text[begin:], start - begin + 1
    text = text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"
    return text, start if end > SHOWN and start < len(text) else 0


_encode = Encoder().encode
