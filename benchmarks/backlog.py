"""A worker that comes back to a backlog: is it fair to its partitions, does it answer, does it keep its beat?

    python -m benchmarks.backlog [--events 1000000] [--watches 1000] [--share 0.1]

On a real Kafka 4.3.1 that it starts itself, one worker with both stages works off the events by the wall clock. Read
from outside: committed offsets, `/healthz`, the ticks in the log, resident memory; from inside: how long the event loop
stayed away from its beat of a second, how long a group went without an answered heartbeat, and in how many generations
of its groups the worker was a member: more than one each means that a membership was lost on the way.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from itertools import pairwise
from math import nan
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from aiokafka.consumer.group_coordinator import GroupCoordinator
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from agents.observe import Status
from agents.topics import apply_topics
from benchmarks.stream import PARTITIONS, environment, peak, process_cpu, produce
from benchmarks.workload import events, texts, watch_words, write_watches
from cli.broker import free_port
from pipeline.stream.app import run_worker
from schemas.control import judged
from schemas.settings import load_settings
from schemas.tick import Tick
from schemas.topics import MENTIONS, raw_topic
from tests.broker.brokers import Kafka


class Gaps:
    """The longest time between two moments that are noted, by kind; `generations` are those of each group."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.generations: dict[str, set[int]] = {}
        self._last: dict[str, float] = {}

    def note(self, what: str) -> None:
        """Say that it happened, now."""
        now = monotonic()
        self.longest[what] = max(self.longest.get(what, 0.0), now - self._last.get(what, now))
        self._last[what] = now


def beating() -> None:
    """Run a worker and print, when it is told to end, what was seen from inside, as JSON."""
    gaps, alive, heartbeat = Gaps(), Status.alive, GroupCoordinator._do_heartbeat

    def noted(status: Status) -> None:
        gaps.note("beat")
        alive(status)

    async def answered(group: Any) -> bool:
        if done := bool(await heartbeat(group)):
            gaps.note(f"heartbeat of {group.group_id}")
            gaps.generations.setdefault(group.group_id, set()).add(group.generation)
        return done

    Status.alive = noted  # type: ignore[method-assign]
    GroupCoordinator._do_heartbeat = answered
    run_worker(load_settings())
    most = max(map(len, gaps.generations.values()), default=0)
    heartbeats = max((gap for what, gap in gaps.longest.items() if what != "beat"), default=nan)
    inside = {
        "longest gap of the beat, s": gaps.longest["beat"],
        "longest time without a heartbeat that was answered, s": heartbeats,
        "generations of a group": most,
    }
    print(json.dumps(inside), flush=True)


class Watcher:
    """What can be seen of the worker from outside; `look` looks once."""

    def __init__(self, address: str, port: int) -> None:
        self._stages = {
            stage: (Consumer({"bootstrap.servers": address, "group.id": f"earshot-{stage}"}), topic)
            for stage, topic in (("listen", raw_topic("x")), ("judge", MENTIONS))
        }
        self._url = f"http://127.0.0.1:{port}/healthz"
        self.slowest = 0.0
        self.spread = 0.0

    def look(self) -> bool:
        """Ask the worker how it is and the broker how far it is; return whether it is done."""
        began = perf_counter()
        with urllib.request.urlopen(self._url, timeout=30) as answer:
            answer.read()
        self.slowest = max(self.slowest, perf_counter() - began)
        listened, judged_too = self._done("listen"), self._done("judge")
        return listened and judged_too

    def close(self) -> None:
        """Let go of the broker."""
        for client, _topic in self._stages.values():
            client.close()

    def _done(self, stage: str) -> bool:
        client, topic = self._stages[stage]
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        ends = [client.get_watermark_offsets(place, timeout=10)[1] for place in places]
        done = [max(0, place.offset) for place in client.committed(places)]
        if stage == "listen" and any(done):
            shares = [one / end for one, end in zip(done, ends, strict=True)]
            self.spread = max(self.spread, max(shares) - min(shares))
            return done == ends
        # ticks go on being written, so judge is never quite done
        return any(done) and sum(ends) - sum(done) <= 10 * PARTITIONS


def ticks(address: str) -> tuple[int, float]:
    """Return how many seconds of ticks partition 0 of `earshot.mentions` holds, and the longest gap among them."""
    reader = Consumer({"bootstrap.servers": address, "group.id": "ticks"})
    reader.assign([TopicPartition(MENTIONS, 0, OFFSET_BEGINNING)])
    times: list[float] = []
    while found := reader.consume(10_000, timeout=2):
        values = [value for message in found if b'"tick"' in (value := message.value() or b"")]
        times += [tick.at.timestamp() for tick in map(judged.validate_json, values) if isinstance(tick, Tick)]
        # a worker that begins asks the broker for its time by a tick that is of none
        times = [one for one in times if one > 0]
    reader.close()
    return len(times), max(after - before for before, after in pairwise(times))


def wait(url: str) -> None:
    """Wait until the worker answers."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            sleep(0.1)
        else:
            return
    raise SystemExit("the worker does not answer")


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Let a worker work off a backlog and return what was seen."""
    broker = Kafka(folder)
    broker.start()
    try:
        settings = load_settings(kafka=broker.address, partitions=PARTITIONS)
        apply_topics(settings)
        sample = texts()
        write_watches(folder / "watches.yml", watch_words(sample, given.watches, given.share))
        produce(broker.address, raw_topic("x"), events(sample, given.events))
        port = free_port()
        env = environment(broker.address, folder / "watches.yml")
        env |= {"EARSHOT_CLOCK": "wall", "EARSHOT_METRICS_PORT": str(port)}
        command = [sys.executable, "-P", "-m", "benchmarks.backlog", "--worker"]
        worker = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            wait(f"http://127.0.0.1:{port}/healthz")
            began, watcher = perf_counter(), Watcher(broker.address, port)
            while not watcher.look():
                sleep(0.1)
            found = {"seconds to the end": perf_counter() - began, "CPU s": process_cpu(worker.pid)}
            memory = peak(worker.pid)
            watcher.close()
        finally:
            worker.terminate()
            inside: dict[str, float] = json.loads(worker.communicate(timeout=60)[0] or "{}")
        count, gap = ticks(broker.address)
    finally:
        broker.stop()
    return found | {
        "peak MB": memory / 1e6,
        "widest spread between partitions, of a partition": watcher.spread,
        "slowest /healthz, s": watcher.slowest,
        **inside,
        "ticks": count,
        "longest gap between ticks, s": gap,
    }


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--watches", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        beating()
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given)
    print(
        f"{given.events:,} events, {given.watches} watches, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print("\n".join(f"| {name} | {value:,.2f} |" for name, value in found.items()))


if __name__ == "__main__":
    main()
