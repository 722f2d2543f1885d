"""Risk: which factors a mention has, that they add up, and which of two mentions asks for eyes first."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.score import CRISIS_WORDS, score
from schemas.mention import Mention, Score, Sentiment, SentimentClass
from tests.schemas.records import made_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANGRY = Sentiment(label=SentimentClass.NEGATIVE, probability=0.8)
GLAD = Sentiment(label=SentimentClass.POSITIVE, probability=0.8)
CALM = Sentiment(label=SentimentClass.NEUTRAL, probability=0.6)


def mention(text: str = "Die Bahn fährt.", **about: Any) -> Mention:
    fixed = {"id": "x:1", "platform": "x", "source": "s", "time": AT, "seen": AT, "text": text}
    return Mention.model_validate(fixed | about)


def points(found: Score) -> dict[str, float]:
    return {factor.name: factor.points for factor in found.factors}


@pytest.mark.parametrize(
    ("heard", "sentiment", "factor", "detail"),
    [
        pytest.param(mention(), ANGRY, "sentiment", "negative, 80% sure", id="an angry post"),
        pytest.param(mention(author={"followers": 12_000}), CALM, "reach", "12,000 followers", id="many readers"),
        pytest.param(mention(author={"verified": True}), CALM, "verified", "verified", id="a verified author"),
        pytest.param(mention(metrics={"likes": 20, "shares": 5}), CALM, "engagement", "5 shares, 20 likes", id="liked"),
        pytest.param(mention("Explosion im Werk"), CALM, "crisis-words", "explosion", id="a crisis word"),
        pytest.param(mention("Gasexplosion!"), CALM, "crisis-words", "gasexplosion", id="a German compound of one"),
        pytest.param(mention("Rückruf"), CALM, "crisis-words", "rueckruf", id="a crisis word with an umlaut"),
        pytest.param(mention("So.", title="Boykott"), CALM, "crisis-words", "boykott", id="a crisis word in the title"),
        pytest.param(mention("Warum geht das nicht?"), CALM, "complaint", "warum", id="a question that complains"),
        pytest.param(mention("Fährt der Zug?"), CALM, "complaint", "a question", id="a mere question"),
        pytest.param(mention(repost_of="7"), CALM, "spread", "a repost", id="a repost"),
        pytest.param(mention(in_reply_to="7"), CALM, "spread", "a reply", id="a reply"),
    ],
)
def test_a_factor_says_why(heard: Mention, sentiment: Sentiment, factor: str, detail: str) -> None:
    (found,) = [one for one in score(heard, sentiment).factors if one.name == factor]
    assert detail in found.detail
    assert found.points != 0


@pytest.mark.parametrize(
    ("heard", "sentiment", "absent"),
    [
        pytest.param(mention(), CALM, "sentiment", id="a neutral post has no sentiment points"),
        pytest.param(mention(author={"followers": 3}), CALM, "reach", id="three followers are no reach"),
        pytest.param(mention(metrics={"likes": 0}), CALM, "engagement", id="no likes are no engagement"),
        pytest.param(mention(metrics={"views": 900}), CALM, "engagement", id="views are no engagement"),
        pytest.param(mention("Toll, oder?"), GLAD, "complaint", id="a glad question is no complaint"),
        pytest.param(mention("totally total"), CALM, "crisis-words", id="tot is not total"),
    ],
)
def test_a_factor_is_absent(heard: Mention, sentiment: Sentiment, absent: str) -> None:
    assert absent not in points(score(heard, sentiment))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((mention(), ANGRY), (mention(), CALM), id="anger before calm"),
        pytest.param((mention(), CALM), (mention(), GLAD), id="calm before praise"),
        pytest.param(
            (mention(author={"followers": 100_000}), ANGRY), (mention(author={"followers": 100}), ANGRY), id="reach"
        ),
        pytest.param((mention("vier Tote"), CALM), (mention("Streik"), CALM), id="deaths before strikes"),
        pytest.param((mention("Betrug und Razzia"), CALM), (mention("Betrug"), CALM), id="two crisis words before one"),
        pytest.param((mention(), ANGRY), (mention(repost_of="1"), ANGRY), id="an own post before a repost"),
    ],
)
def test_what_asks_for_eyes_first(first: tuple[Mention, Sentiment], second: tuple[Mention, Sentiment]) -> None:
    assert score(*first).value > score(*second).value


@given(made_of(Mention), made_of(Sentiment).filter(lambda found: found.probability <= 1))
def test_the_factors_add_up(heard: Mention, sentiment: Sentiment) -> None:
    found = score(heard, sentiment)
    total = sum(factor.points for factor in found.factors)
    assert found.value == pytest.approx(max(0.0, min(100.0, total)), abs=0.05)
    assert len(points(found)) == len(found.factors)
    assert score(heard, sentiment) == found


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_readers_never_lower_the_risk(few: int, many: int) -> None:
    values = [score(mention(author={"followers": n}), CALM).value for n in sorted((few, many))]
    assert values == sorted(values)


def test_every_crisis_word_is_folded_and_below_a_heading() -> None:
    lines = [line for line in CRISIS_WORDS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("[")
    words = [line for line in lines if not line.startswith("[")]
    assert all(word == word.lower() and word.isascii() and " " not in word for word in words)
    assert len(words) == len(set(words))
