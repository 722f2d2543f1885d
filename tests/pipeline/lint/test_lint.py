"""The rules of the lint: what each says where, and what it leaves alone."""

from datetime import UTC, date, datetime, timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.check import patch
from pipeline.check import check
from pipeline.lint import lint, rules
from pipeline.lint.sample import Sample
from pipeline.lint.tree import covering, implies
from pipeline.query import Matcher, QueryError, parse
from schemas.event import Author, Post
from schemas.mention import Mention
from schemas.watch import Watch
from schemas.watchfile import WatchFiles, read_watches

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEAD = """\
  - id: {id}
    purpose: {{goal: service, measure: first answer within 15 minutes}}
    rules: [{{kind: count, threshold: 10, window: 1h}}]
    owner: {{name: Press, contact: press@example.com}}
    routes: [{{channel: slack, to: '#press'}}]
    query: {query}
"""


def files(*queries: str, text: str = "") -> WatchFiles:
    """Return a file with one watch for each query, or what is written in `text`."""
    written = text or "watches:\n" + "".join(HEAD.format(id=f"w{n}", query=query) for n, query in enumerate(queries))
    found = check(read_watches(written, "w.yml"))
    assert found.wrong() == []
    return found


def findings(found: WatchFiles, sample: Sample | None = None) -> list[tuple[str, str, str]]:
    return [(one.rule, one.where, f"{one.what}: {one.why}; {one.do}") for one in lint(found, TODAY, sample).findings]


