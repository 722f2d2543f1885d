"""The `earshot` command: its sub-commands, and the one place where an error becomes a line of text and an exit code.

Exit codes: 0 fine, 1 findings, 2 wrong use. Machine output goes to standard output, everything said to people about
errors to standard error. Heavy modules are imported inside the commands, so that `earshot --help` answers at once.
"""

import errno
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from cli.backtest import backtest
from cli.check import check
from cli.control import acknowledge, silence
from cli.dead import dead
from cli.decided import incidents, list_silences
from cli.demo import demo
from cli.explain import explain
from cli.feedback import feedback
from cli.forget import forget
from cli.prove import prove
from cli.run import deliver, ingest, worker
from cli.schema import schema
from cli.sources import sources
from cli.topics import topics
from cli.up import up
from cli.watches import watches

INTERRUPTED = 130
NARROW = 80
"""Columns below which boxes around options leave no room for their names."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})

app = typer.Typer(
    name="earshot",
    help="Hears what is said about a company in public and tells the right person within seconds.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # else lines of help break where they do in the source
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, up, worker, ingest, deliver, check, schema, explain, backtest, acknowledge, incidents, forget):
    app.command()(command)
app.command("test")(prove)
silence.command("list")(list_silences)
app.add_typer(topics)
app.add_typer(dead)
app.add_typer(watches)
app.add_typer(silence)
app.add_typer(feedback)
app.add_typer(sources)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"earshot {version('earshot')}")
        raise typer.Exit


@app.callback()
def earshot(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Hears what is said about a company in public and tells the right person within seconds."""
    del version  # its callback has printed it
    _warn_of_misspelt()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever goes wrong is said in one line."""
    from cli.children import ChildDied
    from schemas.errors import EarshotError

    try:
        command = typer.main.get_command(app)
        if (columns := shutil.get_terminal_size().columns) < NARROW:
            _write_plainly(command, columns)
        return int(command(arguments, standalone_mode=False) or 0)
    except TyperException as error:
        message = " ".join(error.format_message().split())
        # without a message the command was named without anything behind it, and its help has been printed
        return _say(f"{message} (earshot --help shows what there is)" if message else "", error.exit_code)
    except ChildDied as error:
        print(error.tail, file=sys.stderr)
        return _say(str(error), 1)
    except EarshotError as error:
        return _say(str(error), 2)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the outermost seam: a person is never shown a stack trace unasked
        if os.environ.get("EARSHOT_LOG_LEVEL") == "debug":
            raise
        return _say(_unexpected(error), 2)


def _write_plainly(command: Any, columns: int) -> None:
    """Have the help of `command` and of what is below it written without boxes, where these would cut off names."""
    command.context_settings |= {"terminal_width": columns}
    if below := getattr(command, "commands", None):
        for one in below.values():
            _write_plainly(one, columns)
    else:
        command.rich_markup_mode = None


def _unexpected(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"{error.filename or 'standard output'} cannot be written: {error.strerror}"
    told = f"{type(error).__name__}: {error}".replace("\n", " ")
    return f"this is a bug in Earshot: {told} (EARSHOT_LOG_LEVEL=debug shows where)"


def _warn_of_misspelt() -> None:
    from schemas.settings import misspelt

    for written, meant in misspelt(os.environ):
        print(f"earshot: warning: {written} is no setting and changes nothing; was {meant} meant?", file=sys.stderr)


def _say(message: str, code: int) -> int:
    if message:
        print(f"earshot: {message.strip()}", file=sys.stderr)
    return code


def main() -> None:
    """Run the command of the command line."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that knows no umlauts is shown the rest all the same
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # whoever is ended cleans up: processes that read along, and what they share. Commands that run for long see to it
    signal.signal(signal.SIGTERM, _ended)
    sys.exit(run())


def _ended(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
