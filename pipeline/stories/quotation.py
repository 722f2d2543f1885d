"""Quotation: what an alert may show of a post, as a story keeps it."""

import json

from schemas.alert import Quote
from schemas.mention import Match
from schemas.retention import may_last

MAX_QUOTE = 2_000
"""An alert shows less than this of a post."""


def as_kept(quote: object) -> object:
    """Read what stands for a story from a row of an older form, which held it as a value."""
    return "" if quote is None else json.dumps(quote, ensure_ascii=False) if isinstance(quote, dict) else quote


def quote(match: Match) -> str:
    """Return what an alert may show of a mention: of what may not last only the link, not the words nor the author.

    It is the JSON of a `Quote`: few are ever shown, and as values they would be half of what a story takes.
    """
    mention, sentiment = match.mention, match.sentiment
    author = mention.author
    if not may_last(mention.platform):
        author, mention = None, mention.model_copy(update={"text": ""})
        sentiment = sentiment.model_copy(update={"words": ()})
    text = mention.text if len(mention.text) <= MAX_QUOTE else mention.text[: MAX_QUOTE - 1] + "…"
    found: Quote = _quote(
        {
            "mention": mention.id,
            "platform": mention.platform,
            "time": mention.time,
            "text": text,
            "author": author.name if author else None,
            "followers": author.followers if author else None,
            "url": mention.url,
            "sentiment": sentiment,
            "risk": match.score.value,
            "factors": {factor.name: factor.points for factor in match.score.factors if factor.points},
        }
    )
    return found.to_bytes().decode()


_quote = Quote.__pydantic_validator__.validate_python