@pytest.mark.parametrize(
    ("query", "rule", "column", "said"),
    [
        pytest.param("Kunde", "general", 12, "Kunde alone is enough", id="an ordinary word"),
        pytest.param("Siemens OR DB", "general", 23, "2 letters stand for many things", id="two letters"),
        pytest.param("Bahn OR Bahn", "unreachable", 20, "it stands there twice", id="the same twice"),
        pytest.param("Bahn* OR Bahnhof", "unreachable", 21, "Bahn* finds all of it", id="within a prefix"),
        pytest.param("'\"Die Bahn AG\" OR Bahn'", "unreachable", 13, "Bahn finds all of it", id="within a phrase"),
        pytest.param("Siemens OR (Siemens Aktie)", "unreachable", 24, "adds nothing: Siemens finds", id="absorbed"),
        pytest.param("Bahnhof NOT Bahn*", "unreachable", 24, "finds nothing: whatever", id="all of it excluded"),
        pytest.param("Bahn lang:de lang:en", "unreachable", 25, "no post is lang:de and lang:en", id="two languages"),
        pytest.param("a platform:x platform:web", "unreachable", 25, "platform:x and platform:web", id="two platforms"),
        pytest.param("Bahn und Zug", "operator", 17, "write AND for the operator", id="an operator in small letters"),
        pytest.param("Bahn UND Zug", "operator", 17, "operators are English; write AND", id="an operator in German"),
        pytest.param("Bahn AND NICHT Zug", "operator", 21, "write NOT for the operator", id="NICHT behind AND"),
        pytest.param("Bahn ohne Zug", "operator", 17, "write NOT for the operator", id="ohne"),
        pytest.param("Bahn near/5 Zug", "operator", 17, "write NEAR/5", id="a distance in small letters"),
        pytest.param("Bahn NEAR5 Zug", "operator", 17, "write NEAR/5", id="a distance without its slash"),
        pytest.param("Bahn, Zug", "operator", 16, "words side by side all have to be there", id="a comma"),
        pytest.param("Bahn; Zug", "operator", 16, "write OR between alternatives", id="a semicolon"),
        pytest.param("Bahn −Zug", "operator", 17, "only a hyphen excludes, not a dash; write NOT Zug", id="a minus"),
        pytest.param("\"'Deutsche Bahn' Zug\"", "operator", 13, "hold no words together", id="single quotation marks"),
        pytest.param("‚Deutsche Bahn‘ Zug", "operator", 12, "hold no words together", id="single ones of Word"),
        pytest.param("Bahn #Streik", "comment", 17, "#Streik and what follows is not asked", id="a comment of YAML"),
        pytest.param("Bahn OR lang:de", "dear", 12, "asked of every single post", id="a language alone"),
        pytest.param("Bahn *rückruf", "dear", 17, "looked for at every letter", id="a wildcard before a word"),
        pytest.param(
            "Siemens OR (Bahn NEAR/3 Siemens)", "unreachable", 24, "Siemens finds all of it", id="within NEAR"
        ),
        pytest.param("Bahn NEAR/3 Zug NOT Zug", "unreachable", 32, "excluded by NOT Zug", id="a NOT of an operand"),
        pytest.param('\'"a1 b1"~2 OR "b1 a1"~5\'', "unreachable", 13, "finds all of it", id="within a distance"),
        pytest.param("Bahn OR part:Bahn", "unreachable", 12, "part:Bahn finds all of it", id="within a part"),
        pytest.param("part:Kunde", "general", 12, "part:Kunde alone is enough", id="an ordinary part"),
        pytest.param("Photo*", "spelling", 12, "Photo* is also spelt Foto*", id="an old spelling"),
        pytest.param("Schifffahrt", "spelling", 12, "also spelt Schiffahrt", id="a new spelling"),
        pytest.param('"selbständig gemacht"', "spelling", 13, "also spelt selbstständig", id="within quotes of YAML"),
        pytest.param(
            "Photographie", "spelling", 12, "Photographie is also spelt Fotografie", id="two places of a word"
        ),
        pytest.param(
            "'\"Deutsche Bahn\"'", "spelling", 13, '(write ("Deutsche Bahn" OR #DeutscheBahn)'[1:], id="a name"
        ),
        pytest.param(
            "Zug OR Bahn -Modell", "operator", 24, "excludes from the last alternative only", id="NOT behind OR"
        ),
        pytest.param("help OR Siemens", "general", 12, "it is an ordinary word", id="an ordinary word of English"),
        pytest.param("Bahn Delphin", "spelling", 17, "also spelt Delfin", id="one word of several"),
    ],
)
def test_what_is_doubtful_is_said_with_its_column(query: str, rule: str, column: int, said: str) -> None:
    [(found, where, text)] = findings(files(query))
    assert (found, where) == (rule, f"w.yml:7:{column}")
    assert said in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("Bahn AND Kunde", "an ordinary word that narrows is welcome"),
        ("'#DB OR Siemens'", "a hashtag of two letters is no word"),
        ("Zug OR (Bahn -Modell)", "parentheses say what is meant"),
        ("(Zug OR Bahn) -Modell", "from both"),
        ("'\"Deutsche Bahn\" OR #DeutscheBahn'", "the hashtag is there"),
        ("'\"bed and breakfast\"'", "no name"),
        ("Photo OR Foto", "both spellings are there"),
        ("Bahn NOT Photo", "what is excluded need not be spelt in all ways"),
        ("(lang:de OR lang:en) Bahn", "one language or the other"),
        ("Bahn NOT Bahn NEAR/2 Modell", "what is excluded is less than what is asked for"),
        ("Bahn NEAR/2 Zug OR Bahn NEAR/2 Bus", "two distances from one word"),
        ("Bahn* OR part:Zug", "two words"),
        ("Bahn* OR Rückruf", "a word that begins otherwise"),
        ("title:Kunde Bahn OR title:Bahn Zug", "titles are narrow"),
        ("Bahn followers:>10 OR Zug followers:<10", "many or few"),
        ("Bahn NOT Bahnhof", "a part of it is excluded"),
        ("Stopplicht", "a short word inside of another"),
        ("Bahn OR Bahnhof", "a word is not the beginning of words"),
        ('\'"Bahn steht" OR "steht Bahn"\'', "the same words in another order"),
        ("Bahn # nur die eigene", "a comment that is meant"),
        ("'Bahn' #Streik", "a comment behind quotes"),
        ("McDonald's Bahn", "an apostrophe"),
        ("Bahn Zug,", "a comma at the end"),
        ("Typographie", "only the beginning that the table knows is looked for"),
    ],
)
def test_what_is_meant_is_left_alone(query: str, sentence: str) -> None:
    if query == "Typographie":
        assert [rule for rule, *_ in findings(files(query))] == ["spelling"], "graphi stands inside of words too"
        return
    assert findings(files(query)) == [], sentence


