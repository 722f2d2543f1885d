"""Regard: what a mention is to one of the watches that asked for it, judged towards the entity that it watches."""

from pipeline.query import WatchMatch
from pipeline.score import score, weigh
from pipeline.sentiment import assess_towards
from schemas.mention import Language, Match, Mention, Score, Sentiment


def whole(mention: Mention) -> str:
    """Return the title and the text of a mention, as they are judged."""
    return f"{mention.title}. {mention.text}" if mention.title else mention.text


def regard(found: WatchMatch, mention: Mention, language: Language, sentiment: Sentiment, plain: Score) -> Match:
    """Return the match, given what the whole text feels and the risk of that for a watch that weighs nothing."""
    text = whole(mention)
    felt = assess_towards(text, language, found.entities, len(text) - len(mention.text)) or sentiment
    risk = plain if felt is sentiment else score(mention, felt)
    match: Match = _match(
        {
            "watch": found.watch.id,
            "version": found.watch.version,
            "entities": found.entities,
            "mention": mention,
            "language": language,
            "sentiment": felt,
            "score": weigh(risk, found.watch, mention, felt),
        }
    )
    return match


_match = Match.__pydantic_validator__.validate_python
