"""Explain: what is judged about every post of a file and why, as one JSON object each.

The posts are judged in order by the same code as live, so `story` and `decision` are what they would have been.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol

from pipeline import query
from pipeline.enrich import appraise
from pipeline.incidents.handle import STRONGEST
from pipeline.normalize import normalize
from pipeline.offline.backtest import SOURCE, Bench
from pipeline.offline.replay import with_ticks
from pipeline.score import sentence
from pipeline.sentiment import Feels, assess
from pipeline.state import LATENESS, Verdict
from schemas.about import Relevance
from schemas.event import Event, Post
from schemas.mention import Match, Mention, Score, Sentiment, Span
from schemas.receipt import Decision, Receipt
from schemas.watch import Watch


class Unreadable(Protocol):
    """What was meant to be a post and is none: the reason in a word, and in more. `InvalidMessage` is one."""

    @property
    def reason(self) -> str:
        """The reason, such as `not-json`."""

    @property
    def detail(self) -> str:
        """What is wrong where."""


def explain(
    watches: Iterable[Watch], posts: Iterable[Post | Unreadable], lateness: float = LATENESS, feels: Feels = assess
) -> Iterator[dict[str, Any]]:
    """Yield one object for each of `posts`, in their order.

    Keys: `id`; `text` (normalised); `language` {code, confidence}; `matches` [{watch, entities: [{entity, spans}]}];
    `queries` [{watch, entity, matched, said, parts: [{part, column, satisfied, spans}]}], of each query which span
    satisfied which operator, up to the first operand that failed, which `said` names; `sentiment` {class,
    probability, words}, `score` {value, factors}, `story` and `decision` {decision, detail} of the one watch that
    matched, or of the watch with the strongest decision; `watches` {watch: {story, decision, incident, rules: [{rule,
    value, threshold, warming, tripped, shadow}], relevance: {probability, by, words}, sentiment, score, risk, group,
    held}}: of each rule how far from firing it was, how probably the post is meant (`by: query` is a rule and no
    guess), what is felt towards the entity that is watched, the risk as the watch weighs it, with a sentence, whose the
    incident is, and which silence, quiet hours, budget or incident kept whom from being told.
    What is no post has the decision `invalid`, and nothing else. Where no watch asked for a post, sentiment and score
    are of its whole text. `feels` judges sentiment.

    Raises:
        ConfigError: a query of a watch cannot be read.
    """
    kept = tuple(watches)
    bench = Bench.of(kept, lateness, feels)
    asked = [
        (watch.id, entity, query.parse(text, watch.lists)) for watch in kept for entity, text in watch.queries.items()
    ]
    for item in _with_ticks(posts):
        if isinstance(item, datetime):
            list(bench.pass_to(item))
        elif isinstance(item, Post):
            verdicts = list(bench.hear(item))
            yield _explain(item, bench, verdicts, asked)
        else:
            yield _invalid(item)


def _with_ticks(posts: Iterable[Post | Unreadable]) -> Iterator[Post | Unreadable | datetime]:
    """Let time pass between posts as ever, and what is no post stay where it was."""
    faults: list[tuple[int, Unreadable]] = []
    count = 0

    def readable() -> Iterator[Post]:
        nonlocal count
        for post in posts:
            if isinstance(post, Post):
                count += 1
                yield post
            else:
                faults.append((count, post))

    given = 0
    for item in with_ticks(readable()):
        while faults and faults[0][0] <= given:
            yield faults.pop(0)[1]
        yield item
        given += isinstance(item, Post)
    yield from (fault for _, fault in faults)


Asked = tuple[str, str, query.Query]
"""A query with the names of its watch and its entity."""


def _explain(post: Post, bench: Bench, verdicts: Iterable[Verdict], asked: Iterable[Asked]) -> dict[str, Any]:
    mention = normalize(Event.model_validate({**dict(post), "source": SOURCE, "seen": post.time}))
    felt = {match.watch: match.sentiment for match in bench.matches}
    receipts = [receipt for verdict in verdicts for receipt in verdict.receipts]
    strongest = min(receipts, key=lambda receipt: STRONGEST.index(receipt.decision), default=None)
    return {
        "id": mention.id,
        "text": mention.text,
        **_judged(mention, bench, strongest),
        "matches": [_match(match) for match in bench.matches],
        "queries": [_of_query(one, mention) for one in asked],
        "story": strongest.story if strongest else None,
        "decision": _decision(strongest),
        "watches": {receipt.watch: _of_watch(receipt, felt[receipt.watch]) for receipt in receipts},
    }


def _judged(mention: Mention, bench: Bench, receipt: Receipt | None) -> dict[str, Any]:
    """Return what was judged for the watch of `receipt`; without one what is felt in the whole text."""
    match = next((one for one in bench.matches if receipt and one.watch == receipt.watch), None)
    found = (match.language, match.sentiment, match.score) if match else appraise(mention, bench.feels)
    language, sentiment, score = found
    return {
        "language": {"code": language.code, "confidence": language.confidence},
        "sentiment": _sentiment(sentiment),
        "score": _score(receipt.score if receipt and receipt.score else score),
    }


def _sentiment(found: Sentiment) -> dict[str, Any]:
    return {
        "class": found.label.value,
        "probability": found.probability,
        "words": [{"text": word.text, "weight": word.weight} for word in found.words],
    }


def _score(found: Score) -> dict[str, Any]:
    factors = [{"name": one.name, "points": one.points, "detail": one.detail} for one in found.factors]
    return {"value": found.value, "factors": factors}


def _match(match: Match) -> dict[str, Any]:
    return {
        "watch": match.watch,
        "entities": [{"entity": one.entity, "spans": _spans(one.spans)} for one in match.entities],
    }


def _of_query(asked: Asked, mention: Mention) -> dict[str, Any]:
    watch, entity, read = asked
    explained = query.explain(read, mention)
    return {
        "watch": watch,
        "entity": entity,
        "matched": explained.satisfied,
        "said": str(explained),
        "parts": [
            {"part": part.part, "column": part.column, "satisfied": part.satisfied, "spans": _spans(part.spans)}
            for part in explained.parts()
        ],
    }


def _spans(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"start": span.start, "end": span.end, "term": span.term} for span in spans]


def _decision(receipt: Receipt | None) -> dict[str, str]:
    if receipt is None:
        return {"decision": Decision.NO_MATCH.value, "detail": "no watch asked for it"}
    return {"decision": receipt.decision.value, "detail": receipt.detail}


def _of_watch(receipt: Receipt, felt: Sentiment) -> dict[str, Any]:
    rules = [one.model_dump(mode="json", exclude={"schema_version"}) for one in receipt.rules or ()]
    found = receipt.relevance or Relevance()
    return {
        "story": receipt.story,
        "decision": _decision(receipt),
        "incident": receipt.incident,
        "rules": rules,
        "relevance": found.model_dump(exclude={"schema_version": True, "words": {"__all__": {"schema_version"}}}),
        "sentiment": _sentiment(felt),
        "score": _score(receipt.score) if receipt.score else None,
        "risk": sentence(receipt.score) if receipt.score else "",
        "group": receipt.group,
        "held": [
            one.model_dump(mode="json", exclude={"schema_version"}, exclude_none=True) for one in receipt.held or ()
        ],
    }


def _invalid(fault: Unreadable) -> dict[str, Any]:
    nothing = dict.fromkeys(("id", "text", "language", "sentiment", "score", "story"))
    detail = f"{fault.reason}: {fault.detail}" if fault.detail else fault.reason
    return nothing | {
        "matches": [],
        "queries": [],
        "decision": {"decision": Decision.INVALID.value, "detail": detail},
        "watches": {},
    }
