"""Quotation: what an alert may show of a post, as a story keeps it."""

import json
from typing import Any

from msgspec.json import Encoder

from schemas.mention import Match
from schemas.retention import may_last

MAX_QUOTE = 2_000
"""An alert shows less than this of a post."""


def as_kept(quote: object) -> object:
    """Read what stands for a story from a row of an older form, which held it as a value."""
    return "" if quote is None else json.dumps(quote, ensure_ascii=False) if isinstance(quote, dict) else quote


def quote(match: Match) -> str:
    """Return what an alert may show of a mention: of what may not last only the link, not the words nor the author.

    It is the JSON of a `Quote`: few are ever shown, and as values they would be half of what a story takes. It is
    written out here, as every story begins with it and a model takes three times as long.
    """
    mention, lasts = match.mention, may_last(match.mention.platform)
    text, words = (mention.text, match.sentiment.words) if lasts else ("", ())
    found: dict[str, Any] = {
        "mention": mention.id,
        "platform": mention.platform,
        "time": mention.time,
        "text": text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…",
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
    return _encode(found).decode()


_encode = Encoder().encode
