"""Impression: what a mention feels and risks, as a whole and towards whom a watch asks about.

Whoever wants to know that of a mention asks here, so that `earshot explain` says what `listen` has judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.language import detect
from pipeline.score import score, weigh
from pipeline.sentiment import Feels, assess, assess_towards
from schemas.mention import EntityMatch, Language, Mention, Score, Sentiment
from schemas.watch import Watch


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
