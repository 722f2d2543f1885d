"""The watches that matching is measured with: invented companies, from a fixed seed, with every kind of operator.

Each form comes in our language and, where Lucene can say the same, in the syntax of its classic query parser; where
it cannot, with what both can say of it.
"""

import random
from collections.abc import Iterator

from schemas.watch import Watch

_SYLLABLES = "ka lo mi tra vex ost pru zen dor fil bax que ruh sti wol nim jar hup gly xan berg tal hof stein".split()
_WORDS = "train police service hotline flood merkel help breaking fight explosion streik zug polizei feuer".split()
_EVERY = 250
"""One watch in so many asks for a word that many texts hold."""

FORMS: tuple[tuple[str, str], ...] = (
    ('"{a} {b}" OR #{ab}', '"{a} {b}" OR {ab}'),
    ("{A} AND ({w} OR {v} OR {b}*) AND NOT {c}", "{a} AND ({w} OR {v} OR {b}*) AND NOT {c}"),
    ('{A} OR {B}-{c} OR "{a} {w}"', '{a} OR "{b} {c}" OR "{a} {w}"'),
    ("({A} OR {B} OR {C}) lang:de", "{a} OR {b} OR {c}"),
    ('@{ab} OR ({w} AND "{b} {c}")', '{ab} OR ({w} AND "{b} {c}")'),
    ("{A} NEAR/5 ({w} OR {v})", '"{a} {w}"~5 OR "{a} {v}"~5'),
    ('"{a} {w}"~8', '"{a} {w}"~8'),
    ("{a}* AND {w}", "{a}* AND {w}"),
    ("{a}*{c} OR {B}", "{a}*{c} OR {b}"),
    ("part:{A} EXCEPT {A}{b} OR {C}", "{a}* OR {c}"),
    ('raw:"{A}+" OR "{A} {B} AG"', '{a} OR "{a} {b}"'),
    ("({A} OR {B}) followers:>1000 -is:repost", "{a} OR {b}"),
    ('{A} regex:"{A} \\d+"', "{a}"),
    ("({A} ONEAR/3 {w}) OR title:{B}", '"{a} {w}"~3 OR {b}'),
    ("{A} AND ({w} OR {v}) NOT ({c} OR platform:reddit)", "{a} AND ({w} OR {v}) AND NOT {c}"),
    ("*{ab}* OR #{c}", "{ab} OR {c}"),
)


def make_queries(size: int) -> Iterator[tuple[str, str]]:
    """Yield queries in our language and in Lucene's, the same every time."""
    chance = random.Random(20260101)
    for number in range(size):
        a, b, c = ("".join(chance.choices(_SYLLABLES, k=3)) for _ in range(3))
        w, v = chance.sample(_WORDS, 2)
        if number % _EVERY == 7:
            word = chance.choice(_WORDS)
            yield word, word
            continue
        names = {"a": a, "b": b, "c": c, "w": w, "v": v, "ab": a + b}
        names |= {"A": a.capitalize(), "B": b.capitalize(), "C": c.capitalize()}
        ours, lucene = FORMS[number % len(FORMS)]
        yield ours.format(**names), lucene.format(**names)


def make_watches(size: int) -> list[Watch]:
    """Return watches for invented companies, the same every time."""
    return [watch_for(number, query) for number, (query, _) in enumerate(make_queries(size))]


def reduced_watches(size: int) -> list[Watch]:
    """Return the watches of `make_watches` reduced to what Lucene can say too."""
    return [watch_for(number, query) for number, (_, query) in enumerate(make_queries(size))]


def watch_for(number: int, query: str) -> Watch:
    """Return a watch that asks for `query`."""
    return Watch.model_validate(
        {
            "id": f"w{number}",
            "purpose": {"goal": "reputation", "measure": "none"},
            "query": query,
            "rules": ({"kind": "count"},),
            "owner": "nobody",
            "routes": ({"channel": "console"},),
        }
    )
