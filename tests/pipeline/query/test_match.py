from collections.abc import Sequence

import pytest

from pipeline.language import detect_all
from pipeline.query import Matcher
from pipeline.query.verify import MAX_SPANS
from schemas.errors import ConfigError
from schemas.event import Author
from schemas.mention import OWN, Language, Mention
from tests.pipeline.query.posts import heard, watch


def found(query: str, mention: Mention) -> list[str] | None:
    """The texts that satisfy `query`, or None where it does not match."""
    matches = Matcher.compile([watch(query)]).match(mention)
    if not matches:
        return None
    (entity,) = matches[0].entities
    return [mention.text[span.start : span.end] for span in entity.spans]


IN_TEXT = [
    ("a word is found whatever its case", "BAHN", "Die Bahn kommt", ["Bahn"]),
    ("a word is not found within another", "Bahn", "Die Autobahn und der Bahnhof", None),
    ("every place of a word is told", "zug", "Zug um Zug", ["Zug", "Zug"]),
    ("ä is ae", "Verspaetung", "Verspätung!", ["Verspätung"]),
    ("ae is ä", "Verspätung", "VERSPAETUNG", ["VERSPAETUNG"]),
    ("ß is ss, in both directions", "strasse fuß", "Straße FUSS", ["Straße", "FUSS"]),
    ("an umlaut of two characters is one letter", "köln", "Ko\u0308ln", ["Köln"]),
    ("an accent makes no difference", "megantic", "Mégantic", ["Mégantic"]),
    ("a soft hyphen hides nothing", "Verspätung", "Ver\u00adspä\u00adtung", ["Verspätung"]),
    ("a zero-width space hides nothing", "Bahn", "B\u200bahn", ["Bahn"]),
    ("full-width letters are letters", "bahn", "ＢＡＨＮ", ["ＢＡＨＮ"]),
    ("a trade mark sign does not make another word", "google", "Google™ sucht", ["Google"]),
    ("a phrase finds what is written with a hyphen", '"lac megantic"', "à Lac-Mégantic:", ["Lac-Mégantic"]),
    ("a hyphen finds what is written with a hyphen", "lac-megantic", "à Lac-Mégantic:", ["Lac-Mégantic"]),
    ("a hyphen finds what is written without", "metro-north", "the Metro North line", ["Metro North"]),
    ("a part of a hyphenated word is a word", "north", "Metro-North", ["North"]),
    ("a word finds the hashtag", "lacmegantic", "Nuit à #LacMégantic", ["LacMégantic"]),
    ("a word finds the handle", "metronorth", "@MetroNorth again?", ["MetroNorth"]),
    ("a hashtag is found with its sign", "#lacmegantic", "Nuit à #LacMégantic", ["#LacMégantic"]),
    ("a hashtag is not the plain word", "#streik", "Streik bei der Bahn", None),
    ("a hashtag with more letters is another", "#streik", "#Streiks", None),
    ("a hashtag keeps its underscore", "#bahn_streik", "#Bahn_Streik", ["#Bahn_Streik"]),
    ("a part of a hashtag is not the hashtag", "#bahn", "#Bahn_Streik", None),
    ("a word finds the part of a hashtag", "streik", "#Bahn_Streik", ["Streik"]),
    ("a handle is not a hashtag", "@bahn", "#Bahn", None),
    ("the domain of a mail address is no handle", "@bahn", "press@bahn.de", None),
    ("the domain of a mail address is no handle beside what is there", "presse @db", "presse@db.de", None),
    ("the star of a phrase is not one of its hashtag", '"#ab cd*"', "#Ab_Cdx", None),
    ("a hashtag may have a beginning in common", "#bahn*", "#Bahnstreik #bahn", ["#Bahnstreik", "#bahn"]),
    ("a beginning finds the longer words", "rückruf*", "Rueckrufaktion und Rückruf", ["Rueckrufaktion", "Rückruf"]),
    ("a beginning is one of a word", "ruf*", "Rückruf", None),
    ("a phrase wants its words in order", '"new york"', "York is new", None),
    ("a phrase wants its words together", '"new york"', "New old York", None),
    ("punctuation does not part a phrase", '"new york"', "new, York!", ["new, York"]),
    ("a phrase may end with a beginning", '"deutsche bah*"', "Deutsche Bahnen", ["Deutsche Bahnen"]),
    ("an apostrophe parts words", "bahn", "die Bahn's", ["Bahn"]),
    ("operands side by side are joined by AND", "bahn streik", "Bahn ohne S", None),
    ("AND tells the places of both", "bahn AND streik", "Streik der Bahn", ["Streik", "Bahn"]),
    ("OR tells the places of all that are there", "a1 OR b1 OR c1", "c1 a1", ["c1", "a1"]),
    ("NOT excludes", "bahn -modell", "Bahn Modell", None),
    ("NOT tells no place", "bahn NOT modell", "Bahn", ["Bahn"]),
    ("NOT excludes a group", "bahn -(modell OR geister)", "Geister Bahn", None),
    ("AND binds tighter than OR: the right side", "a1 OR b1 AND c1", "a1", ["a1"]),
    ("AND binds tighter than OR: the left side", "b1 AND c1 OR a1", "b1", None),
    ("parentheses bind tightest", "(a1 OR b1) AND c1", "a1", None),
    ("NOT binds tighter than AND", "NOT a1 AND b1", "b1", ["b1"]),
    ("a language nobody names is told from the text", "bahn lang:de", "Die Bahn ist spät, nicht gut", ["Bahn"]),
    ("a text in another language does not match", "bahn lang:fr", "Die Bahn ist spät, nicht gut", None),
    ("a place found twice is told once", "bahn OR bahn", "Bahn", ["Bahn"]),
]


