"""Risk: which factors a mention has, that they add up, and which of two mentions asks for eyes first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.score import CRISIS_WORDS, add, hasten, score, sentence
from pipeline.surge import NOVELTY_POINTS, SIGN_POINTS
from schemas.about import FACTORS, FactorName, Risk
from schemas.mention import Factor, Mention, Score, Sentiment, SentimentClass
from schemas.watch import NamedList
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
        pytest.param(mention(), ANGRY, "negativity", "negative, 80% sure", id="an angry post"),
        pytest.param(mention(author={"followers": 12_000}), CALM, "reach", "12,000 followers", id="many readers"),
        pytest.param(mention(author={"verified": True}), CALM, "credibility", "verified", id="a verified author"),
        pytest.param(mention(metrics={"likes": 20, "shares": 5}), CALM, "engagement", "5 shares, 20 likes", id="liked"),
        pytest.param(mention("Explosion im Werk"), CALM, "safety", "explosion", id="a crisis word"),
        pytest.param(mention("Gasexplosion!"), CALM, "safety", "gasexplosion", id="a German compound of one"),
        pytest.param(mention("Rückruf"), CALM, "recall", "rueckruf", id="a crisis word with an umlaut"),
        pytest.param(mention("Metallteile im Müsli"), CALM, "safety", "metallteile", id="what is dangerous to eat"),
        pytest.param(mention("Cyberangriff auf Acme"), CALM, "data-loss", "cyberangriff", id="an attack on data"),
        pytest.param(mention("Acme recalls its bars"), CALM, "recall", "recalls", id="a crisis word as a verb"),
        pytest.param(mention("So.", title="Boykott"), CALM, "outcry", "boykott", id="a crisis word in the title"),
        pytest.param(mention("Warum geht das nicht?"), CALM, "complaint", "warum", id="a question that complains"),
        pytest.param(mention("Fährt der Zug?"), CALM, "complaint", "a question", id="a mere question"),
        pytest.param(mention(repost_of="7"), CALM, "echo", "a repost", id="a repost"),
        pytest.param(mention(in_reply_to="7"), CALM, "echo", "a reply", id="a reply"),
    ],
)
def test_a_factor_says_why(heard: Mention, sentiment: Sentiment, factor: str, detail: str) -> None:
    (found,) = [one for one in score(heard, sentiment).factors if one.name == factor]
    assert detail in found.detail
    assert found.points != 0


@pytest.mark.parametrize(
    ("heard", "sentiment", "absent"),
    [
        pytest.param(mention(), CALM, "negativity", id="a neutral post has no sentiment points"),
        pytest.param(mention(metrics={"likes": 0}), CALM, "engagement", id="no likes are no engagement"),
        pytest.param(mention(metrics={"views": 900}), CALM, "engagement", id="views are no engagement"),
        pytest.param(mention("Toll, oder?"), GLAD, "complaint", id="a glad question is no complaint"),
        pytest.param(mention("totally total"), CALM, "safety", id="tot is not total"),
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


CATEGORIES = {
    "safety": ("Explosion", "killed"),
    "fraud": ("Betrug", "bribery"),
    "discrimination": ("Rassismus", "harassment"),
    "data-loss": ("Datenleck", "hacked"),
    "strike": ("Warnstreik", "layoffs"),
    "recall": ("Rückruf", "recalled"),
    "legal": ("Sammelklage", "lawsuit"),
}


MORE_WORDS = (["tote"], ["Korruption"], ["rassistisch"], ["Datenpanne"], ["Streik"], ["Rückrufaktion"], ["Klage"])
"""A third one of each."""


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_of_crisis_speaks_german_and_english(category: str) -> None:
    for word in CATEGORIES[category]:
        assert points(score(mention(word), CALM))[category] > 0, word


def test_a_crisis_word_is_folded_has_a_category_and_an_owner() -> None:
    lines = [line for line in CRISIS_WORDS.read_text("utf-8").splitlines() if line]
    words = [line for line in lines if line[0] not in "[#"]
    assert all(word == word.lower() and word.isascii() and " " not in word for word in words)
    assert len(words) == len(set(words))
    for at, line in enumerate(lines):
        if line.startswith("["):
            assert line[1:].split()[0] in FACTORS
            assert lines[at + 1].startswith("# owner: ")


@pytest.mark.parametrize(
    ("heard", "risk", "reach"),
    [
        pytest.param(mention(), Risk(), "unknown", id="no followers told is unknown, not none"),
        pytest.param(mention(author={"followers": 3}), Risk(), "3 followers", id="three followers are known"),
        pytest.param(
            mention(url="https://m.blatt.de/1", author={"followers": 3}),
            Risk(tier_1=("blatt.de",)),
            "tier 1",
            id="site",
        ),
        pytest.param(mention(author={"name": "Anna"}), Risk(tier_2=("anna",)), "tier 2", id="an author of a tier"),
        pytest.param(mention(url="https://x.de/1"), Risk(tier_1=("@press",)), "tier 1", id="a list by its name"),
    ],
)
def test_reach_is_by_tier_then_followers_then_unknown(heard: Mention, risk: Risk, reach: str) -> None:
    press = NamedList.model_validate({"owner": "a", "expires": AT.date(), "field": "site", "entries": ("x.de",)})
    (found,) = [one for one in score(heard, CALM, risk, {"press": press}).factors if one.name == "reach"]
    assert found.detail == reach
    assert bool(found.points) == reach.startswith("tier")


def test_a_score_prints_as_a_sentence() -> None:
    assert sentence(score(mention("Explosion"), ANGRY)) == (
        "Risk 58 of 100: negativity +28 (negative, 80% sure), safety +20 (explosion), "
        "mention +10 (the company is talked about); reach unknown."
    )


CRISES = {
    **{name: (*words, *more) for (name, words), more in zip(CATEGORIES.items(), MORE_WORDS, strict=True)},
    "outcry": ("Boykott", "Shitstorm", "outrage"),
    "outage": ("Ausfall", "outage", "downtime"),
}
ASKED = ("", "?", "warum")
QUIET: dict[str, Any] = {"mood": 0.0, "followers": None, "verified": False, "likes": 0, "shares": 0, "recent": 0.0}
QUIET |= {"tier": "", "asks": "", "own": "", "signs": -1, "between": None} | dict.fromkeys(CRISES, 0)
LEVELS = st.fixed_dictionaries(
    {
        "mood": st.floats(-1, 1),
        "followers": st.none() | st.integers(0, 10**8),
        "verified": st.booleans(),
        "likes": st.integers(0, 10**6),
        "shares": st.integers(0, 10**6),
        "recent": st.floats(-1e6, 0),
        "between": st.none() | st.floats(0, 1e7),
        "tier": st.sampled_from(["", "tier_2", "tier_1"]),
        "asks": st.sampled_from(ASKED),
        "own": st.sampled_from(["repost_of", "in_reply_to", ""]),
        "signs": st.integers(-1, 3),
        **{name: st.integers(0, len(words)) for name, words in CRISES.items()},
    }
)
ORDERS = {"tier": ["", "tier_2", "tier_1"], "asks": list(ASKED), "own": ["repost_of", "in_reply_to", ""]}
"""What is more of what has no number."""


def _more(name: str, one: Any, other: Any) -> Any:
    if name in ORDERS:
        return max(one, other, key=ORDERS[name].index)
    return other if one is None else one if other is None else max(one, other)


def _scored(level: dict[str, Any], risk: Risk) -> Score:
    words = [word for name, some in CRISES.items() for word in some[: level[name]]]
    heard = mention(
        " ".join(["Bahn", *words, level["asks"]]),
        author={"followers": level["followers"], "verified": level["verified"], "name": "anna"},
        metrics={"likes": level["likes"], "shares": level["shares"]},
        seen=AT + timedelta(seconds=-level["recent"]),
        **({level["own"]: "7"} if level["own"] else {}),
    )
    tiers = risk.model_copy(update={level["tier"]: ("anna",)}) if level["tier"] else risk
    label = SentimentClass.NEGATIVE if level["mood"] > 0 else SentimentClass.POSITIVE
    found = score(heard, Sentiment(label=label, probability=abs(level["mood"])), tiers)
    if level["between"] is not None:
        found = hasten(found, heard, level["between"], tiers)
    signs = Factor(name="coordination", points=SIGN_POINTS * max(0, level["signs"]))
    new = Factor(name="novelty", points=NOVELTY_POINTS)
    return add(found, [new, signs] if level["signs"] > 0 else [new] if level["signs"] == 0 else [], tiers)


@settings(max_examples=300, deadline=None)
@given(LEVELS, LEVELS, st.dictionaries(st.sampled_from(FACTORS), st.floats(0, 10)))
@example(QUIET | {"likes": 9}, QUIET | {"between": 400.0}, {"spread": 3.0})
@example(QUIET | {"followers": 10**7}, QUIET | {"tier": "tier_2"}, {"credibility": 0.0})
def test_more_of_any_factor_never_lowers_the_risk(one: dict[str, Any], other: dict[str, Any], weights: Any) -> None:
    risk, below = Risk.model_validate({"weights": weights}), one
    for name in one:
        above = below | {name: _more(name, below[name], other[name])}
        assert _scored(above, risk).value >= _scored(below, risk).value - 1e-9, name
        below = above


def test_the_property_above_moves_every_factor_there_is() -> None:
    loud = QUIET | {"mood": 1.0, "followers": 5, "verified": True, "likes": 1, "asks": "?", "signs": 1}
    found = _scored(loud | {"own": "repost_of"} | dict.fromkeys(CRISES, 1), Risk())
    assert {factor.name for factor in found.factors} == set(FACTORS)


@pytest.mark.parametrize("name", ["safety", "negativity", "reach"])
def test_a_weight_moves_its_factor_and_no_other(name: FactorName) -> None:
    heard = mention("Explosion", author={"followers": 5_000})
    plain, heavy = (points(score(heard, ANGRY, Risk.model_validate({"weights": given}))) for given in ({}, {name: 2.0}))
    assert heavy == plain | {name: pytest.approx(2 * plain[name], abs=0.06)}


@pytest.mark.parametrize(
    ("followers", "reach"),
    [
        pytest.param(1_000, (25, 15, 10), id="a tier before a count"),
        pytest.param(10**7, (25, 25, 25), id="unless the count alone says more"),
        pytest.param(None, (25, 15, 0), id="a tier where nothing is counted"),
    ],
)
def test_the_tiers_differ_and_are_never_less_than_the_followers(followers: int | None, reach: tuple[int, ...]) -> None:
    tiers = {"tier_1": ("one.de",), "tier_2": ("two.de",)}
    first, second, none = (
        points(
            score(
                mention(url=f"https://{site}.de/a", author={"followers": followers}), CALM, Risk.model_validate(tiers)
            )
        )
        for site in ("one", "two", "three")
    )
    assert (first["reach"], second["reach"], none["reach"]) == reach
    assert first["credibility"] > second["credibility"]
    assert "credibility" not in none


@pytest.mark.parametrize(
    ("hours", "speed"),
    [(0.0, "404 reactions an hour"), (1.0, "101 reactions an hour"), (100.0, "1 reactions an hour")],
)
def test_speed_is_reactions_by_the_age_of_the_post(hours: float, speed: str) -> None:
    heard = mention(metrics={"likes": 101}, seen=AT + timedelta(hours=hours))
    (found,) = [one for one in score(heard, CALM).factors if one.name == "spread"]
    assert found.detail == f"{speed} since it was posted, between looks unknown"
    assert 0 < found.points <= 16


def test_a_post_that_is_looked_at_again_is_measured_anew() -> None:
    first, later = (
        points(score(mention(metrics={"likes": likes}, seen=AT + timedelta(hours=age)), CALM))["spread"]
        for likes, age in ((10, 1.0), (4_000, 2.0))
    )
    assert later > first


def test_the_faster_of_both_speeds_counts_and_both_are_named() -> None:
    heard = mention(metrics={"likes": 1_500}, seen=AT + timedelta(hours=50))
    plain = score(heard, CALM)
    for between, spread in ((500.0, 10.8), (30.0, 6.0), (0.0, 6.0)):
        found = hasten(plain, heard, between, Risk())
        assert points(found) == points(plain) | {"spread": spread}
        assert f"spread +{spread:g} (spreads at {between:g} an hour, 30 since it was posted)" in sentence(found)
    heavy = hasten(plain, heard, 500.0, Risk.model_validate({"weights": {"spread": 2}}))
    assert points(heavy)["spread"] == 21.6


def test_nothing_is_riskier_than_a_hundred_or_less_than_none() -> None:
    heavy = Risk.model_validate({"weights": {"negativity": 10, "mention": 10}})
    assert score(mention(), ANGRY, heavy).value == 100
    assert score(mention(), GLAD, heavy.model_copy(update={"weights": {"negativity": 10.0}})).value == 0
