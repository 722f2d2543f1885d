import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query import QueryError, parse
from pipeline.query.parse import MAX_CHARACTERS, MAX_DEPTH
from schemas.errors import ConfigError

PRINTED = [
    ("one word is a query", "Bahn", "Bahn"),
    (
        "operands side by side are joined by AND",
        'Bahn "Deutsche Bahn"  lang:de',
        'Bahn AND "Deutsche Bahn" AND lang:de',
    ),
    ("AND binds tighter than OR", "a OR b AND c OR d", "a OR b AND c OR d"),
    ("side by side binds tighter than OR too", "a OR b c", "a OR b AND c"),
    ("NOT binds tighter than AND", "NOT a b", "NOT a AND b"),
    ("a minus is NOT", 'a -b -"c d" -(e OR f)', 'a AND NOT b AND NOT "c d" AND NOT (e OR f)'),
    ("a minus within a word is a hyphen", "lac-megantic", "lac-megantic"),
    ("parentheses that change nothing go", "((a) AND (b AND c)) OR (d)", "a AND b AND c OR d"),
    ("parentheses that change something stay", "(a OR b) AND NOT (c AND d)", "(a OR b) AND NOT (c AND d)"),
    ("a negation within a negation keeps its parentheses", "a NOT (NOT b)", "a AND NOT (NOT b)"),
    ("parentheses need no space", "a AND(b OR c)d", "a AND (b OR c) AND d"),
    ("an operator at the beginning of a word is a word", "ANDERS ORT NOTBREMSE", "ANDERS AND ORT AND NOTBREMSE"),
    ("an operator in quotation marks is a word", '"AND"', '"AND"'),
    (
        "quotation marks may be German, English or French",
        "„a b“ “c d” «e f» »g h«",
        "„a b“ AND “c d” AND «e f» AND »g h«",
    ),
    ("NEAR binds tighter than AND", "a NEAR/5 b c", "a NEAR/5 b AND c"),
    ("NEAR binds tighter than NOT", "a NOT b NEAR/5 c", "a AND NOT b NEAR/5 c"),
    ("NEAR is read from the left", "a NEAR/5 b ONEAR/0 c", "a NEAR/5 b ONEAR/0 c"),
    ("NEAR keeps the parentheses that matter", "a NEAR/5 (b NEAR/2 c)", "a NEAR/5 (b NEAR/2 c)"),
    ("NEAR takes groups", "(a OR b) NEAR/5 (c OR d)", "(a OR b) NEAR/5 (c OR d)"),
    ("a phrase may have a distance", '"a b"~5 „c d“~0', '"a b"~5 AND „c d“~0'),
    ("a comment is left out", "a /* not b */ OR/**/ c", "a OR c"),
    ("a comment ends a word", "a/* b */", "a"),
    ("exceptions of a part", "part:Bahn EXCEPT (Bahnhof, Bahnsteig)", "part:Bahn EXCEPT (Bahnhof OR Bahnsteig)"),
    ("one exception needs no parentheses", "part:Bahn EXCEPT Bahnhof b", "part:Bahn EXCEPT Bahnhof AND b"),
    ("EXCEPT is a word elsewhere", "a EXCEPT b", "a AND EXCEPT AND b"),
    ("a handle that is no list is a handle", "@vip", "@vip"),
    ("a person of any gender is a word", "Kund:innen", "Kund:innen"),
    ("values may be in German quotation marks", "title:„a b“", "title:„a b“"),
    ("fields may be quoted", 'author:"Deutsche Bahn" lang:DE', 'author:"Deutsche Bahn" AND lang:DE'),
    ("a line break is a space", "a\nOR\tb", "a OR b"),
]


@pytest.mark.parametrize(("why", "query", "printed"), PRINTED, ids=[row[0] for row in PRINTED])
def test_how_a_query_is_read(why: str, query: str, printed: str) -> None:
    assert str(parse(query)) == printed, why
    assert parse(printed) == parse(query)


