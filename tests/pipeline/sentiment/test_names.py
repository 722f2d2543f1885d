"""A name feels nothing: companies that are called like a feeling, alone, beside others, in every form of the name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow import listen
from pipeline.offline.explain import explain
from pipeline.query import Matcher
from pipeline.sentiment.names import LARGE, SMALL, hide
from schemas.event import Event, Post
from schemas.mention import Match
from schemas.watch import Watch
from tests.pipeline.timeline import NOON, watch

NEGATIVE, POSITIVE, NEITHER = "negative", "positive", "neither"


def _watch(query: str, other: str = "Globex") -> Watch:
    return watch(query=query, competitors=({"name": "other", "query": other},))


def _post(text: str, lang: str = "de", title: str | None = None) -> Event:
    return Event(platform="x", id="1", time=NOON, seen=NOON, source="test", text=text, title=title, lang=lang)


def _heard(query: str, post: Event, other: str = "Globex") -> Match:
    (found,) = listen(post, Matcher.compile([_watch(query, other)]))
    return found


def _felt(found: Match) -> str:
    label = found.sentiment.label.value
    return label if label in (NEGATIVE, POSITIVE) else NEITHER


@pytest.mark.parametrize(
    ("query", "text", "felt"),
    [
        pytest.param("Sauer", "Sauer eröffnet neues Werk", NEITHER, id="news of a company called sour"),
        pytest.param("Sauer", "Sauers neues Werk in Kiel", NEITHER, id="in the genitive"),
        pytest.param("Sauer", "Neues Werk in Kiel #sauer", NEITHER, id="as a hashtag"),
        pytest.param("Sauer", "Heute um drei spricht @sauer in Kiel", NEITHER, id="as a handle"),
        pytest.param("Sauer", "Sauer-Werk eröffnet", NEITHER, id="in a compound with a hyphen"),
        pytest.param("Sauer", "SAUER ERÖFFNET WERK", NEITHER, id="in capitals"),
        pytest.param("Sauer", "sauer eröffnet neues werk", NEITHER, id="all in small letters"),
        pytest.param("Gut", "Gut baut in Kiel", NEITHER, id="a company called good"),
        pytest.param("Krank", "Krank liefert ab Montag Schrauben", NEITHER, id="a company called ill"),
        pytest.param('"Klasse Bäcker"', "Klasse Bäcker öffnet um sieben", NEITHER, id="a word of the name is praise"),
        pytest.param(
            '"Problemlos GmbH"', "#ProblemlosGmbH: Problemlos GmbH in Kiel", NEITHER, id="joined in a hashtag"
        ),
        pytest.param('"Problemlos GmbH"', "Problemlos zieht nach Kiel um", NEITHER, id="without its legal form"),
        pytest.param('"Problemlos GmbH"', "Die Problemlos GmbH zieht nach Kiel", NEITHER, id="with its legal form"),
        pytest.param("Sauer OR Krank", "Krank und Sauer bauen in Kiel", NEITHER, id="each alternative is a name"),
        pytest.param("Sauer AND Kiel", "Sauer eröffnet in Kiel", NEITHER, id="the first of several is the name"),
        pytest.param(
            "Acme OR (Katastrophe AND Kiel)",
            "Was für eine Katastrophe in Kiel",
            NEGATIVE,
            id="what needs others is none",
        ),
        pytest.param("(Sauer OR Krank) AND Kiel", "Krank baut in Kiel", NEITHER, id="unless there is nothing else"),
        pytest.param("Sauer", "Sauer ist eine Katastrophe, unfähig und frech", NEGATIVE, id="blame beside the name"),
        pytest.param("Sauer", "Sauer ist super, tolle Leute", POSITIVE, id="praise beside the name"),
        pytest.param("Sauer", "Ich bin so sauer auf Sauer!", NEGATIVE, id="the word itself, written small"),
        pytest.param("Gut", "Das Essen bei Gut war richtig gut", POSITIVE, id="the word itself is praise"),
        pytest.param("Acme AND Skandal", "Acme: was für ein Skandal", NEGATIVE, id="what is said of it is no name"),
        pytest.param("Acme AND (kaputt OR defekt)", "Die von Acme ist kaputt", NEGATIVE, id="nor among alternatives"),
        pytest.param("Acme NEAR/3 Skandal", "Acme: was für ein Skandal", NEGATIVE, id="nor what stands near it"),
    ],
)
def test_what_a_german_post_feels_is_not_in_the_name(query: str, text: str, felt: str) -> None:
    assert _felt(_heard(query, _post(text))) == felt


@pytest.mark.parametrize(
    ("query", "text", "felt"),
    [
        pytest.param("Wonder", "Wonder opens a new plant in Ohio", NEITHER, id="a company called wonder"),
        pytest.param('"Best Western"', "Best Western opens in Ohio", NEITHER, id="a word of the name is praise"),
        pytest.param('"Best Western"', "#BestWestern opens in Ohio, says Best Western", NEITHER, id="joined"),
        pytest.param('"Best Western"', "The Best Western in Ohio is awful", NEGATIVE, id="blame beside the name"),
        pytest.param('"Best Western"', "Best Western was great, lovely staff", POSITIVE, id="praise beside the name"),
        pytest.param("Love", "I love what Love does", POSITIVE, id="the word itself, written small"),
        pytest.param("Never", "Never is great", POSITIVE, id="a name negates nothing"),
    ],
)
def test_what_an_english_post_feels_is_not_in_the_name(query: str, text: str, felt: str) -> None:
    assert _felt(_heard(query, _post(text, "en"))) == felt


def test_a_name_in_the_title_feels_nothing_either() -> None:
    found = _heard("Sauer", _post("Ab Montag in Kiel", title="Sauer eröffnet Werk"))
    assert _felt(found) == NEITHER
    assert "Sauer" not in {word.text for word in found.sentiment.words}


@pytest.mark.parametrize(
    ("text", "sauer", "acme"),
    [
        pytest.param(
            "Sauer ist super, aber Acme ist eine Katastrophe", POSITIVE, NEGATIVE, id="praised beside the other"
        ),
        pytest.param(
            "Acme ist super, aber Sauer ist eine Katastrophe", NEGATIVE, POSITIVE, id="blamed beside the other"
        ),
        pytest.param("Acme ist viel freundlicher als Sauer", NEGATIVE, POSITIVE, id="compared"),
        pytest.param("Sauer und Acme öffnen um sieben", NEITHER, NEITHER, id="nothing is said of either"),
        pytest.param(
            "Acme öffnet um sieben. Sauer öffnet um acht.", NEITHER, NEITHER, id="nor in sentences of their own"
        ),
    ],
)
def test_beside_another_company_the_name_judges_neither(text: str, sauer: str, acme: str) -> None:
    assert _felt(_heard("Sauer", _post(text), other="Acme")) == sauer
    assert _felt(_heard("Acme", _post(text), other="Sauer")) == acme


def test_explain_says_the_same_and_names_no_name() -> None:
    post = Post(platform="x", id="1", time=NOON, text="Sauer eröffnet neues Werk", lang="de")
    (found,) = explain([_watch("Sauer")], [post])
    assert found["sentiment"]["class"] not in (NEGATIVE, POSITIVE)
    assert found["sentiment"]["words"] == []
    assert found["watches"]["acme"]["sentiment"] == found["sentiment"]


def test_the_same_post_is_judged_for_each_watch_by_its_own_names() -> None:
    watches = [_watch("Sauer"), watch(id="plant", query="Werk")]
    first, second = listen(_post("Sauer eröffnet neues Werk"), Matcher.compile(watches))
    assert _felt(first) == NEITHER
    assert _felt(second) == NEGATIVE


@pytest.mark.parametrize(
    ("name", "code", "hidden"),
    [
        pytest.param("Sauer", "de", f"{LARGE}{SMALL * 4}", id="letters become strange ones of their size"),
        pytest.param(
            "Best Western 24", "en", f"{LARGE}{SMALL * 3} {LARGE}{SMALL * 6} 24", id="spaces and figures stay"
        ),
        pytest.param("Siemens", "de", "Siemens", id="what weighs nothing stays"),
        pytest.param("Sauer", "pl", "Sauer", id="nor does anything where no word is understood"),
        pytest.param("Nicht", "de", f"{LARGE}{SMALL * 4}", id="what only acts on others is hidden"),
    ],
)
def test_only_what_could_weigh_is_hidden(name: str, code: str, hidden: str) -> None:
    assert hide(name, [(0, len(name))], code) == hidden


@given(st.text(max_size=80), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 20)), max_size=4))
def test_hiding_moves_nothing_and_touches_nothing_else(text: str, at: list[tuple[int, int]]) -> None:
    names = [(start, min(start + length, len(text))) for start, length in at if start < len(text)]
    found = hide(text, names, "de")
    assert len(found) == len(text)
    assert {one for one, other in zip(found, text, strict=True) if one != other} <= {SMALL, LARGE}


@pytest.mark.parametrize(
    ("query", "text", "strike"),
    [
        pytest.param("Counter-Strike", "Counter-Strike gets a new map", False, id="a name of several words"),
        pytest.param('"Streik & Söhne"', "Streik & Söhne baut in Kiel", False, id="with a sign between them"),
        pytest.param('"Streik & Söhne"', "Streik bei Streik & Söhne", True, id="the word itself beside the name"),
        pytest.param("Streik", "Streik in Kiel", True, id="a word alone is what was asked for"),
        pytest.param('Bahn OR "Bahn Streik"', "Bahn Streik am Montag", True, id="where it is also called without it"),
    ],
)
def test_a_crisis_word_within_a_name_is_no_crisis(query: str, text: str, strike: bool) -> None:
    found = _heard(query, _post(text))
    assert ("strike" in [factor.name for factor in found.score.factors]) is strike
