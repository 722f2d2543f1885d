"""Leases: of all ingest processes with a source in their file, one at a time runs it.

The processes are one consumer group of `earshot.leases`, a topic without records: whoever has a partition of it owns
the sources whose ids fall into that partition. A lease is proven again and again, by an offset that the coordinator
of the group takes from members only, and it is good for less time than the coordinator waits before it gives the
partition to another. So a process that cannot prove it any more has stopped its sources before somebody else starts
them; one that is frozen, and can stop nothing, is ended by its sentinel in time. A client that has stood still for a
minute is replaced (`standing.py` says when that is), once everything that ran on its leases has stopped.
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from time import monotonic
from zlib import crc32

import structlog

from agents.ingest.membership import Membership
from agents.observe import counter
from agents.roster import Coordinator
from agents.standing import Move, Standing, Standstill, standing
from schemas.metrics import LEASES_RENEWED
from schemas.settings import Settings
from schemas.topics import LEASES

SESSION = 9.0
"""Seconds after which the coordinator takes a silent process for dead, at least; EARSHOT_SESSION_TIMEOUT may say more.

The others start its sources two or three seconds later.
"""
GOOD, FROZEN = 0.6, 0.8
"""For which part of the session a proof is good, and after which part of it a process that does nothing is ended."""
UNPROVEN_SECONDS = 10.0
"""How long a process may have no proven lease before the group is asked about it."""
LEAVING_SECONDS = 6.0
"""How long a source that is to be handed over may take to stop."""
CLOSING_SECONDS = 2.0
"""How long leaving may take: with all else less than the ten seconds after which a container is killed."""

_log = structlog.get_logger("ingest.lease")

_SENTINEL = """
import os, select, signal, sys
parent, limit = int(sys.argv[1]), float(sys.argv[2])
while True:
    if not select.select([0], [], [], limit)[0]:
        if os.getppid() == parent:
            os.kill(parent, signal.SIGKILL)
        break
    if not os.read(0, 4096):
        break
"""
"""A process beside ours that ends it when it says nothing: a stopped process cannot close its own connections."""


class Leases:
    """The leases of this process. `start` and `close` it; ask with `acquired` and `lost` from the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.session = max(SESSION, settings.session_timeout)
        self._patience = self.session * FROZEN / 4
        self._partitions = settings.partitions
        self._mine: frozenset[int] = frozenset()
        self._running: dict[str, int] = {}
        self._good_until = 0.0
        self._joined = 0.0
        self._former: set[str] = set()
        self._standstill = Standstill()
        self._coordinator = Coordinator(settings, "ingest", LEASES)
        self._changed = asyncio.Event()
        self._stopping = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._follow, name="leases", daemon=True)
        self._sentinel: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Join the others."""
        limit = str(self.session * FROZEN)
        self._sentinel = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SENTINEL, str(os.getpid()), limit],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._thread.start()

    async def close(self) -> None:
        """Leave, so that the others need not wait; the sources have stopped before."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, CLOSING_SECONDS)
        if self._sentinel is not None and self._sentinel.stdin is not None:
            with suppress(OSError):
                self._sentinel.stdin.close()
            await asyncio.to_thread(self._sentinel.wait)

    def partition(self, source: str) -> int:
        """Return the partition that a source falls into."""
        return crc32(source.encode()) % self._partitions

    def holds(self, source: str) -> bool:
        """Tell whether this process may run a source now."""
        return self.partition(source) in self._mine and monotonic() < self._good_until

    async def acquired(self, source: str) -> None:
        """Wait until this process owns `source`, which it then runs until it says `released`."""
        while not self.holds(source):
            await self._change(None)
        self._running[source] = self.partition(source)

    async def lost(self, source: str) -> None:
        """Wait until this process must stop `source`: somebody else shall have it, or nobody can say who has it."""
        while self.holds(source):
            await self._change(max(0.0, self._good_until - monotonic()))

    def released(self, source: str) -> None:
        """Say that `source` has stopped, its connections closed."""
        self._running.pop(source, None)
        self._notify()

    async def _change(self, seconds: float | None) -> None:
        # not wait_for: in Python 3.11 that forgets that it was cancelled when the change comes in the same moment
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _notify(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    # in the thread

    def _follow(self) -> None:
        member = self._join()
        try:
            while not self._stopping.is_set():
                member.turn(0.2)
                member.prove(self._mine, monotonic())
                self._tell_sentinel()
                if self._look(member, monotonic()) is Move.RENEW:
                    member = self._renew(member)
        finally:
            member.close()

    def _join(self) -> Membership:
        """Return a new client that joins the group as soon as the broker has said how much there is to have."""
        member = Membership(self._settings, self.session, self)
        while not self._stopping.is_set():
            if found := member.count(self._patience):
                self._partitions = found
                break
            self._tell_sentinel()  # who waits for a broker is not frozen
            self._stopping.wait(min(1.0, self._patience))
        member.join()
        self._joined = monotonic()
        return member

    def _look(self, member: Membership, now: float) -> Move:
        """Look whether the client stands still; the group is asked only where nothing has been proven for a while."""
        if now < max(self._joined, self._good_until) + UNPROVEN_SECONDS:
            seen = Standing.PROVEN
        elif (roster := self._coordinator.news(now)) is not None:
            seen = standing(roster, member.id, self._former, self._partitions)
        else:
            return Move.STAY
        self._standstill, move = self._standstill.step(seen, now)
        if move is Move.RENEW:
            _log.warning("the client of the leases stands still and is replaced", standing=seen.value)
        return move

    def _renew(self, member: Membership) -> Membership:
        """Replace a client; not before all that ran on its leases has stopped, or the sentinel has ended it all."""
        if not self._given_up(self._mine):
            return member
        counter(LEASES_RENEWED).inc()
        self._former.add(member.id)
        member.leave()
        return self._join()

    def proved(self, asked: float) -> None:
        """Take in that the coordinator has known us at `asked`: it gives nothing of ours away for a session."""
        self._in_loop(lambda: self._extend(asked + GOOD * self.session))

    def _extend(self, until: float) -> None:
        news = monotonic() >= self._good_until
        self._good_until = max(self._good_until, until)
        if news:
            self._notify()

    def _tell_sentinel(self) -> None:
        """Say that we live, unless a source runs on a lease that has ended: then somebody must end it."""
        if self._sentinel is None or self._sentinel.stdin is None:
            return
        if monotonic() < self._good_until or not self._running:
            with suppress(OSError):
                os.write(self._sentinel.stdin.fileno(), b".")

    def assigned(self, partitions: frozenset[int]) -> None:
        """Take partitions that the group has given us."""
        self._in_loop(lambda: self._own(self._mine | partitions))

    def revoked(self, partitions: frozenset[int]) -> None:
        """Give partitions up: they are somebody else's once this returns, so the sources are stopped first."""
        self._given_up(partitions)

    def _given_up(self, gone: frozenset[int]) -> bool:
        """Give partitions up, and tell whether their sources have stopped in time."""
        stopped = asyncio.run_coroutine_threadsafe(self._give_up(gone), self._loop)
        try:
            stopped.result(LEAVING_SECONDS)
        except (TimeoutError, CancelledError):
            return False
        return True

    def _in_loop(self, change: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(change)

    # in the event loop

    def _own(self, mine: frozenset[int]) -> None:
        if mine != self._mine:
            _log.info("leases", partitions=len(mine), of=self._partitions)
        self._mine = mine
        self._notify()

    async def _give_up(self, gone: frozenset[int]) -> None:
        self._own(self._mine - gone)
        while gone & set(self._running.values()):
            await self._change(None)
