"""The time of day: it begins where the machine's clock stands, and then passes as time does.

A machine's clock leaps when people, NTP or a hypervisor set it. A tick from a clock that is a day ahead would resolve
what is open and make every post of the next day too late to alert; a lease would end before it is over. So whatever is
decided by the time of day asks here. A leap is not followed; what is off by less is made good slowly.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

TOLERANCE = 300.0
"""Seconds; what is off by more is a leap. Machines that agree about the time to within that are good enough for us."""
SLEW = 0.1
"""How much faster or slower our time passes while it is off: seconds a second."""


def passed() -> float:
    """Return the seconds since the machine was started, those included for which it was suspended."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clock:
    """A time of day that only passes. `machine` is the clock that may leap, `steady` the one that cannot."""

    def __init__(self, machine: Callable[[], float] = time.time, steady: Callable[[], float] = passed) -> None:
        self._machine = machine
        self._steady = steady
        self._lock = Lock()
        self._looked = steady()
        self._began = machine() - self._looked

    def seconds(self) -> float:
        """Return the seconds since 1970."""
        return self._steady() + self._began

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def look(self) -> float:
        """Return by how many seconds the machine's clock is ahead of ours; make a little of it good if it is no leap.

        Call it once a second or so, from any thread.
        """
        with self._lock:
            looked = self._steady()
            most = SLEW * (looked - self._looked)
            self._looked = looked
            ahead = self._machine() - looked - self._began
            if abs(ahead) <= TOLERANCE:
                self._began += max(-most, min(most, ahead))
            return ahead


_CLOCK = Clock()
now, seconds, look = _CLOCK.now, _CLOCK.seconds, _CLOCK.look
