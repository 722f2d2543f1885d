"""Help as a terminal of any width shows it."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from cli.main import NARROW, app, run


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, (*path, name))


@pytest.mark.parametrize("columns", [40, NARROW - 1, NARROW])
def test_help_cuts_no_name_off_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for path, command in _commands(typer.main.get_command(app)):
        assert run([*path, "--help"]) == 0
        told = capsys.readouterr().out
        assert "…" not in told, path
        missing = [name for one in command.params for name in one.opts if name.startswith("-") and name not in told]
        assert not missing, path
