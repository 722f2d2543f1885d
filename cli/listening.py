"""Listening ahead: recorded posts are read and matched in other processes, while this one judges what they have heard.

Listening holds no state, so it may be anywhere; judging is one watch's history and stays in one place, in the order of
the posts. What comes from the other processes is what a worker would read from its log, record by record.
"""

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from itertools import chain, islice
from multiprocessing import get_context
from typing import Protocol

from cli.reading import Unreadable
from pipeline.offline.backtest import AT_ONCE, Ear, Listened
from pipeline.query import Matcher
from pipeline.stories.dedup import Drawn, drawn
from pipeline.stream import garbage
from schemas.control import Forget
from schemas.errors import EarshotError
from schemas.event import Deletion, Post
from schemas.mention import Match
from schemas.watch import Watch

FEW = 4_000
"""So many posts are listened to here: other processes take a second or two to begin."""
MOST_PROCESSES = 4
"""More than that would only wait for judge."""
AHEAD = 4
"""So many batches for each process are on their way at a time."""

Read = Post | Deletion | datetime | Unreadable | None
"""What a record was: also a moment up to which time passes, or nothing that judge hears of."""
Heard = Listened | datetime | Unreadable


class Unread(Protocol):
    """A record that nobody has read yet."""

    def read(self) -> Read:
        """Return what it is."""


Recorded = Unread | Post | Unreadable


def listened(recorded: Iterable[Recorded], ear: Ear, watches: Sequence[Watch]) -> Iterator[Heard]:
    """Yield what follows from each of `recorded`, in their order, and what cannot be read.

    `ear` is that of `watches`; other processes, which use the same settings, make their own.

    Raises:
        EarshotError: another process has been ended by somebody.
    """
    rest = iter(recorded)
    first = list(islice(rest, FEW))
    many = len(first) == FEW
    if many:
        garbage.look_rarely()
    processes = min(MOST_PROCESSES, (os.cpu_count() or 1) - 1) if many else 0
    batches = _batches(chain(first, rest))
    if processes < 1:
        return (one for batch in batches for one in hear(batch, ear))
    return _elsewhere(batches, watches, processes)


def hear(recorded: Sequence[Recorded], ear: Ear) -> list[Heard]:
    """Return what follows from some records, which are read first."""
    read = [one if isinstance(one, Post | Unreadable) else one.read() for one in recorded]
    heard = iter(ear.hear([one for one in read if isinstance(one, Post | Deletion)]))
    found = [next(heard) if isinstance(one, Post | Deletion) else one for one in read]
    return [one for one in found if one is not None]


def _batches(recorded: Iterator[Recorded]) -> Iterator[list[Recorded]]:
    while batch := list(islice(recorded, AT_ONCE)):
        yield batch


def _elsewhere(batches: Iterator[list[Recorded]], watches: Sequence[Watch], processes: int) -> Iterator[Heard]:
    """Yield what other processes hear."""
    # what is forked would share what the libraries of this process are in the middle of
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (tuple(watches),))
    waiting: deque[Future[list[_Sent]]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_hear, batch))
            if len(waiting) >= AHEAD * processes:
                yield from map(_received, waiting.popleft().result())
        while waiting:
            yield from map(_received, waiting.popleft().result())
    except BrokenProcessPool as error:
        hint = "is there too little memory?"
        raise EarshotError(f"a process that was listening has been ended; {hint}") from error
    finally:
        pool.shutdown(cancel_futures=True)


_Sent = tuple[datetime, tuple[bytes | Forget, ...], bool, tuple[Drawn, ...]] | datetime | Unreadable
_ears: list[Ear] = []
"""The one ear of a process that listens."""


def _begin(watches: tuple[Watch, ...]) -> None:
    """Make ready a process that listens."""
    from cli.explain import feeling

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the command ends this, too
    _ears[:] = [Ear(tuple(watch.id for watch in watches), Matcher.compile(watches), feeling())]
    garbage.look_rarely()


def _hear(batch: list[Recorded]) -> "list[_Sent]":
    return [_sent(one) if isinstance(one, Listened) else one for one in hear(batch, _ears[0])]


def _sent(one: Listened) -> "_Sent":
    """Return it as it is passed on: matches are read from JSON in half the time that pickle takes; texts are drawn."""
    records = tuple([record.to_bytes() if isinstance(record, Match) else record for record in one.records])
    return one.time, records, one.deleted, tuple([drawn(mention) for mention in one.mentions])


def _received(sent: "_Sent") -> Heard:
    if not isinstance(sent, tuple):
        return sent
    time, records, deleted, drawings = sent
    found = tuple([Match.from_bytes(record) if isinstance(record, bytes) else record for record in records])
    return Listened(time, found, deleted, drawings)
