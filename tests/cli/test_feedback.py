"""`earshot feedback`, before a broker is asked; and that other weights show in a comparison of old and new."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.control import about_alert
from cli.feedback import as_json, describe
from cli.main import run
from pipeline.learnt import NOTHING
from tests.pipeline.test_relevance import BAD, GOOD
from tests.pipeline.timeline import Timeline

WATCH = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answers}
    query: acme
    rules: [{kind: amount, of: risk, threshold: 90, window: 1h}]
    risk: {weights: {safety: WEIGHT}}
    owner: Press
    routes: [{channel: console}]
"""


def test_feedback_takes_the_words_of_the_posts_that_the_alert_showed() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    record = about_alert(line.alerts[0], "ben", line.now, useful=False)
    assert (record.watch, record.alert, record.rule) == ("acme", line.alerts[0].id, "count")
    assert [post.mention for post in record.posts] == ["x:p1", "x:p2", "x:p3"]
    assert "bfour" in record.posts[0].words
    assert [about_alert(line.alerts[0], "ben", line.now, useful=said).useful for said in (True, False)] == [True, False]


def test_nothing_is_learnt_from_a_post_whose_words_may_not_be_kept() -> None:
    line = Timeline()
    line.posts(0, 1)
    line.post(2, platform="linkedin")
    record = about_alert(line.alerts[0], "ben", line.now, useful=True)
    assert len(line.alerts[0].quotes) == 3
    assert [post.mention for post in record.posts] == ["x:p1", "x:p2"]


def test_what_was_learnt_is_shown_in_words() -> None:
    line = Timeline()
    assert describe(NOTHING, 5) == ["nobody has given feedback"]
    line.take(BAD)
    assert "of one kind only" in describe(line.state.learnt, 5)[-1]
    line.take(GOOD)
    said = describe(line.state.learnt, 5)
    assert said[0] == "count: 1 useful, 1 noise"
    assert "gleis +" in said[2]
    assert "zimt -" in said[3]


def test_what_was_learnt_is_json_for_programs() -> None:
    line = Timeline()
    empty = {"watch": "acme", "rules": {}, "meant": 0, "not_meant": 0, "speaks_for": {}, "speaks_against": {}}
    assert json.loads(as_json("acme", NOTHING, 5)) == empty
    line.take(BAD)
    line.take(GOOD)
    found = json.loads(as_json("acme", line.state.learnt, 1))
    assert (found["rules"], found["meant"], found["not_meant"]) == ({"count": {"useful": 1, "noise": 1}}, 6, 6)
    assert [len(found[side]) for side in ("speaks_for", "speaks_against")] == [1, 1]


@pytest.mark.parametrize("words", [["a.1", "bad"], ["a.1"]])
def test_what_is_no_feedback_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feedback", *words]) == 2
    assert "worth" in capsys.readouterr().err


def test_another_weight_shows_which_alerts_it_would_have_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
    posts = tmp_path / "posts.jsonl"
    said = [{"platform": "x", "id": "1", "time": begin.isoformat(), "text": "acme: explosion"}]
    said.append({"platform": "x", "id": "2", "time": (begin + timedelta(days=3)).isoformat(), "text": "acme is open"})
    posts.write_text("\n".join(map(json.dumps, said)))
    for name, weight in (("old", "1"), ("new", "4")):
        (tmp_path / f"{name}.yml").write_text(WATCH.replace("WEIGHT", weight))
    for old, new, change in [("old", "new", "gained"), ("new", "old", "lost"), ("new", "new", "same")]:
        files = ["--old", str(tmp_path / f"{old}.yml"), "--new", str(tmp_path / f"{new}.yml"), "--input", str(posts)]
        assert run(["backtest", *files, "--json"]) == 0
        assert [one["change"] for one in json.loads(capsys.readouterr().out)] == [change]


def test_a_weight_of_nothing_is_refused_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.yml"
    path.write_text(WATCH.replace("safety: WEIGHT", "safty: 2"))
    assert run(["check", str(path)]) == 1
    assert "w.yml:7" in capsys.readouterr().err