def test_two_watches_that_ask_for_the_same_are_named() -> None:
    [(rule, where, text)] = findings(files("'(Bahn Zug) OR #Streik'", "'#streik OR (Zug \"Bahn\")'", "Bahn"))
    assert (rule, where) == ("duplicate", "w.yml:13:13")
    assert "watch w1 asks for the same as w0" in text
    assert "w.yml:7:13" in text


def test_owners_and_routes_that_lead_nowhere_are_named() -> None:
    text = "watches:\n" + HEAD.format(id="one", query="Bahn")
    text = text.replace("{name: Press, contact: press@example.com}", "Press").replace("slack, to: '#press'", "console")
    assert [(rule, where) for rule, where, _ in findings(files(text=text))] == [
        ("unowned", "w.yml:5:12"),
        ("unowned", "w.yml:6:1"),
    ]


@pytest.mark.parametrize(
    ("setting", "column", "said"),
    [
        ("threshold: 100.000", 50, "100.000 is 100: a point separates decimals, not thousands; write 100000, or 100"),
        ("threshold: 100.5", 0, ""),
        ("threshold: 100000", 0, ""),
        ("threshold: 5, rises: {crisis: 2.500}", 69, "2.500 is 2.5"),
    ],
)
def test_thousands_with_a_point_are_named(setting: str, column: int, said: str) -> None:
    text = "watches:\n" + HEAD.format(id="one", query="Bahn")
    text = text.replace("kind: count, threshold: 10", f"kind: amount, of: reach, {setting}")
    found = findings(files(text=text))
    assert [(rule, where) for rule, where, _ in found] == ([("thousands", f"w.yml:4:{column}")] if said else [])
    assert not found or said in found[0][2]


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("2026-11-23", "expired on 2026-11-23"),
        ("2026-12-01", "expires on 2026-12-01"),
        ("2027-01-01", ""),
    ],
)
def test_lists_that_nobody_looks_at_are_named(expires: str, said: str) -> None:
    head = f"lists:\n  vip: {{owner: Press, expires: {expires}, entries: [spiegel]}}\n"
    for query, used in (("'@vip Bahn'", True), ("Bahn", False)):
        found = findings(files(text=head + "watches:\n" + HEAD.format(id="one", query=query)))
        assert [where for _, where, _ in found] == (["w.yml:2:1"] if said and used else [])
        assert not found or said in found[0][2]


def posts(*texts: str, hours: float = 24.0) -> Sample:
    """Return posts spread evenly over so many hours."""
    step = timedelta(hours=hours) / max(1, len(texts) - 1)
    return Sample(tuple(Post(platform="x", id=str(n), time=NOON + n * step, text=text) for n, text in enumerate(texts)))


def test_a_sample_says_how_much_to_expect_and_that_a_rule_would_never_be_quiet() -> None:
    found = files("Bahn")
    told = lint(found, TODAY, posts(*["Die Bahn"] * 500, *["etwas anderes"] * 460, hours=48))
    assert told.counts is not None
    assert told.counts.per_day("w0") == pytest.approx(250)
    [finding] = told.findings
    assert finding.where == "w.yml:4:1"
    assert "rule count would hardly ever be quiet: 10 mentions in 1h are usual" in str(finding)
    assert lint(found, TODAY, posts(*["Die Bahn"] * 400, hours=48)).findings == ()


def test_a_not_that_keeps_out_most_is_named() -> None:
    most = posts(*["Bahn und Rennbahn"] * 8, *["Bahn"] * 4, hours=480)
    [(rule, where, text)] = findings(files("Zug OR (Bahn NOT Rennbahn)"), most)
    assert (rule, where) == ("excludes", "w.yml:7:29")
    assert "NOT Rennbahn keeps out 8 of 12 posts" in text
    assert findings(files("Bahn NOT Rennbahn"), posts(*["Bahn und Rennbahn"] * 4, *["Bahn"] * 8, hours=480)) == []
    assert findings(files("Bahn NOT Rennbahn"), posts(*["Bahn Rennbahn"] * 9, hours=480)) == [], "too few to tell"


