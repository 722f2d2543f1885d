"""Mentions and matches: an event made comparable, and one that a watch asked for, with what was judged about it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.event import Author
from schemas.model import Record, UtcTime

OWN = "own"
"""The entity of a watch's own brand; competitors are entities by their names."""


class Mention(Record):
    """An event in normal form.

    `id` is `platform:native_id`. `text` is for people: NFC, entities decoded, invisible characters removed, white space
    collapsed. `time` is the event time, clamped to at most five minutes after `seen` and to no earlier than 1995.
    `heard_lang` is what the platform says the language is: evidence, not truth. `backfill`: see `Event`.
    """

    id: str
    platform: str
    source: str
    time: UtcTime
    seen: UtcTime
    text: str
    title: str | None = None
    heard_lang: str | None = None
    author: Author | None = None
    url: str | None = None
    metrics: dict[str, float] | None = None
    in_reply_to: str | None = None
    repost_of: str | None = None
    quote_of: str | None = None
    country: str | None = None
    media: bool | None = None
    edited: bool = False
    backfill: bool = False


class Span(Record):
    """The characters `start` up to `end` of the mention's text, which satisfied `term` of the query."""

    start: int
    end: int
    term: str


class EntityMatch(Record):
    """Which entity of a watch a mention is about, and the spans that say so."""

    entity: str
    spans: tuple[Span, ...] = ()


class Language(Record):
    """An ISO 639-1 code, or `und` where nothing can be told, with the confidence between 0 and 1."""

    code: str
    confidence: float


class SentimentClass(StrEnum):
    """The four answers; *unsure* is one of them."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNSURE = "unsure"


class Word(Record):
    """A word that carried a judgement, with its signed weight."""

    text: str
    weight: float


class Sentiment(Record):
    """The class, the probability of it between 0 and 1, and the words that carried it."""

    label: SentimentClass
    probability: float
    words: tuple[Word, ...] = ()


class Factor(Record):
    """One summand of a score: its name, its points, and why in a few words (English; templates translate the name)."""

    name: str
    points: float
    detail: str = ""


class Score(Record):
    """Risk from 0 to 100: the sum of its factors, cut off at both ends."""

    value: float
    factors: tuple[Factor, ...] = ()


class Match(Record):
    """A mention that satisfies a watch's query: a record per mention and watch, keyed by watch.

    `version` is that of the watch whose query it was.
    """

    type: Literal["match"] = "match"
    watch: str
    version: str | None = None
    entities: tuple[EntityMatch, ...] = Field(min_length=1)
    mention: Mention
    language: Language
    sentiment: Sentiment
    score: Score

    def about(self, entity: str) -> bool:
        """Tell whether the mention is about `entity`."""
        for found in self.entities:
            if found.entity == entity:
                return True
        return False
