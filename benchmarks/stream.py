"""Events per second and CPU per event of one worker, beside a plain aiokafka loop around the same functions.

    python -m benchmarks.stream [--events 100000] [--watches 1000] [--share 0.1] [--rounds 3]

On a real Kafka 4.3.1 that it starts itself, both read the same topics in the same run. The CPU time of a worker that
starts, joins its group and finds nothing to do is measured first and taken off.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter, sleep

from confluent_kafka import Consumer, Producer, TopicPartition

from agents.topics import apply_topics
from benchmarks.workload import events, texts, watch_words, write_watches
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import MENTIONS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker, Kafka

PARTITIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: `events` read, seconds of wall and CPU time, resident memory in bytes where it was read."""

    events: float
    wall: float
    cpu: float
    memory: float = 0.0


def produce(address: str, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Write records and return when all are acknowledged."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 20, "compression.type": "lz4"})
    for number, (key, value) in enumerate(records):
        producer.produce(topic, value, key)
        if number % 2000 == 0:
            producer.flush()
    producer.flush()


def count(address: str, topic: str) -> int:
    """Return how many records a topic holds."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "count"})
    total = 0
    for partition in range(PARTITIONS):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        total += high - low
    consumer.close()
    return total


def process_cpu(pid: int) -> float:
    """Return the seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Return the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))


def peak(pid: int) -> float:
    """Return the highest resident memory that a process has had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def environment(address: str, watches: Path) -> dict[str, str]:
    """Return the environment of the measured processes."""
    ours = {"EARSHOT_KAFKA": address, "EARSHOT_WATCHES": str(watches), "EARSHOT_CLOCK": "events"}
    return os.environ | ours | {"EARSHOT_PARTITIONS": str(PARTITIONS), "EARSHOT_METRICS_PORT": str(free_port())}


@contextmanager
def worker(stage: str, env: dict[str, str]) -> Iterator[int]:
    """Run a worker and yield its pid."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.main", "worker", "--stage", stage], env=env, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def measure(stage: str, address: str, env: dict[str, str], output: str, expected: int) -> Run:
    """Run one worker until `output` has grown by `expected` records."""
    before = count(address, output)
    with worker(stage, env) as pid:
        deadline = monotonic() + 600
        first = 0.0
        while (made := count(address, output) - before) < expected:
            if made and not first:
                first = perf_counter()
            if monotonic() > deadline:
                raise SystemExit(f"{stage} made {made} of {expected} records within ten minutes")
            sleep(0.05)
        return Run(expected, perf_counter() - (first or perf_counter()), process_cpu(pid), resident(pid))


def idle(stage: str, env: dict[str, str]) -> float:
    """Return the CPU time of a worker that starts, joins and finds nothing."""
    with worker(stage, env) as pid:
        sleep(12)
        return process_cpu(pid)


def plain(stage: str, expected: int, env: dict[str, str]) -> Run:
    """Run the plain loop over the same topics."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.plain", stage, str(expected)], env=env, capture_output=True, check=True
    )
    return Run(**json.loads(done.stdout))


def one_round(folder: Path, words: list[str], sample: list[str], number: int) -> dict[str, Run]:
    """Measure both stages and both ways on a broker of its own."""
    folder.mkdir()
    broker: Broker = Kafka(folder)
    broker.start()
    try:
        settings = load_settings(kafka=broker.address, partitions=PARTITIONS)
        apply_topics(settings)
        write_watches(folder / "watches.yml", words)
        env = environment(broker.address, folder / "watches.yml")
        start = {stage: idle(stage, env) for stage in ("listen", "judge")}
        produce(broker.address, raw_topic("x"), events(sample, number))
        versions = count(broker.address, MENTIONS)
        plain_listen = plain("listen", number, env)
        matches = count(broker.address, MENTIONS) - versions
        plain_judge = plain("judge", versions + matches, env)
        receipts = count(broker.address, RECEIPTS)
        judge = measure("judge", broker.address, env, RECEIPTS, receipts)
        listen = measure("listen", broker.address, env, MENTIONS, matches)
        return {
            "listen, plain loop": plain_listen,
            "listen, Earshot": Run(number, listen.wall, listen.cpu - start["listen"], listen.memory),
            "judge, plain loop": Run(matches, plain_judge.wall, plain_judge.cpu),
            "judge, Earshot": Run(matches, judge.wall, judge.cpu - start["judge"], judge.memory),
        }
    finally:
        broker.stop()


def report(rounds: list[dict[str, Run]]) -> str:
    """Return the table for docs/performance.md: medians over the rounds."""
    lines = ["| what | CPU µs an event | events a second of CPU | resident MB |", "|---|---|---|---|"]
    middle = {}
    for name in rounds[0]:
        middle[name] = statistics.median(one[name].cpu / one[name].events for one in rounds)
        memory = max(one[name].memory for one in rounds) / 1e6
        shown = f"{memory:.0f}" if memory else "–"
        lines.append(f"| {name} | {middle[name] * 1e6:.1f} | {1 / middle[name]:,.0f} | {shown} |")
    for stage in ("listen", "judge"):
        ratio = middle[f"{stage}, plain loop"] / middle[f"{stage}, Earshot"]
        lines.append(f"\n{stage}: {ratio:.2f} of the plain loop")
    return "\n".join(lines)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--watches", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sample = texts()
    words = watch_words(sample, given.watches, given.share)
    with tempfile.TemporaryDirectory() as folder:
        rounds = [one_round(Path(folder) / str(number), words, sample, given.events) for number in range(given.rounds)]
    print(f"{given.events} events, {given.watches} watches, {given.rounds} rounds, Python {platform.python_version()}")
    print(report(rounds))


if __name__ == "__main__":
    main()
