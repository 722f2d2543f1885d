"""The JSON Schema that editors get: it knows what is right, and most of what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import run
from cli.schema import watch_file_schema
from pipeline.check import findings
from schemas.located import locate
from tests.cli.validator import wrong

ROOT = Path(__file__).parents[2]
FORM = watch_file_schema()
RIGHT = """
include: [teams/press.yml]
defaults: {team: press, purpose: {goal: reputation}}
teams:
  press: {owner: Press, routes: [{channel: slack, to: "#press"}], rules: [{kind: count, threshold: 3, window: 1h30m}]}
lists:
  vip: {owner: {name: Press}, expires: 2027-01-01, entries: [spiegel, zeit]}
  ids: {owner: Press, expires: 2027-01-01, field: author, entries: [42, ute]}
watches:
  - id: bahn
    query: Bahn
    purpose: {measure: answered within an hour}
    rules: [{kind: spike, name: fast, window: 3600, factor: 1.5, floor: 4}]
    routes: [{channel: email, to: [a@b.example, c@d.example], language: en}]
    competitors: [{name: Flixtrain, query: Flixtrain}]
    tests:
      must_match: [Die Bahn, {text: Flixtrain, entity: Flixtrain}]
      must_alert: [{name: burst, timeline: [{at: 0m, posts: 3, over: 5m, text: "Bahn {n}"}], by: 5m}]
  - {id: short, query: x}
"""


def read(text: str) -> Any:
    return locate(text, "w.yml").data


@pytest.mark.parametrize(
    "path", ["examples/crises/watches.yml", "examples/groups/watches.yml", "deploy/config/watches.yml"]
)
def test_the_examples_fit(path: str) -> None:
    assert wrong(read((ROOT / path).read_text("utf-8")), FORM, FORM) == ""


def test_everything_that_may_be_written_fits() -> None:
    assert wrong(read(RIGHT), FORM, FORM) == ""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("query: Bahn", "querry: Bahn", "a misspelt field"),
        ("id: bahn", "id: Bahn!", "an id with capitals"),
        ("kind: spike", "kind: spyke", "a kind of nothing"),
        ("floor: 4", "flor: 4", "a misspelt setting of a rule"),
        ("factor: 1.5", "factor: 1", "a factor that is none"),
        ("threshold: 3, ", "", "a setting is missing"),
        ("window: 1h30m", "window: soon", "no duration"),
        ("channel: email", "channel: fax", "a channel that does not exist"),
        ("language: en", "language: fr", "a language there is no text in"),
        ("must_match:", "must_mach:", "a misspelt group of tests"),
        ("posts: 3", "posts: none", "no number"),
        ("expires: 2027-01-01, ", "", "a list without an end"),
        ("  vip:", "  VIP!:", "a list with a name that no query can ask for"),
        ("entries: [spiegel, zeit]", "entries: []", "an empty list"),
        ("include: [teams/press.yml]", "include: teams/press.yml", "no list"),
        ("defaults: {team", "defaults: {teem", "a misspelt default"),
    ],
)
def test_a_mistake_is_seen_by_the_editor_and_by_us(old: str, new: str, sentence: str) -> None:
    text = RIGHT.replace(old, new, 1)
    assert text != RIGHT
    assert wrong(read(text), FORM, FORM), sentence
    assert findings(text.replace("include: [teams/press.yml]\n", ""), "w.yml"), sentence


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == FORM
    assert "Wofür" in yaml.safe_dump(FORM, allow_unicode=True)