def test_spellings_are_offered_as_a_patch() -> None:
    text = "watches:\n" + HEAD.format(id="one", query='>-\n      Bahn Photo OR\n      "Bahn Delphin"')
    found = files(text=text)
    made = patch(found, lint(found, TODAY).findings)
    assert [line for line in made.splitlines() if line[:1] in "+-"] == [
        "--- a/w.yml",
        "+++ b/w.yml",
        "-      Bahn Photo OR",
        '-      "Bahn Delphin"',
        "+      Bahn (Photo OR Foto) OR",
        '+      ("Bahn Delphin" OR "Bahn Delfin")',
    ]


def test_every_rule_is_a_file() -> None:
    assert set(rules()) == {
        "apart", "comment", "dear", "duplicate", "excludes", "expired", "general", "operator", "spelling", "thousands",
        "unowned", "unreachable",
    }  # fmt: skip


WORDS = st.sampled_from(
    [
        "a",
        "b",
        "ab*",
        "abc",
        "*abc*",
        "ab?",
        '"a b"',
        '"a b c"',
        '"b a"~0',
        '"a b"~2',
        "(a NEAR/1 b)",
        "(a ONEAR/0 b)",
        "#a",
        "#ab*",
        "part:ab",
        "part:ab EXCEPT abc",
        "title:a",
        'raw:"a"',
        "lang:de",
        "author:x",
        "author:x*",
        "followers:>5",
        "followers:>=5",
        "followers:=6",
        "followers:>=6",
        "followers:<9",
        "site:a.de",
        "site:b.a.de",
        "url:a",
    ]
)
QUERIES = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR ", " AND NOT "]), inner).map(lambda one: f"({''.join(one)})")
    ),
    max_leaves=4,
)
TEXTS = st.lists(
    st.sampled_from(["a", "b", "c", "ab", "abc", "#a", "#abc", "abd", "abstadt", "abcstadt"]), max_size=5
).map(" ".join)


def watch(query: str) -> Watch:
    written: dict[str, Any] = {
        "id": "w", "purpose": {"goal": "g", "measure": "m"}, "query": query, "rules": ({"kind": "count"},),
        "owner": {"name": "o"}, "routes": ({"channel": "console"},),
    }  # fmt: skip
    return Watch.model_validate(written)


ABOUT = st.tuples(
    st.none() | TEXTS, st.none() | st.integers(4, 10), st.sampled_from([None, "https://b.a.de/x", "https://a.de"])
)


@given(QUERIES, QUERIES, st.lists(TEXTS, max_size=6), ABOUT)
def test_what_follows_by_its_form_follows_for_every_text(
    one: str, other: str, texts: list[str], about: tuple[str | None, int | None, str | None]
) -> None:
    try:
        left, right = parse(one).root, parse(other).root
    except QueryError:
        return
    if implies(left, right):
        for text in texts:
            mention = Mention(
                id="x:1", platform="x", source="s", time=NOON, seen=NOON, text=text, heard_lang="de", title=about[0],
                author=Author(name="xy", followers=about[1]), url=about[2],
            )  # fmt: skip
            assert not Matcher.compile([watch(one)]).match(mention) or Matcher.compile([watch(other)]).match(mention)


@given(st.lists(QUERIES, min_size=2, max_size=6))
def test_nothing_that_follows_is_passed_over(queries: list[str]) -> None:
    nodes = tuple(parse(query).root for query in queries if "AND NOT" not in query)
    looked_at = {(place, other) for place, others in covering(nodes) for other in others}
    for place, one in enumerate(nodes):
        for number, other in enumerate(nodes):
            assert place == number or not implies(one, other) or (place, number) in looked_at


def test_a_long_list_of_words_is_looked_at_in_no_time() -> None:
    words = " OR ".join(f"word{number:05}" for number in range(1500))
    begun = process_time()
    assert findings(files(words + " OR word00007")) != []
    assert process_time() - begun < 2


def test_a_long_named_list_beside_many_words_is_looked_at_in_no_time() -> None:
    entries = ", ".join(f"entry{number:05}" for number in range(5000))
    head = f"lists:\n  big: {{owner: Press, expires: 2027-06-30, entries: [{entries}]}}\nwatches:\n"
    words = " OR ".join(f"word{number:05}" for number in range(300))
    found = files(text=head + HEAD.format(id="one", query=f"'@big OR {words} OR entry00007'"))
    begun = process_time()
    assert [rule for rule, *_ in findings(found)] == ["unreachable"]
    assert process_time() - begun < 2
