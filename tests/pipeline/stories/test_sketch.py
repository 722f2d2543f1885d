"""Sketches: which texts are the same story, and which only look alike."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stories.sketch import SIMILAR, Sketch, forget, lay_ready, near, same, sketch, unpack

LONG = "police say a metro north passenger train has derailed in new york city and some of its cars are in the water"


def like(one: str, other: str) -> bool:
    a, b = sketch(one), sketch(other)
    return near(a, b.triples, b.figures)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (LONG, LONG, True),
        (LONG, f"RT @user: {LONG}", True),
        (LONG, f"rt @someone.else: RT @user {LONG} http://t.co/abc", True),
        (LONG, LONG.upper() + "!!!", True),
        (LONG, f"{LONG} @police www.example.org", True),
        (LONG, f"{LONG} watch", True),
        (LONG, LONG.replace("new york city", "boston"), False),
        (LONG, "four people died when a train left the rails in the Bronx this morning", False),
        ("Die Straße ist für Züge gesperrt, heißt es", "die strasse ist fuer zuege gesperrt heisst es", True),
        ("Zug 512 nach Köln fällt heute leider aus", "Zug 513 nach Köln fällt heute leider aus", False),
        (f"{LONG} 4 dead", f"{LONG} 5 dead", False),
        (f"{LONG} 4 dead", f"{LONG} 4 dead and hurt", True),
        (f"{LONG} 4 dead", f"{LONG} 4 dead 63 hurt", False),
        (f"{LONG} 4 dead", LONG, False),
        (f"{LONG} delay 10 min", f"{LONG} delay 90 min", False),
        (f"{LONG} delay of ten minutes", f"{LONG} delay of ninety minutes", False),
        (f"{LONG} auf der Linie U6", f"{LONG} auf der Linie U7", False),
        (f"{LONG} auf der U-Bahn 6", f"{LONG} auf der U-Bahn 7", False),
        (f"{LONG} and it is safe", f"{LONG} and it is not safe", False),
        (f"{LONG} and it was safe", f"{LONG} and it wasn't safe", False),
        (f"{LONG} und es gibt Verletzte", f"{LONG} und es gibt keine Verletzte", False),
        (f"{LONG} on monday", f"{LONG} on tuesday", False),
        ("danke", "danke", True),
        ("danke", "bitte", False),
        ("東京で電車が遅れています今日も", "東京で電車が遅れています今日も!", True),
        ("東京で電車が遅れています", "大阪で会社の発表がありました", False),
    ],
)
def test_what_is_the_same_story(one: str, other: str, same: bool) -> None:
    assert like(one, other) is same
    assert like(other, one) is same


@pytest.mark.parametrize("text", ["", "   ", "RT @user:"])
def test_a_text_that_says_nothing_is_like_no_other(text: str) -> None:
    assert (sketch(text).triples, sketch(text).figures, sketch(text).key) == (b"", (), 0)


WORDLESS = [
    ("an emoji", "👍", "👍", True),
    ("a marked repost of it", "👍", "RT @user: 👍", True),
    ("more of them", "😂😂", "😂😂😂", False),
    ("another one", "👍", "👎", False),
    ("signs", "!!!", "!!!", True),
    ("a handle beside it", "@acme 😂", "@acme 😂", True),
    ("another handle", "@acme 😂", "@bolt 😂", False),
    ("a link beside it", "😂 https://t.co/x", "😂 https://t.co/x", True),
    ("a marked repost of that", "😂 https://t.co/x", "RT @user: 😂 https://t.co/x", True),
    ("another link", "😂 https://t.co/x", "😂 https://t.co/y", False),
    ("another emoji beside the link", "😂 https://t.co/x", "🙌 https://t.co/x", False),
]


@pytest.mark.parametrize(("why", "one", "other", "equal"), WORDLESS, ids=[row[0] for row in WORDLESS])
def test_a_text_without_words_is_like_itself_only(why: str, one: str, other: str, equal: bool) -> None:
    a, b = sketch(one), sketch(other)
    assert (a.triples, a.key != 0) == (b"", True)
    assert ((a.key == b.key), same(a, b.triples, b.figures)) == (equal, equal), why


UNDER = [
    ("an emoji says something of the post it is written under", "👍", False),
    ("what has a word says the same everywhere", "danke 👍", True),
    ("a link leads to the same page everywhere", "👍 https://t.co/x", True),
]


@pytest.mark.parametrize(("why", "text", "equal"), UNDER, ids=[row[0] for row in UNDER])
def test_what_is_said_under_another_post(why: str, text: str, equal: bool) -> None:
    a, b = sketch(text, "1"), sketch(text, "2")
    assert ((a.key == b.key), same(a, b.triples, b.figures)) == (equal, equal), why


def test_a_sketch_is_stored_so_it_may_not_change() -> None:
    found = sketch("Zug 512 fällt aus")
    assert list(unpack(found.triples)) == [408159060, 2185311214]
    assert found.figures == (3547048027,)


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_has_a_sketch_and_is_like_itself(one: str, other: str) -> None:
    found = sketch(one)
    assert found == sketch(one)
    assert list(unpack(found.triples)) == sorted(found.numbers)
    if found.triples:
        assert near(found, found.triples, found.figures)
    assert like(one, other) == like(other, one)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=10, max_size=60), st.data())
def test_one_changed_word_in_a_long_text_is_the_same_story(letters: list[str], data: st.DataObject) -> None:
    words = [f"{letter}{'x' * at}" for at, letter in enumerate(letters)]
    changed = [*words, "more"]
    expected = len(words) - 2 >= SIMILAR * (len(words) - 1)
    assert like(" ".join(words), " ".join(changed)) is expected
    assert SequenceMatcher(None, words, changed).ratio() > SIMILAR


@given(one=st.text(max_size=80), words=st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "12", "not"]), max_size=12))
def test_a_sketch_that_was_drawn_elsewhere_is_like_the_same(one: str, words: list[str]) -> None:
    text = " ".join(words)
    whole, other = sketch(text), sketch(one)
    passed_on = Sketch(whole.triples, whole.figures, whole.key)
    for against in (whole, other):
        assert near(passed_on, against.triples, against.figures) == near(whole, against.triples, against.figures)


def test_what_was_drawn_elsewhere_is_taken_once_and_put_away() -> None:
    forget()
    elsewhere = Sketch(b"", (), 7)
    lay_ready(elsewhere, "acme is down")
    assert sketch("acme is down") is elsewhere, "it is not drawn again"
    forget()
    assert sketch("acme is down") != elsewhere
    lay_ready(elsewhere, "acme is up", "x:1")
    forget()
    assert sketch("acme is up", "x:1") != elsewhere, "no text stays because nobody asked for it"
