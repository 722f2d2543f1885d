"""What others wrote reaches a terminal as text: it is no markup of ours, and moves no cursor."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.table import Table

from agents import dead
from cli.backtest import say_signal
from cli.main import run
from cli.printable import print_table
from schemas.dead import bury
from schemas.signal import Signal

HOSTILE = "[/red]\x1b[2J[link=x]"
WATCH = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: m}
    query: acme
    rules: [{kind: every}]
    group_by: [author]
    owner: {name: P, contact: p@acme.example}
    routes: [{channel: slack, to: "#p"}]
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A watch that tells its incidents apart by author, and a post of an author and id that mean harm."""
    watches, posts = tmp_path / "w.yml", tmp_path / "p.jsonl"
    watches.write_text(WATCH)
    post = {"platform": "x", "id": HOSTILE, "time": "2026-01-01T12:00:00Z", "text": "acme", "author": {"name": HOSTILE}}
    posts.write_text(json.dumps(post))
    return str(watches), str(posts)


def test_an_author_called_like_markup_breaks_no_table(
    files: tuple[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    watches, posts = files
    empty = tmp_path / "old.yml"
    empty.write_text(WATCH.replace("query: acme", "query: nobody"))
    assert run(["backtest", "--old", str(empty), "--new", watches, "--input", posts]) == 0
    told = capfd.readouterr().out
    assert "author [/red]" in " ".join(told.split())
    assert "\x1b[2J" not in told


def test_an_id_moves_no_cursor(files: tuple[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    watches, posts = files
    assert run(["explain", "--watches", watches, "--input", posts]) == 0
    told = capfd.readouterr().out
    assert r"x:[/red]\x1b[2J[link=x]" in told
    assert "\x1b" not in told


def test_what_is_wrong_with_a_dead_record_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    about = {"topic": "earshot.raw.x", "partition": 0, "offset": 7, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    found = bury(b"{}", reason="wrong-type", detail=f"`metrics.{HOSTILE}`: no number", key=f"x:{HOSTILE}", **about)
    monkeypatch.setattr(dead, "list_dead", lambda _settings, _tell: [found])
    monkeypatch.setattr(dead, "show_dead", lambda _settings, _name: found)
    for command in (["dead", "list"], ["dead", "show", found.id]):
        run(command)
        told = capfd.readouterr()
        assert r"metrics.[/red]\x1b[2J[link=x]" in "".join(told.out.split()), told.err
        assert "\x1b" not in told.out


@pytest.mark.parametrize(("copies", "told"), [(1, "1 story, 0 copies of them, 1 incident, 2 alerts"), (2, "1 copy of")])
def test_one_is_not_told_as_several(
    files: tuple[str, str], capfd: pytest.CaptureFixture[str], copies: int, told: str
) -> None:
    watches, posts = files
    line = Path(posts).read_text()
    Path(posts).write_text("\n".join(line.replace('"id": "', f'"id": "{at}') for at in range(copies)))
    run(["backtest", "--watches", watches, "--input", posts])
    assert told in capfd.readouterr().out


def test_a_terminal_that_knows_no_umlauts_is_no_bug(files: tuple[str, str]) -> None:
    watches, posts = files
    post = {"platform": "x", "id": "1", "time": "2026-01-01T12:00:00Z", "text": "acme – Brötchen"}
    Path(posts).write_text(json.dumps(post))
    command = [sys.executable, "-m", "cli.main", "explain", "--watches", watches, "--input", posts]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    told = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)
    assert (told.returncode, told.stderr) == (0, b"")
    assert rb"acme \u2013 Br\xf6tchen" in told.stdout


@pytest.mark.parametrize(
    ("kind", "value", "threshold", "expected", "said"),
    [
        ("count", 10, 10, None, "count: 10 in 6h (from 10 on)"),
        ("spike", 34, 20, 8, "spike: 34 in 6h (from 20 on, 8 before)"),
        ("silence", 12.5, 12, None, "silence: nothing for 12.5 h (from 12 h on)"),
        ("negative-share", 0.434, 0.4, 0.64, "negative-share: 64% in 6h, surely 43% (from 40% on)"),
        ("composite", 1.20503, 1, None, "composite: its conditions hold"),
        ("share-of-voice", 0.88, 0.7, 0, "share-of-voice: own share 0% in 6h"),
        ("sentiment-shift", 0.19, 0.15, 0.2, "sentiment-shift: surely 19% more in 6h (from 15% on, 20% before)"),
    ],
)
def test_what_a_rule_has_measured_is_said_in_its_unit(
    kind: str, value: float, threshold: float, expected: float | None, said: str
) -> None:
    about = {"rule": kind, "kind": kind, "at": datetime(2026, 1, 1, tzinfo=UTC), "window": 21_600.0}
    found = Signal.model_validate({**about, "value": value, "threshold": threshold, "expected": expected}, strict=False)
    assert say_signal(found) == said


def test_a_file_of_another_form_is_not_told_line_by_line(
    files: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    watches, posts = files
    Path(posts).write_text('{"text": "acme"}\n' * 1_200)
    assert run(["backtest", "--watches", watches, "--input", posts]) == 1
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 21
    assert told[0].endswith(":1: wrong-type: `platform`: Field required")
    assert told[-1] == "… and 1,180 more that are no posts"


def test_a_pipe_is_as_wide_as_its_tables_whatever_the_terminal_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("watch", "query")
    table.add_row("[acme]", "acme " * 15 + '"Acme[b]"')
    print_table(table)
    assert f'[acme] │ {"acme " * 15}"Acme[b]"' in capsys.readouterr().out
