"""Leases: of all ingest processes with a source in their file, one at a time runs it.

The processes are one consumer group of `earshot.leases`, a topic without records: whoever has a partition of it owns
the sources whose ids fall into that partition. A lease is proven again and again, by an offset that the coordinator
of the group takes from members only, and it is good for less time than the coordinator waits before it gives the
partition to another. So a process that cannot prove it any more has stopped its sources before somebody else starts
them; one that is frozen, and can stop nothing, is ended by its sentinel in time.
"""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any
from zlib import crc32

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.kafka import confluent_config
from schemas.settings import Settings
from schemas.topics import LEASES

SESSION = 9.0
"""Seconds after which the coordinator takes a silent process for dead, at least; EARSHOT_SESSION_TIMEOUT may say more.

The others start its sources two or three seconds later.
"""
GOOD, FROZEN = 0.6, 0.8
"""For which part of the session a proof is good, and after which part of it a process that does nothing is ended."""
PROVE_EVERY = 1.0
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
        self._topic = settings.topic(LEASES)
        self._partitions = settings.partitions
        self._mine: frozenset[int] = frozenset()
        self._running: dict[str, int] = {}
        self._good_until = 0.0
        self._asked: float | None = None
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
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def _notify(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    # in the thread

    def _follow(self) -> None:
        config: dict[str, Any] = {
            **confluent_config(self._settings),
            "group.id": self._settings.group("ingest"),
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "session.timeout.ms": int(1000 * self.session),
            "heartbeat.interval.ms": 1000,
            "max.poll.interval.ms": 60_000,
            "partition.assignment.strategy": "cooperative-sticky",
            "topic.metadata.refresh.interval.ms": 10_000,
            "on_commit": self._proved,
            "error_cb": lambda _error: None,
            "log_level": 3,
        }
        consumer = Consumer(config, logger=logging.getLogger("ingest.rdkafka"))
        while not self._stopping.is_set() and not self._count(consumer):
            self._tell_sentinel()  # who waits for a broker is not frozen
            self._stopping.wait(min(1.0, self._patience))
        consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        try:
            while not self._stopping.is_set():
                consumer.poll(0.2)
                self._prove(consumer)
                self._tell_sentinel()
        finally:
            consumer.close()

    def _count(self, consumer: Consumer) -> bool:
        """Learn how many partitions there are; tell whether the broker has said it."""
        try:
            found = consumer.list_topics(self._topic, timeout=self._patience).topics[self._topic]
        except KafkaException:
            return False
        self._partitions = len(found.partitions)
        return self._partitions > 0

    def _prove(self, consumer: Consumer) -> None:
        """Ask the coordinator, as a member would who has read something, to take an offset."""
        now, mine = monotonic(), self._mine
        if not mine or (self._asked is not None and now < self._asked + PROVE_EVERY):
            return
        self._asked = now
        with suppress(KafkaException):
            offsets = [TopicPartition(self._topic, number, 0) for number in mine]
            consumer.commit(offsets=offsets, asynchronous=True)

    def _proved(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if error is not None or self._asked is None or any(one.error for one in partitions):
            return
        # the coordinator knew us when it answered, so it did when it was asked, the last time at the latest
        good = self._asked + GOOD * self.session
        self._in_loop(lambda: self._extend(good))

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

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        more = frozenset(one.partition for one in partitions)
        self._asked = None
        self._in_loop(lambda: self._own(self._mine | more))

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Give partitions up: they are somebody else's once this returns, so the sources are stopped first."""
        gone = frozenset(one.partition for one in partitions)
        stopped = asyncio.run_coroutine_threadsafe(self._give_up(gone), self._loop)
        with suppress(TimeoutError, asyncio.CancelledError):
            stopped.result(LEAVING_SECONDS)

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
