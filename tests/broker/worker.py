"""What the tests of the stream share: a worker as the process it is in production, a feed, and a reader of topics."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from agents.topics import apply_topics
from pipeline.stream.ticks import to_every_partition
from schemas.event import Event, Heartbeat, Post
from schemas.receipt import Receipt
from schemas.settings import Settings, load_settings
from schemas.tick import Tick
from schemas.topics import MENTIONS, RECEIPTS, TOPICS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.watermarks import watermarks

WATCHES = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answered within an hour}
    query: acme
    competitors: [{name: Globex, query: globex}]
    rules: [{kind: count, threshold: 20, window: 10m}]
    owner: Press
    routes: [{channel: console}]
  - id: trains
    purpose: {goal: service, measure: answered within an hour}
    query: train* OR delay
    rules: [{kind: count, threshold: 15, window: 10m}, {kind: spike, window: 30m, factor: 3, floor: 10}]
    owner: Service
    routes: [{channel: console}]
"""
_RUN = """
from pipeline.stream.app import run_worker
from schemas.receipt import Receipt
from schemas.settings import load_settings
run_worker(load_settings())
"""
_ROOT = Path(__file__).parents[2]


def provision(
    broker: Broker, folder: Path, clock: str = "events", watches: str = WATCHES, state: str = "memory"
) -> Settings:
    """Make topics and a watch file, and return the settings of a worker that keeps its `state` in memory or on disk."""
    path = folder / "watches.yml"
    path.write_text(watches)
    session = 2.0
    directory = str(folder / "state") if state == "disk" else ""
    settings = load_settings(
        kafka=broker.address, watches=path, clock=clock, session_timeout=session, state_dir=directory
    )
    apply_topics(settings)
    return settings


def interruptible() -> None:
    """Let SIGINT end a process that is about to start: a shell passes on to what is in its background to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Worker:
    """A worker process; it is killed when the context ends, unless it has ended before."""

    def __init__(self, settings: Settings, log: Path, before: str = "") -> None:
        """Start it; `before` is code that runs first, for a test to break something."""
        self._log = log
        self._code = before + _RUN
        self._environment = os.environ | {
            "EARSHOT_KAFKA": settings.kafka,
            "EARSHOT_WATCHES": str(settings.watches),
            "EARSHOT_WATCHES_FROM": settings.watches_from,
            "EARSHOT_CLOCK": settings.clock,
            "EARSHOT_SESSION_TIMEOUT": str(settings.session_timeout),
            "EARSHOT_PARTITIONS": str(settings.partitions),
            "EARSHOT_METRICS_PORT": str(settings.metrics_port),
            "EARSHOT_INSTANCE": settings.instance,
            "EARSHOT_STATE_DIR": settings.state_dir,
            "EARSHOT_STUCK_AFTER": str(settings.stuck_after),
            "EARSHOT_LATENESS": str(settings.lateness),
            "EARSHOT_DEAD_CEILING": str(settings.dead_ceiling),
            "EARSHOT_DEAD_CEILING_LEAST": str(settings.dead_ceiling_least),
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self._code], env=self._environment, cwd=_ROOT, stderr=log, stdout=log
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it politely and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        if error is not None:
            sys.stderr.write(self.log[-6000:])


class Feed:
    """Writes raw records as a replay does: all into one partition, in order, with the time in between."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka, "message.max.bytes": 15_000_000, "enable.idempotence": True},
            logger=logging.getLogger("feed"),
        )

    def raw(self, value: bytes, key: bytes = b"x:0", topic: str = raw_topic("x")) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition=0)
            except BufferError:
                self._producer.flush(1)
            else:
                return

    def to(self, topic: str, partition: int, key: bytes, value: bytes) -> None:
        self._producer.produce(topic, value, key, partition=partition)

    def replay(self, items: Iterable[Post | datetime]) -> None:
        for item in items:
            if isinstance(item, datetime):
                beat = Heartbeat(source="file", seen=item, at=item, clock=True)
                self.raw(beat.to_bytes(), b"clock")
            else:
                event = Event(**item.model_dump(), source="file", seen=item.time)
                self.raw(event.to_bytes(), event.key.encode())
        self.flush()

    def tick(self, at: datetime) -> None:
        """Tell judge directly what time it is."""
        for record in to_every_partition(Tick(at=at), 4):
            self._producer.produce(MENTIONS, record.value, record.key, partition=record.partition)

    def flush(self) -> None:
        assert self._producer.flush(60) == 0


class Reader:
    """Reads whole topics from their beginning.

    `records` maps a topic to what was read from it so far, `judged` are the mentions of the receipts among it.
    """

    def __init__(self, settings: Settings, *topics: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": settings.kafka, "group.id": "reader"}, logger=logging.getLogger("reader")
        )
        counts = {topic.name: settings.partitions if topic.partitioned else 1 for topic in TOPICS}
        self._places = [TopicPartition(topic, part, 0) for topic in topics for part in range(counts[topic])]
        self._consumer.assign(self._places)
        self.records: dict[str, list[Any]] = {topic: [] for topic in topics}
        self.judged: set[str] = set()

    def read(self, seconds: float = 0.2) -> int:
        """Read for at most `seconds` and return how many records came."""
        messages = self._consumer.consume(5000, timeout=seconds)
        for message in messages:
            if not message.error():
                self.records[str(message.topic())].append(message)
                if message.topic() == RECEIPTS:
                    self.judged.add(Receipt.from_bytes(message.value() or b"").mention)
        return len(messages)

    def at_the_end(self) -> bool:
        """Tell whether all is read that the topics hold now; one topic alone says nothing of the others."""
        ends = [watermarks(self._consumer, place)[1] for place in self._places]
        reached = zip(self._consumer.position(self._places), ends, strict=True)
        return all(place.offset >= end or not end for place, end in reached) and not self.read()

    def until(self, enough: Callable[[], bool], seconds: float, worker: Worker | None = None) -> None:
        """Read until `enough()`; fail after `seconds`, or when the worker ended."""
        deadline = monotonic() + seconds
        while not enough():
            assert monotonic() < deadline, "not in time; read " + str({k: len(v) for k, v in self.records.items()})
            assert worker is None or worker.process.poll() is None, "the worker ended"
            self.read()

    def values(self, topic: str) -> list[bytes]:
        return [message.value() for message in self.records[topic]]

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def reading(settings: Settings, *topics: str) -> Iterator[Reader]:
    """Open a reader for as long as the context lasts."""
    reader = Reader(settings, *topics)
    try:
        yield reader
    finally:
        reader.close()
