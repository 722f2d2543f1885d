"""Distances, wildcards, fields, comparisons, lists: what each operator finds, with the characters that say so."""

from datetime import date, timedelta

import pytest

from pipeline.query import Matcher, QueryError, explain, parse
from schemas.event import Author
from schemas.watch import NamedList, Owner
from tests.pipeline.query.posts import NOON, heard, watch

PRESS = Owner(name="Press")
LISTS = {
    "vip": NamedList(owner=PRESS, expires=date(2027, 1, 1), field="author", entries=("ute", "Max Muster")),
    "crisis-words": NamedList(owner=PRESS, expires=date(2027, 1, 1), entries=("Rückruf", "leck im system")),
    "tier1-media": NamedList(owner=PRESS, expires=date(2020, 1, 1), field="site", entries=("spiegel.de",)),
    "mixed": NamedList(owner=PRESS, expires=date(2027, 1, 1), entries=("author:ute", "#streik", "@db")),
}


def found(query: str, text: str, **about: object) -> list[str] | None:
    """The characters of the text that satisfy `query`, or None where it does not match."""
    mention = heard(text, **about)
    matches = Matcher.compile([watch(query).asking(LISTS)]).match(mention)
    explained = explain(parse(query, LISTS), mention)
    assert explained.satisfied is bool(matches)
    if not matches:
        return None
    assert matches[0].entities[0].spans == explained.spans
    return [mention.text[span.start : span.end] for span in explained.spans]


