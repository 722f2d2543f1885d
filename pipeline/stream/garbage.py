"""Garbage: how often Python looks for objects that only refer to one another.

Judge remembers in trees of frozen values, which are freed as soon as nobody refers to them, without any looking.
Python does not know that and looks through them again and again as they grow: with 10,000 stories in a watch's memory
that took 40 % of judge's time, and each time the worker stood still for a sixth of a second. What the rest of a worker
leaves behind is young when it is found, so the young objects are still looked at; all of them hardly ever.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000
"""So many more objects than before are made before the youngest are looked at."""
RARELY = 1_000
"""So many times the young are looked at before all are."""


@contextmanager
def not_looked_at() -> Iterator[None]:
    """Look at nothing while modules are imported: hardly any is garbage, and looking takes a seventh of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def look_rarely() -> None:
    """Call once, before a worker begins: what is loaded by then stays for good and is not looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG, 5, RARELY)


def keep() -> None:
    """Call when a state has been read from its rows: all that there is now is not looked at again."""
    gc.freeze()
