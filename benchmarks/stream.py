"""Events per second and CPU per event of a worker, beside plain loops around the same functions.

    python -m benchmarks.stream [--events 100000] [--watches 1000] [--share 0.1] [--rounds 3]

On a real Kafka 4.3.1 that it starts itself, all read the same topics in the same run. The CPU time of a worker that
starts, joins its group and finds nothing to do is measured first and taken off. A worker is measured in both ways in
which one may run: for each stage alone, as the loops do, and with both stages in one process, over a backlog of all the
events; there events a second are those of the clock on the wall, from its first record to its last.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter, sleep
from urllib.error import URLError
from urllib.request import urlopen

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from agents.topics import apply_topics
from benchmarks.workload import events, texts, watch_words, write_watches
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import MENTIONS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker, Kafka

AIOKAFKA, CONFLUENT, EARSHOT = "plain aiokafka loop", "plain confluent loop", "Earshot"
BOTH = "Earshot, one worker with both stages"
PARTITIONS = 4
IDLE_SECONDS = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: `events` read, seconds of wall and CPU time, resident memory in bytes where it was read."""

    events: float
    wall: float
    cpu: float
    memory: float = 0.0

    @property
    def each(self) -> float:
        """The seconds of CPU time an event."""
        return self.cpu / self.events

    def of(self, events: float, idle: float = 0.0) -> "Run":
        """Return the run as one of so many events, without the CPU time of an idle worker."""
        return Run(events, self.wall, self.cpu - idle, self.memory)


