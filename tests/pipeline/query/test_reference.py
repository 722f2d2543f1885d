"""Compiled matching equals the plain reference, on random queries and texts, places included."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query import Matcher, QueryError, parse
from pipeline.query.verify import MAX_SPANS
from schemas.mention import Mention
from tests.pipeline.query.posts import heard, watch
from tests.pipeline.query.reference import Asked, judge, write

LETTERS = "abeäßé"
WORDS = st.text(LETTERS, min_size=1, max_size=3)
SIGNED = st.one_of(WORDS, WORDS.map("#{}".format), WORDS.map("@{}".format), st.sampled_from(["-", ".", "_"]))
TEXTS = st.one_of(
    st.text(LETTERS + "  --#@_.", max_size=40), st.text("abe  --#@_.", max_size=40), st.lists(SIGNED).map(" ".join)
)
STARRED = st.text(LETTERS, min_size=2, max_size=3).map("{}*".format)
PARTS = st.one_of(WORDS, STARRED)
WORD_LIKE = st.one_of(
    WORDS,
    STARRED,
    st.builds("{}-{}".format, WORDS, PARTS),
    st.builds("{}{}".format, st.sampled_from("#@"), PARTS),
    st.builds("#{}_{}".format, WORDS, PARTS),
)
PHRASES = st.lists(st.one_of(PARTS, WORDS.map("#{}".format)), min_size=1, max_size=3)
LEAVES: st.SearchStrategy[Asked] = st.one_of(
    WORD_LIKE.map(lambda word: ("word", word)),
    PHRASES.map(lambda words: ("phrase", " ".join(words))),
    st.sampled_from([("platform", "x"), ("platform", "reddit"), ("author", "ab"), ("author", "ä")]),
)


def _combine(inner: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda parts: ("and", parts)),
        several.map(lambda parts: ("or", parts)),
        inner.map(lambda part: ("not", part)),
    )


QUERIES = st.recursive(LEAVES, _combine, max_leaves=8)
STYLES = st.integers(0, 5)


@st.composite
def mentions(draw: st.DrawFn) -> Mention:
    author = draw(st.sampled_from([None, "ab", "Ä", "b"]))
    platform = draw(st.sampled_from(["x", "reddit"]))
    return heard(draw(TEXTS), title=draw(st.one_of(st.none(), TEXTS)), author=author, platform=platform)


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


@settings(max_examples=120, deadline=None)
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


@settings(max_examples=100, deadline=None)
@given(queries())
def test_printing_and_reading_again_changes_nothing(asked: tuple[Asked, int]) -> None:
    query = parse(write(*asked))
    again = parse(str(query))
    assert again == query
    assert str(again) == str(query)


@settings(max_examples=100, deadline=None)
@given(QUERIES, STYLES)
def test_a_query_is_refused_exactly_where_silence_would_satisfy_it(asked: Asked, style: int) -> None:
    silence = heard("zzz", platform="other")
    assert _accepted(asked, style) is (judge(asked, silence, style) is None)
