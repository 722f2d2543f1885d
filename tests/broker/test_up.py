"""`earshot up`: all processes as one command; one that ends takes the others with it, and none is ever left."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.topics import apply_topics
from schemas.settings import load_settings
from tests.broker.brokers import Broker
from tests.broker.worker import interruptible

WATCHES = Path(__file__).parents[2] / "examples" / "crises" / "watches.yml"
DEADLINE = 60.0

pytestmark = pytest.mark.broker


@pytest.fixture
def up(fresh_broker: Broker, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """`earshot up`, started, with every process ready."""
    apply_topics(load_settings(kafka=fresh_broker.address))
    (tmp_path / "sources.yml").write_text("sources:\n  - {id: hook, kind: webhook}\n")
    variables = {
        "EARSHOT_KAFKA": fresh_broker.address,
        "EARSHOT_WATCHES": str(WATCHES),
        "EARSHOT_WEBHOOK_PORT": "0",
        "EARSHOT_WEBHOOK_SECRETS": "a-secret-that-is-long-enough",
        "EARSHOT_SMTP_HOST": "127.0.0.1",
        "SLACK_BOT_TOKEN": "xoxb-test",
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "up"],
        env={**os.environ, **variables},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 - it only sets a signal
    )
    yield process
    if process.poll() is None:
        process.terminate()  # killed, it would leave its children behind
    process.communicate(timeout=DEADLINE)


def read_until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stderr
    deadline = time.monotonic() + DEADLINE
    told: list[str] = []
    while time.monotonic() < deadline and (line := process.stderr.readline()):
        told.append(line)
        if "all processes are ready" in line:
            return
    pytest.fail("".join(told))


def children_of(pid: int, count: int) -> dict[str, int]:
    """Return the `count` processes that `pid` starts, by what they do, as soon as they are all there."""
    deadline, found = time.monotonic() + DEADLINE, dict[str, int]()
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {sorted(found)} of {count} processes"
        lines = [
            (Path(f"/proc/{child}/cmdline").read_text().split("\0"), int(child))
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
        # one that has just been forked has no command line yet
        found = {words[-2]: child for words, child in lines if len(words) > 1}
    return found


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_as_asked_and_leaves_nothing(up: "subprocess.Popen[str]", number: signal.Signals) -> None:
    read_until_ready(up)
    started = children_of(up.pid, 3)
    assert set(started) == {"ingest", "worker", "deliver"}
    up.send_signal(number)
    assert up.wait(DEADLINE) == 0
    assert all(gone(pid) for pid in started.values())


def test_one_that_dies_takes_the_others_with_it(up: "subprocess.Popen[str]") -> None:
    read_until_ready(up)
    started = children_of(up.pid, 3)
    os.kill(started["worker"], signal.SIGKILL)
    _, told = up.communicate(timeout=DEADLINE)
    assert up.returncode == 1
    assert re.search(r"^earshot: worker ended with code -9 \(its log is \S+worker\.log\)$", told, re.MULTILINE)
    assert all(gone(pid) for pid in started.values())


def test_without_the_topics_it_says_what_to_do(fresh_broker: Broker, tmp_path: Path) -> None:
    secrets = {"SLACK_BOT_TOKEN": "xoxb-test", "EARSHOT_SMTP_HOST": "127.0.0.1"}
    variables = {"EARSHOT_KAFKA": fresh_broker.address, "EARSHOT_WATCHES": str(WATCHES), **secrets}
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", "up"],
        env={**os.environ, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "earshot topics apply" in ended.stderr
