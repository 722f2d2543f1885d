import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import visit_counts

from pipeline.flow import listen, listen_all
from pipeline.language import _count_sequences, _full_model, detect, detect_all, primary
from pipeline.query import Matcher
from schemas.event import Event
from schemas.mention import Language
from tests.pipeline.timeline import NOON, watch

TOLD = [
    ("German", "Der Zug nach Berlin hat schon wieder Verspätung", None, "de"),
    ("English", "The train to Berlin is late once more, thank you", None, "en"),
    ("French", "Un train de carburant explose à Lac-Mégantic", None, "fr"),
    ("Italian", "Il treno per Roma è di nuovo in ritardo, che vergogna", None, "it"),
    ("Spanish", "El tren a Madrid llega tarde otra vez, qué vergüenza", None, "es"),
    ("Dutch", "De trein naar Utrecht heeft alweer vertraging, bedankt", None, "nl"),
    ("Polish", "Pociąg do Warszawy znowu jest spóźniony, dziękuję", None, "pl"),
    ("Hungarian", "A vonat Budapestre már megint késik, köszönöm szépen", None, "hu"),
    ("Finnish", "Juna Helsinkiin on taas myöhässä, kiitos paljon", None, "fi"),
    ("a clear text against what the platform says", "Der Zug nach Berlin hat schon wieder Verspätung", "en", "de"),
    ("a short text with what the platform says", "Danke!", "de-AT", "de"),
    ("a short text with nothing said", "ok", None, "und"),
    ("a text without words", "😀 https://t.co/Xy12 @user 42", None, "und"),
    ("a text without words with what the platform says", "😀😀", "de", "de"),
    ("a platform that says it does not know", "😀😀", "und", "und"),
    ("another script", "Поезд опять опаздывает", None, "und"),
    ("another script against what the platform says", "Поезд опять опаздывает", "de", "und"),
    ("a language beyond the dozen that the platform names", "Поезд опять опаздывает, спасибо большое", "ru", "ru"),
    ("a language beyond the dozen that the text denies", "Der Zug nach Berlin hat schon wieder Verspätung", "af", "de"),
    ("a language that the model does not know", "Joden xaakuu", "tlh", "tlh"),
    (
        "mostly German with English words",
        "Mein Flight wurde heute schon wieder gecancelt, so nervig, love it",
        None,
        "de",
    ),
    ("hashtags say nothing", "Heute fährt wieder nichts #fail #worstservice #travel #monday", None, "de"),
    ("nothing", "", None, "und"),
]


@pytest.mark.parametrize(("why", "text", "heard", "code"), TOLD, ids=[row[0] for row in TOLD])
def test_which_language_a_text_is_in(why: str, text: str, heard: str | None, code: str) -> None:
    assert detect(text, heard).code == code, why


def test_a_short_text_is_told_with_less_confidence() -> None:
    long = "Der Zug nach Berlin hat schon wieder Verspätung und niemand sagt uns etwas"
    assert 0 < detect("Straße über Größe", None).confidence < 0.7 < detect(long, None).confidence <= 1


def test_what_the_platform_says_is_evidence() -> None:
    assert detect("Information Service Berlin", "de").code == "de"
    assert detect("Information Service Berlin", "en").code == "en"
    assert detect("Das war super", "de").confidence > detect("Das war super", None).confidence


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from([None, "de", "ru", "x-klingon", "qme", "EN_us"]))
def test_every_text_has_an_answer_and_always_the_same(text: str, heard: str | None) -> None:
    told = detect(text, heard)
    assert 0 <= told.confidence <= 1
    assert detect(text, heard) == told


def test_a_tag_is_read_as_its_language() -> None:
    assert [primary(tag) for tag in ("de-AT", "EN_us", "iw", "und", "", None, "german")] == [
        "de", "en", "he", None, None, None, None,
    ]  # fmt: skip


def test_a_post_in_no_known_language_is_a_match_all_the_same() -> None:
    event = Event(platform="web", id="1", time=NOON, seen=NOON, source="s", text="Acme 😀 42")
    (found,) = listen(event, Matcher.compile([watch()]))
    assert found.language.code == "und"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from([None, "de", "ru", "qme", "tlh"])), max_size=8))
def test_who_is_asked_about_many_texts_says_of_each_what_he_says_of_it_alone(
    said: list[tuple[str, str | None]],
) -> None:
    written = [(row[1], row[2]) for row in TOLD]
    assert detect_all([*said, *written]) == [detect(*one) for one in [*said, *written]]


def test_what_stands_in_one_text_says_nothing_about_the_next() -> None:
    texts: list[tuple[str, str | None]] = [("schon wieder Verspät", None), ("ung and the train", None)]
    assert detect_all(texts) == [detect(*one) for one in texts]
    assert detect_all([]) == []


def test_only_what_matches_pays_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def counting(said: list[tuple[str, str | None]]) -> list[Language]:
        told.extend(text for text, _ in said)
        return detect_all(said)

    monkeypatch.setattr("pipeline.enrich.detect_all", counting)
    monkeypatch.setattr("pipeline.query.reading.detect_all", counting)
    texts = ["Acme kommt nie", "Die Bahn kommt nie", "Acme kommt schon wieder zu spät", "Acme ist da, Globex auch"]
    events = [Event(platform="web", id=text, time=NOON, seen=NOON, source="s", text=text) for text in texts]
    asked = [watch(id="plain", query="Acme"), watch(id="german", query="lang:de Acme Globex")]
    found = listen_all(events, Matcher.compile(asked))
    assert [[match.watch for match in some] for some in found] == [["plain"], [], ["plain"], ["plain", "german"]]
    assert sorted(told) == sorted([texts[0], texts[2], texts[3]])


PLAIN = st.text("abcdehinrstu ÄäöüßéñłžПо", max_size=40).map(str.encode)
LONGEST = "これはそのままです。したから、している"
"""Holds sequences of six bytes, the longest there are."""


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        PLAIN | st.sampled_from([text.encode() for text in (LONGEST, *(row[1] for row in TOLD))]),
        min_size=1,
        max_size=5,
    )
)
def test_sequences_are_counted_as_the_library_counts_them(texts: list[bytes]) -> None:
    model = _full_model()
    numbers, counts, ends = _count_sequences(texts)
    begin = 0
    for text, end in zip(texts, ends, strict=True):
        expected = visit_counts(model.tk_nextmove, model._rowbase, model.tk_output, text) or {}
        found = dict(zip((numbers[begin:end] - 1).tolist(), counts[begin:end].tolist(), strict=True))
        assert list(found.items()) == list(expected.items()), "the same, in the order in which they come first"
        begin = end
