"""A machine's clock that can be set while a process runs, without anybody else noticing.

The process is started with `leaping()` as the first that it does: from then on `time.time`, which is what the product
and its Python clients ask, shows what a file says. Monotonic clocks are left alone, as they are by a real leap.
(libfaketime would reach librdkafka too, but only half of it: what that does then, it does in no real leap.)
"""

import os
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "FAULTS_CLOCK"
LOOK_SECONDS = 0.1


class MachineClock:
    """The clock of the processes that are started with `environment`; it shows the right time to begin with."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {VARIABLE: str(file)}
        self.set(0)

    def set(self, seconds: float) -> None:
        """Let it show another time, so many seconds ahead of the right one."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:.0f}")
        new.replace(self._file)


def leaping() -> None:
    """Give this process the clock that the environment names, if it names one; call it before anything is imported."""
    if VARIABLE not in os.environ:
        return
    file, right = Path(os.environ[VARIABLE]), time.time
    off, looked = 0.0, -LOOK_SECONDS

    def shown() -> float:
        nonlocal off, looked
        if time.monotonic() - looked >= LOOK_SECONDS:
            looked = time.monotonic()
            with suppress(FileNotFoundError):
                off = float(file.read_text())
        return right() + off

    time.time = shown
