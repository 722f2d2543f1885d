"""Compiled matching equals the plain reference, on random queries and texts, places included.

A longer run, of 100,000 cases: make fuzz
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.enrich import prefilter
from pipeline.flow import listen
from pipeline.query import Matcher, QueryError, explain, parse
from pipeline.query.verify import MAX_SPANS
from schemas.event import Author, Event
from schemas.glimpse import glimpse
from schemas.mention import Language, Mention
from tests.pipeline.query.posts import heard, watch
from tests.pipeline.query.reference import Asked, is_foreign, judge, plain, write

CASES = int(os.environ.get("EARSHOT_REFERENCE_CASES", "1500"))
LETTERS = "abeäßé"
LEXICON = (
    "Bahn Bahns bahnen Bahnung Bahnstreik Bahnhof Autobahn schon schön über Uber übers Züge Zug zuege Bauer neue"
    " Deutsche Deutschen deutscher ab:innen Bae*in AbeInnen äb_innen Bаhn В жа а AG ab ae aeae 12-15 1"
)
SHORT = st.text(LETTERS, min_size=1, max_size=3)
KNOWN = st.sampled_from([word for word in LEXICON.split() if word.isalpha()])
WORDS = st.one_of(SHORT, SHORT, KNOWN)
HEARD = st.one_of(SHORT, SHORT, SHORT.map("#{}".format), SHORT.map("@{}".format), st.sampled_from(LEXICON.split()))
GLUE = st.sampled_from([" ", " ", " ", "-", "*", "_", "🔥", "🔥🔥", ".", ":", "  "])
TEXTS = st.one_of(
    st.text(LETTERS + "  --#@_.🔥*", max_size=40),
    st.text("abe  --#@_.", max_size=40),
    st.lists(st.tuples(HEARD, GLUE), max_size=10).map(lambda pairs: "".join(word + glue for word, glue in pairs)),
)
SAID = st.sampled_from(
    ["", "", " Der Zug ist schon wieder zu spät", " The train is late once more, thank you", " Поезд опять опаздывает"]
)
"""What a language can be told by."""
BEGINNING = st.text(LETTERS, min_size=2, max_size=3)
STARRED = st.one_of(
    BEGINNING.map("{}*".format),
    st.builds("{}*{}".format, BEGINNING, SHORT),
    st.builds("{}?{}".format, BEGINNING, SHORT),
    st.text("abeä", min_size=3, max_size=3).map("*{}".format),
    st.text("abeä", min_size=3, max_size=3).map("*{}*".format),
)
PARTS = st.one_of(WORDS, STARRED)
WORD_LIKE = st.one_of(
    WORDS,
    STARRED,
    st.builds("{}-{}".format, WORDS, PARTS),
    st.builds("{}{}".format, st.sampled_from("#@"), SHORT),
    st.builds("{}{}*".format, st.sampled_from("#@"), BEGINNING),
    st.builds("#{}_{}".format, SHORT, SHORT),
)
PHRASES = st.lists(st.one_of(WORDS, BEGINNING.map("{}*".format), SHORT.map("#{}".format)), min_size=1, max_size=3)
DISTANCES = st.integers(0, 3)
PLACED: st.SearchStrategy[Asked] = st.one_of(
    WORD_LIKE.map(lambda word: ("word", word)),
    PHRASES.map(lambda words: ("phrase", " ".join(words))),
    st.tuples(st.lists(SHORT, min_size=2, max_size=3, unique_by=plain), DISTANCES).map(lambda pair: ("close", pair)),
    st.text("aebä-🔥", min_size=1, max_size=3).map(lambda value: ("raw", value)),
    st.sampled_from(["[ab]e", "a+b", "ä|é", "ab", "abeb?", "eab"]).map(lambda value: ("regex", value)),
    st.tuples(st.sampled_from(["Bahn", "ab", "Uber"]), st.lists(st.sampled_from(["Bahnhof", "abe"]), max_size=2)).map(
        lambda pair: ("part", pair)
    ),
)


def _nearby(inner: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    kinds = st.sampled_from(["near", "onear"])
    either = st.lists(inner, min_size=2, max_size=2).map(lambda parts: ("or", parts))
    side = st.one_of(inner, either)
    return st.builds(lambda kind, left, right, n: (kind, (left, right, n)), kinds, side, side, DISTANCES)


LEAVES: st.SearchStrategy[Asked] = st.one_of(
    PLACED,
    st.recursive(PLACED, _nearby, max_leaves=3),
    WORDS.map(lambda word: ("title", word)),
    st.sampled_from([("platform", "x"), ("platform", "reddit"), ("author", "ab"), ("author", "ä"), ("followers", 5)]),
    st.sampled_from([("lang", "de"), ("lang", "en"), ("lang", "ru")]),
)


def _combine(inner: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda parts: ("and", parts)),
        several.map(lambda parts: ("or", parts)),
        inner.map(lambda part: ("not", part)),
    )


QUERIES = st.recursive(LEAVES, _combine, max_leaves=6)
STYLES = st.integers(0, 5)


@st.composite
def mentions(draw: st.DrawFn) -> Mention:
    name = draw(st.sampled_from([None, "ab", "Ä", "b"]))
    author = None if name is None else Author(name=name, followers=draw(st.sampled_from([None, 5, 6])))
    platform, lang = draw(st.sampled_from(["x", "reddit"])), draw(st.sampled_from([None, "de", "en", "ru", "und"]))
    said = draw(TEXTS) + draw(SAID)
    return heard(said, title=draw(st.one_of(st.none(), TEXTS)), author=author, platform=platform, lang=lang)


@st.composite
def queries(draw: st.DrawFn) -> tuple[Asked, int]:
    """A query that the language accepts, with the style it is written in."""
    asked, style = draw(QUERIES), draw(STYLES)
    return (asked if _accepted(asked, style) else ("and", [("word", draw(WORDS)), *_parts(asked)])), style


def _parts(asked: Asked) -> list[Asked]:
    return asked[1] if asked[0] == "and" else [asked]


def _accepted(asked: Asked, style: int) -> bool:
    try:
        parse(write(asked, style))
    except QueryError as error:
        if "only excludes" not in str(error):
            raise
        return False
    return True


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(queries(), min_size=1, max_size=4), mentions())
def test_compiled_matching_equals_the_reference(asked: list[tuple[Asked, int]], mention: Mention) -> None:
    matcher = Matcher.compile([watch(write(query, style), f"w{n}") for n, (query, style) in enumerate(asked)])
    compiled = {
        int(match.watch.id[1:]): [(span.start, span.end, span.term) for span in match.entities[0].spans]
        for match in matcher.match(mention)
    }
    expected = {}
    for number, (query, style) in enumerate(asked):
        places = judge(query, mention, style)
        if places is not None:
            expected[number] = sorted(places)[:MAX_SPANS]
    assert compiled == expected


@settings(max_examples=CASES // 5, deadline=None)
@given(PLACED, st.sampled_from(["de", "en", "fr"]), mentions())
def test_of_what_matches_otherwise_a_language_keeps_out_what_is_in_another(
    asked: Asked, code: str, mention: Mention
) -> None:
    told = [listen_to(mention, f"{write(asked)} {ask}") for ask in ("", f"lang:{code}", f"NOT lang:{code}")]
    if told[0] is None:
        assert told == [None, None, None]
    elif told[0].code == "und" and not is_foreign(f"{mention.title or ''}{mention.text}"):
        assert told == [told[0]] * 3, "what cannot be told is kept out by neither"
    else:
        assert told[1:] == ([told[0], None] if told[0].code == code else [None, told[0]])


@settings(max_examples=CASES // 5, deadline=None)
@given(st.lists(queries(), min_size=1, max_size=4), st.lists(mentions(), min_size=1, max_size=4))
def test_mentions_asked_at_once_match_as_one_by_one(asked: list[tuple[Asked, int]], some: list[Mention]) -> None:
    matcher = Matcher.compile([watch(write(query, style), f"w{n}") for n, (query, style) in enumerate(asked)])
    candidates = [matcher.candidates(one.text, one.title, one) for one in some]
    at_once = matcher.match_all(list(zip(some, candidates, strict=True)))
    assert at_once == [matcher.match(mention) for mention in some]


def listen_to(mention: Mention, query: str) -> Language | None:
    """Return the language that the match of a post carries, by the way from the raw record; None without a match."""
    kept = mention.model_dump(include={"source", "time", "seen", "text", "title", "platform", "author"})
    event = Event.model_validate({**kept, "id": "1", "lang": mention.heard_lang})
    seen = glimpse(event.to_bytes())
    assert seen is not None
    matcher = Matcher.compile([watch(query)])
    if not prefilter([seen], matcher):
        assert listen(event, matcher) == (), "what is passed over at a glimpse would not have matched"
        return None
    found = listen(event, matcher)
    return found[0].language if found else None


@settings(max_examples=CASES // 5, deadline=None)
@given(queries(), mentions())
def test_explain_says_what_the_matcher_says(asked: tuple[Asked, int], mention: Mention) -> None:
    query = parse(write(*asked))
    explained = explain(query, mention)
    places = judge(*asked[:1], mention, asked[1])
    assert explained.satisfied is (places is not None)
    assert (explained.failed is None) is explained.satisfied


@settings(max_examples=CASES // 5, deadline=None)
@given(queries())
def test_printing_and_reading_again_changes_nothing(asked: tuple[Asked, int]) -> None:
    query = parse(write(*asked))
    again = parse(str(query))
    assert again == query
    assert str(again) == str(query)


@settings(max_examples=CASES // 5, deadline=None)
@given(QUERIES, STYLES)
def test_a_query_is_refused_exactly_where_silence_would_satisfy_it(asked: Asked, style: int) -> None:
    silence = heard("zzz", platform="other", lang="tlh")
    assert _accepted(asked, style) is (judge(asked, silence, style) is None)
