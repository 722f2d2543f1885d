"""The time of day passes; it does not leap when the machine's clock does."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from agents.clock import SLEW, TOLERANCE, Clock

BEGAN = 1_800_000_000.0


@dataclass
class Machine:
    """A machine: `passed` seconds since it was started, and a clock that is `off`."""

    passed: float = 1000.0
    off: float = 0.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: BEGAN + self.passed + self.off, lambda: self.passed)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.passed += 1
            self.clock.look()

    @property
    def error(self) -> float:
        """How far our time is from the right one."""
        return self.clock.seconds() - BEGAN - self.passed


DAY, HOUR = 86_400.0, 3600.0
LEAPS = [
    ("a day ahead", DAY),
    ("a day back", -DAY),
    ("an hour ahead", HOUR),
    ("back to 1970", -BEGAN),
    ("just too much to be an error", TOLERANCE + 1),
]


@pytest.mark.parametrize(("sentence", "leap"), LEAPS, ids=[row[0] for row in LEAPS])
def test_a_leap_is_not_followed_and_is_told(sentence: str, leap: float) -> None:
    machine = Machine()
    machine.wait(60)
    machine.off = leap
    assert machine.clock.look() == pytest.approx(leap), sentence
    machine.wait(3600)
    assert machine.error == pytest.approx(0.0)
    machine.off = 0.0
    machine.wait(10)
    assert machine.error == pytest.approx(0.0)
    assert machine.clock.look() == pytest.approx(0.0)


@pytest.mark.parametrize("off", [30.0, -30.0, TOLERANCE, -TOLERANCE])
def test_a_small_error_is_made_good_and_time_never_goes_back(off: float) -> None:
    machine = Machine()
    machine.off = off
    times = []
    for _ in range(int(abs(off) / SLEW) + 2):
        machine.wait(1)
        times.append(machine.clock.now())
    steps = [(after - before).total_seconds() for before, after in pairwise(times)]
    assert min(steps) >= 1 - SLEW - 1e-5
    assert max(steps) <= 1 + SLEW + 1e-5
    assert machine.error == pytest.approx(off, abs=1e-3)


def test_nobody_looked_for_an_hour_and_the_error_is_made_good_at_once() -> None:
    """What has passed counts, not how often it was looked at."""
    machine = Machine()
    machine.off = 100.0
    machine.passed += HOUR
    machine.clock.look()
    assert machine.error == pytest.approx(100.0)
