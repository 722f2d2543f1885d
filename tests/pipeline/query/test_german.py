"""German as it is written: what a watch must hear although it was not written like that, and what it must not."""

import pytest

from pipeline.query import Matcher
from pipeline.query.inflect import forms
from pipeline.query.spelling import key, spelling
from tests.pipeline.query.posts import heard, watch


def hears(query: str, text: str) -> bool:
    return bool(Matcher.compile([watch(query)]).match(heard(text)))


MUST = [
    # spelling
    ("ä written as ae", "Verspätung", "Schon wieder Verspaetung"),
    ("ä written as a", "Verspätung", "Schon wieder Verspatung"),
    ("ae meant as ä", "Verspaetung", "Schon wieder Verspätung"),
    ("ae although somebody writes a", "Verspaetung", "Schon wieder Verspatung"),
    ("a although it should be ä", "Verspatung", "Schon wieder Verspätung"),
    ("a although it should be ae", "Verspatung", "Schon wieder Verspaetung"),
    ("ö as oe", "Österreich", "Oesterreich sagt ab"),
    ("ö as o", "Österreich", "Osterreich sagt ab"),
    ("ü as ue", "Müller", "Herr Mueller ist da"),
    ("ü as u", "Müller", "Herr Muller ist da"),
    ("u meant as ü", "Muller", "Herr Müller ist da"),
    ("ue meant as ü", "Mueller", "Herr Müller ist da"),
    ("two umlauts in one word", "Rückerstattungsanträge", "Rueckerstattungsantrage"),
    ("ß as ss", "Straße", "Die Strasse ist gesperrt"),
    ("ss meant as ß", "Strasse", "Die Straße ist gesperrt"),
    ("ß in capitals, which says nothing", "Maße", "UNSERE MASSE"),
    ("the capital ẞ", "Straße", "DIE STRAẞE IST GESPERRT"),
    ("ß in capitals", "Gießen", "GIESSEN"),
    # inflection
    ("the genitive", "Rückruf", "wegen des Rückrufs"),
    ("the long genitive", "Rückruf", "wegen des Rückrufes"),
    ("the plural", "Rückruf", "zwei Rückrufe"),
    ("the dative plural", "Rückruf", "nach den Rückrufen"),
    ("the plural finds the singular", "Rückrufe", "der Rückruf"),
    ("the genitive finds the nominative", "Rückrufs", "der Rückruf"),
    ("inflected and spelled without dots", "Rückruf", "zwei Ruckrufe"),
    ("the genitive of a brand", "Bahn", "Bahns neuer Chef"),
    ("the plural of a brand", "Bahn", "alle Bahnen stehen"),
    ("a genitive with an apostrophe", "Siemens", "Siemens' Gewinn"),
    ("an English genitive with an apostrophe", "Lidl", "Lidl's Antwort"),
    ("the plural of an abbreviation", "LKW", "zehn LKWs"),
    ("an umlaut in the plural", "Zug", "Die Züge stehen"),
    ("an umlaut and -er in the plural", "Krankenhaus", "zwei Krankenhäuser"),
    ("-nis doubles its s", "Ergebnis", "die Ergebnisse"),
    ("-ung", "Verspätung", "lauter Verspätungen"),
    ("-ungen", "Verspätungen", "eine Verspätung"),
    ("a weak noun", "Kunde", "die Kunden"),
    ("-in", "Kundin", "alle Kundinnen"),
    ("-um", "Museum", "die Museen"),
    ("a plural that no ending gives", "Firma", "zwei Firmen"),
    ("a plural that is another word without its dots", "Fall", "Alle Fälle"),
    ("the same, spelled out", "Fall", "Alle Faelle"),
    ("a noun in -aum", "Zeitraum", "lange Zeiträume"),
    ("an English plural that no ending gives", "crisis", "two crises"),
    ("an adjective", "technisch", "technische Störung"),
    ("an adjective in another case", "technische", "wegen technischer Störung"),
    ("the declined name of two words", '"Deutsche Bahn"', "Ärger bei der Deutschen Bahn"),
    ("the declined name after an article", '"Deutscher Bundestag"', "im Deutschen Bundestag"),
    ("the genitive of a name of two words", '"Rotes Kreuz"', "Helfer des Roten Kreuzes"),
    ("the plain name from a declined one", '"Deutschen Bahn"', "Deutsche Bahn streicht Stellen"),
    ("a plural in -e of a word in -ier", "Passagier", "alle Passagiere"),
    ("its singular", "Passagiere", "ein Passagier"),
    ("the singular of a plural in -en", "Krankenkassen", "die Krankenkasse"),
    ("the singular of a weak noun", "Studenten", "ein Student"),
    ("people called by what they are", "Verletzte", "ein Verletzter"),
    ("the same the other way round", "Verletzter", "zwei Verletzten"),
    ("the same, that no ending gives", "Tote", "ein Toter"),
    ("an s before a hyphen", "Störung", "die Störungs-Meldung"),
    # parts of words
    ("a star on both sides", "*rückruf*", "Die große Lebensmittelrückrufaktion"),
    ("a star on both sides, with ue", "*rückruf*", "Produktrueckrufe"),
    ("a part that begins a compound", "part:Bahn", "Der Bahnstreik beginnt"),
    ("a part with a joint", "part:Verspätung", "Der Verspätungsalarm"),
    ("a part, spelled without dots", "part:Rückruf", "Die Ruckrufaktion"),
    ("a part of a compound with a hyphen", "part:Bahn", "Der Bahn-Streik"),
    ("a part that is the whole word", "part:Bahn", "Die Bahn"),
    ("a part that is a form of the word", "part:Rückruf", "drei Rückrufe"),
    ("a compound beside an exception", "part:Bahn EXCEPT Bahnhof", "Bahnstreik am Bahnhof"),
    # hyphens
    ("the brand in a compound with a hyphen", "DB", "Der DB-Chef geht"),
    ("the brand in a long compound", "Siemens", "Die Siemens-Aktie-Käufer"),
    ("the compound asked for in one word", "Siemensaktie", "Die Siemens-Aktie steigt"),
    ("the compound asked for with its hyphen", "Siemens-Aktie", "Die Siemensaktie steigt"),
    ("the compound asked for with its hyphen, in two words", "Siemens-Aktie", "Die Siemens Aktie steigt"),
    ("the inflected compound", "Siemens-Aktie", "Die Siemens-Aktien steigen"),
    ("a hyphen that is no longer written", "E-Mail", "Eine Email"),
    # gender
    ("the colon of gender", "Kundinnen", "Liebe Kund:innen"),
    ("the star of gender", "Kundinnen", "Liebe Kund*innen"),
    ("the underscore of gender", "Kundinnen", "Liebe Kund_innen"),
    ("the slash of gender", "Kundinnen", "Liebe Kund/-innen"),
    ("the capital within", "Kundinnen", "Liebe KundInnen"),
    ("the dot of gender", "Kundinnen", "Liebe Kund.innen"),
    ("gender in parentheses", "Kundinnen", "Liebe Kund(inn)en"),
    ("gender in parentheses at the end", "Lehrerinnen", "Liebe Lehrer(innen)"),
    ("gender in capitals", "Kunden", "LIEBE KUND:INNEN"),
    ("everybody includes men", "Kunden", "Liebe Kund:innen"),
    ("everybody includes each", "Kunde", "Liebe Kund*innen"),
    ("with an umlaut", "Ärzte", "Unsere Ärzt:innen"),
    ("one person", "Lehrer", "Lehrer:in gesucht"),
    ("a query in the form of gender", "Kund:innen", "Liebe Kundinnen"),
    ("a query with a star of gender", "Kund*innen", "Liebe Kund:innen"),
    # legal forms
    ("a company without its legal form", '"Siemens Energy AG"', "Siemens Energy meldet"),
    ("a company with its legal form", '"Siemens Energy"', "Siemens Energy AG meldet"),
    ("a long legal form", '"Muster SE & Co. KG"', "Das Muster von gestern"),
    ("a registered association", '"Fanclub Muster e.V."', "Der Fanclub Muster"),
    ("a limited company", '"Muster Werke GmbH"', "Die Muster Werke"),
    # evasion
    ("a soft hyphen", "Bahn", "Ba\u00adhn"),
    ("a zero-width space", "Bahn", "B\u200bahn"),
    ("an emoji between letters", "Bahn", "Ba🔥hn"),
    ("an emoji with a variation selector", "Bahn", "Ba☀️hn"),
    ("a Cyrillic a", "Bahn", "B\u0430hn"),
    ("Cyrillic capitals", "Bahn", "\u0412\u0410\u041dN"),
    ("all letters from elsewhere", "Opec", "\u041e\u0440\u0435\u0441"),
    ("a Greek omicron", "Post", "P\u03bfst"),
    ("letters in circles", "Bahn", "ⓑⓐⓗⓝ"),
    ("letters in squares", "Bahn", "🅱ahn"),
    ("letters in white squares", "Bahn", "🄱🄰🄷🄽"),
    ("mathematical letters", "Bahn", "𝐁𝐚𝐡𝐧"),
    ("full-width letters", "Bahn", "Ｂａｈｎ"),
    ("an emoji that touches a word", "Bahn", "🚆Bahn🚆Streik"),
    # English, simply
    ("an English plural", "delay", "three delays"),
    ("an English plural in -ies", "company", "big companies"),
    ("an English singular", "trains", "the train"),
    ("an English plural in -es", "crash", "two crashes"),
    ("an English genitive", "Apple", "Apple’s answer"),
]


