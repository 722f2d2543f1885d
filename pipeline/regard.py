"""Regard: what a mention is to one of the watches that asked for it, judged towards the entity that it watches."""

from pipeline.language import detect
from pipeline.query import WatchMatch
from pipeline.score import PLAIN, add, score, weigh
from pipeline.sentiment import Feels, assess, assess_towards
from pipeline.sentiment_names import Range, hide
from pipeline.story import Story
from schemas.mention import Factor, Language, Match, Mention, Score, Sentiment

AT_FIRST = ("novelty", "coordination")
"""The factors that only what was heard before can tell (see surge); what comes again is no news."""


def whole(mention: Mention) -> str:
    """Return the title and the text of a mention, as they are judged."""
    return f"{mention.title}. {mention.text}" if mention.title else mention.text


def glance(mention: Mention, feels: Feels = assess) -> tuple[Language, Sentiment, Score]:
    """Return what the whole text of a mention says, whoever asks; `feels` judges its sentiment."""
    language = detect(whole(mention), mention.heard_lang)
    sentiment = feels(whole(mention), language)
    return language, sentiment, score(mention, sentiment)


def spoken(found: WatchMatch, mention: Mention, language: Language, feels: Feels = assess) -> str:
    """Return the whole text of a mention as it is judged for a watch: the names of its entities feel nothing.

    A transformer reads them as they are written.
    """
    text = whole(mention)
    return hide(text, _names(found, mention), language.code) if feels is assess else text


def regard(
    found: WatchMatch, mention: Mention, text: str, said: tuple[Language, Sentiment, Score], feels: Feels = assess
) -> Match:
    """Return the match, given what the `text` judged says and the risk of that for a watch that weighs nothing."""
    language, sentiment, plain = said
    felt = assess_towards(text, language, found.entities, len(text) - len(mention.text), feels) or sentiment
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


def _names(found: WatchMatch, mention: Mention) -> list[Range]:
    """Return where the entities are named in the whole text of a mention."""
    body = len(whole(mention)) - len(mention.text)
    in_text = [(body + start, body + end) for one in found.names for start, end in one.text]
    return in_text + [place for one in found.names for place in one.title]


_match = Match.__pydantic_validator__.validate_python


def recall(match: Match, story: Story) -> Match:
    """Return a post that comes again with what its risk had from when it came first, if it stands for `story`."""
    shown = story.quoted if story.stands == match.mention.id else None
    if shown is None:
        return match
    known = [(name, points) for name in AT_FIRST if (points := shown.factors.get(name))]
    found = [Factor(name=name, points=points, detail="when it was first heard") for name, points in known]
    return match.model_copy(update={"score": add(match.score, found, PLAIN)}) if found else match
