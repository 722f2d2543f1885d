"""What people type to silence a watch, before a broker is asked."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from cli.control import read_matcher
from cli.main import run

WATCH = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answers}
    query: acme
    rules: [{kind: count, threshold: 3, window: 1h}]
    owner: Press
    routes: [{channel: console}]
"""


@pytest.mark.parametrize(
    ("written", "label", "values", "negated"),
    [
        ("platform=x,web", "platform", ("x", "web"), False),
        ("platform=Twitter, Google+", "platform", ("x", "googleplus"), False),
        ("severity=Crisis", "severity", ("Crisis",), False),
        ("author!=Bot", "author", ("Bot",), True),
        (" rule = many ".replace(" = ", "="), "rule", ("many",), False),
    ],
)
def test_a_matcher_is_read(written: str, label: str, values: tuple[str, ...], negated: bool) -> None:
    found = read_matcher(written)
    assert (found.label, found.values, found.negated) == (label, values, negated)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("platform", "is no matcher; write one as platform=x,web"),
        ("plattform=x", "did you mean `platform`"),
        ("severity=krise", r"there is no severity 'krise', so that nothing would be silenced \(there are: crisis"),
        ("severity!=low", "there are: crisis, escalate, review, watch"),
        ("platform=,", "names no value"),
    ],
)
def test_what_is_none_is_refused_with_what_was_meant(written: str, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        read_matcher(written)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    watches, posts = tmp_path / "w.yml", tmp_path / "posts.jsonl"
    watches.write_text(WATCH)
    begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
    said = [
        {
            "platform": "x",
            "id": str(n),
            "time": (begin + timedelta(minutes=n)).isoformat(),
            "text": f"acme {n} {'abc'[n]}",
        }
        for n in range(3)
    ]
    posts.write_text("\n".join(map(json.dumps, said)))
    return watches, posts


@pytest.mark.parametrize(
    ("matchers", "held"),
    [([], "2 of 2"), (["platform=x"], "2 of 2"), (["platform=web"], "0 of 2")],
)
def test_a_preview_says_what_would_have_been_held_back(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], matchers: list[str], held: str
) -> None:
    watches, posts = files
    asked = ["silence", "add", "acme", *matchers, "--by", "ben", "--reason", "fair", "--for", "2h"]
    assert run([*asked, "--preview", str(posts), "--watches", str(watches)]) == 0
    assert f"{held} alerts would have been held back" in capsys.readouterr().out


def test_a_duration_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["silence", "add", "acme", "--by", "ben", "--reason", "fair", "--for", "soon"]) == 2
    assert "write a duration as a number and a unit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("2020-12-24", "it would be over since 2020-12-24 02:00 UTC"),
        ("9999-12-31T23:00:00", "that is too far away"),
    ],
)
def test_a_silence_that_would_be_none_is_refused(capsys: pytest.CaptureFixture[str], begin: str, said: str) -> None:
    assert run(["silence", "add", "acme", "--by", "ben", "--reason", "fair", "--for", "2h", "--from", begin]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked",
    [
        ["acknowledge", "acme", "0123", "--by", " "],
        ["silence", "add", "acme", "--by", "", "--reason", "fair", "--for", "2h"],
        ["silence", "add", "acme", "--by", "Eva", "--reason", "", "--for", "2h"],
        ["silence", "end", "acme", "0123", "--by", ""],
    ],
)
def test_nobody_says_so_for_no_reason(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked) == 2
    assert "is empty; others have to know" in capsys.readouterr().err