IN_TEXT = [
    ("NEAR: next to each other", "a1 NEAR/0 b1", "a1 b1", ["a1", "b1"]),
    ("NEAR: in either order", "a1 NEAR/0 b1", "b1 a1", ["b1", "a1"]),
    ("NEAR: as many words between as allowed", "a1 NEAR/2 b1", "a1 x y b1", ["a1", "b1"]),
    ("NEAR: one word too many between", "a1 NEAR/2 b1", "a1 x y z b1", None),
    ("NEAR: what is too far away is not told", "a1 NEAR/1 b1", "a1 b1 x x x a1", ["a1", "b1"]),
    ("NEAR: a word is not near itself", "a1 NEAR/5 a1", "a1", None),
    ("NEAR: two of the same word", "a1 NEAR/5 a1", "a1 a1", ["a1", "a1"]),
    ("NEAR: of a group", "(a1 OR b1) NEAR/1 c1", "b1 x c1", ["b1", "c1"]),
    ("NEAR: of a phrase", '"a1 b1" NEAR/1 c1', "a1 b1 x c1", ["a1 b1", "c1"]),
    ("NEAR: of a phrase that overlaps", '"a1 b1" NEAR/5 b1', "a1 b1", None),
    ("NEAR: of NEAR", "a1 NEAR/0 b1 NEAR/1 c1", "c1 x b1 a1", ["c1", "b1", "a1"]),
    ("NEAR: of NEAR, too far", "a1 NEAR/0 b1 NEAR/1 c1", "c1 x x b1 a1", None),
    ("NEAR: of raw:", 'raw:"G+" NEAR/1 a1', "G+ x a1", ["G+", "a1"]),
    ("NEAR: of a part", "part:bahn NEAR/1 a1", "Bahnstreik a1", ["Bahnstreik", "a1"]),
    ("NEAR: of inflected words", "Bahn NEAR/3 Streik", "Bahns langer Streiks", ["Bahns", "Streiks"]),
    ("NEAR: not from title to text", "a1 NEAR/5 b1", "b1", None),
    ("NOT of NEAR", "a1 NOT a1 NEAR/1 b1", "a1 x x b1", ["a1"]),
    ("NOT of NEAR that is there", "a1 NOT a1 NEAR/1 b1", "a1 x b1", None),
    ("ONEAR: in order", "a1 ONEAR/1 b1", "a1 x b1", ["a1", "b1"]),
    ("ONEAR: not the other way round", "a1 ONEAR/1 b1", "b1 x a1", None),
    ("a phrase with a distance: in any order", '"a1 b1"~1', "b1 x a1", ["b1", "a1"]),
    ("a phrase with a distance: too far", '"a1 b1"~1', "b1 x x a1", None),
    ("a phrase with a distance: three words", '"a1 b1 c1"~1', "c1 a1 x b1", ["c1", "a1", "b1"]),
    ("a phrase with a distance: three words too far", '"a1 b1 c1"~1', "c1 x a1 x b1", None),
    ("a phrase with a distance: each by a word of its own", '"ab* abc"~5', "abc x", None),
    ("a phrase with a distance: two words for two", '"ab* abc"~5', "abc abd", ["abc", "abd"]),
    ("a star within a word", "rück*ruf", "Rückwärtsruf", ["Rückwärtsruf"]),
    ("a star stands for nothing too", "rück*ruf", "Rueckruf", ["Rueckruf"]),
    ("a star before a word", "*bahn", "Autobahn und Bahnhof", ["Autobahn"]),
    ("a star before an e that follows a vowel", "*exit", "Der Megaexit", ["Megaexit"]),
    ("a star on both sides", "*bahn*", "Autobahnen", ["Autobahnen"]),
    ("a question mark is one letter", "me?er", "Meier Meyer Meer", ["Meier", "Meyer"]),
    ("a question mark is one umlaut", "r?ckruf", "Rückruf Rueckruf", ["Rückruf", "Rueckruf"]),
    ("a question mark after a word is one letter", "bahn?", "Bahn Bahns", ["Bahns"]),
    ("a question mark in quotation marks is one", '"wer ist das?"', "Wer ist das?", ["Wer ist das"]),
    ("a wildcard without dots does not mean an umlaut", "ruckr*", "Rückruf", None),
    ("a wildcard with dots is found without them", "rückr*", "Ruckruf", ["Ruckruf"]),
    ("a wildcard in a hashtag", "#*streik", "#Bahnstreik Streik", ["#Bahnstreik"]),
    ("a wildcard in a phrase", '"deutsche *bahn"', "Deutsche Autobahn", ["Deutsche Autobahn"]),
    ("hashtag:", "hashtag:streik", "#Streik Streik", ["#Streik"]),
    ("hashtag: with its sign", "hashtag:#streik", "#Streik Streik", ["#Streik"]),
    ("mention:", "mention:db_presse", "@DB_Presse hallo", ["@DB_Presse"]),
    ("regex: finds characters", r'regex:"ICE \d+"', "Der ICE 577", ["ICE 577"]),
    ("regex: minds case", r'regex:"ICE \d+"', "Der ice 577", None),
    ("regex: may be told not to", r'regex:"(?i)ICE \d+"', "Der ice 577", ["ice 577"]),
    ("regex: beside words", r'Bahn regex:"\d+ Minuten"', "Bahn: 90 Minuten", ["Bahn", "90 Minuten"]),
    ("regex: after a vowel", r'regex:"[a-z]essen"', "Waessen", ["aessen"]),
    ("is:question", "is:question a1", "a1, warum?", ["a1"]),
    ("is:question is no address", "is:question a1", "a1 http://x.de/?q=1", None),
    ("has:link", "has:link a1", "a1 https://t.co/x", ["a1"]),
    ("has:link without one", "has:link a1", "a1", None),
    ("a list of words", "@crisis-words", "zwei Rückrufe", ["Rückrufe"]),
    ("a list with a phrase", "@crisis-words", "Leck im System", ["Leck im System"]),
    ("a phrase of a list is no AND", "@crisis-words", "im System ein Leck", None),
    ("a list near a word", "@crisis-words NEAR/1 a1", "Rückruf a1", ["Rückruf", "a1"]),
    ("NOT of a list", "a1 NOT @crisis-words", "a1 Rückruf", None),
    ("a name that is no list is a handle", "@presse", "Hallo @presse", ["@presse"]),
    ("a list that has expired is used", "a1 NOT @tier1-media", "a1", ["a1"]),
    ("a list of all sorts", "@mixed", "Zum #Streik @db", ["#Streik", "@db"]),
]


@pytest.mark.parametrize(("why", "query", "text", "expected"), IN_TEXT, ids=[row[0] for row in IN_TEXT])
def test_what_an_operator_finds(why: str, query: str, text: str, expected: list[str] | None) -> None:
    title = "a1" if why == "NEAR: not from title to text" else None
    assert found(query, text, title=title) == expected, why


