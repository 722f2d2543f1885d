"""The command as a shell sees it: exit codes, one line of error, nothing but results on standard output."""

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.main import run
from tests.pipeline import tiny

CRISES = Path(__file__).parents[2] / "examples" / "crises"
WATCHES = CRISES / "watches.yml"
POST = {"platform": "x", "id": "1", "time": "2013-07-06T12:00:00Z", "text": "Explosion in #LacMegantic", "lang": "en"}


def posts(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["explain"], "write a mention such as x:123, or --watches and --input"),
        (["check"], "Missing argument"),
        (["demo", "--speed", "0"], "speed"),
        (["dead", "show"], "Missing argument"),
        (["worker", "--stage", "nosuch"], "nosuch"),
        (["check", "none.yml"], "none.yml: cannot be read: No such file or directory"),
        (["explain", "--watches", "none.yml", "--input", "-"], "none.yml: cannot be read"),
        (["backtest", "--watches", str(WATCHES), "--input", "none.jsonl"], "none.jsonl: cannot be read"),
    ],
)
def test_wrong_use_is_one_line_of_error_and_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len(told.err.splitlines()) == 1


def test_a_full_disk_is_no_bug_of_ours() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "cli.main", "schema"]
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert (told.returncode, told.stderr) == (
        2,
        "earshot: standard output cannot be written: No space left on device\n",
    )


