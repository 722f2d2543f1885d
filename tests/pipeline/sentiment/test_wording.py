"""How things are said of companies: parted verbs, what is done to what, compounds, idioms, and what is no feeling."""

from pathlib import Path

import pytest

from pipeline.sentiment import FEW, assess, classify, english_words, lexicon, weigh
from pipeline.sentiment.lexicon import stem, strength_of
from pipeline.sentiment.weight import Weight
from pipeline.sentiment.words import cut, fold_word
from schemas.mention import Language, Sentiment, SentimentClass

NEGATIVE, NEUTRAL, POSITIVE = SentimentClass.NEGATIVE, SentimentClass.NEUTRAL, SentimentClass.POSITIVE


def entries(path: Path) -> list[tuple[str, str]]:
    """Return the entries of a lexicon, each with its kind; English has none."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [(row[0] if path == lexicon.WORDS else "", word) for row in rows for word in row[-1].split()]


@pytest.mark.parametrize("path", [lexicon.WORDS, english_words.WORDS], ids=["German", "English"])
def test_each_entry_is_found_in_a_text_that_says_it(path: Path) -> None:
    unfound = []
    for kind, word in entries(path):
        several = (
            word.translate(dict.fromkeys(map(ord, "|,+"), " ")) if kind == "o" or "," in word else word.replace("|", "")
        )
        words = [fold_word(one) for one in several.lstrip("#").split("~")]
        said = [part.folded for part in cut(" ".join(words))]
        # a phrase of one word is looked up nowhere
        if said != " ".join(words).split(" ") or (kind == "p" and "~" not in word):
            unfound.append(word)
    assert not unfound


def felt(text: str, code: str = "de") -> Sentiment:
    return assess(text, Language(code=code, confidence=1.0))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("Die App stürzt ständig ab", "stürzt … ab", id="a verb and its first part, words between"),
        pytest.param("Seit Montag fällt der Zug jeden Tag aus, sagt sie", "fällt … aus", id="before a comma"),
        pytest.param("Die Heizung fiel gestern aus und keiner kam", "fiel … aus", id="in the past, before und"),
        pytest.param("Brenner streicht 3.000 Stellen in Zwickau", "streicht … Stellen", id="what is done to what"),
        pytest.param("In Zwickau werden 3.000 Stellen gestrichen", "Stellen … gestrichen", id="the other way round"),
        pytest.param(
            "Die Polizei hat Büros von Holm durchsucht", "Büros … durchsucht", id="what is done to them, names between"
        ),
    ],
)
def test_words_that_belong_together_are_one(text: str, said: str) -> None:
    assert said in [word.text for word in felt(text).words]
    assert felt(text).label == NEGATIVE


@pytest.mark.parametrize(
    ("text", "unsaid"),
    [
        pytest.param("Das Haus steht ab Montag leer", "steht … ab", id="a preposition in the middle of a clause"),
        pytest.param("Der Kurs stürzt. Wir gehen ab", "stürzt … ab", id="another sentence"),
        pytest.param("Wir streichen die Wand. Neue Stellen gibt es auch", "streichen … Stellen", id="another object"),
    ],
)
def test_words_of_other_clauses_are_not(text: str, unsaid: str) -> None:
    assert unsaid not in [word.text for word in felt(text).words]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Die App stürzt nicht ab", "stürzt … ab"),
        ("Es werden keine Stellen gestrichen", "Stellen … gestrichen"),
    ],
)
def test_what_is_denied_is_turned(text: str, said: str) -> None:
    denied = {word.text: word.weight for word in felt(text).words}
    assert denied[said] > 0


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("gemeinsam", id="not einsam"),
        pytest.param("Vorschlag", id="not schlagen"),
        pytest.param("angekündigt", id="not gekündigt"),
        pytest.param("Versicherer", id="not sicher"),
        pytest.param("sich", id="not sicher either"),
        pytest.param("Mobilfunkvertrag", id="not ertragen"),
        pytest.param("Gesellschafter", id="not schaffen"),
        pytest.param("Motorsteuerung", id="not teuer"),
        pytest.param("Spekulant", id="not kulant"),
        pytest.param("Stellenanzeige", id="no report to the police"),
        pytest.param("wiederholt", id="not erholt"),
        pytest.param("Aufsichtsratsausschuss", id="no rejects"),
        pytest.param("Beobachtung", id="no esteem"),
        pytest.param("hatte", id="no hating"),
        pytest.param("Fakten", id="no faking"),
        pytest.param("Geschäftsbereich", id="no enrichment"),
        pytest.param("Regelung", id="not gelungen"),
        pytest.param("Crowdfunding", id="no Unding"),
        pytest.param("Brennerei", id="no running about"),
        pytest.param("Geschäftsführung", id="no honours"),
        pytest.param("auskunftsfreudig", id="not räudig"),
    ],
)
def test_a_word_that_ends_like_a_feeling_is_none(word: str) -> None:
    assert strength_of(stem(fold_word(word))) == 0.0


@pytest.mark.parametrize(
    ("word", "sign"),
    [
        pytest.param("Datenskandal", -1, id="a noun is a part"),
        pytest.param("Brandschäden", -1, id="in the plural"),
        pytest.param("Korruptionsvorwürfe", -1, id="with an s between"),
        pytest.param("kundenfeindlich", -1, id="one of the few adjectives"),
        pytest.param("kundenfreundlich", 1, id="and its contrary"),
    ],
)
def test_a_compound_feels_what_its_last_part_does(word: str, sign: int) -> None:
    assert strength_of(stem(fold_word(word))) * sign > 0


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        pytest.param("Lasst die Finger davon", "de", NEGATIVE, id="an idiom"),
        pytest.param("Kundenfreundlichkeit sieht anders aus", "de", NEGATIVE, id="praise that an idiom takes back"),
        pytest.param("Nicht billig, aber jeden Cent wert", "de", POSITIVE, id="what follows aber counts more"),
        pytest.param("Gibt nichts zu meckern", "de", POSITIVE, id="understatement"),
        pytest.param("Die Telekom baut in unserer Straße Glasfaser aus", "de", NEUTRAL, id="a plain fact"),
        pytest.param("Stellenangebot: Elektriker bei den Stadtwerken gesucht", "de", NEUTRAL, id="a job ad"),
        pytest.param("Not cheap, but worth every penny", "en", POSITIVE, id="a phrase is not turned by what is before"),
        pytest.param("They fobbed us off again, never again", "en", NEGATIVE, id="an idiom in English"),
        pytest.param("Zynta lays off 1,400 staff by video call", "en", NEGATIVE, id="an event in English"),
        pytest.param("Bus line 5 runs every ten minutes", "en", NEUTRAL, id="a plain fact in English"),
    ],
)
def test_what_people_and_the_press_say_of_companies(text: str, code: str, label: SentimentClass) -> None:
    assert felt(text, code).label == label


def test_each_pair_of_the_english_lexicon_is_found_in_a_text_that_says_it_in_either_order() -> None:
    language, unfound = Language(code="en", confidence=1.0), []
    for first, others in english_words.halves().items():
        for second in others:
            weighed = weigh(f"{first} the {second}", language)
            if weighed is None or f"{first} … {second}" not in [text for text, _ in weighed.words]:
                unfound.append(f"{first} {second}")
    # a phrase that begins with the first word, or a word that both are a pair with, comes before
    assert len(unfound) < 20, unfound


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        pytest.param("Norvik cuts 1,200 jobs", "en", NEGATIVE, id="an event, a number with a stop between"),
        pytest.param("Jobs in Leeds cut by Norvik", "en", NEGATIVE, id="the other way round"),
        pytest.param("Norvik creates 300 jobs in Leeds", "en", POSITIVE, id="the contrary done to the same"),
        pytest.param("Norvik cuts prices across the range", "en", POSITIVE, id="the same done to something else"),
        pytest.param("We cut the cake. All the jobs are listed here", "en", NEUTRAL, id="another sentence"),
        pytest.param("Norvik senkt im Januar die Preise", "de", POSITIVE, id="what is done tells the sign"),
        pytest.param("Norvik hebt im Januar die Preise an", "de", NEGATIVE, id="and its contrary"),
    ],
)
def test_what_is_done_to_what_is_an_event(text: str, code: str, label: SentimentClass) -> None:
    assert felt(text, code).label == label


def test_a_pair_is_one_word_instead_of_its_two() -> None:
    said = [word.text for word in felt("Norvik streicht 900 Stellen in Zwickau").words]
    assert "streicht … Stellen" in said
    assert not {"streicht", "Stellen"} & set(said)


def test_an_event_counts_in_full_however_long_the_text_is() -> None:
    short, long = (
        next(word.weight for word in felt(text).words if "…" in word.text)
        for text in (
            "Norvik streicht 900 Stellen",
            "Norvik streicht 900 Stellen, so steht es im Bericht von gestern, den man im Netz und im Rathaus liest",
        )
    )
    assert short == long


@pytest.mark.parametrize(
    ("text", "word", "code", "sign"),
    [
        pytest.param("Super, schon wieder ausgefallen", "Super", "de", -1, id="cheer before blame mocks"),
        pytest.param("Drei Stunden Verspätung, toll!", "toll", "de", -1, id="and behind it"),
        pytest.param("Toll, aber leider teuer", "Toll", "de", 1, id="who weighs both means both"),
        pytest.param("Super, hat alles wunderbar geklappt", "Super", "de", 1, id="cheer beside praise is meant"),
        pytest.param("Das ist super und nie kaputt", "super", "de", 1, id="a word within a sentence is no cheer"),
        pytest.param("Great, my train was cancelled", "Great", "en", -1, id="English mocks alike"),
        pytest.param("Overcharged and ignored, brilliant", "brilliant", "en", -1, id="at the end, in English"),
        pytest.param("Great, everyone was lovely", "Great", "en", 1, id="English praise is meant"),
    ],
)
def test_a_word_of_cheer_beside_blame_mocks(text: str, word: str, code: str, sign: int) -> None:
    assert {one.text: one.weight for one in felt(text, code).words}[word] * sign > 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("Kronberg verzichtet auf Mieterhöhungen", "de", id="what is forgone"),
        pytest.param("Pünktlich trotz Stau", "de", id="what is overcome"),
        pytest.param("The crew prevented a disaster", "en", id="what is prevented"),
    ],
)
def test_harm_that_does_not_come_is_no_blame(text: str, code: str) -> None:
    assert felt(text, code).label != NEGATIVE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("I'd love to get a seat one day", "en", id="a wish in English"),
        pytest.param("If only they answered the phone", "en", id="if only"),
        pytest.param("Wäre schön wenn mal jemand rangeht", "de", id="a wish in German"),
        pytest.param("Ihr wart schon mal besser", "de", id="what used to be better"),
    ],
)
def test_what_is_wished_for_is_missing(text: str, code: str) -> None:
    assert felt(text, code).label == NEGATIVE


def test_what_rests_on_many_words_is_less_sure() -> None:
    total = Weight(1.5, 1.0)
    few, many = (classify(total, words)[POSITIVE] for words in (FEW, 20))
    assert classify(total)[POSITIVE] == few > many > 1 / 3


@pytest.mark.parametrize(
    "text",
    [
        "Verfahren gegen die Brenner AG eingestellt",
        "Die Ermittlungen gegen den Konzern wurden eingestellt",
        "Klage gegen Holm abgewiesen",
        "Anklage gegen Manager fallengelassen",
        "Gericht stellt Verfahren gegen Holm ein",
        "Die Staatsanwaltschaft Köln stellte am Montag ihr Verfahren gegen die Brenner AG ein",
        "Gericht weist Klage gegen Holm ab",
    ],
)
def test_an_accusation_that_ends_well_is_none_whoever_stands_between(text: str) -> None:
    assert felt(text).label == POSITIVE
    accused, _, _ = text.rpartition(" ")
    assert felt(accused).label == NEGATIVE


@pytest.mark.parametrize("text", ["Lawsuit against Acme dismissed", "Judge dismisses lawsuit against Acme"])
def test_an_accusation_that_ends_well_is_none_in_english_either(text: str) -> None:
    assert felt(text, "en").label == POSITIVE
    assert felt("Lawsuit against Acme", "en").label == NEGATIVE


def test_a_denial_is_no_end_of_an_accusation_and_a_union_no_praise() -> None:
    assert "weist" not in " ".join(one.text for one in felt("Holm weist am Montag die Klage der Kunden zurück").words)
    assert not [one.text for one in felt("Verdi ruft zum Warnstreik bei Holm auf").words if one.text == "Verdi"]


@pytest.mark.parametrize("text", ["Das Brot schmeckt nicht", "Die Brezeln schmecken mir nicht"])
def test_what_does_not_taste_is_blamed(text: str) -> None:
    assert felt(text).label == NEGATIVE
    assert felt(text.replace("nicht", "gut")).label == POSITIVE


@pytest.mark.parametrize(
    ("text", "word", "sign"),
    [
        ("Öl läuft aus einem Leck in der Leitung", "Leck", -1),
        ("Ein leckerer Kuchen, ein leckeres Brot", "leckerer", 1),
        ("Es gibt Krach im Vorstand", "Krach", -1),
        ("Das Angebot ist ein Kracher", "Kracher", 1),
    ],
)
def test_words_that_only_look_like_forms_of_each_other_are_not_confused(text: str, word: str, sign: int) -> None:
    found = {one.text: one.weight for name in (text, word) for one in felt(name).words}
    assert found[word] * sign > 0