@pytest.mark.parametrize(("why", "query", "text"), MUST, ids=[row[0] for row in MUST])
def test_what_must_be_heard(why: str, query: str, text: str) -> None:
    assert hears(query, text), why


MUST_NOT = [
    ("an umlaut that makes another word: schon", "schön", "Das ist schon da"),
    ("an umlaut that makes another word: schön", "schon", "Das ist schön"),
    ("a brand that is a word without its dots", "Uber", "Wir reden über alles"),
    ("a brand that is the beginning of such words", "Uber*", "überall und übers Ohr"),
    ("the form of such a word", "Uber", "übers Knie"),
    ("money is not a demand", "Förderung", "Unsere Forderung"),
    ("counting is not paying", "Zählung", "Die Zahlung"),
    ("a citizen is no burger", "Burger", "Die Bürger"),
    ("a kitchen is no cake", "Kuchen", "Unsere Küchen"),
    ("three letters are too few to leave dots out", "für", "a fur coat"),
    ("ue after a vowel is no ü", "Bauer", "Herr Baur"),
    ("ue after q is no ü", "Quelle", "Die Qulle"),
    ("a hashtag has no forms", "#streik", "#Streiks"),
    ("Bayern is not Bayer", "Bayer", "Bayern gewinnt"),
    ("Bayer is not Bayern", "Bayern", "Bayer verliert"),
    ("the Mark is no brand", "Mark", "Marken und Marke"),
    ("brands are no Mark", "Marken", "Die Deutsche Mark"),
    ("a post is not the mail", "Post", "Die Posten sind besetzt"),
    ("coal is no chancellor", "Kohl", "Kohle und Kohlen"),
    ("a name in -s has no base", "Siemens", "Herr Siemen"),
    ("a family in -s is not a first name", "Peters", "Peter kommt"),
    ("a country in -en has no base", "Sachsen", "Goldman Sachs"),
    ("a town in -en has no base", "München", "Edvard Munch"),
    ("choosing is no election", "Wahl", "Wir wählen"),
    ("choosing is no election in the singular either", "Wahl", "Ich wähle"),
    ("measures are no mass", "Masse", "Die Maße"),
    ("a mass is no measure", "Maße", "Die breite Masse"),
    ("penance is no bus", "Bus", "Die Buße"),
    ("falling is no case", "Fall", "Sie fallen"),
    ("getting is no war", "Krieg", "Was wir kriegen"),
    ("landing is no country", "Land", "Wir landen"),
    ("the right is no right", "Recht", "Weit rechts"),
    ("a name in -sen has no base", "Hansen", "Die Hanse"),
    ("a company is no tree", "Linde", "Unter den Linden"),
    ("benches are no banks", "Bank", "Die Bänke im Park"),
    ("a trap is no case", "Fall", "Eine Falle"),
    ("a plan does not cry", "Pläne", "Ich plane"),
    ("another first name", "Christian", "Christiane"),
    ("a pupil is no school", "Schule", "Ein Schüler"),
    ("a train is no tension", "Zug", "Zugabe und Zugspitze"),
    ("news is not new", "new", "news"),
    ("a city is not one word less", '"New York"', "York is new"),
    ("a part never ends a word", "part:Bahn", "Die Autobahn"),
    ("a part is never in the middle", "part:Bahn", "Autobahnkreuz"),
    ("a part with an exception", "part:Bahn EXCEPT Bahnhof", "Am Bahnhof"),
    ("a part with a declined exception", "part:Bahn EXCEPT Bahnhof", "Die Bahnhöfe und Bahnhofs"),
    ("a part with exceptions", "part:Bahn EXCEPT (Bahnhof OR Bahnsteig)", "Bahnsteige am Bahnhof"),
    ("an ending is no part of its own", "part:Ford", "Die Forderung, fordern"),
    ("two letters are no part of their own", "part:Rat", "Eine Ratte"),
    ("letters without a vowel are no part of their own", "part:Bahn", "bahnbrt"),
    ("a word does not stand in a compound", "Bahn", "Der Bahnstreik"),
    ("numbers with a hyphen are not one number", "1215", "12-15 Uhr"),
    ("a name of two words is not one of them", '"Deutsche Bahn"', "Deutsche Post und Bahn"),
    ("a legal form within a name stays", '"AG Soziales"', "Soziales"),
    ("a letter at the end is no legal form", '"Vitamin E"', "Vitamin C"),
    ("a legal form alone is a word", '"SE"', "Siemens"),
    ("plainly Russian words are not Latin", "Mockba", "Это Москва"),
    ("an emoji does not hide that words are two", "ba", "Die Bahn🔥"),
]


