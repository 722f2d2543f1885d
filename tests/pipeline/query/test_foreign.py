"""Queries as other tools document them: each means the same here, or one sentence names our spelling of it."""

import pytest

from pipeline.query import QueryError, parse
from pipeline.query.printing import print_node

SAME = [
    ("exclusion with two operators", "cake AND -chocolate", "cake AND NOT chocolate"),
    ("exclusion of a group", "apple NOT (juice OR pie)", "apple AND NOT (juice OR pie)"),
    ("two distances", "((a OR b) NEAR/2 (c OR d)) NEAR/2 (e OR f)", "(a OR b) NEAR/2 (c OR d) NEAR/2 (e OR f)"),
    ("an old name of a platform", "site:twitter.com AND bahn", "site:twitter.com AND bahn"),
    ("quotation marks of Swedish and of word processors", "BMW ”drei Serie”", "BMW AND ”drei Serie”"),
    ("the same around a value", "BMW -site:”mysite.com”", "BMW AND NOT site:”mysite.com”"),
    ("German quotation marks", "„Apfel“ AND “Birne”", "„Apfel“ AND “Birne”"),
    ("no spaces around operators", '"Deutsche Bahn"OR"DB"', '"Deutsche Bahn" OR "DB"'),
    ("signs within a name", "H&M OR AT&T OR C&A", "H&M OR AT&T OR C&A"),
    ("the name of a place with a slash", "Bahn/Streik", "Bahn/Streik"),
    ("a telephone number", "+49", "+49"),
    ("a bank", "N26 OR W5", "N26 OR W5"),
    ("alternatives that are alike", "bahn AND streik OR zug AND streik", "bahn AND streik OR zug AND streik"),
    ("a name with a full stop and a comma in a number", "E.ON OR 1,5", "E.ON OR 1,5"),
]


@pytest.mark.parametrize(("why", "query", "read"), SAME, ids=[row[0] for row in SAME])
def test_what_means_the_same_is_read_and_not_wondered_about(why: str, query: str, read: str) -> None:
    found = parse(query)
    assert print_node(found.root) == read, why
    assert found.hints == (), why


def test_a_site_is_the_same_with_its_scheme_and_slash() -> None:
    assert parse("site:”https://www.wort.lu/”").root.value == parse("site:wort.lu").root.value  # type: ignore[union-attr]


