"""What reading and matching may cost at worst: in proportion to length, whatever somebody writes or posts."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from pipeline.query import Matcher, QueryError, parse
from tests.pipeline.query.posts import heard, watch

SHORT, LONG = 500, 4_000
TIMES = LONG // SHORT
ALLOWED = 4
"""How much more than in proportion a measurement may give on a machine that others use as well."""

QUERIES = [
    ("words", "wort{n} "),
    ("alternatives", "wort{n} OR "),
    ("phrases", '"ab cd{n}" '),
    ("phrases with a distance", '"ab cd{n}"~5 '),
    ("hyphens", "ab{n}-"),
    ("wildcards", "ab*c{n}?d "),
    ("stars in one word", "ab*"),
    ("weights in one word", "ab^"),
    ("an expression that never ends", "/a*"),
    ("fields", "author:ab{n} "),
    ("raw", 'raw:"ab{n}" '),
    ("exceptions", "part:ab EXCEPT (abc{n}) "),
    ("comments", "/* {n} */ ab "),
    ("negations", "ab -cd{n} "),
    ("parentheses", "(ab OR cd{n}) "),
    ("quotation marks", '" '),
    ("slashes and stars", "/*"),
    ("colons", "a:"),
    ("nothing but spaces", " "),
]


@pytest.mark.parametrize(("why", "piece"), QUERIES, ids=[row[0] for row in QUERIES])
def test_reading_a_query_costs_in_proportion(why: str, piece: str) -> None:
    def read(length: int) -> Callable[[], object]:
        written = "".join(piece.format(n=n) for n in range(length // len(piece))) + "x"
        return lambda: _try(written)

    assert _seconds(read(LONG)) < TIMES * ALLOWED * max(_seconds(read(SHORT)), 1e-4), why


def _try(written: str) -> None:
    with suppress(QueryError):
        parse(written)


MANY = " OR ".join(f"a{n}" for n in range(40))
PIECE = MANY.replace("OR ", "") + " "

TEXTS = [
    ("the same word again and again", "bahn", "bahn "),
    ("two words near each other", "a1 NEAR/100 b1", "a1 b1 "),
    ("words near each other near others", "(a1 NEAR/100 b1) NEAR/100 (a1 NEAR/100 b1)", "a1 b1 "),
    ("one of many words near one of many", f"({MANY}) NEAR/100 ({MANY}) NEAR/100 ({MANY})", PIECE),
    ("words in any order", '"a1 b1 c1 d1"~100', "a1 b1 c1 "),
    ("the beginning of a phrase", '"ab ab ab ab ab ab ab cd"', "ab "),
    ("wildcards", "ab*ab*ab*ab*c", "ab"),
    ("wildcards over words", "*abab*cd", "abababab "),
    ("an expression that others take for ever on", 'regex:"(a+)+$b|(a|a)*c"', "a"),
    ("hyphens", "abab", "ab-"),
    ("signs of gender", "kunden", "kund:innen*"),
    ("emoji", "bahn", "ba🔥hn"),
    ("look-alikes", "bahn", "b\u0430hn "),
    ("hashtags", "#bahn*", "#bahn_"),
    ("raw", 'raw:"aaaa"', "a"),
    ("parts", "part:bahn", "bahnstreik bahnung "),
]


@pytest.mark.parametrize(("why", "query", "piece"), TEXTS, ids=[row[0] for row in TEXTS])
def test_matching_a_text_costs_in_proportion(why: str, query: str, piece: str) -> None:
    matcher = Matcher.compile([watch(query)])

    def match(length: int) -> Callable[[], object]:
        mention = heard((piece * length)[: length * 10])
        return lambda: matcher.match(mention)

    assert _seconds(match(LONG)) < TIMES * ALLOWED * max(_seconds(match(SHORT)), 1e-4), why


def _seconds(work: Callable[[], object]) -> float:
    rounds = []
    for _ in range(3):
        started = time.process_time()
        work()
        rounds.append(time.process_time() - started)
    return min(rounds)


def test_many_words_near_many_others_cost_no_memory() -> None:
    matcher = Matcher.compile([watch(f"({MANY}) NEAR/100 ({MANY}) NEAR/100 ({MANY})")])
    mention = heard(PIECE * 250)
    tracemalloc.start()
    try:
        assert matcher.match(mention)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
