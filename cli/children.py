"""The processes of Earshot as children of a command: started, watched by their `/readyz`, stopped in order by pid."""

import fcntl
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from cli.broker import free_port, stop
from schemas.errors import ConfigError, EarshotError

TAIL_LINES = 15


class ChildDied(EarshotError):
    """A process that should run has ended or never became ready; `tail` is the end of its log."""

    def __init__(self, child: "Child", what: str) -> None:
        super().__init__(f"{child.name} {what} (its log is {child.log})")
        self.tail = child.tail()


def ask(port: int, path: str) -> bytes | None:
    """Return what the process on `port` of loopback answers, or None where it does not answer with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@dataclass(slots=True)
class Child:
    """One running process, its log file and the port of its `/metrics`, `/readyz` and `/healthz`.

    A `finite` one may end by itself when its work is done, as ingest does when all its sources are files.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    port: int
    finite: bool = False
    _read: int = 0

    @property
    def url(self) -> str:
        """Where the process tells about itself."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def done(self) -> bool:
        """Tell whether the process has ended because its work is done."""
        return self.finite and self.process.poll() == 0

    @property
    def ready(self) -> bool:
        """Tell whether the process says that it does its work, or has done it."""
        return self.done or ask(self.port, "/readyz") is not None

    def new_lines(self) -> list[str]:
        """Return the whole lines logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            text, newline, _ = log.read().rpartition(b"\n")
        self._read += len(text) + len(newline)
        return text.decode("utf-8", "replace").splitlines()

    def tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:])


@dataclass(slots=True)
class Children:
    """The children of one command. They log to files in `folder` and see `environment` instead of our own."""

    folder: Path
    environment: Mapping[str, str]
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, port: int = 0, *, finite: bool = False) -> Child:
        """Start `earshot <name>` with its metrics on `port`, or on a free one.

        It gets a session of its own: a Ctrl-C in the terminal is for the command, which then stops its children in
        order. `-P` keeps a folder of the user's that happens to be called `cli` from being imported.
        """
        port = port or free_port()
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli.main", name],
                env={**self.environment, "EARSHOT_METRICS_PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log, port, finite)
        self.running.append(child)
        return child

    def check(self) -> None:
        """Do nothing as long as all run, or are done.

        Raises:
            ChildDied: one has ended.
        """
        for child in self.running:
            if (code := child.process.poll()) is not None and not child.done:
                raise ChildDied(child, f"ended with code {code}")

    def waiting(self, seconds: float) -> Iterator[list[str]]:
        """Yield the names of those that are not ready yet, several times a second, until all are.

        Raises:
            ChildDied: one has ended, or is not ready after `seconds`.
        """
        deadline = monotonic() + seconds
        while slow := [child for child in self.running if not child.ready]:
            self.check()
            if monotonic() > deadline:
                raise ChildDied(slow[0], f"is not ready after {seconds:g} s")
            yield [child.name for child in slow]
            sleep(0.1)

    def stop(self) -> None:
        """End all, the last started first, each politely first: who sends stops before who receives."""
        while self.running:
            stop(self.running.pop().process)


@contextmanager
def children(folder: Path, environment: Mapping[str, str]) -> Iterator[Children]:
    """Have children for as long as the context lasts; none is left afterwards, whatever happens inside.

    Raises:
        ConfigError: another command has its children's logs in `folder`, which would be written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "stop it, or give this one a folder of its own"
            raise ConfigError(
                f"another earshot runs with its logs in {folder}", where="EARSHOT_STATE", hint=hint
            ) from None
        group = Children(folder, {**os.environ, **environment})
        try:
            yield group
        finally:
            group.stop()