@pytest.mark.parametrize(("why", "query", "text"), MUST_NOT, ids=[row[0] for row in MUST_NOT])
def test_what_must_not_be_heard(why: str, query: str, text: str) -> None:
    assert not hears(query, text), why


RAW = [
    ("raw: finds what is written so", 'raw:"Google+"', "Auf Google+ gelesen", True),
    ("raw: needs no quotation marks", "raw:Google+", "Auf Google+ gelesen", True),
    ("punctuation matters", 'raw:"Google+"', "Auf Google gelesen", False),
    ("case matters", "raw:SIE", "Wenn sie kommt", False),
    ("an umlaut matters", "raw:Müller", "Mueller und Muller", False),
    ("ß matters", "raw:Straße", "Strasse", False),
    ("inflection does not count", "raw:Rückruf", "Rückrufe", False),
    ("neither does the other end of the word", "raw:ruf", "Rückruf", False),
    ("a hyphen matters", "raw:Siemensaktie", "Siemens-Aktie", False),
    ("gender does not count", "raw:Kunden", "Kund:innen", False),
    ("a legal form is asked for", 'raw:"Muster AG"', "Muster", False),
    ("look-alikes do not count", "raw:Bahn", "B\u0430hn", False),
    ("an emoji does not count", "raw:Bahn", "Ba🔥hn", False),
    ("an emoji can be asked for", 'raw:"🔥"', "Bahn 🔥", True),
    ("signs on their own", 'raw:"C++"', "Er kann C++ und C", True),
    ("what begins with e after a vowel", 'raw:"e-on"', "das a-e-on", True),
    ("the title is searched too", "raw:SIE", "", True),
]


