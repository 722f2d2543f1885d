"""Enrich: from posts to matches, each of which says what a post is to one of the watches that asked for it.

`prefilter` sees everything that is said, `enrich_all` only what somebody may have asked for. Sentiment and risk are
judged towards the entity that the watch is about, so the same post may be bad news to one watch and good news to
another. What becomes of a match is decided in `pipeline.flow.judge`.
"""

from collections.abc import Sequence, Set
from itertools import repeat

from pipeline.language import detect, detect_all
from pipeline.normalize import full_text, normalize, readable
from pipeline.query import Matcher, WatchMatch, tree
from pipeline.query.naming import naming
from pipeline.score import PLAIN, add, names_crisis, score, weigh
from pipeline.sentiment import Feels, assess, assess_towards
from pipeline.sentiment.names import Range, hide
from pipeline.stories.story import Story
from schemas.event import Event
from schemas.glimpse import Glimpse
from schemas.mention import Factor, Language, Match, Mention, Score, Sentiment
from schemas.watch import Lists

Asked = tuple[Event, Set[int]]
"""A post, and the queries that it could match by their numbers."""
FIRST_FACTORS = ("novelty", "coordination")
"""The factors that only what was heard before can tell (see surge); what comes again is no news."""


def prefilter(posts: Sequence[Event | Glimpse], matcher: Matcher) -> list[tuple[int, Set[int]]]:
    """Return the places of the posts that somebody may have asked for, and by which queries."""
    asked = [matcher.candidates(*readable(post), post) for post in posts]
    return [(at, some) for at, some in enumerate(asked) if some]


def enrich_all(asked: Sequence[Asked], matcher: Matcher, feels: Feels = assess) -> list[tuple[Match, ...]]:
    """Return what each post is to the watches; stage by stage, so that what each works with stays in the caches."""
    mentions = [(at, normalize(event), queries) for at, (event, queries) in enumerate(asked)]
    found = matcher.match_all([(mention, some) for _, mention, some in mentions])
    heard = [(at, mention, watches) for (at, mention, _), watches in zip(mentions, found, strict=True) if watches]
    languages = _languages(heard)
    texts = [
        [judged_text(watch, mention, language, feels) for watch in watches]
        for (_, mention, watches), language in zip(heard, languages, strict=True)
    ]
    # most watches have a text judged alike: each different one is judged once
    felt = [{text: feels(text, language) for text in some} for some, language in zip(texts, languages, strict=True)]
    risks = [
        {text: score(mention, sentiment) for text, sentiment in some.items()}
        for (_, mention, _), some in zip(heard, felt, strict=True)
    ]
    matches: list[tuple[Match, ...]] = [()] * len(asked)
    for (at, mention, watches), some, language, feeling, risk in zip(heard, texts, languages, felt, risks, strict=True):
        said = [(language, feeling[text], risk[text]) for text in some]
        matches[at] = tuple([enrich(*one, feels) for one in zip(watches, repeat(mention), some, said)])
    return matches


def _languages(heard: Sequence[tuple[int, Mention, tuple[WatchMatch, ...]]]) -> list[Language]:
    """Return the languages of mentions that were heard; what a query had told is not told again."""
    untold = [(full_text(mention), mention.heard_lang) for _, mention, watches in heard if watches[0].language is None]
    told = iter(detect_all(untold))
    return [watches[0].language or next(told) for _, _, watches in heard]


def appraise(mention: Mention, feels: Feels = assess) -> tuple[Language, Sentiment, Score]:
    """Return what the whole text of a mention says, whoever asks; `feels` judges its sentiment."""
    language = detect(full_text(mention), mention.heard_lang)
    sentiment = feels(full_text(mention), language)
    return language, sentiment, score(mention, sentiment)


def judged_text(found: WatchMatch, mention: Mention, language: Language, feels: Feels = assess) -> str:
    """Return the whole text of a mention as it is judged for a watch: the names of its entities feel nothing.

    A transformer reads them as they are written.
    """
    text = full_text(mention)
    return hide(text, _names(found, mention), language.code) if feels is assess else text


def enrich(
    found: WatchMatch, mention: Mention, text: str, said: tuple[Language, Sentiment, Score], feels: Feels = assess
) -> Match:
    """Return the match, given what the `text` judged says and the risk of that for a watch that weighs nothing."""
    language, sentiment, plain = said
    felt = assess_towards(text, language, found.entities, len(text) - len(mention.text), feels) or sentiment
    named = _nameless(found, mention)
    risk = plain if felt is sentiment and named is None else score(mention, felt, text=named)
    match: Match = _match(
        {
            "watch": found.watch.id,
            "version": found.watch.version,
            "entities": found.entities,
            "mention": mention,
            "language": language,
            "sentiment": felt,
            "score": weigh(risk, found.watch, mention, felt, named),
        }
    )
    return match


def _names(found: WatchMatch, mention: Mention) -> list[Range]:
    """Return where the entities are named in the whole text of a mention."""
    body = len(full_text(mention)) - len(mention.text)
    in_text = [(body + start, body + end) for one in found.names for start, end in one.text]
    return in_text + [place for one in found.names for place in one.title]


def _nameless(found: WatchMatch, mention: Mention) -> str | None:
    """Return the whole text without the names that have a crisis word in them; None where there are none.

    Only a name of several words is meant, such as *Counter-Strike*, and only where the entity is never called without
    it: whoever asks for `Bahn OR "Bahn Streik"` wants to hear of the strike.
    """
    text = None
    for start, end in _names(found, mention):
        name = full_text(mention)[start:end]
        if names_crisis(name) and any(_always(query, found.watch.lists) for query in found.watch.queries.values()):
            text = text or full_text(mention)
            text = text[:start] + " " * (end - start) + text[end:]
    return text


def _always(query: str, lists: Lists) -> bool:
    """Tell whether whatever a query hears an entity by has a crisis word in it."""
    return all(names_crisis(leaf.written) for leaf in naming(tree(query, lists)))


# what `Match(**fields)` does, without the keywords in between: once for every match
_match = Match.__pydantic_validator__.validate_python


def keep_first_factors(match: Match, story: Story) -> Match:
    """Return a post that comes again with what its risk had from when it came first, if it stands for `story`."""
    shown = story.quoted if story.stands == match.mention.id else None
    if shown is None:
        return match
    known = [(name, points) for name in FIRST_FACTORS if (points := shown.factors.get(name))]
    found = [Factor(name=name, points=points, detail="when it was first heard") for name, points in known]
    return match.model_copy(update={"score": add(match.score, found, PLAIN)}) if found else match
