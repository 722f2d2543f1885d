"""The product's processes, and the supervisor that starts them again, as a container platform would."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

from tests.faults.clocks import MachineClock

ROOT = Path(__file__).parents[2]
RESTART_SECONDS = 0.2
"""How long a process stays down after its end."""
HEALTHY_SECONDS = 30.0


class Process:
    """One process of the product, with its log. `ended` counts how often it ended without having been told to."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.trap = folder / f"{name}.trap"
        self.log = folder / f"{name}.log"
        self.clock = MachineClock(folder / f"{name}.clock")
        self.ended = 0
        self._kind = name.partition("-")[0]
        own = {"FAULTS_TRAP": str(self.trap), "EARSHOT_LOG": "json"}
        self._environment = os.environ | environment | self.clock.environment | own
        self._expected = False
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def start(self) -> None:
        with self._lock, self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.points", self._kind],
                env=self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to it, whichever incarnation runs now, and tell whether one did.

        One that is down is met as soon as it is up again.
        """
        deadline = monotonic() + 5 * RESTART_SECONDS
        while monotonic() < deadline:
            with self._lock:
                if self._popen and self._popen.poll() is None:
                    self._expected |= number in (signal.SIGKILL, signal.SIGTERM)
                    self._popen.send_signal(number)
                    return True
            threading.Event().wait(0.02)
        return False

    def said(self, words: str) -> int:
        """Return how often its log holds these words."""
        return self.log.read_text(errors="replace").count(words)

    def arm(self, number: signal.Signals, point: str) -> None:
        """Let it send itself a signal at a named point."""
        new = self.trap.with_suffix(".new")
        new.write_text(f"{number.name} {point}")
        new.replace(self.trap)

    def sprung(self) -> bool:
        """Tell once that the armed point was reached."""
        with suppress(FileNotFoundError):
            Path(f"{self.trap}.sprung").unlink()
            self._expected = True
            return True
        return False

    def disarm(self) -> None:
        self.trap.unlink(missing_ok=True)

    def supervise(self) -> None:
        """Start it again if it is down."""
        with self._lock:
            if self._popen is None or self._popen.poll() is None:
                self._since = monotonic()
                return
            if monotonic() - self._since < RESTART_SECONDS:
                return
            self.ended += not self._expected and not Path(f"{self.trap}.sprung").exists()
            self._expected = False
        self.start()

    def end(self) -> None:
        with self._lock:
            if self._popen and self._popen.poll() is None:
                self._popen.kill()
                self._popen.wait()


class Supervisor:
    """Keeps all processes up, from a thread of its own. Use as a context manager."""

    def __init__(self, processes: dict[str, Process]) -> None:
        self.processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        for process in self.processes.values():
            process.start()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(10)
        for process in self.processes.values():
            process.end()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            for process in self.processes.values():
                process.supervise()
