"""The tests that a watch carries: which fail, where, and what is said about it."""

from typing import Any

import pytest
import yaml

from pipeline.check import check
from pipeline.offline.prove import failing
from schemas.watchfile import read_watches

WATCH: dict[str, Any] = {
    "id": "bahn",
    "purpose": {"goal": "service", "measure": "first answer within 15 minutes"},
    "query": "Bahn AND NOT Rennbahn",
    "rules": [{"kind": "count", "threshold": 10, "window": "1h"}],
    "owner": "Press office",
    "routes": [{"channel": "console"}],
    "competitors": [{"name": "Flixtrain", "query": "Flixtrain"}],
}
BURST = [
    {"at": "0m", "posts": 2, "over": "30m", "text": "Bahn spät {n}"},
    {"at": "30m", "posts": 12, "over": "12m", "text": "Bahn steht still {n}"},
]


def failures(**tests: Any) -> list[tuple[str, str]]:
    """Return which tests fail and why, of a watch that carries these."""
    text = yaml.safe_dump({"watches": [WATCH | {"tests": tests}]}, allow_unicode=True)
    files = check(read_watches(text, "w.yml"))
    assert files.wrong() == []
    [entry] = files.entries
    found = [error.message.partition(" ") for error in failing(entry)]
    return [(where.strip("`").removeprefix("watches[0].tests."), why) for where, _, why in found]


@pytest.mark.parametrize(
    ("group", "test", "why"),
    [
        pytest.param("must_match", "Die Bahn streikt", None, id="it matches"),
        pytest.param("must_match", "Der Zug", "does not match: “Der Zug”; Bahn (column 1) is not there", id="no match"),
        pytest.param(
            "must_match", "Bahn an der Rennbahn", "Rennbahn (column 14) is there, and excluded", id="excluded"
        ),
        pytest.param("must_match", {"text": "es", "title": "Bahn"}, None, id="the title counts"),
        pytest.param("must_match", {"text": "Flixtrain", "entity": "Flixtrain"}, None, id="about a competitor"),
        pytest.param("must_match", "Flixtrain", "Bahn (column 1) is not there", id="a competitor is not the brand"),
        pytest.param(
            "must_match", {"text": "x", "entity": "Flix"}, "entities of the watch are own, Flixtrain", id="who"
        ),
        pytest.param("must_not_match", "Auf der Rennbahn", None, id="rightly left out"),
        pytest.param("must_not_match", "Die Bahn", "matches: “Die Bahn”; because of Bahn", id="wrongly heard"),
        pytest.param("must_alert", {"timeline": BURST}, None, id="enough within the window"),
        pytest.param("must_alert", {"timeline": BURST, "by": "37m"}, None, id="early enough: the tenth comes at 37m"),
        pytest.param("must_alert", {"timeline": BURST, "by": "36m"}, "alerts only 37m after", id="too late"),
        pytest.param("must_alert", {"timeline": BURST[:1]}, "does not alert: count: 2 of 10", id="too few"),
        pytest.param("must_alert", {"timeline": [{"at": "1h", "text": "Zug"}]}, "none of its posts matches", id="none"),
        pytest.param("must_not_alert", {"timeline": BURST[:1]}, None, id="quiet"),
        pytest.param("must_not_alert", {"timeline": BURST}, "alerts 37m after its beginning", id="not quiet"),
    ],
)
def test_a_test_fails_and_says_why(group: str, test: Any, why: str | None) -> None:
    found = failures(**{group: [test]})
    if why is None:
        assert found == []
    else:
        [(where, said)] = found
        assert where == f"{group}[0]"
        assert why in said


def test_without_a_number_posts_are_copies_of_one_story_and_count_all_the_same() -> None:
    same = [{"at": "0m", "posts": 10, "over": "10m", "text": "Bahn steht"}]
    assert failures(must_alert=[{"timeline": same}]) == []


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        pytest.param({"must_mach": ["x"]}, "did you mean `must_match`", id="a misspelt group"),
        pytest.param({"must_match": [{"txt": "x"}]}, "did you mean `text`", id="a misspelt field"),
        pytest.param({"must_alert": [{"timeline": []}]}, "timeline` is empty", id="an empty timeline"),
        pytest.param({"must_alert": [{"timeline": [{"at": "soon", "text": "x"}]}]}, "write a duration", id="no time"),
        pytest.param({"must_alert": [{"timeline": [{"at": "0m", "posts": 0, "text": "x"}]}]}, "greater", id="no posts"),
    ],
)
def test_a_test_that_is_written_wrong_is_named(tests: Any, message: str) -> None:
    text = yaml.safe_dump({"watches": [WATCH | {"tests": tests}]}, allow_unicode=True)
    [error] = check(read_watches(text, "w.yml")).wrong()
    assert message in str(error)
