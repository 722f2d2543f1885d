"""Sentiment: what is felt, how sure that is, and that the words named are the words of the text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sentiment import MAX_WORDS, SURE, assess, assess_towards, classify, english, german_words
from pipeline.sentiment.lexicon import WORDS
from pipeline.sentiment.target import aim
from pipeline.sentiment.weight import Weight, share_of
from pipeline.sentiment.words import cut
from schemas.mention import OWN, EntityMatch, Language, Sentiment, SentimentClass, Span

NEGATIVE, NEUTRAL, POSITIVE, UNSURE = "negative", "neutral", "positive", "unsure"


def felt(text: str, code: str) -> Sentiment:
    return assess(text, Language(code=code, confidence=1.0))


@pytest.mark.parametrize(
    ("code", "text", "label"),
    [
        pytest.param("de", "Der Service ist wirklich schlecht.", NEGATIVE, id="plain blame"),
        pytest.param("de", "Super Service, vielen Dank!", POSITIVE, id="plain thanks"),
        pytest.param("de", "Die Bahn fährt um 8 Uhr ab Gleis 3.", NEUTRAL, id="a fact"),
        pytest.param("de", "Das ist gut", POSITIVE, id="good"),
        pytest.param("de", "Das ist nicht gut", NEGATIVE, id="not good"),
        pytest.param("de", "Ich hasse euch, schon wieder Verspätung", NEGATIVE, id="hate and delay"),
        pytest.param("de", "SCHRECKLICHER Kundendienst", NEGATIVE, id="capitals and endings are folded"),
        pytest.param("de", "Kein Problem, alles gut", POSITIVE, id="a phrase says the contrary of its words"),
        pytest.param("de", "Gepäckchaos in Frankfurt", NEGATIVE, id="a compound nobody wrote down"),
        pytest.param("de", "Ihr seid eine fiese Firma mit lauter Pannen", NEGATIVE, id="a short word with an ending"),
        pytest.param("de", "Die Bäckerei Müller fährt nach Köln.", NEUTRAL, id="a name is no form of another word"),
        pytest.param("de", "Die Pannenhilfe kommt um 8 Uhr.", NEUTRAL, id="help against breakdowns is none"),
        pytest.param("de", "Danke für nichts, liebe Leute", NEGATIVE, id="irony that is a set phrase"),
        pytest.param(
            "de", "Die Hotline wimmelt einen nur ab, ich fühle mich abgezockt", NEGATIVE, id="a verb in parts"
        ),
        pytest.param("de", "Der Support ist urleiwand", POSITIVE, id="Austrian praise"),
        pytest.param("de", "😡😡", NEGATIVE, id="an angry face alone"),
        pytest.param("de", "", UNSURE, id="nothing is not neutral"),
        pytest.param("en", "The service is really bad", NEGATIVE, id="plain blame in English"),
        pytest.param("en", "I love this company", POSITIVE, id="plain love in English"),
        pytest.param("en", "not bad at all", POSITIVE, id="a negation turns"),
        pytest.param("en", "This isn’t good", NEGATIVE, id="a negation with a curly apostrophe"),
        pytest.param("en", "This was good but now terrible", NEGATIVE, id="what stands after but counts more"),
        pytest.param("en", "Earnings call at 8", NEUTRAL, id="a fact in English"),
        pytest.param("fr", "c'est nul", UNSURE, id="no lexicon of the language"),
        pytest.param("fr", "c'est nul 😡", NEGATIVE, id="a face needs no language"),
        pytest.param("und", ":-)", POSITIVE, id="a smile needs no language"),
        pytest.param("und", "https://example.com/:( @a :(", NEGATIVE, id="an address has no face"),
    ],
)
def test_what_is_felt(code: str, text: str, label: str) -> None:
    assert felt(text, code).label == label


@pytest.mark.parametrize(
    ("code", "weaker", "stronger"),
    [
        pytest.param("en", "this is good", "this is very good", id="very strengthens"),
        pytest.param("en", "this is slightly bad", "this is bad", id="slightly weakens"),
        pytest.param("en", "I love this", "I LOVE this", id="capitals strengthen"),
        pytest.param("de", "das ist gut", "das ist sehr gut", id="sehr strengthens"),
        pytest.param("de", "das ist etwas langsam", "das ist langsam", id="etwas weakens"),
    ],
)
def test_degree_words(code: str, weaker: str, stronger: str) -> None:
    heaviest = [abs(felt(text, code).words[0].weight) for text in (weaker, stronger)]
    assert heaviest[0] < heaviest[1]


def test_praise_and_blame_together_are_unsure() -> None:
    mixed = felt("wonderful and horrible", "en")
    assert mixed.label == UNSURE
    assert {word.text for word in mixed.words} == {"wonderful", "horrible"}


def test_the_words_of_an_explanation_have_the_sign_of_what_they_say() -> None:
    weights = {word.text: word.weight for word in felt("Toll, aber leider teuer", "de").words}
    assert weights["Toll"] > 0 > weights["teuer"]


@pytest.mark.parametrize(
    ("lexicon", "words"),
    [
        pytest.param(german_words.load_learnt(), ("der", "ist", "und", "ich"), id="German"),
        pytest.param(english.load_learnt(), ("the", "and", "not", "i", "not_the"), id="English"),
    ],
)
def test_function_words_lean_nowhere(lexicon: dict[str, Weight], words: tuple[str, ...]) -> None:
    assert {lexicon[word].lean for word in words if word in lexicon} == {0.0}


@pytest.mark.parametrize(
    ("count", "whole"),
    [
        pytest.param(0, 0.0, id="nothing"),
        pytest.param(12, 12.0, id="enough: each word counts in full"),
        pytest.param(48, 24.0, id="four times as many words know twice as much"),
    ],
)
def test_the_words_of_a_long_text_count_less(count: int, whole: float) -> None:
    assert count * share_of(count, 12) == pytest.approx(whole)


@pytest.mark.parametrize("code", ["de", "en"])
def test_saying_more_of_the_same_is_never_quite_sure(code: str) -> None:
    words = {"de": "super toll genial fantastisch klasse", "en": "great lovely superb fantastic wonderful"}[code]
    assert 0.6 < felt(words, code).probability < 0.99


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(1, 3))
def test_probabilities_keep_the_order_of_the_sums_and_grow_with_them(lean: float, feeling: float, more: float) -> None:
    less, grown = classify(Weight(lean, feeling)), classify(Weight(lean * more, feeling * more))
    assert sum(less.values()) == pytest.approx(1.0)
    sums = {NEGATIVE: feeling - lean, NEUTRAL: 0.0, POSITIVE: feeling + lean}
    best = max(sums.values())
    assert max(less.values()) == pytest.approx(max(less[SentimentClass(k)] for k, v in sums.items() if v == best))
    assert max(grown.values()) >= max(less.values()) - 1e-9


def test_a_face_that_stood_in_few_texts_still_feels_what_it_shows() -> None:
    assert "😡" in german_words.load_learnt()
    assert german_words.load_learnt()["😡"].lean < -1.0


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("Suuuuper", ["super"], id="drawn-out letters"),
        pytest.param("Größe ÄRGER", ["groesse", "aerger"], id="umlauts and sharp s"),
        pytest.param(":-))) ;) XDDD", [":)", ";)", "xd"], id="emoticons lose nose and repetition"),
        pytest.param("wow!!!", ["wow", "!!"], id="a run of marks"),
        pytest.param("@mtr https://t.co/x #Bahn", ["bahn"], id="addresses are left out, hashtags are words"),
        pytest.param("don’t", ["don't"], id="a curly apostrophe"),
        pytest.param("um 8:30 Uhr (Gleis 3)", ["um", "8", ":", "30", "uhr", "gleis", "3"], id="a time is no face"),
    ],
)
def test_how_a_text_is_cut(text: str, folded: list[str]) -> None:
    assert [part.folded for part in cut(text)] == folded


@given(st.text(alphabet="aDxRT 1.,:;=-_^()<3!?…'’@/\\*😡❤\n", max_size=30))
def test_a_part_is_the_same_wherever_it_stands(text: str) -> None:
    for part in cut(text):
        assert cut(part.text) == (part,)


@given(st.text(), st.sampled_from(["de", "en", "fr", "und"]))
def test_any_text_has_an_answer_that_its_words_explain(text: str, code: str) -> None:
    found = felt(text, code)
    assert 0.0 <= found.probability <= 1.0
    assert found.label == SentimentClass.UNSURE or found.probability > SURE - 0.001
    assert len(found.words) <= MAX_WORDS
    assert all(part in text for word in found.words for part in word.text.split())
    assert felt(text, code) == found


def test_the_english_rules_agree_with_those_of_vader() -> None:
    """On real English posts, the sign of the sum is that of VADER's own analyser, given our words as well."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from pipeline.sentiment.english import read
    from pipeline.sentiment.english_words import valences_of_words

    analyser = SentimentIntensityAnalyzer()
    analyser.lexicon = analyser.lexicon | valences_of_words()
    lines = (Path(__file__).parents[3] / "examples" / "crises" / "crises.jsonl").read_text("utf-8").splitlines()
    texts = [text for line in lines[::5] if (text := json.loads(line)["text"]).isascii()]
    same = 0
    for text in texts:
        theirs, ours = analyser.polarity_scores(text)["compound"], sum(read(cut(text))[2])
        same += (theirs > 0.05) - (theirs < -0.05) == (ours > 0.1) - (ours < -0.1)
    assert len(texts) > 200
    assert same / len(texts) > 0.95