def test_a_misspelt_variable_is_said_and_the_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARSHOT_KAFAK", "secret-host:9092")
    assert run(["check", str(WATCHES)]) == 0
    assert "EARSHOT_KAFAK is no setting and changes nothing; was EARSHOT_KAFKA meant?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [None, b"timestamp,value\n2015-01-01,\xff", b"no gzip"], ids=["not there", "not UTF-8", "no gzip"]
)
def test_counts_that_cannot_be_read_are_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, rule = tmp_path / ("counts.csv.gz" if content == b"no gzip" else "counts.csv"), tmp_path / "rule.yml"
    rule.write_text("{kind: count, threshold: 1, window: 1h}")
    if content is not None:
        counts.write_bytes(content)
    assert run(["backtest", "--counts", str(counts), "--rule", str(rule), "--scores", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert f"{counts} cannot be read: " in told
    assert "Errno" not in told
    assert "codec" not in told


@pytest.mark.parametrize(
    ("variables", "arguments", "said"),
    [
        ({"EARSHOT_PARTITIONS": "many"}, ["topics", "check"], "EARSHOT_PARTITIONS"),
        ({"EARSHOT_WATCHES": "none.yml"}, ["up"], "none.yml: cannot be read"),
        ({"EARSHOT_WATCHES": "none.yml"}, ["worker"], "none.yml"),
        ({"EARSHOT_SOURCES": "none.yml"}, ["ingest"], "none.yml"),
        ({"EARSHOT_KAFKA_PASSWORD_FILE": "none"}, ["deliver"], "EARSHOT_KAFKA_PASSWORD_FILE"),
        ({"EARSHOT_WATCHES": str(WATCHES), "SLACK_BOT_TOKEN": ""}, ["deliver"], "SLACK_BOT_TOKEN or SLACK_W"),
        ({"EARSHOT_WATCHES": str(WATCHES), "SLACK_BOT_TOKEN": "xoxb-1"}, ["up"], "EARSHOT_SMTP_HOST is not set"),
    ],
)
def test_a_wrong_setting_is_one_line_of_error_and_2(
    variables: dict[str, str],
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err


def test_a_bug_is_told_without_a_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agents.watchfolder._read", lambda _path: 1 / 0)
    assert run(["check", str(WATCHES)]) == 2
    assert capsys.readouterr().err.startswith("earshot: this is a bug in Earshot: ZeroDivisionError: division by zero")


def test_check_says_each_watch_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(WATCHES)]) == 0
    said = capsys.readouterr().out
    assert "ok mma" in said
    assert "10 or more mentions within 1h" in said
    assert "3h bring 3 times as much as the 3h before, and at least 20" in said
    assert "slack #krise-mma (de)" in said


def test_check_finds_all_that_is_wrong_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "watches.yml"
    text = WATCHES.read_text("utf-8")
    path.write_text(text.replace("goal: service", "gaol: service").replace("kind: spike", "kind: spyke"), "utf-8")
    assert run(["check", str(path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "did you mean `goal`?" in told.err
    assert told.err.count("`spike`") == 2


def test_a_route_that_does_not_fit_is_found_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "watches.yml"
    text = WATCHES.read_text("utf-8").replace("to: presse@mma.example, language", "to: nowhere, language")
    path.write_text(text, "utf-8")
    line = 1 + next(number for number, line in enumerate(text.splitlines()) if "nowhere" in line)
    assert run(["check", str(path)]) == 1
    assert f"watches.yml:{line}:" in capsys.readouterr().err


def test_explain_gives_one_object_a_line_and_finds_what_is_no_post(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = posts(tmp_path, json.dumps(POST), "{", json.dumps(POST | {"id": "2", "text": "nothing of interest"}))
    assert run(["explain", "--watches", str(WATCHES), "--input", path, "--json"]) == 1
    told = capsys.readouterr()
    first, bad, last = map(json.loads, told.out.splitlines())
    assert {"id", "text", "language", "matches", "sentiment", "score", "story", "decision"} <= first.keys()
    assert (first["id"], [found["watch"] for found in first["matches"]]) == ("x:1", ["mma"])
    assert bad["decision"]["decision"] == "invalid"
    assert last["decision"]["decision"] == "no-match"
    assert f"{path}:2: not-json" in told.err


def test_explain_asks_the_model_that_a_worker_here_would_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = posts(tmp_path, json.dumps(POST | {"text": "Lac Megantic: lauwarm schlecht", "lang": "de"}))
    asked = ["explain", "--watches", str(WATCHES), "--input", path, "--json"]
    monkeypatch.setenv("EARSHOT_SENTIMENT_MODEL", str(tiny.make(tmp_path / "model")))
    assert run(asked) == 0
    mood = json.loads(capsys.readouterr().out)["sentiment"]
    assert (mood["class"], mood["words"]) == ("negative", []), "a lexicon would name the word"
    (tmp_path / "model" / "config.json").unlink()
    assert run(asked) == 2
    assert "EARSHOT_SENTIMENT_MODEL: " in (said := capsys.readouterr().err)
    assert "has no config.json" in said


def test_backtest_of_the_crises_finds_both_and_the_same_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (CRISES / "crises.jsonl").read_text("utf-8").splitlines()
    begun = next(number for number, line in enumerate(lines) if '"2013-12-01' in line)
    path = posts(tmp_path, *lines[:150], *lines[begun : begun + 150])
    asked = ["backtest", "--watches", str(WATCHES), "--input", path, "--json"]
    assert run(asked) == 0
    first = capsys.readouterr().out
    assert run(asked) == 0
    assert capsys.readouterr().out == first
    found = json.loads(first)
    assert {incident["watch"] for incident in found["incidents"]} == {"mma", "metro-north"}
    assert found["matched"] == found["folded"] + found["stories"]
    assert found["heard"] == 300


def test_help_is_fast_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, cli.main; print(sorted({'faust', 'pydantic', 'aiohttp', 'kafka', 'structlog'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_the_command_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "backtest" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("earshot 0.")


def _listens(child: str) -> bool:
    pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
    return pages * resource.getpagesize() > 60 * 2**20


def test_who_is_ended_while_others_read_along_leaves_nothing_behind(tmp_path: Path) -> None:
    begin = datetime(2013, 7, 6, tzinfo=UTC)
    lines = (POST | {"id": str(at), "time": (begin + at * timedelta(minutes=5)).isoformat()} for at in range(40_000))
    path = posts(tmp_path, *map(json.dumps, lines))
    command = [sys.executable, "-m", "cli.main", "backtest", "--watches", str(WATCHES), "--input", path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            process.kill()
            pytest.skip("no /proc tells of children here")
        deadline = time.monotonic() + 120
        # a process that has only just begun cannot be told to end quietly; one that listens is large
        while not any(map(_listens, children.read_text().split())) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (143, "")


@pytest.mark.parametrize("options", [["--json"], []])
def test_explain_says_until_when_a_rule_has_not_seen_enough(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watches = tmp_path / "watches.yml"
    text = WATCHES.read_text("utf-8").replace("rules:\n", "rules:\n      - {kind: unusual-volume}\n", 1)
    watches.write_text(text, "utf-8")
    assert run(["explain", "--watches", str(watches), "--input", posts(tmp_path, json.dumps(POST)), *options]) == 0
    told = capsys.readouterr().out
    if options:
        (rule,) = [one for one in json.loads(told)["watches"]["mma"]["rules"] if one["warming"] and one["until"]]
        assert rule["until"].endswith("Z")
    else:
        assert "unusual-volume: has not seen enough yet to judge, and will have at 2013-07-07 12:00 UTC\n" in told


def test_help_breaks_lines_where_the_terminal_ends_and_shows_what_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["backtest", "--help"]) == 0
    assert "--counts FILE --rule FILE --scores OUT" in capsys.readouterr().out
    assert run(["feedback", "say", "--help"]) == 0
    assert "such as 1f2e3d4c5b6a7980.1" in capsys.readouterr().out
