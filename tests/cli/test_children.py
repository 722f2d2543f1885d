"""Children: started, watched, and gone when the command is gone, whatever happens."""

import os
import time
from pathlib import Path

import pytest

from cli.children import ChildDied, Children, children
from schemas.errors import ConfigError


def wait_until_ended(group: Children) -> None:
    deadline = time.monotonic() + 30
    while any(child.process.poll() is None for child in group.running) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_child_that_ends_is_noticed_with_the_end_of_its_log(tmp_path: Path) -> None:
    with children(tmp_path, {"EARSHOT_WATCHES": str(tmp_path / "none.yml")}) as group:
        group.start("worker")
        wait_until_ended(group)
        with pytest.raises(ChildDied, match=r"worker ended with code 2 .*worker\.log") as died:
            group.check()
    assert "none.yml" in died.value.tail


def test_waiting_for_one_that_never_gets_ready_ends_with_its_name(tmp_path: Path) -> None:
    with children(tmp_path, {"EARSHOT_WATCHES": str(tmp_path / "none.yml")}) as group:
        group.start("worker")
        waiting = group.waiting(30)
        assert next(waiting) == ["worker"]
        with pytest.raises(ChildDied, match="worker"):
            list(waiting)


def test_a_finite_one_may_end(tmp_path: Path) -> None:
    with children(tmp_path, {}) as group:
        child = group.start("--version", finite=True)
        wait_until_ended(group)
        group.check()
        assert child.done
        assert list(group.waiting(1)) == []
        assert [line.partition(" ")[0] for line in child.new_lines()] == ["earshot"]
        assert child.new_lines() == []


def test_two_commands_do_not_write_over_each_others_logs(tmp_path: Path) -> None:
    with children(tmp_path, {}):
        with (
            pytest.raises(ConfigError, match=r"EARSHOT_STATE: another earshot runs .*\(stop it, or give"),
            children(tmp_path, {}),
        ):
            pass
        with children(tmp_path / "other", {}):
            pass
    with children(tmp_path, {}):
        pass


def test_none_is_left_when_the_command_fails(tmp_path: Path) -> None:
    pids: list[int] = []

    def command() -> None:
        # it waits for a broker that will never be there
        with children(tmp_path, {"EARSHOT_KAFKA": "127.0.0.1:1"}) as group:
            pids.append(group.start("deliver").process.pid)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        command()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