@pytest.mark.parametrize(
    ("path", "notices"),
    [
        pytest.param(german_words.LEARNT, ("Copyright (c) 2015 Uladzimir Sidarenka", "MobASA", "CC BY 4.0"), id="de"),
        pytest.param(english.LEARNT, ("Copyright (c) 2016 C.J. Hutto", "GoEmotions", "CC BY 4.0"), id="en"),
    ],
)
def test_what_was_learnt_ships_with_its_notices_and_stays_small(path: Path, notices: tuple[str, ...]) -> None:
    content = path.read_text("utf-8")
    assert all(notice in content for notice in (*notices, "The above copyright notice"))
    assert len(content.encode()) < 300_000


def test_what_is_quoted_counts_half() -> None:
    said, quoted = (
        felt(f"Er sagt {text}", "de").words[0].weight for text in ("das ist schrecklich", "„das ist schrecklich“")
    )
    assert said < quoted < 0


def test_the_lexicon_has_thousands_of_entries_and_each_is_of_one_sign() -> None:
    rows = [line.split("\t") for line in WORDS.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert {kind for kind, *_ in rows} == {"a", "v", "n", "p", "o", "x"}
    assert sum(len(words.split()) for *_, words in rows) > 6_000
    assert all(0 < abs(float(strength)) <= 3 for kind, strength, *_ in rows if kind != "x")


@pytest.mark.parametrize(
    ("text", "own", "label"),
    [
        pytest.param("Acme ist super, aber Globex ist schlecht", "Acme", POSITIVE, id="praised, the other blamed"),
        pytest.param("Acme ist super, aber Globex ist schlecht", "Globex", NEGATIVE, id="blamed, the other praised"),
        pytest.param("Acme war toll. Globex ist eine Katastrophe.", "Acme", POSITIVE, id="two sentences"),
        pytest.param("Globex ist viel besser als Acme", "Acme", NEGATIVE, id="beaten in a comparison"),
        pytest.param("Globex ist viel besser als Acme", "Globex", POSITIVE, id="the winner of a comparison"),
        pytest.param("Acme is great while Globex is terrible", "Globex", NEGATIVE, id="English"),
        pytest.param("Anders als Globex ist Acme wirklich gut", "Acme", POSITIVE, id="held against the other"),
        pytest.param("Anders als Globex ist Acme wirklich gut", "Globex", NEGATIVE, id="the one held against"),
        pytest.param(
            "Unlike Globex the folks at Acme is great", "Globex", NEGATIVE, id="the one held against in English"
        ),
        pytest.param("Acme ist im Vergleich zur Globex eine Zumutung", "Globex", POSITIVE, id="better by comparison"),
        pytest.param("Sowohl Globex als auch Acme sind toll", "Acme", POSITIVE, id="als auch compares nothing"),
        pytest.param(
            "Wirklich super und toll, dass ich von Globex zu Acme gewechselt bin",
            "Globex",
            NEGATIVE,
            id="whom one has left",
        ),
        pytest.param(
            "Wirklich super und toll und von Globex zu Acme gewechselt", "Acme", POSITIVE, id="whom one has changed to"
        ),
        pytest.param("Acme is cheap and bad, yet Globex is great", "Globex", POSITIVE, id="yet turns"),
    ],
)
def test_the_judgement_is_towards_the_watched_entity(text: str, own: str, label: str) -> None:
    other = "Globex" if own == "Acme" else "Acme"
    found = [
        EntityMatch(entity=entity, spans=(Span(start=text.index(name), end=text.index(name) + len(name), term=name),))
        for entity, name in ((OWN, own), (other, other))
    ]
    code = "en" if " is " in text else "de"
    towards = assess_towards(text, Language(code=code, confidence=1.0), found) or felt(text, code)
    assert towards.label == label


def test_one_entity_alone_is_judged_by_the_whole_text() -> None:
    assert assess_towards("Acme ist gut", Language(code="de", confidence=1.0), [EntityMatch(entity=OWN)]) is None


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=4), st.lists(st.integers(0, 60), max_size=4))
def test_what_is_about_the_entity_is_a_part_of_the_text(text: str, own: list[int], others: list[int]) -> None:
    found = aim(text, [(at, at + 1) for at in own], [(at, at + 1) for at in others])
    assert set(found.text) <= {*text, " "}