@pytest.mark.parametrize(("why", "query", "text", "expected"), IN_TEXT, ids=[row[0] for row in IN_TEXT])
def test_what_a_query_finds_in_a_text(why: str, query: str, text: str, expected: list[str] | None) -> None:
    assert found(query, heard(text)) == expected, why


SPOKEN = "Der Zug nach Berlin hat schon wieder Verspätung"
ABOUT = [
    ("the title is searched too, and has no span", "brand", {"title": "Großbrand? Brand!"}, True),
    ("a phrase does not run from the title into the text", '"ende anfang"', {"title": "Ende", "text": "Anfang"}, False),
    ("a word in the title can exclude", "text -titel", {"title": "Titel"}, False),
    ("platform: compares the platform", "platform:x", {}, True),
    ("platform: knows the older name", "platform:twitter", {}, True),
    ("another platform does not match", "platform:linkedin", {}, False),
    ("author: is the whole name, folded", 'author:"müller, ute"', {"author": "Mueller, Ute"}, True),
    ("author: is not a part of the name", "author:ute", {"author": "Ute Müller"}, False),
    ("author: may be a beginning", "author:ute*", {"author": "Ute Müller"}, True),
    ("author: compares the id", "author:42", {"author": Author(id="42", name="Ute")}, True),
    ("author: does not mind the sign of the handle", "author:@ute", {"author": "ute"}, True),
    ("without an author nobody is meant", "author:ute", {}, False),
    ("lang: believes the platform where a text says little", "lang:fr text", {"lang": "fr-CA"}, True),
    ("lang: with another hint does not match", "lang:de text", {"lang": "fr"}, False),
    ("lang: believes a clear text and not the platform", "lang:de zug", {"text": SPOKEN, "lang": "en"}, True),
    ("lang: as the platform says and the text denies", "lang:en zug", {"text": SPOKEN, "lang": "en"}, False),
    ("lang: what cannot be told is let pass", "lang:de bahn", {"text": "Bahn 😡"}, True),
    ("lang: what the platform cannot tell either", "lang:de bahn", {"text": "Bahn 😡", "lang": "und"}, True),
    ("NOT lang: what cannot be told is let pass too", "bahn -lang:en", {"text": "Bahn 😡"}, True),
    ("NOT lang: of a group, too", "bahn NOT (lang:en OR lang:fr)", {"text": "Bahn 😡"}, True),
    ("NOT NOT lang: too", "bahn NOT (a1 OR NOT lang:en)", {"text": "Bahn 😡"}, True),
    ("lang: what cannot be told is no reason to exclude", "bahn NOT (lang:en fail)", {"text": "Bahn fail"}, True),
    ("lang: another script is none of our languages", "lang:de acme", {"text": "Поезд Acme опять опаздывает"}, False),
    ("lang: but may be one that is written so", "lang:ru acme", {"text": "Поезд Acme опять опаздывает"}, True),
    ("lang: the title tells it too", "lang:de acme", {"text": "Acme", "title": SPOKEN, "lang": "en"}, True),
    ("NOT of a field", "text -platform:x", {}, False),
]


@pytest.mark.parametrize(("why", "query", "about", "expected"), ABOUT, ids=[row[0] for row in ABOUT])
def test_what_a_query_asks_about_a_mention(why: str, query: str, about: dict[str, object], expected: bool) -> None:
    assert (found(query, heard(str(about.pop("text", "Text")), **about)) is not None) is expected, why


