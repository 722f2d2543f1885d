"""Named lists: what a watch file says about them is what every command finds by `@name`."""

from datetime import UTC, date, datetime

import pytest

from pipeline.check import check
from pipeline.lint import lint
from pipeline.lint.sample import Sample
from pipeline.offline.backtest import backtest
from pipeline.offline.explain import explain
from pipeline.offline.prove import prove
from schemas.event import Author, Post
from schemas.receipt import Decision, Receipt
from schemas.watchfile import WatchFiles, read_watches

TODAY = date(2026, 11, 24)
FILE = """\
lists:
  vip: {owner: Press, expires: 2027-06-30, field: author, entries: [ute, 42]}
  words: {owner: Press, expires: 2027-06-30, entries: [Rückruf, Leck im System]}
watches:
  - id: one
    purpose: {goal: service, measure: first answer within 15 minutes}
    query: '@VIP OR (Bahn @words)'
    rules: [{kind: count, threshold: 1, window: 1h}]
    owner: {name: Press, contact: press@example.com}
    routes: [{channel: slack, to: '#press'}]
    competitors: [{name: Zug, query: 'Zug @words'}]
    tests:
      must_match:
        - Rückrufe bei der Bahn
        - {text: Nichts, author: '42'}
        - {text: 'Zug: Leck im System', entity: Zug}
      must_not_match: [Hallo @vip, Die Bahn]
"""


def read(text: str = FILE) -> WatchFiles:
    return check(read_watches(text, "w.yml"))


def post(text: str, author: str = "max") -> Post:
    time = datetime(2026, 3, 2, 12, tzinfo=UTC)
    return Post(platform="x", id="1", time=time, text=text, author=Author(name=author))


def test_the_tests_of_a_watch_ask_for_its_lists() -> None:
    files = read()
    assert files.wrong() == []
    assert list(prove(files.watches[0])) == []


def test_a_test_that_fails_blames_the_list() -> None:
    [watch] = read(FILE.replace("- Rückrufe bei der Bahn", "- Anruf bei der Bahn")).watches
    [failure] = prove(watch)
    assert failure.why.endswith("none of @vip, Bahn AND @words (column 1) is there")


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        (post("Nichts", "ute"), True),
        (post("Rückruf der Bahn"), True),
        (post("Hallo @vip, die Bahn"), False),
    ],
)
def test_what_a_list_holds_is_found_by_every_command(heard: Post, found: bool) -> None:
    watches = read().watches
    receipts = [one for one in backtest(watches, [heard]) if isinstance(one, Receipt)]
    assert bool(receipts) is found
    [explained] = explain(watches, [heard])
    named = [(part["part"], part["column"], part["satisfied"]) for part in explained["queries"][0]["parts"]]
    assert (('author:"ute"', 1, True) in named) is (heard.author == Author(name="ute"))
    assert (explained["decision"]["decision"] != Decision.NO_MATCH.value) is found
    assert explained["queries"][0]["matched"] is found
    counts = lint(read(), TODAY, Sample((heard,))).counts
    assert counts is not None
    assert counts.own["one"] == found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("entries: [ute, 42]", "entries: []", "w.yml:7: `watches[0].query` asks for the list @vip"),
        ("[Rückruf, ", "[rueckruf:neu, ", "w.yml:7: `watches[0].query` is not a query"),
        ("field: author", "field: site", "the list @vip holds ute, which cannot be read"),
    ],
)
def test_a_watch_that_asks_for_a_list_with_a_mistake_is_wrong_as_well(old: str, new: str, said: str) -> None:
    files = read(FILE.replace(old, new))
    assert any(said in str(error) for error in files.wrong()), [str(error) for error in files.wrong()]
    assert files.watches == ()


def test_what_a_list_is_read_as_is_part_of_what_a_watch_is() -> None:
    [before], [after] = read().watches, read(FILE.replace("field: author", "field: mention")).watches
    assert before.version != after.version


def test_a_handle_that_is_nearly_a_list_is_told_where_it_stands() -> None:
    [finding] = lint(read(FILE.replace("(Bahn @words)", "(Bahn @word)")), TODAY).findings
    assert (finding.rule, finding.where) == ("operator", "w.yml:7:27")
    assert "did you mean the list @words?" in str(finding)


def test_what_a_list_finds_anyway_is_told() -> None:
    [finding] = lint(read(FILE.replace("@VIP OR (Bahn @words)", "@words OR Rückruf")), TODAY).findings
    assert (finding.rule, finding.where) == ("unreachable", "w.yml:7:23")
    assert "Rückruf adds nothing: @words finds all of it" in str(finding)
