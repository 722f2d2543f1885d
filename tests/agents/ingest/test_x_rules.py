"""Rules of X: whatever a query hears, its rule lets through; they fit X's limits, and become what X has."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.ingest.platforms.x import Seen as SeenBy
from agents.ingest.platforms.x import read_post
from agents.ingest.platforms.x_plan import Plan, StreamRule, ladder, reconcile
from agents.ingest.platforms.x_rules import Compiled, LeftOut, Limits, Reason, compile_rules
from pipeline.normalize import normalize
from pipeline.query import QueryError, parse
from pipeline.query.reading import Reading
from pipeline.query.tree import Node, Phrase, Word
from pipeline.query.verify import satisfy
from schemas.errors import FailureKind
from tests.counterparts import _x_match as x
from tests.counterparts.x import made_post, user
from tests.pipeline.query.posts import NOON

LONG = " OR ".join(f"Wort{number}" for number in range(400))


def compiled(query: str, **limits: Any) -> Compiled:
    return compile_rules([parse(query).root], Limits(**limits))


@pytest.mark.parametrize(
    ("query", "rule", "sentence"),
    [
        ("DB", "db OR dbs", "an abbreviation has an s and nothing else"),
        ("DB Streik*", "db OR dbs", "what X cannot say is left out of a conjunction"),
        ("DB NOT Modell", "db OR dbs", "an exclusion would look into quoted posts too"),
        ("DB NOT is:repost", "(db OR dbs) -is:retweet", "but for reposts, which cannot be quoted"),
        ("DB NOT (Modell OR is:repost)", "(db OR dbs) -is:retweet", "of excluded alternatives the one that can be"),
        ("DB is:reply", "(db OR dbs) is:reply", "flags are X's own"),
        ("DB has:link", "(db OR dbs) (has:links OR has:media)", "a picture's address is a link in the text"),
        ("DB country:AT", "(db OR dbs) place_country:AT", "where X knows the place"),
        ("DB lang:de", "db OR dbs", "X's word for a language is not ours where it has none"),
        ("author:db_presse", "from:db_presse", "a handle is an author"),
        ("DB author:db*", "db OR dbs", "the beginning of one cannot be said"),
        ("#München", "#münchen OR #muenchen", "hashtags in each spelling"),
        ("@db_presse", "@db_presse", "handles as they are"),
        ('raw:"Google+"', "google", "signs are no tokens"),
        ("platform:linkedin OR DB", "db OR dbs", "what is elsewhere is not on X"),
        ("DB OR title:Streik", "db OR dbs", "posts have no titles"),
        ('"or"', '"or"', "an operator's name is quoted"),
        ("DB followers:>1000", "db OR dbs", "numbers are left to us"),
        ("site:spiegel.de OR DB", "db OR dbs", "the site of a post on X is X"),
        ("DB NEAR/3 CEO", "(db OR dbs) (ceo OR ceos)", "both, however far apart"),
        ('"DB CEO"~3', "(db OR dbs) (ceo OR ceos)", "the same"),
    ],
)
def test_a_query_in_the_words_of_x(query: str, rule: str, sentence: str) -> None:
    assert compiled(query) == Compiled((rule,)), sentence


@pytest.mark.parametrize(
    ("query", "rules", "part", "sentence"),
    [
        ("Rück* OR DB", ("rück OR rueck OR ruck OR db OR dbs",), "Rück*", "of a wildcard at least the word itself"),
        ("*ruf OR DB", ("db OR dbs",), "*ruf", "of one before a word nothing"),
        ("is:reply OR DB", ("db OR dbs",), "is:reply", "X wants an operator that stands alone beside it"),
        ("lang:de", (), "lang:de", "everything in German is not asked for"),
        ('regex:"ICE \\d+"', (), 'regex:"ICE \\d+"', "expressions are ours alone"),
    ],
)
def test_what_would_mean_every_post_is_not_asked_for_and_told(
    query: str, rules: tuple[str, ...], part: str, sentence: str
) -> None:
    assert compiled(query) == Compiled(rules, (LeftOut(part, Reason.UNSAYABLE),)), sentence


def test_words_are_asked_for_in_each_of_their_spellings() -> None:
    [rule] = compiled("Verspätung OR Straße OR Café OR Kunden").rules
    asked = rule.replace('"', "").split(" OR ")
    assert {"verspätung", "verspaetungen", "verspatung", "straße", "strasse", "café", "cafés", "cafe"} <= set(asked)
    assert {"kunden", "kund innen", "kundinnen"} <= set(asked), "Kund:innen is two words for X"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (LONG, "alternatives are dealt out"),
        (f"({LONG}) Streik", "each beside what they need"),
        (f"({LONG}) ({LONG.replace('Wort', 'Sinn')})", "two long groups: one is let go"),
        (" ".join(f"Wort{number}" for number in range(100)), "a hundred words at once: as many as fit are asked for"),
        (f'Bahn OR ({LONG}) OR "{" ".join(["Wort"] * 200)}"', "a long phrase"),
    ],
)
@pytest.mark.parametrize("characters", [1024, 512])
def test_long_queries_become_rules_that_fit(query: str, sentence: str, characters: int) -> None:
    rules = compiled(query, characters=characters, also="-is:retweet").rules
    assert rules
    assert all(len(rule) <= characters for rule in rules), sentence
    assert all(rule.endswith("-is:retweet") for rule in rules), "what is added is added to each"
    for rule in rules:
        x.parse(rule, characters)


def test_too_many_rules_are_packed_and_the_rest_is_told() -> None:
    roots = [parse(f"Abc{number}").root for number in range(60)]
    few = compile_rules(roots, Limits(rules=10))
    assert len(few.rules) <= 10
    assert not few.left_out
    scarce = compile_rules([parse(LONG).root], Limits(rules=2))
    assert len(scarce.rules) == 2
    assert {one.reason for one in scarce.left_out} == {Reason.TOO_MANY}


def test_searches_are_put_together_since_each_is_a_request() -> None:
    roots = [parse(f"Abc{number}").root for number in range(30)]
    apart, together = (compile_rules(roots, Limits(512, together=one)).rules for one in (False, True))
    assert len(apart) == 30
    assert len(together) <= 6
    assert set(" OR ".join(apart).split(" OR ")) == set(" OR ".join(together).split(" OR "))


# ---- soundness: made of queries and of texts that may fit them

NAMES = [
    "Bahn",
    "Verspätung",
    "Kunden",
    "Kollege",
    "Straße",
    "Streik",
    "DB",
    "Übergröße",
    "Café",
    "Muller",
    "Siemens-Aktie",
]
LEAVES = [
    *NAMES,
    '"Deutsche Bahn"',
    '"Muster Werke AG"',
    '"Streik Bahn"~2',
    "#Bahn",
    "#München",
    "@db_presse",
    "Rück*",
    "part:Bahn",
    'raw:"Google+"',
    'regex:"ICE \\d+"',
    "is:reply",
    "is:repost",
    "is:verified",
    "has:link",
    "has:media",
    "lang:de",
    "author:someone",
    "author:2222222222222222222",
    "platform:x",
    "platform:facebook",
    "site:x.com",
    "followers:>10",
    "title:Bahn",
    "country:DE",
]


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from([" OR ", " AND ", " NOT ", " NEAR/3 "])
    return st.builds(lambda left, how, right: f"({left}{how}{right})", parts, operators, parts)


QUERIES = st.recursive(st.sampled_from(LEAVES), joined, max_leaves=6)


def forms_of(node: Node) -> list[str]:
    assert isinstance(node, Phrase)
    return [form for way in node.ways for term in way if isinstance(term, Word) for form in sorted(term.forms)]


def spelled(form: str) -> list[str]:
    """The ways in which people write the umlauts of a word: all in one way."""
    pairs = (("ae", "ä", "a"), ("oe", "ö", "o"), ("ue", "ü", "u"))
    dotted, bare = form, form
    for pair, dots, plain in pairs:
        dotted, bare = dotted.replace(pair, dots), bare.replace(pair, plain)
    return list(dict.fromkeys([form, dotted, bare, dotted.replace("ss", "ß")]))


PIECES = {
    leaf: sorted({word for form in forms_of(parse(leaf).root) for word in spelled(form)})
    for leaf in [*NAMES, '"Deutsche Bahn"', '"Muster Werke AG"']
}
FURTHER = [
    "Café",
    "Cafés",
    "Müller",
    "Kund:innen",
    "KundInnen",
    "Kolleg*innen",
    "#Bahn",
    "#münchen",
    "@db_presse",
    "ICE 577",
]
FURTHER += [
    "Google+",
    "🔥",
    "https://t.co/abc",
    "und",
    "Bahnstreik",
    "rückruf",
    "RT",
    "Deutsche",
    "Siemensaktie",
    "ok?",
]
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.lower, str.upper, str.title, str])
GLUE = st.sampled_from([" ", "  ", ", ", " - ", " 🔥 ", "\n", ". ", "-"])


def texts(query: str) -> st.SearchStrategy[str]:
    """Texts of the words that a query asks for, in their forms and spellings, and of others."""
    asked = [word for leaf, words in PIECES.items() if leaf in query for word in words]
    pieces = st.sampled_from(asked or FURTHER) | st.sampled_from(FURTHER)
    parts = st.lists(st.tuples(pieces, CASES, GLUE), min_size=1, max_size=5)
    # a sign of gender has its own case
    return parts.map(lambda some: "".join((p if "nnen" in p else case(p)) + glue for p, case, glue in some).strip())


def post_of(text: str, *kinds: str, media: bool = False) -> dict[str, Any]:
    references = [{"type": kind, "id": "5"} for kind in kinds]
    more = {"attachments": {"media_keys": ["3_1"]}} if media else {}
    return made_post("2080765813578191303", text, referenced_tweets=references, **more)


@settings(max_examples=500, deadline=None)
@given(QUERIES, st.data(), st.sampled_from([(), ("replied_to",), ("retweeted",)]), st.booleans())
def test_what_a_query_hears_its_rules_let_through(
    query: str, data: st.DataObject, kinds: tuple[str, ...], media: bool
) -> None:
    try:
        root = parse(query).root
    except QueryError:
        return
    text = data.draw(texts(query))
    post, author = post_of(text, *kinds, media=media), user("2222222222222222222", "someone", followers_count=97)
    if not heard(root, post, author):
        return
    for characters in (1024, 256):
        found = compile_rules([root], Limits(characters))
        rules = [x.parse(rule, characters) for rule in found.rules]
        passed = any(x.matches(rule, post, author) for rule in rules)
        assert passed or by_what_is_left_out(found, post, author), f"{query!r} hears {text!r}, {found.rules} do not"


def heard(root: Node, post: dict[str, Any], author: dict[str, Any]) -> bool:
    event = read_post(post, {"users": [author]}, SeenBy("x", NOON))
    return satisfy(root, Reading(normalize(event))) is not None


def by_what_is_left_out(found: Compiled, post: dict[str, Any], author: dict[str, Any]) -> bool:
    """Tell whether the post is heard by an alternative that was said not to be asked for."""
    return any(heard(parse(one.part).root, post, author) for one in found.left_out)


# ---- rules that are there become rules that are wanted


def rule(value: str, tag: str = "earshot:x", number: int = 0) -> StreamRule:
    return StreamRule(value, tag, str(number or sum(map(ord, value + tag))))


A, B = rule("a"), rule("b")


@pytest.mark.parametrize(
    ("wanted", "there", "plan", "sentence"),
    [
        (["a"], [], Plan(add=(StreamRule("a", "earshot:x"),)), "what is missing is added"),
        ([], [A], Plan(delete=(A,)), "what is not wanted goes"),
        (["a"], [A], Plan(), "what is right stays"),
        (
            ["a"],
            [rule("b", "other")],
            Plan(add=(StreamRule("a", "earshot:x"),), others=1),
            "what is not ours is left alone",
        ),
        (["a"], [rule("a", "other")], Plan(others=1), "the same rule of somebody else does: X takes no second one"),
        (
            ["a"],
            [rule("a", "earshot:x/old")],
            Plan(add=(StreamRule("a", "earshot:x"),), delete=(rule("a", "earshot:x/old"),)),
            "a tag is changed by deleting and adding",
        ),
    ],
)
def test_a_plan_is_what_is_missing_and_what_is_too_much(
    wanted: list[str], there: list[StreamRule], plan: Plan, sentence: str
) -> None:
    assert reconcile(wanted, there, "earshot:x") == plan, sentence


def test_nothing_is_deleted_before_what_replaces_it_is_there_unless_there_is_no_room() -> None:
    plan = Plan(add=(StreamRule("b", "t"),), delete=(A,))
    assert [set(body) for body in plan.requests(there=1, most=2)] == [{"add"}, {"delete"}]
    assert [set(body) for body in plan.requests(there=1, most=1)] == [{"delete"}, {"add"}]
    renamed = Plan(add=(StreamRule("a", "new"),), delete=(A, B))
    assert [set(body) for body in renamed.requests(there=2)] == [{"delete"}, {"add"}, {"delete"}]


@given(
    st.lists(st.integers(0, 40), max_size=30), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=30)
)
def test_carried_out_a_plan_gives_what_is_wanted(wanted: list[int], before: list[tuple[int, int]]) -> None:
    tags = ["earshot:x", "earshot:x/old", "other"]
    numbers = itertools.count(1)
    there = {f"v{value}": StreamRule(f"v{value}", tags[tag], str(next(numbers))) for value, tag in before}
    held = {one.id: one for one in there.values()}
    values = [f"v{value}" for value in wanted]
    for body in reconcile(values, tuple(held.values()), "earshot:x").requests(len(held), most=100):
        for name in body.get("delete", {}).get("ids", []):
            del held[name]
        for one in body.get("add", []):
            assert one["value"] not in {there.value for there in held.values()}, "X takes no rule twice"
            held[f"n{next(numbers)}"] = StreamRule(one["value"], one["tag"])
    ours = {one.value for one in held.values() if one.tag.startswith("earshot:x")}
    assert ours <= set(values) <= {one.value for one in held.values()}


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (FailureKind.NETWORK, [0.25, 0.5, 0.75, 1.0]),
        (FailureKind.SERVER, [5, 10, 20, 40, 80, 160, 320, 320]),
        (FailureKind.REFUSED, [5, 10, 20]),
        (FailureKind.RATE_LIMITED, [60, 120, 240]),
    ],
)
def test_the_pauses_are_those_of_the_documentation(kind: FailureKind, waits: list[float]) -> None:
    assert [ladder(kind, failures) for failures in range(1, len(waits) + 1)] == waits
    assert ladder(kind, 0) == 0.0, "after a connection that stood, at once"
    assert ladder(FailureKind.RATE_LIMITED, 1, 900) == 900, "never less than X asks for"
    assert ladder(FailureKind.NETWORK, 1000) == 16
