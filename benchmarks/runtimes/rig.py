"""The bench itself: topics that are filled once, processes that are measured, and outputs that are checked."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from signal import SIGKILL
from threading import Timer
from time import monotonic, perf_counter, sleep

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.runtimes.work import work
from benchmarks.stream import peak
from tests.broker.brokers import ROOT

PARTITIONS = 4
IDLE_SECONDS = 8.0
PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of CPU and of wall time (first output to last), and the peak of resident memory in bytes."""

    cpu: float
    wall: float
    peak: float


class Failed(Exception):
    """A runtime did not do the work; the text says what is missing, in one line."""


class Topics:
    """The topics of one run of the benchmark: one that everybody reads, and one for each who writes."""

    def __init__(self, address: str) -> None:
        self.address = address
        # it lives as long as the broker, whose end it would otherwise report
        self._admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        self.expected: Counter[tuple[bytes, bytes]] = Counter()

    def make(self, name: str) -> str:
        """Make a topic and return its name when every partition has its leader."""
        self._admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
        deadline = monotonic() + 30
        while True:
            try:
                self.ends(name)
            except KafkaException:
                if monotonic() > deadline:
                    raise
                sleep(0.1)
            else:
                return name

    def fill(self, name: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write the events as ingest does, uncompressed, and note what must come out."""
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 20})
        for number, (key, value) in enumerate(records):
            producer.produce(name, value, key)
            if kept := work(value):
                self.expected[kept] += 1
            if number % 2000 == 0:
                producer.flush()
        producer.flush()

    def ends(self, name: str) -> list[int]:
        """Return the offset after the last record of each partition."""
        client = Consumer({"bootstrap.servers": self.address, "group.id": "ends"})
        try:
            return [client.get_watermark_offsets(place, timeout=10)[1] for place in places(name)]
        finally:
            client.close()

    def check(self, target: str) -> None:
        """Read what was written and compare it, record by record.

        Raises:
            Failed: something is missing, doubled or different.
        """
        reader = Consumer({"bootstrap.servers": self.address, "group.id": "check"})
        reader.assign([TopicPartition(place.topic, place.partition, OFFSET_BEGINNING) for place in places(target)])
        left, found = sum(self.ends(target)), Counter[tuple[bytes, bytes]]()
        while left:
            for message in reader.consume(10_000, timeout=10):
                if message.error():
                    raise KafkaException(message.error())
                found[message.key(), message.value()] += 1
                left -= 1
        reader.close()
        if found != self.expected:
            missing, more = self.expected - found, found - self.expected
            raise Failed(f"{missing.total()} outputs are missing and {more.total()} are too many")


def places(topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic."""
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]


def run(command: list[str], group: str | None, source: str, target: str, topics: Topics) -> Measured:
    """Start a runtime, end it when it has written and committed everything, and return what it took.

    Raises:
        Failed: it ended by itself, was not done in time, or wrote something else.
    """
    client = Consumer({"bootstrap.servers": topics.address, "group.id": group or "watch"})
    ends, expected = topics.ends(source), topics.expected.total()
    first = last = 0.0
    deadline = monotonic() + PATIENCE
    process = start(command)
    try:
        while True:
            if process.poll() is not None or monotonic() > deadline:
                raise Failed("it ended by itself" if process.returncode is not None else "it was not done in time")
            made = sum(client.get_watermark_offsets(place, timeout=10)[1] for place in places(target))
            first = first or (perf_counter() if made else 0.0)
            last = last or (perf_counter() if made >= expected else 0.0)
            if last and (group is None or [place.offset for place in client.committed(places(source))] == ends):
                break
            sleep(0.02)
        measured = Measured(0.0, last - first, peak(process.pid))
    finally:
        cpu = end(process)
        client.close()
    topics.check(target)
    return Measured(cpu, measured.wall, measured.peak)


def idle(command: list[str]) -> float:
    """Return the CPU time of a runtime that starts, joins and finds nothing to do."""
    process = start(command)
    sleep(IDLE_SECONDS)
    if process.poll() is not None:
        raise Failed("it ended by itself with nothing to do")
    return end(process)


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a runtime."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen[bytes]) -> float:
    """End a runtime and return the CPU time (user and system) of it and of its children, in seconds."""
    if process.returncode is not None:
        return 0.0
    process.terminate()
    late = Timer(20, os.kill, [process.pid, SIGKILL])
    late.start()
    _pid, status, used = os.wait4(process.pid, 0)
    late.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