def produce(address: str, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Write records and return when all are acknowledged."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 20, "compression.type": "lz4"})
    for number, (key, value) in enumerate(records):
        producer.produce(topic, value, key)
        if number % 2000 == 0:
            producer.flush()
    producer.flush()


def count(address: str, topic: str) -> int:
    """Return how many records a topic holds; 0 while its partitions have no leader yet."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "count"})
    total = 0
    try:
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            total += high - low
    except KafkaException as error:
        if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
            raise
        return 0
    finally:
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
    """Run a worker for one stage, or without one for both, and yield its pid."""
    command = [sys.executable, "-P", "-m", "cli.main", "worker", *(["--stage", stage] if stage else [])]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def measure(stage: str, address: str, env: dict[str, str], output: str, expected: int) -> Run:
    """Run one worker until `output` has grown by `expected` records; the wall is watched from the first of them on."""
    before = count(address, output)
    with worker(stage, env) as pid:
        deadline = monotonic() + 600
        first = 0.0
        while (made := count(address, output) - before) < expected:
            if made and not first:
                first = perf_counter()
            if monotonic() > deadline:
                raise SystemExit(f"{stage or 'the worker'} made {made} of {expected} records within ten minutes")
            sleep(0.05)
        return Run(expected, perf_counter() - (first or perf_counter()), process_cpu(pid), resident(pid))


def ready(port: int) -> bool:
    """Tell whether the process that has its metrics there says it is ready."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def until(done: Callable[[], bool], what: str) -> None:
    """Wait until `done()`; end the benchmark when that takes longer than two minutes."""
    deadline = monotonic() + 120
    while not done():
        if monotonic() > deadline:
            raise SystemExit(f"{what} took longer than two minutes")
        sleep(0.2)


def publish(address: str, env: dict[str, str], watches: int) -> int:
    """Have a worker tell judge of so many watches, and return how many records its log has then."""
    with worker("judge", env):
        until(lambda: count(address, MENTIONS) >= watches, "publishing the watches")
    return count(address, MENTIONS)


def idle(stage: str, env: dict[str, str]) -> float:
    """Return the CPU time of a worker that starts, joins and finds nothing."""
    with worker(stage, env) as pid:
        until(lambda: ready(int(env["EARSHOT_METRICS_PORT"])), "starting a worker")
        sleep(IDLE_SECONDS)
        return process_cpu(pid)


def plain(client: str, stage: str, expected: int, env: dict[str, str]) -> Run:
    """Run a plain loop over the same topics."""
    command = [sys.executable, "-m", "benchmarks.plain", client, stage, str(expected)]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    return Run(**json.loads(done.stdout))


def both_stages(folder: Path, words: list[str], sample: list[str], number: int, matches: int) -> Run:
    """Let one worker with both stages work off a backlog, on a broker of its own."""
    with provisioned(folder, words) as (address, env):
        publish(address, env, len(words))
        start = idle("", env)
        produce(address, raw_topic("x"), events(sample, number))
        return measure("", address, env, RECEIPTS, matches).of(number, start)


@contextmanager
def provisioned(folder: Path, words: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Run a broker with topics and watches, and yield its address and the environment of who is measured."""
    folder.mkdir()
    broker: Broker = Kafka(folder)
    broker.start()
    try:
        apply_topics(load_settings(kafka=broker.address, partitions=PARTITIONS))
        write_watches(folder / "watches.yml", words)
        yield broker.address, environment(broker.address, folder / "watches.yml")
    finally:
        broker.stop()


def one_round(folder: Path, words: list[str], sample: list[str], number: int) -> dict[str, Run]:
    """Measure both stages in all ways on a broker of its own, and one worker with both on another."""
    with provisioned(folder, words) as (address, env):
        versions = publish(address, env, len(words))
        start = {stage: idle(stage, env) for stage in ("listen", "judge")}
        produce(address, raw_topic("x"), events(sample, number))
        runs = {f"listen, {AIOKAFKA}": plain("aiokafka", "listen", number, env)}
        matches = count(address, MENTIONS) - versions
        runs[f"judge, {AIOKAFKA}"] = plain("aiokafka", "judge", versions + matches, env).of(matches)
        receipts = count(address, RECEIPTS)
        runs[f"judge, {CONFLUENT}"] = plain("confluent", "judge", versions + matches, env).of(matches)
        judge = measure("judge", address, env, RECEIPTS, receipts)
        runs[f"judge, {EARSHOT}"] = judge.of(matches, start["judge"])
        runs[f"listen, {CONFLUENT}"] = plain("confluent", "listen", number, env)
        listen = measure("listen", address, env, MENTIONS, matches)
        runs[f"listen, {EARSHOT}"] = listen.of(number, start["listen"])
    runs[BOTH] = both_stages(folder.with_name(f"{folder.name}-both"), words, sample, number, receipts)
    return runs


HEAD = ("CPU µs", "listen, an event", "judge, a match", "both, an event", "events a CPU second", "by the wall", "MB")


def report(rounds: list[dict[str, Run]]) -> str:
    """Return the tables for docs/performance.md: medians over the rounds, and in brackets between what they lie.

    "By the wall" are events a second of the clock on the wall, where the stages ran one after the other as if they had
    run so in one process.
    """
    first = rounds[0]
    share = first[f"judge, {EARSHOT}"].events / first[f"listen, {EARSHOT}"].events
    lines = [f"{share:.3f} matches an event\n", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for way in (AIOKAFKA, CONFLUENT, EARSHOT):
        stages = [(one[f"listen, {way}"], one[f"judge, {way}"]) for one in rounds]
        costs = [listen.each + share * judge.each for listen, judge in stages]
        lines.append(
            _row(
                way,
                f"{statistics.median(listen.each for listen, _ in stages) * 1e6:.1f}",
                f"{statistics.median(judge.each for _, judge in stages) * 1e6:.1f}",
                costs,
                [listen.events / (listen.wall + judge.wall) for listen, judge in stages],
                max(one.memory for both in stages for one in both),
            )
        )
    whole = [one[BOTH] for one in rounds]
    walls = [one.events / one.wall for one in whole]
    lines.append(_row(BOTH, "–", "–", [one.each for one in whole], walls, max(one.memory for one in whole)))
    return "\n".join(lines)


def _row(way: str, listen: str, judge: str, costs: list[float], walls: list[float], memory: float) -> str:
    """Return a row of the table; `costs` are seconds of CPU time an event."""
    each = f"{statistics.median(costs) * 1e6:.1f}"
    cells = way, listen, judge, each, _range([1 / cost for cost in costs]), _range(walls)
    return f"| {' | '.join(cells)} | {f'{memory / 1e6:.0f}' if memory else '–'} |"


def _range(figures: list[float]) -> str:
    between = f" ({min(figures):,.0f} to {max(figures):,.0f})" if len(figures) > 1 else ""
    return f"{statistics.median(figures):,.0f}{between}"


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