REFUSED = [
    ("nothing", "  ", 1, "the query is empty", "a word"),
    ("a parenthesis that is not closed", "a OR (b c", 6, "never closed", "add a )"),
    ("the inner of two that are not closed", "a ((b", 4, "never closed", "add a )"),
    ("a parenthesis that was not opened", "a) OR b", 2, "no ( for this )", "remove it"),
    ("parentheses around nothing", "a ()", 4, "this ) cannot stand here", "a word"),
    ("a quotation without end", 'a "b c', 3, "never ends", "other half"),
    ("an end of quotation without beginning", "a b”", 4, "begins nothing", "remove it"),
    ("a value with a quotation without end", 'a author:"b', 10, "never ends", "other half"),
    ("an operator at the beginning", "OR a", 1, "OR cannot stand here", '"OR" in quotation marks'),
    ("an operator at the end", "a AND", 6, "ends after AND", "a word"),
    ("two operators", "a AND OR b", 7, "OR cannot stand here", "a word"),
    ("two negations", "a NOT NOT b", 7, "NOT cannot stand here", "remove both"),
    ("a query that only excludes", "NOT a", 5, "only excludes", "AND NOT"),
    ("a branch that only excludes", "a OR -b", 7, "only excludes", "AND NOT"),
    ("exclusion in disguise", "a OR NOT (b c)", 11, "only excludes", "AND NOT"),
    ("a misspelt field", "a languag:de", 3, "no field languag:", "did you mean lang:"),
    ("a field of another product", "a reach:5", 3, "no field reach:", '"reach:5" in quotation marks'),
    ("an address", "https://example.org/a", 1, "no field https:", "in quotation marks"),
    ("a field without a value", "a lang: de", 8, "lang: has no value", "lang:de"),
    ("a language that is no code", "a lang:deutsch", 8, "deutsch is no language code", "two letters"),
    ("a platform that cannot be one", 'a platform:"my forum"', 12, "is no platform", "a name such as"),
    ("an author that is a star", "a author:*", 10, "names nobody", "its beginning and *"),
    ("a star before too little", "*ab", 1, "nearly every text", "at least 3 letters"),
    ("a star alone in a phrase", '"a * b"', 4, "needs letters beside it", "Rückruf*"),
    ("a star alone", "bahn *", 6, "needs letters beside it", "Rückruf*"),
    ("a beginning of one letter", "bahn a*", 6, "nearly every text", "at least 2 letters"),
    ("the operators of a programmer", "a && b", 3, "&& is no operator", "write AND"),
    ("a minus that stands alone", "a - b", 3, "- is no operator", "write NOT"),
    ("minus signs before something else", "a ---%", 4, "cannot stand here", "remove both"),
    ("a word of signs", "a %%", 3, "no letter and no digit", "a word"),
    ("a distance without a phrase", "a ~5", 3, "~5 is not understood here", '"a b"~5'),
    ("a distance of one word", '"a"~5', 1, "between 1 different words", "between 2 and 8"),
    ("a distance between a word and itself", '"a a"~5', 1, "between 1 different words", "none of them twice"),
    ("a distance across the whole text", '"a b"~101', 7, "101 is no distance", "0 to 100"),
    ("NEAR without its distance", "a NEAR b", 3, "NEAR says no distance", "NEAR/5"),
    ("NEAR with something else", "a NEAR/x b", 3, "NEAR/x says no distance", "NEAR/5"),
    ("NEAR across the whole text", "a NEAR/500 b", 8, "500 is no distance", "0 to 100"),
    ("NEAR without a second operand", "a NEAR/5", 9, "ends after NEAR/5", "a word"),
    ("NEAR without a first operand", "NEAR/5 a", 1, "NEAR/5 cannot stand here", "in quotation marks"),
    ("NEAR of what has no place", "a NEAR/5 lang:de", 10, "lang:de has no place", "joined by OR"),
    ("NEAR of a group that has no place", "(a AND b) NEAR/5 c", 2, "a AND b has no place", "(x NEAR/5 z)"),
    ("NEAR of what is not there", "a NEAR/5 NOT b", 10, "NOT cannot stand here", "NOT (x NEAR/5 y)"),
    ("a comment without end", "a /* b", 3, "never ends", "*/"),
    ("nothing but a comment", "/* a */", 1, "a comment only", "a word"),
    ("a comparison without a sign", "a followers:1000", 13, "no comparison", "followers:>10000"),
    ("a comparison with words", "a followers:>many", 13, "no comparison", "a number such as 10000"),
    ("an age without a unit", "a age:<2", 7, "no comparison", "age:<2h"),
    ("a flag that there is not", "a is:replay", 6, "nothing that is: knows", "is:reply"),
    ("a country in words", "a country:Germany", 11, "no country code", "DE is Germany"),
    ("a site that is an address", "a site:example.org/a", 8, "no site", "url:"),
    ("a regular expression of another engine", r'a regex:"(?=b)c"', 9, "not one of RE2", "look-around"),
    ("a regular expression that finds nothing", 'a regex:"b*"', 9, "finds nothing in every text", "a character"),
    ("a regular expression that grows", 'a regex:"((b{99}){99}){9}"', 9, "not one of RE2", "a pass over"),
    ("a beginning of two words", 'a part:"b c"', 8, "not one word", "part:Bahn"),
    ("EXCEPT without words", "part:Bahn EXCEPT", 17, "ends after EXCEPT", "words that do not count"),
    ("EXCEPT with something else", "part:Bahn EXCEPT lang:de", 18, "cannot stand here", "words that do not count"),
]


