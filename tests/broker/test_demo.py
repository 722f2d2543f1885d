"""The demo as a newcomer runs it: it ends by itself, and what came out live is what a backtest says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.ingest.replayfile import read_file
from schemas.event import Post

CRISES = Path(__file__).parents[2] / "examples" / "crises"
DEADLINE = 240

pytestmark = [pytest.mark.broker, pytest.mark.timeout(DEADLINE + 60)]


def earshot(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )


def backtest(folder: Path) -> list[dict[str, Any]]:
    ended = earshot(
        *("backtest", "--watches", str(CRISES / "watches.yml"), "--input", str(CRISES / "crises.jsonl"), "--json"),
        folder=folder,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_demo_tells_what_the_backtest_says_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ended = earshot("demo", "--json", "summary.json", folder=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    posts = sum(isinstance(one.post, Post) for one in read_file(CRISES / "crises.jsonl"))
    assert summary["heard"] == posts
    assert summary["seconds_to_first_alert"] < 60
    assert summary["matched"] == summary["folded"] + summary["stories"]

    incidents = [line for line in backtest(tmp_path) if line["type"] == "incident"]
    assert summary["incidents"] == len(incidents) > 0
    live = [found for watch in summary["watches"].values() for found in watch["incidents"]]
    compared = ("id", "opened", "resolved", "mentions", "stories", "peak", "revision")
    assert sorted(([one[name] for name in compared] for one in live), key=str) == sorted(
        ([one[name] for name in compared] for one in incidents), key=str
    )
    assert summary["delivered"] == 2 * summary["alerts"], "each alert has two routes"

    page = (tmp_path / summary["inbox"]).read_text("utf-8")
    assert page.count('<iframe sandbox=""') == summary["alerts"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".earshot", "summary.json"]
