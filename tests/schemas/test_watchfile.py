"""The watch file: what is right is read, and every mistake is named by line, field and what was meant."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.mention import OWN
from schemas.watchfile import read_files, read_watches

GOOD = """\
watches:
  - id: bahn
    purpose: {goal: service, measure: first answer within 15 minutes}
    query: '"Deutsche Bahn" OR #Bahn'
    rules:
      - {kind: count, threshold: 10, window: 1h}
      - {kind: spike, window: 3h, factor: 3, floor: 20}
    owner: Press office
    routes:
      - {channel: slack, to: '#press'}
      - {channel: email, to: [a@b.example, c@d.example], language: en, subject_prefix: "[Bahn]"}
    competitors:
      - {name: Flixtrain, query: Flixtrain}
"""
LINES = GOOD.splitlines()


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_right_file_is_read() -> None:
    files = read_watches(GOOD, "w.yml")
    (watch,) = files.watches
    assert files.wrong() == []
    assert watch.id == "bahn"
    assert watch.owner.name == "Press office"
    assert watch.owner.respond_within == 3600.0
    assert [rule.id for rule in watch.rules] == ["count", "spike"]
    assert watch.rules[0].settings == {"threshold": 10, "window": "1h"}
    assert watch.routes[0].language == "de"
    assert watch.routes[1].to == ("a@b.example", "c@d.example")
    assert watch.queries == {OWN: '"Deutsche Bahn" OR #Bahn', "Flixtrain": "Flixtrain"}
    assert files.entries[0].place.at("rules", 1, "factor").line == 7


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        pytest.param(
            changed("    query:", "    querry:"), 4, "`watches[0].querry` is not a", "`query`", id="a misspelt field"
        ),
        pytest.param(
            changed("{goal:", "{gaol:"), 3, "`watches[0].purpose.gaol` is not", "`goal`", id="misspelt inside"
        ),
        pytest.param(changed("{kind: c", "{knid: c"), 6, "rules[0].knid` is not", "`kind`", id="kind misspelt"),
        pytest.param(changed("{channel: s", "{chanel: s"), 10, "routes[0].chanel`", "`channel`", id="channel misspelt"),
        pytest.param(
            changed("watches:", "watch:"), 1, "`watch` is not", "`watches`", id="the outermost field misspelt"
        ),
        pytest.param(
            changed("    owner:", "    colour: red\n    owner:"),
            8,
            "colour` is not",
            "fields are",
            id="a field of nothing",
        ),
        pytest.param(
            changed(LINES[2] + "\n", ""), 2, "purpose` is missing", "goal: reputation", id="no purpose: Wofür?"
        ),
        pytest.param(changed(LINES[3] + "\n", ""), 2, "query` is missing", "My Company", id="no query: Wie?"),
        pytest.param(changed(LINES[7] + "\n", ""), 2, "owner` is missing", "Press office", id="no owner: Wer?"),
        pytest.param(
            changed(", measure: first answer within 15 minutes", ""),
            3,
            "measure` is missing",
            "measure:",
            id="no measure",
        ),
        pytest.param(changed("Press office", ""), 8, "owner` is empty", "Press office", id="an owner without a name"),
        pytest.param(
            changed("Press office", "{contact: a@b.example}"),
            8,
            "owner.name` is missing",
            "name:",
            id="an owner with an address only",
        ),
        pytest.param(
            changed("id: bahn", "id: Die Bahn!"), 2, "lower-case", "`die-bahn`", id="an id with capitals and spaces"
        ),
        pytest.param(
            changed("id: bahn", "id: 7"), 2, "id` must be a text, not a number", "quotes", id="an id that is a number"
        ),
        pytest.param(
            changed("Press office", "{name: P, respond_within: soon}"), 8, "write a duration", "", id="no duration"
        ),
        pytest.param(
            changed("language: en", "language: fr"), 11, "is 'fr'", "de, en", id="a language there is no text in"
        ),
        pytest.param(
            changed("to: '#press'", "to: 5"),
            10,
            "must be a text or a list, not a number",
            "quotes",
            id="an address that is a number",
        ),
        pytest.param(
            changed("c@d.example]", "5]"), 11, "to[1]` must be a text", "quotes", id="one address that is a number"
        ),
        pytest.param(
            changed("name: Flixtrain", "name: own"),
            13,
            "your own brand",
            "competitor's name",
            id="a competitor called own",
        ),
        pytest.param(changed("competitors:", "competitors: none"), 13, "not YAML", "", id="a value and entries"),
        pytest.param("watches: []\n", 1, "`watches` is empty", "id: …", id="no watches"),
        pytest.param("watches:\n", 1, "`watches` is empty", "id: …", id="nothing after watches"),
        pytest.param("watches: {id: x}\n", 1, "must be a list", "- id:", id="one watch without its dash"),
        pytest.param("watches: [hello]\n", 1, "`watches[0]` must be a group", "- id:", id="a text for a watch"),
        pytest.param("{}\n", 1, "`watches` is missing", "id: …", id="an empty group"),
        pytest.param(GOOD + GOOD.partition("\n")[2], 14, "already given on line 2", "id of its own", id="an id twice"),
        pytest.param(
            changed("{kind: spike,", "{kind: count,"), 7, "already given on line 6", "name: count-2", id="a rule twice"
        ),
    ],
)
def test_a_mistake_is_named(text: str, line: int, message: str, hint: str) -> None:
    error = read_watches(text, "w.yml").wrong()[0]
    assert error.where == f"w.yml:{line}"
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize("field", ["rules", "routes"])
@pytest.mark.parametrize("value", ["", " []", " x", " {a: 1}", " [x]"])
def test_rules_and_routes_are_lists_of_something(field: str, value: str) -> None:
    text = yaml.safe_load(GOOD)
    text["watches"][0][field] = yaml.safe_load(value) if value else None
    (error,) = read_watches(json.dumps(text), "w.yml").wrong()
    assert field in error.message


def test_a_query_may_be_long_and_a_goal_may_not() -> None:
    long = " OR ".join(f"word{number}" for number in range(200))
    assert read_watches(changed("query: Flixtrain", f"query: {long}"), "w.yml").watches[0].competitors[0].query == long
    (error,) = read_watches(changed("goal: service", f"goal: {long}"), "w.yml").wrong()
    assert "longer than 200 characters" in error.message


def test_two_rules_of_a_kind_have_names() -> None:
    text = changed("{kind: spike,", "{kind: count, name: slow,")
    assert [rule.id for rule in read_watches(text, "w.yml").watches[0].rules] == ["count", "slow"]


def test_every_mistake_is_told_once_and_in_order() -> None:
    text = changed("id: bahn", "id: B").replace("query: '", "querry: '").replace("{kind: count", "{knid: count")
    text = text.replace("Press office", "").replace("'#press'", "7")
    errors = read_watches(text, "w.yml").wrong()
    assert [error.where for error in errors] == [f"w.yml:{line}" for line in (2, 4, 6, 8, 10)]


def test_a_file_that_is_as_it_was_is_not_taken_apart_again() -> None:
    texts = {"a.yml": "teams: {one: {}}\n", "b.yml": "teams: {two: {}}\n"}
    before = read_files(texts, texts.__getitem__)
    texts["b.yml"] = "teams: {three: {}}\n"
    after = read_files(texts, texts.__getitem__, before=before.parts)
    assert after.parts[0] is before.parts[0]
    assert [list(part.data["teams"]) for part in after.parts] == [["one"], ["three"]]


def test_the_right_watches_of_a_wrong_file_are_read() -> None:
    text = GOOD + GOOD.partition("\n")[2].replace("id: bahn", "id: two").replace("query: '", "querry: '")
    files = read_watches(text, "w.yml")
    assert [watch.id for watch in files.watches] == ["bahn"]
    assert len(files.wrong()) == 1


VALUES = st.recursive(
    st.sampled_from([None, True, 3, 0.5, "", "count", "slack", "1h", "bahn", "Ä"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "goal", "name", "kind", "channel", "query", "to", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(st.data())
def test_whatever_is_changed_gives_watches_or_a_config_error(data: st.DataObject) -> None:
    written: Any = yaml.safe_load(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = written["watches"][0]
        for _ in range(data.draw(st.integers(0, 2))):
            deeper = [
                value for value in (here.values() if isinstance(here, dict) else here) if isinstance(value, dict | list)
            ]
            if deeper:
                here = data.draw(st.sampled_from(deeper))
        if isinstance(here, dict):
            here[data.draw(st.sampled_from([*here, "unknown"]))] = data.draw(VALUES)
        elif here:
            here[0] = data.draw(VALUES)
    files = read_watches(json.dumps(written), "w.yml")
    assert files.wrong() or files.watches


@given(st.lists(st.sampled_from(GOOD.splitlines(keepends=True)), max_size=14).map("".join))
def test_lines_in_any_order_give_watches_or_a_config_error(text: str) -> None:
    files = read_watches(text, "w.yml")
    assert files.wrong() or files.watches