HINTED = [
    ("Brandwatch: capitals", '"British Telecom" OR {BT}', 22, 'raw:"BT"'),
    ("Sprinklr: square brackets", "[bahn OR zug] streik", 1, "write ( and )"),
    ("Talkwalker, Lucene: a fuzzy word", "bahn verspaetung~2", 6, "write ver*"),
    ("Lucene: a weight", "quick^2 fox", 1, "write quick"),
    ("Lucene: a weight of a phrase", '"john smith"^2 fox', 13, "remove it"),
    ("Lucene: what must be there", "+quick fox", 1, "write quick"),
    ("Lucene: what must not be there, and Pulsar's capitals", "!NASA rocket", 1, "NOT NASA, or raw:NASA"),
    ("Lucene: an expression", "bahn /ice[0-9]+/", 6, 'regex:"ice[0-9]+"'),
    ("Lucene: a protected sign", r"c\+\+ bahn", 1, "quotation marks"),
    ("Lucene: a field that is there", "_exists_:title bahn", 1, "no such field"),
    ("X: a field with an underscore", "min_faves:100 bahn", 1, "no such field"),
    ("X: a cashtag", "bahn OR $DBK", 9, 'raw:"$DBK"'),
    ("Meltwater: both operators", "Apple AND/OR watch", 7, "write OR"),
    ("Meltwater: how often", "atleast3 bahn", 1, "remove it"),
    ("LexisNexis: a distance", "Apfel W/5 Birne", 7, "write NEAR/5"),
    ("LexisNexis: a distance in order", "Apfel PRE/3 Birne", 7, "write ONEAR/3"),
    ("Factiva: a distance", "Apfel ADJ5 Birne", 7, "write NEAR/5"),
    ("a bare distance", "Brand1 /2 rent", 8, "write NEAR/2"),
    ("Awario: a distance in front", "near/4:James,Shaffer", 1, "James NEAR/4 Shaffer"),
    ("Awario: a distance in order", "onear/4:Will,Shakespeare", 1, "Will ONEAR/4 Shakespeare"),
    ("an operator that there is not", "bahn XOR zug", 6, "NOT (a AND b)"),
    ("two operators in one word", "bahn ANDNOT zug", 6, "write NOT"),
    ("two words for one operator", "bahn BUT NOT zug", 6, "write NOT alone"),
    ("no reposts", "(cat OR mouse) AND NOT RT", 24, "NOT is:repost"),
    ("alternatives with a line", "Bahn|Zug|Tram", 1, "Bahn OR Zug OR Tram"),
    ("Pulsar: a function", "LANG(en OR fr) AND cat", 1, "write lang:"),
    ("Pulsar: another function", "cat NOT BY_TWITTER(@a OR @b)", 9, "write author:"),
    ("an operator within quotation marks", '"Bahn AND Streik"', 7, "quotation marks of its own"),
    ("a distance within quotation marks", '"Bahn NEAR/5 Streik"', 7, "quotation marks of its own"),
    ("quotation marks within quotation marks", '"Toys "R" Us"', 8, "none within"),
    ("typographic quotation marks that hold nothing", "＂Deutsche Bahn＂", 1, "double"),
    ("operators that bind differently elsewhere", "bahn OR zug AND streik", 13, "parentheses"),
    ("the same the other way round", "bahn AND streik OR zug", 6, "parentheses"),
    ("the same without the operator, as search engines read it", "bahn streik OR warnstreik", 6, "parentheses"),
    ("after an exclusion", "bahn NOT zug OR bus", 6, "parentheses"),
    ("a distance of the last alternative only", "VW OR Volkswagen NEAR/3 Diesel", 18, "parentheses"),
    ("within parentheses", "zug AND (bahn streik OR warnstreik)", 15, "parentheses"),
    ("alternatives without spaces", "Bahn;Zug;Tram", 1, "Bahn OR Zug OR Tram"),
    ("a name with a sign", "Disney+ Serie", 1, 'raw:"Disney+"'),
    ("both operators in German", "Bahn UND/ODER Zug", 6, "write OR"),
]


@pytest.mark.parametrize(("why", "query", "column", "do"), HINTED, ids=[row[0] for row in HINTED])
def test_what_is_read_otherwise_elsewhere_is_wondered_about(why: str, query: str, column: int, do: str) -> None:
    (hint,) = parse(query).hints
    assert (hint.column, hint.dear) == (column, False), why
    assert do in hint.message


REFUSED = [
    ("Brandwatch: a distance that goes one way", "logitech NEAR/2f keyboard", "write ONEAR/2"),
    ("Crimson Hexagon: a distance of groups", "((a OR b) AND (c OR d))~5", "a NEAR/5 b for groups"),
    ("Brandwatch: a field of several values", "url:(guardian.com OR sun.com)", "url:a OR url:b"),
    ("Brandwatch: how many followers", "authorFollowers:[1000 TO 50000] bahn", "followers:>1000"),
    ("Brandwatch: what kind of post", "engagementType:RETWEET bahn", "is:repost"),
    ("Brandwatch: where links lead", "links:msn.com bahn", "has:link"),
    ("Brandwatch: a language", "language:de bahn", "write lang:de"),
    ("Talkwalker: a site", "domainurl:spiegel.de bahn", "write site:spiegel.de"),
    ("Talkwalker: a kind of source", "sourcetype:NEWS bahn", "platform:x"),
    ("Talkwalker: the text alone", 'content:"Deutsche Bahn"', 'write "Deutsche Bahn" without content:'),
    ("Talkwalker: how it is meant", "sentiment:negative bahn", "a watch's rules"),
    ("Sprinklr: a space behind the colon", 'author: "Justin Blake"', "without a space"),
    ("Sprinklr: the message", 'message:"world cup"', "without message:"),
    ("Meltwater: the beginning of an article", "ingress:apple", "write title:apple"),
    ("uberMetrics: an equals sign", "Auto language = de", "lang:de"),
    ("X: who wrote it", "from:elonmusk tesla", "author:elonmusk"),
    ("X: no reposts", "tesla -is:retweet", "is:repost"),
    ("X: with pictures", "tesla has:images", "has:media"),
    ("X: since when", "tesla since:2020-01-01", "earshot backtest"),
    ("Google: a word of the address", "inurl:bahn", "write url:bahn"),
    ("Google: a word of the title", "intitle:bahn", "write title:bahn"),
    ("an address as it is", "https://www.spiegel.de/wirtschaft/", "url:www.spiegel.de/wirtschaft"),
    ("the ends of two phrases, which are none", "Bahn” OR Zug”", "other half of ”"),
    ("square brackets apart", "[ bahn OR zug ]", "only ( and )"),
    ("the operators of a programmer", "bahn || zug", "write OR"),
    ("a distance that is excluded", "Apfel NOT NEAR/5 Birne", "x NOT (x NEAR/5 y)"),
    ("a distance with a space", '"Deutsche Bahn"~ 5', "right after it"),
    ("another name of hashtags", "tag:bahn", "write hashtag:bahn"),
]


