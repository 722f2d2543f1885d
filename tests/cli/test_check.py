"""`earshot check` and `earshot test`: what they print where, and their exit codes."""

import json
from pathlib import Path

import pytest

from cli.check import describe
from cli.main import run
from tests.pipeline.timeline import watch

WATCH = """\
watches:
  - id: bahn
    purpose: {goal: service, measure: m}
    query: Bahn OR Photo
    rules: [{kind: count, threshold: 3, window: 1h}]
    owner: {name: Press, contact: press@example.com}
    routes: [{channel: slack, to: '#press'}]
    tests:
      must_match: [Die Bahn]
      must_not_match: [Der Bus]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "w.yml"
    path.write_text(WATCH)
    return path


def test_what_is_doubtful_is_a_warning_and_no_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(path)]) == 0
    told = capsys.readouterr()
    assert "ok bahn" in told.out
    assert told.err == (
        f"warning: {path}:4:20: Photo is also spelt Foto: posts that spell it so are not heard"
        " (write (Photo OR Foto)) [spelling]\n"
    )
    assert run(["check", str(path), "--strict"]) == 1


def test_what_is_offered_can_be_applied(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(path), "--diff"]) == 0
    told = capsys.readouterr()
    assert [line for line in told.out.splitlines() if line[:1] in "+-"][2:] == [
        "-    query: Bahn OR Photo",
        "+    query: Bahn OR (Photo OR Foto)",
    ]
    assert told.err == ""
    path.write_text(WATCH.replace("OR Photo", "OR Photo OR Foto"))
    assert run(["check", str(path), "--diff", "--strict"]) == 0
    assert capsys.readouterr().out == ""


def test_a_sample_says_what_to_expect(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    posts = [
        {"platform": "x", "id": str(hour), "time": f"2026-03-0{1 + hour // 24}T{hour % 24:02}:00:00Z", "text": "Bahn"}
        for hour in range(49)
    ]
    sample = tmp_path / "posts.jsonl"
    sample.write_text("\n".join(map(json.dumps, [*posts, {"platform": "x"}])))
    assert run(["check", str(path), "--sample", str(sample)]) == 0
    assert "24.5 mentions a day (49 in the sample)" in capsys.readouterr().out


def test_a_test_that_fails_is_an_error_of_both_commands(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(path)]) == 0
    assert capsys.readouterr().out == "ok bahn: 2 tests\n2 tests, 0 failed\n"
    path.write_text(WATCH.replace("Der Bus", "Die Bahn"))
    for command in ("check", "test"):
        assert run([command, str(path)]) == 1
        told = capsys.readouterr()
        assert f"{path}:10: `watches[0].tests.must_not_match[0]` matches: “Die Bahn”; because of Bahn" in told.err
        assert told.out == ("" if command == "check" else "2 tests, 1 failed\n")


def test_only_one_watch_can_be_asked_for(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(path), "--watch", "bahn"]) == 0
    assert run(["test", str(path), "--watch", "bus"]) == 2
    assert "there is no watch bus" in capsys.readouterr().err
    path.write_text(WATCH.partition("    tests:")[0])
    assert run(["test", str(path)]) == 0
    assert capsys.readouterr().out == "no watch carries tests\n"
    path.write_text(WATCH.replace("query: Bahn", "query: Bahn AND OR"))
    assert run(["test", str(path)]) == 1


def test_a_folder_is_checked_as_a_whole(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path.parent / "more.yml").write_text(WATCH.replace("query: Bahn OR Photo", "querry: Bahn"))
    assert run(["check", str(path.parent)]) == 1
    said = capsys.readouterr().err
    assert f"{path.parent}/more.yml:4: `watches[0].querry` is not a field here (did you mean `query`?)" in said
    assert f"which is already given at {path.parent}/more.yml:2" in said


def test_what_a_watch_asks_for_is_said_in_whole_sentences() -> None:
    rules = ({"kind": "every"}, {"kind": "every", "name": "all"}, {"kind": "silence", "window": "12h"})
    rules += ({"kind": "count", "threshold": 3, "window": 5400},)  # type: ignore[assignment]
    routes = ({"channel": "console"}, {"channel": "email", "to": ("a@x.example", "b@x.example")})
    said = describe(watch(*rules, routes=routes))
    assert [text for label, text in said if label == "alerts when"] == [
        "there is a mention",
        "all: there is a mention",
        "silence: window 12h",
        "3 or more mentions within 90m",
    ]
    assert ("tells", "console (de), email a@x.example, b@x.example (de)") in said
