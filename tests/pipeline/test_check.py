"""Checking a watch file as a whole: queries, kinds of rule and the fields each kind asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.check import findings, load_watches
from schemas.errors import ConfigError

GOOD = """\
watches:
  - id: bahn
    purpose: {goal: service, measure: first answer within 15 minutes}
    query: Bahn AND NOT Rennbahn
    rules:
      - {kind: count, threshold: 10, window: 1h}
      - {kind: spike, window: 3h, factor: 3, floor: 20}
    owner: Press office
    routes: [{channel: slack, to: '#press'}]
    competitors:
      - {name: Flixtrain, query: Flixtrain}
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_right_file_is_loaded() -> None:
    assert findings(GOOD, "w.yml") == []
    assert [watch.id for watch in load_watches(GOOD, "w.yml")] == ["bahn"]


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        pytest.param(changed("kind: count", "kind: cuont"), 6, "no kind of rule", "`count`", id="a misspelt kind"),
        pytest.param(
            changed("kind: count", "kind: telepathy"), 6, "no kind of rule", "kinds are", id="a kind of nothing"
        ),
        pytest.param(changed("threshold: 10", "treshold: 10"), 6, "treshold`", "`threshold`", id="a misspelt setting"),
        pytest.param(
            changed("threshold: 10, ", ""), 6, "threshold` is missing", "threshold: 10", id="a missing setting"
        ),
        pytest.param(changed("threshold: 10", "threshold: 0"), 6, "greater than or equal to 1", "", id="too small"),
        pytest.param(changed("threshold: 10", "threshold: 1.5"), 6, "must be a whole number", "", id="half a mention"),
        pytest.param(
            changed("threshold: 10", "threshold: 1.000"), 6, "whole number, not 1.0", "thousands", id="thousands"
        ),
        pytest.param(changed("factor: 3", "factor: '3,5'"), 7, "must be a number", "as in 3.5", id="a decimal comma"),
        pytest.param(
            changed("factor: 3", "factor: 3,5"), 7, "not a field here", "as in 3.5", id="a comma within braces"
        ),
        pytest.param(changed("factor: 3", "factor: '3'"), 7, "a number", "remove the quotes", id="a number in quotes"),
        pytest.param(changed("count,", "count, shadow: ja,"), 6, "true or false", "write true", id="ja"),
        pytest.param(changed("count,", "count, shadow: off,"), 6, "true or false", "write false", id="off"),
        pytest.param(
            changed("kind: spike, window: 3h, factor: 3, floor: 20", "kind: negative-share, window: 3h, share: 40%"),
            7,
            "must be a number",
            "a part of 1, as in 0.4",
            id="per cent",
        ),
        pytest.param(
            GOOD + "    campaigns: [{name: X, begin: 24.12.2026, end: 2027-01-02T00:00Z, factor: 2}]\n",
            12,
            "must be a day and a time such as 2026-12-24T08:00+01:00, not '24.12.2026'",
            "",
            id="a German date",
        ),
        pytest.param(changed("window: 1h", "window: 1 hour"), 6, "write a duration", "", id="a window in words"),
        pytest.param(changed(", floor: 20", ""), 7, "floor` is missing", "floor: 20", id="a spike without a floor"),
        pytest.param(changed("factor: 3", "factor: 1"), 7, "greater than 1", "", id="a spike of nothing"),
        pytest.param(changed("Bahn AND NOT Rennbahn", "Bahn AND ("), 4, "is not a query", "", id="an open parenthesis"),
        pytest.param(
            changed("query: Flixtrain", "query: 'a OR'"), 11, "competitors[0].query` is not", "", id="a rival's query"
        ),
        pytest.param(changed("id: bahn", "id: Bäckerei Groß"), 2, "", "`baeckerei-gross`", id="an id in German"),
        pytest.param(changed("id: bahn", f"id: {'A' * 5000}"), 2, f"'{'A' * 80}…', but", "", id="an id of a page"),
        pytest.param("", 1, "empty", "", id="an empty file"),
    ],
)
def test_a_mistake_is_named(text: str, line: int, message: str, hint: str) -> None:
    (error,) = findings(text, "w.yml")
    assert error.where == f"w.yml:{line}"
    assert message in error.message
    assert hint in error.hint
    with pytest.raises(ConfigError) as caught:
        load_watches(text, "w.yml")
    assert str(caught.value) == str(error)


def test_a_wrong_query_is_shown_with_a_caret_under_the_mistake() -> None:
    (error,) = findings(changed("Bahn AND NOT Rennbahn", "Bahn ) Zug"), "w.yml")
    _, shown, caret = error.message.splitlines()
    assert "column 6" in error.message
    assert shown.strip() == "Bahn ) Zug"
    assert shown[caret.index("^")] == ")"


def test_of_a_long_query_the_part_around_the_mistake_is_shown() -> None:
    long = " OR ".join(f"word{number}" for number in range(50))
    (error,) = findings(changed("Bahn AND NOT Rennbahn", f"{long} ) {long}"), "w.yml")
    _, shown, caret = error.message.splitlines()
    assert len(shown) < 100
    assert shown[caret.index("^")] == ")"
    assert shown.strip().startswith("…")
    assert shown.strip().endswith("…")


def test_everything_is_found_at_once() -> None:
    text = changed("kind: count", "kind: cuont").replace("Bahn AND NOT Rennbahn", "(Bahn").replace(", floor: 20", "")
    text = text.replace("owner: Press office", "ownr: Press office")
    assert [error.where for error in findings(text, "w.yml")] == ["w.yml:4", "w.yml:6", "w.yml:7", "w.yml:8"]


@given(st.one_of(st.text(), st.binary(), st.lists(st.sampled_from(GOOD.splitlines(keepends=True))).map("".join)))
def test_no_input_gives_anything_but_watches_or_findings(text: str | bytes) -> None:
    if not findings(text, "w.yml"):
        assert load_watches(text, "w.yml")


@given(st.text('abAND OR()-"*#:lang \n', max_size=30))
def test_no_query_gives_anything_but_watches_or_findings(query: str) -> None:
    text = changed("Bahn AND NOT Rennbahn", '"' + query.replace("\\", "").replace('"', '\\"').replace("\n", " ") + '"')
    assert all(error.where == "w.yml:4" for error in findings(text, "w.yml"))
