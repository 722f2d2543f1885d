import pytest

from pipeline.query import Explanation, Matcher, explain, parse
from tests.pipeline.query.posts import heard, watch

SAID = [
    ("what satisfied it is told with its place", "bahn streik", "Streik der Bahn", "match: streik at 0, bahn at 11"),
    ("the first operand of AND that failed", "bahn streik heute", "Bahn", "no match: streik (column 6) is not there"),
    ("the operand is blamed, not the group", "bahn (a1 b1)", "Bahn a1", "no match: b1 (column 10) is not there"),
    ("of OR all are named", "a1 OR b1", "c1", "no match: none of a1, b1 (column 1) is there"),
    ("of OR within AND too", "c1 (a1 OR b1)", "c1", "no match: none of a1, b1 (column 5) is there"),
    ("what is excluded and there", "bahn -modell", "Modell Bahn", "no match: modell (column 7) is there, and excluded"),
    (
        "a language that cannot be told",
        "bahn lang:de -lang:en",
        "Bahn 😡",
        "match: bahn at 0; which language it is in cannot be told, so lang:de, lang:en keeps nothing out",
    ),
    ("a language that is another", "bahn lang:fr", "Die Bahn ist spät", "no match: lang:fr (column 6) is not there"),
    ("what has no place in the text is named", "platform:x", "Bahn", "match: platform:x"),
]


@pytest.mark.parametrize(("why", "query", "text", "said"), SAID, ids=[row[0] for row in SAID])
def test_why_a_query_matches_or_does_not(why: str, query: str, text: str, said: str) -> None:
    assert str(explain(parse(query), heard(text))) == said, why


def test_each_operator_says_what_satisfied_it() -> None:
    explained = explain(parse("(bahn OR zug) NOT modell"), heard("Bahn"))
    either, without = explained.operands
    assert (explained.satisfied, either.satisfied, without.satisfied) == (True, True, True)
    assert [(operand.part, operand.satisfied) for operand in either.operands] == [("bahn", True), ("zug", False)]
    assert [(span.start, span.end) for span in either.spans] == [(0, 4)]
    assert without.spans == ()


def test_an_and_is_looked_at_up_to_the_first_that_failed() -> None:
    explained = explain(parse("a1 b1 c1"), heard("a1 c1"))
    assert [operand.part for operand in explained.operands] == ["a1", "b1"]


def test_it_says_what_the_matcher_says() -> None:
    mention = heard("Zug um Zug")
    (match,) = Matcher.compile([watch("zug OR bahn")]).match(mention)
    explained: Explanation = explain(parse("zug OR bahn"), mention)
    assert explained.spans == match.entities[0].spans
