"""Relevance: how probably a mention is about the watched entity – the railway, or the Autobahn.

Without a description and without feedback it is a rule: the query has matched, so it is. A description gives words that
speak for and against, and examples; feedback on alerts gives more examples. Examples are compared as naive Bayes does,
by which words they have, the evidence damped by the length of the text and by how few examples there are of one kind.
With examples of one kind only nothing can be told apart, so nothing is learnt. The model follows from the description
and the examples, which are the state (see learnt.py); nothing is random. All weights are log odds.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pipeline.learnt import Example, Learnt
from pipeline.sentiment.words import cut, fold_word
from schemas.about import About, Evidence, Relevance
from schemas.mention import Match

PRIOR = math.log(4)
"""A post that the query has found and of which nothing else is known is four times as probably meant as not."""
SPEAKS = 2.0
"""What a word of the description is worth."""
KIND_SPEAKS = 0.5
SMOOTHING = 0.1
"""How many examples of each kind every word is taken to stand in beforehand."""
CAUTION = 5.0
"""So many examples of the rarer kind make the evidence count half."""
LONGEST = 5_000
SHOWN = 5

_KINDS = {
    "company": "kunde kunden kundenservice vorstand aktie mitarbeiter unternehmen konzern customer customers service"
    " ceo shares employees company",
    "product": "kaufen gekauft preis bestellt geliefert garantie buy bought price ordered delivered warranty review",
    "person": "sagte sagt interview ruecktritt herr frau said says interview resigns mr ms",
    "place": "besuch besucher wohnen strasse stadt visit visitors street city",
    "event": "ticket tickets programm besucher eintritt line-up schedule visitors admission",
}


def terms(text: str, url: str | None = None) -> tuple[str, ...]:
    """Return what is looked at of a text: its different words, folded and sorted, and the site it stands on."""
    found = {part.folded for part in cut(text[:LONGEST]) if part.kind == "word"}
    if site := _site(url):
        found.add(f"site:{site}")
    return tuple(sorted(found))


def _site(url: str | None) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.") if url else ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is known of the entity: `weights` of words learnt from examples, and words of the description."""

    by: Literal["description", "feedback"]
    weights: Mapping[str, float]
    said: Mapping[str, float]
    pattern: re.Pattern[str] | None

    def judge(self, words: tuple[str, ...]) -> Relevance:
        """Return how probably a text with these `terms` is about the entity."""
        known = [(word, weight) for word in words if (weight := self.weights.get(word))]
        damping = math.sqrt(max(1, len(words)))
        carried = {word: weight / damping for word, weight in known}
        if self.pattern:
            for found in set(self.pattern.findall(" ".join(words))):
                carried[found] = carried.get(found, 0.0) + self.said[found]
        odds = PRIOR + math.fsum(carried.values())
        ranked = sorted(carried.items(), key=lambda one: (-abs(one[1]), one[0]))[:SHOWN]
        shown = tuple([Evidence(word=word, weight=round(weight, 2)) for word, weight in ranked])
        return Relevance(probability=round(_probability(odds), 4), by=self.by, words=shown)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


def read(match: Match) -> tuple[str, ...]:
    """Return the `terms` of a match."""
    mention = match.mention
    return terms(f"{mention.title}\n{mention.text}" if mention.title else mention.text, mention.url)


def meaning(about: About | None, learnt: Learnt) -> Meaning | None:
    """Return what is known of an entity; None where nothing is, so that the query alone decides."""
    if about is None and not learnt.examples:
        return None
    described = about or About()
    given = [Example(us=True, words=terms(text)) for text in described.is_us]
    given += [Example(us=False, words=terms(text)) for text in described.not_us]
    said: dict[str, float] = dict.fromkeys(_KINDS.get(described.kind or "", "").split(), KIND_SPEAKS)
    said |= {word: SPEAKS for term in described.speaks_for for word in _folded(term)}
    said |= {word: -SPEAKS for term in described.speaks_against for word in _folded(term)}
    by: Literal["description", "feedback"] = "feedback" if learnt.examples else "description"
    return Meaning(by, weigh([*given, *learnt.examples]), said, _pattern(said))


def _folded(term: str) -> list[str]:
    return [fold_word(word) for word in re.findall(r"\w+", term)]


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Return what finds the words of a description in a text, also with an ending."""
    written = "|".join(sorted(map(re.escape, words), key=lambda one: (-len(one), one)))
    return re.compile(rf"(?<!\S)({written})\w{{0,3}}(?!\S)") if written else None


def weigh(examples: Iterable[Example], smoothing: float = SMOOTHING) -> dict[str, float]:
    """Return how much each word of the examples speaks for the entity."""
    kept = list(examples)
    us = [one.words for one in kept if one.us]
    others = [one.words for one in kept if not one.us]
    if not us or not others:
        return {}
    fewer = min(len(us), len(others))
    trust = fewer / (fewer + CAUTION)
    ours, theirs = (Counter(word for words in side for word in words) for side in (us, others))
    return {
        word: trust * (_rate(ours[word], len(us), smoothing) - _rate(theirs[word], len(others), smoothing))
        for word in sorted({*ours, *theirs})
    }


def _rate(count: int, examples: int, smoothing: float) -> float:
    return math.log((count + smoothing) / (examples + 2 * smoothing))