def test_a_match_names_the_entities_it_is_about_and_keeps_the_order_of_the_watches() -> None:
    rail = watch("Bahn", "rail", Flixbus="flixbus OR flixtrain", Lufthansa="Lufthansa")
    bus = watch("Flixbus", "bus")
    none = watch("Kreuzfahrt", "none")
    matches = Matcher.compile([bus, none, rail]).match(heard("Flixbus statt Bahn"))
    assert [match.watch for match in matches] == [bus, rail]
    assert [entity.entity for entity in matches[1].entities] == [OWN, "Flixbus"]
    assert [[(span.start, span.end, span.term) for span in entity.spans] for entity in matches[1].entities] == [
        [(14, 18, "Bahn")],
        [(0, 7, "flixbus")],
    ]


def test_a_word_is_found_although_another_watch_asks_for_its_beginning() -> None:
    watches = [watch("zu*", "beginning"), watch("zug", "word"), watch("ug", "end")]
    matches = Matcher.compile(watches).match(heard("Der Zug"))
    assert [match.watch.id for match in matches] == ["beginning", "word"]


def test_a_post_that_nobody_could_ask_for_is_nobodys_candidate() -> None:
    queries = ["bahn", "author:ute", "site:example.org OR zug", "platform:reddit lang:de", "*streik*", "part:bus"]
    matcher = Matcher.compile([watch(query, f"w{n}") for n, query in enumerate(queries)])
    said = [
        ("Text", {}, set()),
        ("Die Bahn", {}, {0}),
        ("Text", {"author": "Ute"}, {1}),
        ("Text", {"url": "https://www.example.org/1"}, {2}),
        ("Zug", {}, {2}),
        ("Text", {"platform": "reddit"}, {3}),
        ("Warnstreiks im Busverkehr", {}, {4, 5}),
        ("Omnibus", {}, set()),
    ]
    for text, about, expected in said:
        mention = heard(text, **about)
        assert matcher.candidates(mention.text, mention.title, mention) == expected, text


ASKED_LAST = [
    ("lang:de bahn zug", "Bahn", 0),
    ("bahn zug lang:de", "Bahn", 0),
    ("(lang:de OR lang:en) bahn zug", "Bahn", 0),
    ("NOT lang:fr bahn zug", "Bahn", 0),
    ("bahn OR zug", "Bahn", 0),
    ("lang:de bahn zug", "Bahn und Zug", 1),
    ("(lang:en OR lang:de) bahn zug", "Bahn und Zug", 1),
]


@pytest.mark.parametrize(("query", "text", "times"), ASKED_LAST)
def test_a_language_is_told_only_of_what_matches_otherwise_and_once(
    monkeypatch: pytest.MonkeyPatch, query: str, text: str, times: int
) -> None:
    told = telling(monkeypatch)
    matcher = Matcher.compile([watch(query, name) for name in ("first", "second")])
    matcher.match(heard(text))
    assert [said for some in told for said, _ in some] == [text] * times


def telling(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str | None]]]:
    """Return where the texts will stand whose languages matching tells, those told at once together."""
    told: list[list[tuple[str, str | None]]] = []

    def counting(said: Sequence[tuple[str, str | None]]) -> list[Language]:
        told.append(list(said))
        return detect_all(said)

    monkeypatch.setattr("pipeline.query.reading.detect_all", counting)
    return told


def test_the_languages_of_several_mentions_are_told_at_once_and_only_where_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = telling(monkeypatch)
    matcher = Matcher.compile([watch("bahn lang:de", "rail"), watch("bus", "bus"), watch("bahn -lang:de", "abroad")])
    said = ["Die Bahn ist schon wieder zu spät", "Der Bus ist spät", "The bahn is late again, and nobody knows why"]
    found = matcher.match_all([(one, matcher.candidates(one.text, one.title, one)) for one in map(heard, said)])
    assert told == [[(said[0], None), (said[2], None)]]
    assert [[one.watch.id for one in matches] for matches in found] == [["rail"], ["bus"], ["abroad"]]
    assert [one.language and one.language.code for matches in found for one in matches] == ["de", None, "en"]


def test_the_places_of_one_match_are_limited() -> None:
    places = found("bahn", heard("bahn " * 1000))
    assert places is not None
    assert len(places) == MAX_SPANS


def test_no_watch_matches_nothing() -> None:
    assert Matcher.compile([]).match(heard("Bahn")) == ()


WRONG = [
    ("a query that cannot be read is named with its watch", {"query": "a OR (b"}, "watch w, query, column 6"),
    ("the query of a competitor is named with its name", {"query": "a", "Beta": "b AND"}, "competitor Beta, column 6"),
    ("a competitor cannot hide the own brand", {"query": "a", "own": "b"}, "two entities are called own"),
]


@pytest.mark.parametrize(("why", "queries", "expected"), WRONG, ids=[row[0] for row in WRONG])
def test_what_cannot_be_compiled_is_refused(why: str, queries: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Matcher.compile([watch(queries.pop("query"), **queries)])
    assert expected in str(refused.value), why