@pytest.mark.parametrize(("why", "query", "column", "message", "hint"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_wrong_is_told_with_its_column(why: str, query: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query)
    assert refused.value.column == column, why
    assert message in refused.value.message
    assert hint in str(refused.value)
    assert refused.value.expected in str(refused.value)
    assert isinstance(refused.value, ConfigError)


HINTS = [
    ("a lower-case operator between words is a word, and probably not meant", "bahn and streik", 6, "write AND"),
    ("a German operator as well", "bahn ODER streik", 6, "write OR"),
    ("a distance in small letters", "bahn near streik", 6, "write NEAR/5"),
    ("a wildcard before a word costs", "bahn *streik", 6, "dear"),
    ("a wildcard before a word costs in a phrase too", '"der *streik"', 6, "dear"),
    ("a question mark at the end is a letter", "bahn?", 5, "exactly one letter"),
]


@pytest.mark.parametrize(("why", "query", "column", "message"), HINTS, ids=[row[0] for row in HINTS])
def test_what_is_probably_not_meant_is_hinted_at(why: str, query: str, column: int, message: str) -> None:
    (hint,) = parse(query).hints
    assert hint.column == column, why
    assert message in hint.message


ASKED_OF_ALL = [
    ("a language", "lang:de", True),
    ("a number", "followers:>5 -platform:x", True),
    ("the beginning of a name", "author:ab*", True),
    ("an expression without letters", r'regex:"\d+:\d+"', True),
    ("a choice of which one is so", "bahn OR is:reply", True),
    ("a word beside it", "bahn lang:de", False),
    ("an expression with letters", r'regex:"ICE \d+"', False),
    ("an author", "author:ab lang:de", False),
    ("a site", "site:example.org", False),
]


@pytest.mark.parametrize(("why", "query", "expected"), ASKED_OF_ALL, ids=[row[0] for row in ASKED_OF_ALL])
def test_what_is_asked_of_every_post_is_hinted_at(why: str, query: str, expected: bool) -> None:
    assert any("every single post" in hint.message for hint in parse(query).hints) is expected, why


def test_a_lower_case_operator_at_either_end_or_in_a_phrase_needs_no_hint() -> None:
    assert parse('und bahn "bed and breakfast" not').hints == ()


PIECES = (
    "NEAR/5",
    " ONEAR/0 ",
    "part:ab",
    " EXCEPT ",
    "/*",
    "*/",
    '"ab cd"~2',
    'raw:"',
    "regex:",
    "age:<",
    "AND ",
    "@vip",
)
FUZZ = st.lists(st.sampled_from([*'ab*"„“-()#@:? ANDORT\n\u00adé&~/<0', *PIECES]) | st.characters(), max_size=40)


@settings(max_examples=500, deadline=None)
@given(FUZZ.map("".join))
def test_every_text_is_a_query_or_an_error_with_a_column(text: str) -> None:
    column = 1
    try:
        query = parse(text)
    except QueryError as error:
        column = error.column
    else:
        assert parse(str(query)) == query
    assert 1 <= column <= len(text) + 1


LONG = [
    ("parentheses", "(" * 9_000 + "a" + ")" * 9_000, "nested deeper"),
    ("negated parentheses", "a AND " + "NOT (" * 3_000 + "a" + ")" * 3_000, "nested deeper"),
    ("minus signs", "a " + "-" * 15_000 + "a", "remove both"),
    ("stars", "a" + "*b" * 9_000 + " (", "never closed"),
    ("distances", " NEAR/1 ".join(["ab"] * 2_000), "distances"),
    ("comments", "/* " * 6_000, "never ends"),
    ("hyphens", "ab" + "-ab" * 6_000 + " (", "never closed"),
    ("quotation marks", '"a' * 6_001, "never ends"),
    ("opening quotation marks", "»" * 15_000, "never ends"),
    ("colons", "a:" * 9_000, "no field"),
    ("more than is read", "a OR " * MAX_CHARACTERS + "a", "at most"),
]


@pytest.mark.parametrize(("why", "query", "message"), LONG, ids=[row[0] for row in LONG])
def test_nesting_and_length_end_in_an_error(why: str, query: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query)
    assert message in str(refused.value), why
    assert len(str(refused.value)) < 40_000


def test_the_deepest_allowed_nesting_is_read_and_printed() -> None:
    deep = "a AND NOT (b OR " * MAX_DEPTH + "c" + ")" * MAX_DEPTH
    assert parse(str(parse(deep))) == parse(deep)


def test_a_long_query_costs_in_proportion() -> None:
    short, long = (" OR ".join(f"wort{n}" for n in range(size)) for size in (150, 1_200))
    parse(short)
    assert _seconds(long) < 8 * 4 * _seconds(short)


def _seconds(query: str) -> float:
    rounds = []
    for _ in range(3):
        started = time.process_time()
        parse(query)
        rounds.append(time.process_time() - started)
    return min(rounds)
