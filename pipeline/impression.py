"""Impression: what a mention feels and risks, as a whole and towards whom a watch asks about.

Whoever wants to know that of a mention asks here, so that `earshot explain` says what `listen` has judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language import detect
from pipeline.score import PLAIN, add, score, weigh
from pipeline.sentiment import Feels, assess, assess_towards
from pipeline.story import Story
from schemas.mention import EntityMatch, Factor, Language, Match, Mention, Score, Sentiment
from schemas.watch import Watch

AT_FIRST = ("novelty", "coordination")
"""The factors that only what was heard before can tell (see surge); what comes again is no news."""


@dataclass(frozen=True, slots=True)
class Impression:
    """The language of a mention, and what the whole `text` of it feels and risks, whatever a watch asks for."""

    mention: Mention
    text: str
    language: Language
    sentiment: Sentiment
    score: Score
    feels: Feels

    def towards(self, entities: Sequence[EntityMatch], watch: Watch) -> tuple[Sentiment, Score]:
        """Return what is felt towards the watched one of `entities`, and the risk as `watch` weighs it."""
        body = len(self.text) - len(self.mention.text)
        felt = assess_towards(self.text, self.language, entities, body, self.feels)
        if felt is None:
            return self.sentiment, weigh(self.score, watch, self.mention, self.sentiment)
        return felt, weigh(score(self.mention, felt), watch, self.mention, felt)


def take_in(mention: Mention, feels: Feels = assess) -> Impression:
    """Return the impression that `mention` makes; `feels` judges its sentiment."""
    text = f"{mention.title}. {mention.text}" if mention.title else mention.text
    language = detect(text, mention.heard_lang)
    sentiment = feels(text, language)
    return Impression(mention, text, language, sentiment, score(mention, sentiment), feels)


def recall(match: Match, story: Story) -> Match:
    """Return a post that comes again with what its risk had from when it came first, if it stands for `story`."""
    shown = story.quote
    if shown is None or shown.mention != match.mention.id:
        return match
    known = [(name, points) for name in AT_FIRST if (points := shown.factors.get(name))]
    found = [Factor(name=name, points=points, detail="when it was first heard") for name, points in known]
    return match.model_copy(update={"score": add(match.score, found, PLAIN)}) if found else match
