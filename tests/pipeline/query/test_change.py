"""Watches that change: what was compiled before is used again, and nobody can tell from what is matched."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query import Matcher
from pipeline.query import match as matching
from pipeline.query.automaton import Automaton
from schemas.watch import Watch
from tests.pipeline.query.posts import heard, watch

QUERIES = ["bahn", "zug NOT bahn", "part:bahn", "platform:x", "author:ute OR bus", '"die bahn"', "*ahn*", "bus"]
TEXTS = ["Die Bahn", "Zug", "Bahnstreik", "Bus", "nichts", "Zug und Bahn und Bus"]
EDITION = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(QUERIES), max_size=6)


def watches(queries: dict[str, str]) -> list[Watch]:
    return [watch(query, name) for name, query in sorted(queries.items())]


def matched(matcher: Matcher) -> list[object]:
    posts = [heard(text, author=author) for text in TEXTS for author in (None, "ute")]
    return [[(one.watch.id, one.watch.query, one.entities) for one in matcher.match(post)] for post in posts]


@settings(max_examples=150, deadline=None)
@given(st.lists(EDITION, min_size=2, max_size=6), st.integers(0, 4))
def test_one_change_after_another_ends_where_a_fresh_start_does(editions: list[dict[str, str]], few: int) -> None:
    usual, matching.FEW = matching.FEW, few
    try:
        matcher = None
        for edition in editions:
            matcher = Matcher.compile(watches(edition), matcher)
            assert matched(matcher) == matched(Matcher.compile(watches(edition)))
    finally:
        matching.FEW = usual


def test_of_many_watches_only_the_changed_one_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"w{n:04}": f"firma{n} OR marke{n}" for n in range(1000)}
    before = Matcher.compile(watches(many))
    built: list[int] = []
    original = Automaton.__init__

    def noting(self: Automaton, roots: list[Any]) -> None:
        built.append(len(roots))
        original(self, roots)

    monkeypatch.setattr(Automaton, "__init__", noting)
    after = Matcher.compile(watches(many | {"w0007": "wolke", "w0008": many["w0009"]}), before)
    assert built == [1], "an automaton of the one query that is new"
    assert [one.watch.id for one in after.match(heard("Wolke"))] == ["w0007"]
    assert after.match(heard("firma7")) == ()
    assert [one.watch.id for one in after.match(heard("marke9"))] == ["w0008", "w0009"]
    Matcher.compile(watches(many), after)
    assert built == [1], "what is there again is there"
    Matcher.compile(watches({name: query + " OR neu" for name, query in many.items()}), after)
    assert built == [1, 1000], "when much has changed all is built anew"
