"""How long a partition stands still while workers come and go under load.

    python -m benchmarks.rebalance [--rate 1000] [--times 4] [--seed 7] [--session 6]

On a real Kafka 4.3.1, `--rate` events a second, a tenth of which match, are heard and judged by three workers. Each
kind of change is made several times, at moments that follow from the seed. Ten times a second it is looked at how far
every partition of both stages is committed: what is told is for how long work waited in it and nothing was. Commits are
made once a second, so a second is what nothing happening looks like.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from agents.topics import apply_topics
from benchmarks.stream import ready
from benchmarks.workload import events, texts, watch_words, write_watches
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import MENTIONS, raw_topic
from tests.broker.brokers import Kafka

PARTITIONS, WATCHES, SHARE = 8, 200, 0.1
SETTLED = 2.5
"""Seconds; when no partition has stood still for longer, for `CALM` seconds on end, a change is over."""
CALM = 5.0
LIMIT = 10.0
"""Seconds that no partition may stand still."""
Place = tuple[str, int]


class Load:
    """Writes events at a rate, from a thread of its own. Use as a context manager."""

    def __init__(self, address: str, rate: int, sample: list[str]) -> None:
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
        self._rate = rate
        self._sample = sample
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def _run(self) -> None:
        began = monotonic()
        for number, (key, value) in enumerate(events(self._sample, sys.maxsize)):
            if (ahead := began + number / self._rate - monotonic()) > 0.005:
                self._producer.poll(ahead)
            if self._end.is_set():
                return
            self._producer.produce(raw_topic("x"), value, key)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()
        self._producer.flush()


class Watcher:
    """Looks how far the groups are, from a thread of its own; `longest` is the longest standstill by place."""

    def __init__(self, address: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": address})
        self._groups = {"earshot-listen": raw_topic("x"), "earshot-judge": MENTIONS}
        self._done: dict[Place, int] = {}
        self._since: dict[Place, float] = {}
        self.longest: dict[Place, float] = {}
        self.restless = monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def _run(self) -> None:
        while not self._end.wait(0.1):
            self._look()

    def _look(self) -> None:
        latest: Any = OffsetSpec.latest
        places = [TopicPartition(topic, part) for topic in self._groups.values() for part in range(PARTITIONS)]
        # the commits first: what has come since does not wait yet
        answers = {
            group: self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
            for group in self._groups
        }
        committed = {
            (group, one.partition): max(0, one.offset)
            for group, answer in answers.items()
            for one in answer.result(10).topic_partitions
            if one.topic == self._groups[group]
        }
        ends = {
            (place.topic, place.partition): answer.result(10).offset
            for place, answer in self._admin.list_offsets({place: latest() for place in places}).items()
        }
        now = monotonic()
        for group, topic in self._groups.items():
            for part in range(PARTITIONS):
                self._note((group, part), committed.get((group, part), 0), ends[topic, part], now)

    def _note(self, place: Place, done: int, end: int, now: float) -> None:
        if done != self._done.get(place) or done >= end:
            self._since[place] = now
        self._done[place] = done
        still = now - self._since[place]
        self.longest[place] = max(still, self.longest.get(place, 0.0))
        if still > SETTLED:
            self.restless = now

    def begin(self) -> None:
        """Forget what was before."""
        self.restless = monotonic()
        self.longest = {}

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()


class Workers:
    """The workers by name, and what is done to them. Use as a context manager."""

    def __init__(self, environment: dict[str, str], log: Path, draw: random.Random, *, named: bool) -> None:
        self._environment = environment
        self._draw = draw
        self._log = log
        self._named = named
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
        self._names = (f"worker-{number}" for number in count())

    def start(self, name: str = "") -> None:
        """Start a worker and return when it is ready."""
        name, port = name or next(self._names), free_port()
        own = {"EARSHOT_METRICS_PORT": str(port)} | ({"EARSHOT_INSTANCE": name} if self._named else {})
        command = [sys.executable, "-P", "-m", "cli.main", "worker"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, env=self._environment | own, stderr=log, stdout=log)
        self._running[name] = process, port
        deadline = monotonic() + 90
        while not ready(port):
            if process.poll() is not None or monotonic() > deadline:
                raise SystemExit(f"{name} is not ready: {self._log.read_text()[-2000:]}")
            sleep(0.1)

    def end(self, how: signal.Signals) -> str:
        """End one of them and return its name."""
        name = self._draw.choice(sorted(self._running))
        process, _port = self._running.pop(name)
        process.send_signal(how)
        process.wait(60)
        return name

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_error: object) -> None:
        for process, _port in self._running.values():
            process.kill()
            process.wait()


Change = Callable[[Workers], object]
TERM, KILL = signal.SIGTERM, signal.SIGKILL


def _start(workers: Workers) -> None:
    workers.start()


def _stop(workers: Workers) -> None:
    workers.end(TERM)


def _restart(how: signal.Signals, *, same: bool = False) -> Change:
    """Return the change that ends a worker and starts another at once, or the `same` by its name."""

    def change(workers: Workers) -> None:
        name = workers.end(how)
        workers.start(name if same else "")

    return change


def _nothing(_workers: Workers) -> None:
    """There are as many workers as before."""


UNNAMED: dict[str, tuple[Change, Change]] = {
    "a worker joins": (_start, _stop),
    "a worker leaves (SIGTERM)": (_stop, _start),
    "a worker is killed (SIGKILL)": (lambda workers: workers.end(KILL), _start),
    "a worker is restarted (SIGTERM)": (_restart(TERM), _nothing),
    "a worker is restarted (SIGKILL)": (_restart(KILL), _nothing),
}
NAMED: dict[str, tuple[Change, Change]] = {
    "restarted (SIGTERM), with EARSHOT_INSTANCE": (_restart(TERM, same=True), _nothing),
    "restarted (SIGKILL), with EARSHOT_INSTANCE": (_restart(KILL, same=True), _nothing),
    "taken away (SIGTERM), with EARSHOT_INSTANCE": (_stop, _start),
}
"""What is measured, and after it what is not: it makes the number of workers what it was."""


def until_calm(watcher: Watcher) -> None:
    """Return when nothing has stood still for a while."""
    deadline = monotonic() + 120
    while monotonic() - watcher.restless < CALM:
        if monotonic() > deadline:
            raise SystemExit(f"it does not calm down: {watcher.longest}")
        sleep(0.1)


def measure(watcher: Watcher, workers: Workers, change: tuple[Change, Change], draw: random.Random) -> list[float]:
    """Make a change once and return how long each partition of each stage stood still."""
    found: list[float] = []
    sleep(draw.uniform(0, 2))
    for make in change:
        watcher.begin()
        make(workers)
        watcher.restless = monotonic()
        until_calm(watcher)
        found = found or list(watcher.longest.values())
    return found


def main() -> None:
    """Print the table for docs/performance.md, and end with 1 if a partition stood still for more than `LIMIT`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--session", type=float, default=load_settings().session_timeout)
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.rate} events a second, {PARTITIONS} partitions, session {given.session:g} s")
    draw, worst = random.Random(given.seed), 0.0
    print("| change | times | median s | worst s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        folder = Path(made)
        broker = Kafka(folder)
        stack.callback(broker.stop)
        broker.start()
        apply_topics(load_settings(kafka=broker.address, partitions=PARTITIONS))
        sample = texts()
        write_watches(folder / "watches.yml", watch_words(sample, WATCHES, SHARE))
        environment = os.environ | {
            "EARSHOT_KAFKA": broker.address,
            "EARSHOT_WATCHES": str(folder / "watches.yml"),
            "EARSHOT_PARTITIONS": str(PARTITIONS),
            "EARSHOT_SESSION_TIMEOUT": str(given.session),
        }
        stack.enter_context(Load(broker.address, given.rate, sample))
        for named, changes in ((False, UNNAMED), (True, NAMED)):
            with Workers(environment, folder / "log", draw, named=named) as workers:
                for _ in range(3):
                    workers.start()
                with Watcher(broker.address) as watcher:
                    until_calm(watcher)
                    for name, change in changes.items():
                        found = [one for _ in range(given.times) for one in measure(watcher, workers, change, draw)]
                        worst = max(worst, *found)
                        print(
                            f"| {name} | {given.times} | {statistics.median(found):.1f} | {max(found):.1f} |",
                            flush=True,
                        )
    if worst > LIMIT:
        raise SystemExit(f"a partition stood still for {worst:.1f} s, more than {LIMIT:g}")


if __name__ == "__main__":
    main()
