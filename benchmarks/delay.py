"""Seconds from an event's record in its raw topic to the alert's record, through one worker on a real Kafka.

    python -m benchmarks.delay [--rate 2000] [--seconds 30]

Every hundredth event is the first that its watch hears, and opens an incident. The worker's first seconds are not
counted: they are those of a process that starts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep, time
from uuid import uuid4

from confluent_kafka import Consumer, Producer

from agents.topics import apply_topics
from benchmarks.stream import ready, resident
from benchmarks.workload import write_watches
from cli.broker import free_port
from schemas.alert import Alert
from schemas.settings import load_settings
from schemas.topics import ALERTS, raw_topic
from tests.broker.brokers import Kafka

EVERY = 100
WARM = 5
"""Seconds of traffic before the first one that counts."""


class Told:
    """When the alert of each watch was read back from its topic, by watch; reads in a thread of its own."""

    def __init__(self, address: str) -> None:
        self.times: dict[str, float] = {}
        self._ended = threading.Event()
        self._consumer = Consumer(
            {"bootstrap.servers": address, "group.id": f"delay-{uuid4()}", "auto.offset.reset": "earliest"}
        )
        self._consumer.subscribe([ALERTS])
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._ended.is_set():
            for message in self._consumer.consume(500, timeout=0.01):
                if not message.error():
                    self.times.setdefault(Alert.from_bytes(message.value() or b"").watch, time())

    def end(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join()
        self._consumer.close()


@contextmanager
def worker(address: str, watches: Path) -> Iterator[int]:
    """Run a worker, wait until it says it is ready, and yield its pid."""
    port = free_port()
    variables = {"EARSHOT_KAFKA": address, "EARSHOT_WATCHES": str(watches), "EARSHOT_METRICS_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "worker"], env=os.environ | variables, stderr=subprocess.DEVNULL
    )
    try:
        deadline = monotonic() + 90
        while not ready(port):
            if process.poll() is not None:
                raise SystemExit(f"the worker ended with code {process.returncode}")
            if monotonic() > deadline:
                raise SystemExit("the worker is not ready after 90 s")
            sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def drive(address: str, rate: int, seconds: int) -> dict[str, float]:
    """Write events at `rate` a second, and return when the one that trips each watch was handed to the producer."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 2})
    sent: dict[str, float] = {}
    begin = monotonic()
    for number in range(rate * seconds):
        if (ahead := begin + number / rate - monotonic()) > 0:
            producer.poll(ahead)
        word = f"watchword{number // EVERY}" if number % EVERY == 0 else "nobody asked for this"
        now = datetime.now(UTC).isoformat()
        post = {"schema_version": 1, "type": "event", "platform": "x", "id": f"{number}", "time": now, "seen": now}
        post |= {"source": "bench", "text": f"Etwas ist passiert, sagt {word}, und es ist Nummer {number}"}
        producer.produce(raw_topic("x"), json.dumps(post).encode(), f"x:{number}".encode())
        if number % EVERY == 0 and number >= WARM * rate:
            sent[f"watch-{number // EVERY}"] = time()
    producer.flush()
    return sent


def measure(folder: Path, rate: int, seconds: int) -> None:
    """Run everything once and print the figures for docs/performance.md."""
    broker = Kafka(folder)
    broker.start()
    try:
        apply_topics(load_settings(kafka=broker.address, partitions=4))
        write_watches(folder / "watches.yml", [f"watchword{n}" for n in range(rate * seconds // EVERY)], threshold=1)
        with worker(broker.address, folder / "watches.yml") as pid:
            told = Told(broker.address)
            sent = drive(broker.address, rate, seconds)
            deadline = monotonic() + 60
            while not sent.keys() <= told.times.keys() and monotonic() < deadline:
                sleep(0.1)
            told.end()
            memory = resident(pid)
    finally:
        broker.stop()
    took = [told.times[watch] - at for watch, at in sent.items() if watch in told.times]
    quantiles = statistics.quantiles(took, n=100)
    print(f"{rate} events a second, {len(sent)} alerts due, {len(took)} made, worker {memory / 1e6:.0f} MB")
    print(f"event to alert: p50 {quantiles[49]:.3f} s, p95 {quantiles[94]:.3f} s, p99 {quantiles[98]:.3f} s")


def main() -> None:
    """Measure at the given rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.rate, given.seconds)


if __name__ == "__main__":
    main()