@pytest.mark.parametrize(("why", "query", "text", "expected"), RAW, ids=[row[0] for row in RAW])
def test_raw_opts_out_of_all_of_it(why: str, query: str, text: str, expected: bool) -> None:
    mention = heard(text or "Text", title=None if text else "Wer SIE sind")
    assert bool(Matcher.compile([watch(query)]).match(mention)) is expected, why


SPELLINGS = [
    ("an umlaut", "verspaetung", "verspatung"),
    ("the same without dots", "verspatung", "verspatung"),
    ("ue after a vowel", "neue bauer quelle", "neue bauer quelle"),
    ("several", "uebergroesse", "ubergrosse"),
]


@pytest.mark.parametrize(("why", "folded", "spelled"), SPELLINGS, ids=[row[0] for row in SPELLINGS])
def test_the_spelling_without_dots(why: str, folded: str, spelled: str) -> None:
    assert spelling(folded) == spelled, why
    assert key(spelled) == key(folded)


FORMS = [
    ("a masculine noun", "Rückruf", {"rueckruf", "rueckrufs", "rueckrufes", "rueckrufe", "rueckrufen"}),
    ("an abbreviation", "DB", {"db", "dbs"}),
    ("a name in -s", "Siemens", {"siemens"}),
    ("what holds a digit", "o2", {"o2"}),
    ("two letters", "zu", {"zu"}),
    ("a noun in -ung", "Störung", {"stoerung", "stoerungen", "stoerungs"}),
    ("a company kept from a state", "Bayer", {"bayer", "bayers"}),
]


@pytest.mark.parametrize(("why", "word", "expected"), FORMS, ids=[row[0] for row in FORMS])
def test_the_forms_of_a_word(why: str, word: str, expected: set[str]) -> None:
    assert forms(word) == expected, why
