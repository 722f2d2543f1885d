"""CPU per event with one, two and four workers on the same topics of 16 partitions: what a further worker costs.

    python -m benchmarks.scale [--events 60000] [--workers 1,2,4] [--rounds 3]

Each number of workers gets a broker of its own and the same events, in each round anew: what is told is the median of
the rounds, and between which two they lie. What is compared is CPU time without that of idle workers, so that it does
not matter how many cores there are: 1.00 means that twice the workers do twice the work.
"""

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from agents.topics import apply_topics
from benchmarks.delay import worker
from benchmarks.stream import count, process_cpu, produce
from benchmarks.workload import events, texts, watch_words, write_watches
from schemas.settings import load_settings
from schemas.topics import RECEIPTS, raw_topic
from tests.broker.brokers import Kafka

PARTITIONS = 16
CALM = 3.0
"""Seconds without a new receipt after which the work is done."""
IDLE_SECONDS = 10.0
"""How long idle workers are watched."""


def measure(folder: Path, workers: int, words: list[str], sample: list[str], number: int) -> tuple[float, int]:
    """Return the CPU seconds that `number` events cost `workers` workers, and how many receipts they wrote."""
    folder.mkdir()
    broker = Kafka(folder)
    broker.start()
    os.environ["EARSHOT_PARTITIONS"] = str(PARTITIONS)
    try:
        apply_topics(load_settings(kafka=broker.address))
        write_watches(folder / "watches.yml", words)
        with ExitStack() as stack:
            pids = [stack.enter_context(worker(broker.address, folder / "watches.yml")) for _ in range(workers)]
            sleep(10)  # the last rebalance settles
            idle = _idle(pids)
            before, began = _cpu(pids), monotonic()
            produce(broker.address, raw_topic("x"), events(sample, number))
            receipts = _settled(broker.address)
            return _cpu(pids) - before - idle * (monotonic() - began), receipts
    finally:
        broker.stop()


def _cpu(pids: list[int]) -> float:
    return sum(map(process_cpu, pids))


def _idle(pids: list[int]) -> float:
    """Return the CPU seconds a second that workers use while there is nothing to do."""
    before = _cpu(pids)
    sleep(IDLE_SECONDS)
    return (_cpu(pids) - before) / IDLE_SECONDS


def _settled(address: str) -> int:
    """Return the number of receipts once it has stopped growing."""
    found, since = 0, monotonic()
    while found == 0 or monotonic() - since < CALM:
        if (now := count(address, RECEIPTS)) != found:
            found, since = now, monotonic()
        sleep(0.2)
    return found


def main() -> None:
    """Print the table for docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    sample = texts()
    words = watch_words(sample, 1000, 0.1)
    numbers = [int(one) for one in given.workers.split(",")]
    found: dict[int, list[float]] = {workers: [] for workers in numbers}
    with tempfile.TemporaryDirectory() as folder:
        for one in range(given.rounds):
            for workers in numbers:
                cpu, receipts = measure(Path(folder) / f"{one}-{workers}", workers, words, sample, given.events)
                found[workers].append(cpu / given.events * 1e6)
                print(
                    f"round {one + 1}, {workers} workers: {found[workers][-1]:.1f} µs, {receipts} receipts", flush=True
                )
    print(report(found))


def report(found: dict[int, list[float]]) -> str:
    """Return the table: medians, and the range, of the CPU µs an event by number of workers; linear is per round."""
    first = next(iter(found.values()))
    lines = ["| workers | CPU µs an event, all workers (from, to) | of linear (from, to) |", "|---|---|---|"]
    for workers, each in found.items():
        linear = [before / now for before, now in zip(first, each, strict=True)]
        lines.append(f"| {workers} | {_range(each, '.1f')} | {_range(linear, '.2f')} |")
    return "\n".join(lines)


def _range(figures: list[float], form: str) -> str:
    return f"{statistics.median(figures):{form}} ({min(figures):{form}}, {max(figures):{form}})"


if __name__ == "__main__":
    main()
