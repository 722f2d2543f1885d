"""The demo as a newcomer runs it: it ends by itself, and what came out live is what a backtest says."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker.test_up import children_of, gone
from tests.broker.worker import interruptible

CRISES = Path(__file__).parents[2] / "examples" / "crises"
DEADLINE = 240
COMPARED = ("id", "opened", "resolved", "mentions", "stories", "peak", "revision")

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


def backtest(folder: Path) -> dict[str, Any]:
    ended = earshot(
        *("backtest", "--watches", str(CRISES / "watches.yml"), "--input", str(CRISES / "crises.jsonl"), "--json"),
        folder=folder,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def told(incidents: list[dict[str, Any]]) -> list[list[Any]]:
    """Return what is compared of incidents, in one order."""
    return sorted([incident[name] for name in COMPARED] for incident in incidents)


def test_the_demo_tells_what_the_backtest_says_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ended = earshot("demo", "--json", "summary.json", folder=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    live = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    offline = backtest(tmp_path)
    for name in ("heard", "matched", "folded", "stories"):
        assert live[name] == offline[name], name
    assert told([one for watch in live["watches"].values() for one in watch["incidents"]]) == told(offline["incidents"])
    assert live["incidents"] == len(offline["incidents"]) > 0
    assert live["alerts"] == len(offline["alerts"])
    assert live["delivered"] == 2 * live["alerts"], "each alert has two routes"
    assert live["seconds_to_first_alert"] < 60

    page = (tmp_path / live["inbox"]).read_text("utf-8")
    assert page.count('<iframe sandbox=""') == live["alerts"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".earshot", "summary.json"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A demo that has started its three processes and the broker."""
    command = [sys.executable, "-P", "-m", "cli.main", "demo"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 - it only sets a signal
    ) as process:
        assert process.stdout
        while (line := process.stdout.readline()) and "ingest" not in line:
            pass
        yield process
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_no_process(demo: "subprocess.Popen[str]", number: signal.Signals) -> None:
    below = children_of(demo.pid, 4)
    demo.send_signal(number)
    _, errors = demo.communicate(timeout=DEADLINE)
    assert (demo.returncode, errors) == (130, "stopped before the end\n")
    assert all(gone(pid) for pid in below.values())


def test_a_process_that_dies_ends_the_demo_with_its_name_and_its_log(demo: "subprocess.Popen[str]") -> None:
    below = children_of(demo.pid, 4)
    os.kill(below["worker"], signal.SIGKILL)
    _, errors = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 1
    *tail, last = errors.splitlines()
    log = re.fullmatch(r"earshot: worker ended with code -9 \(its log is (\S+)\)", last)
    assert log
    assert tail
    assert Path(log[1]).is_file()
    shutil.rmtree(Path(log[1]).parent)
    assert all(gone(pid) for pid in below.values())