UTE = Author(name="ute", followers=12_000, verified=True)
ABOUT = [
    ("title: searches the title", "title:streik", {"title": "Streiks bei der Bahn"}, True),
    ("title: does not search the text", "title:text", {}, False),
    ("title: a phrase", 'title:"Deutsche Bahn"', {"title": "Bei der Deutschen Bahn"}, True),
    ("site: the host", "site:spiegel.de", {"url": "https://spiegel.de/a"}, True),
    ("site: a host below it", "site:spiegel.de", {"url": "https://www.Spiegel.de:443/a"}, True),
    ("site: not another one that ends so", "site:spiegel.de", {"url": "https://derspiegel.de/a"}, False),
    ("site: not in the path", "site:spiegel.de", {"url": "https://x.de/spiegel.de"}, False),
    ("site: an address that is none", "site:spiegel.de", {"url": "http://[::1"}, False),
    ("site: without an address", "site:spiegel.de", {}, False),
    ("url: a part of the address", "url:/wirtschaft/", {"url": "https://x.de/Wirtschaft/1"}, True),
    ("country:", "country:at", {"country": "AT"}, True),
    ("country: not known", "country:AT", {}, False),
    ("is:reply", "is:reply", {"in_reply_to": "1"}, True),
    ("is:repost", "is:repost", {"repost_of": "1"}, True),
    ("is:verified", "is:verified", {"author": UTE}, True),
    ("is:verified without an author", "is:verified", {}, False),
    ("has:media", "has:media", {"media": True}, True),
    ("has:media not known", "has:media", {}, False),
    ("followers: more", "followers:>10000", {"author": UTE}, True),
    ("followers: not more", "followers:>12000", {"author": UTE}, False),
    ("followers: as many", "followers:>=12000", {"author": UTE}, True),
    ("followers: exactly", "followers:=12000", {"author": UTE}, True),
    ("followers: not known is not few", "followers:<10", {}, False),
    ("engagement: all that people did", "engagement:>=50", {"metrics": {"likes": 40.0, "shares": 10.0}}, True),
    ("engagement: views do not count", "engagement:>=50", {"metrics": {"views": 4000.0}}, False),
    ("engagement: not known", "engagement:<50", {}, False),
    ("age: young", "age:<2h", {"time": NOON - timedelta(hours=1)}, True),
    ("age: old", "age:<2h", {"time": NOON - timedelta(hours=3)}, False),
    ("age: in parts", "age:>=1h30m", {"time": NOON - timedelta(minutes=90)}, True),
    ("a list of authors", "@vip", {"author": "Max Muster"}, True),
    ("a list of authors, another one", "@vip", {"author": "Max"}, False),
    ("a list of sites", "@tier1-media", {"url": "https://www.spiegel.de/1"}, True),
    ("a list of all sorts", "@mixed", {"author": "ute"}, True),
]


@pytest.mark.parametrize(("why", "query", "about", "expected"), ABOUT, ids=[row[0] for row in ABOUT])
def test_what_an_operator_asks_about_a_mention(why: str, query: str, about: dict[str, object], expected: bool) -> None:
    assert (found(query, "Text", **about) is not None) is expected, why


def test_an_entry_that_cannot_be_read_is_told_where_the_list_is_used() -> None:
    lists = {"bad": NamedList(owner=PRESS, expires=date(2027, 1, 1), field="site", entries=("a/b",))}
    with pytest.raises(QueryError, match="list @bad holds a/b") as refused:
        parse("bahn @bad", lists)
    assert refused.value.column == 6


def test_a_handle_that_is_nearly_a_list_is_hinted_at() -> None:
    (hint,) = parse("bahn @tier1-medai", LISTS).hints
    assert "did you mean the list @tier1-media?" in hint.message


def test_a_query_with_a_list_is_printed_with_its_name() -> None:
    query = parse("a @VIP", LISTS)
    assert str(query) == "a AND @vip"
    assert parse(str(query), LISTS) == query