@pytest.mark.parametrize(("why", "query", "hint"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_read_names_our_spelling(why: str, query: str, hint: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query)
    assert hint in refused.value.hint, why


ORDINARY = [
    ("around the clock", "24/7 Hotline"),
    ("names with signs", "A&O OR H&M OR E.ON OR P&C OR Yahoo! OR 1&1 OR K+S OR R/GA OR S/4HANA OR TCP/IP"),
    ("a half", "50/50 OR 1/2"),
    ("a distance with nothing on its other side", "W/5 Bahn"),
    ("a number of five beginning with letters", "PRE2024 OR WITHIN2024"),
    ("a furniture shop", "BUT Möbel"),
    ("a maker of tractors", "SAME OR Deutz"),
    ("a name that joins nothing", "Bahn (SAME)"),
    ("a slogan in capitals", '"TRICK OR TREAT"'),
    ("a name in capitals", '"PROCTER AND GAMBLE"'),
    ("operators in small letters within a phrase", '"last but not least"'),
    ("an advertisement is marked so", "[Anzeige] Bahn"),
    ("a template", "{{Vorlage}}"),
    ("powers", "x^2 OR 10^6"),
    ("a place in parentheses", "VW(Wolfsburg)"),
    ("a name with parentheses", "US(A)"),
    ("what the Bahn thinks of genders", "Mitarbeiter*innen OR Kund:innen OR Leser/-innen"),
    ("addresses", "info@bahn.de OR www.bahn.de/hilfe"),
]


@pytest.mark.parametrize(("why", "query"), ORDINARY, ids=[row[0] for row in ORDINARY])
def test_what_people_write_is_not_taken_for_an_operator(why: str, query: str) -> None:
    assert parse(query).hints == (), why


SPELT = [
    ("bahn PRE5 zug", "bahn ONEAR/5 zug"),
    ("bahn BUT zug", 'bahn "BUT" zug'),
    ("bahn SAME zug", 'bahn "SAME" zug'),
    ("Disney+ Serie", 'raw:"Disney+" Serie'),
    ("VW OR Deutsche Bank", 'VW OR "Deutsche Bank"'),
    ("VW OR Deutsche Bank", "VW OR (Deutsche Bank)"),
    ("userFollowers:<500 bahn", "followers:<500 bahn"),
    ("filter:images bahn", "has:media bahn"),
    ("filter:replies bahn", "is:reply bahn"),
    ("engagementType:REPLY bahn", "is:reply bahn"),
    ("verified:false bahn", "NOT is:verified bahn"),
    ("location:Bayern bahn", "country:DE bahn"),
    ("language:french bahn", "lang:de bahn"),
    ("domain:*.spiegel.de bahn", "site:spiegel.de bahn"),
    ("hashtags:bahn,zug", "hashtag:bahn OR hashtag:zug"),
]


@pytest.mark.parametrize(("query", "spelling"), SPELT, ids=[row[1] for row in SPELT])
def test_what_a_hint_says_is_read_without_one(query: str, spelling: str) -> None:
    try:
        told = " ".join(hint.message for hint in parse(query).hints)
    except QueryError as refused:
        told = refused.hint
    if "parentheses" not in told:
        assert next(word for word in spelling.split() if word not in query.split()) in told
    else:
        assert "quotation marks around a name" in told
    assert parse(spelling).hints == ()
