"""How fast a worker has its state back from the changelog: records a second, and memory.

    python -m benchmarks.recovery [--watches 40] [--stories 2500] [--disk]

The rows of one watch with so many stories are written to the changelog once for each watch, on a real Kafka. Then a
worker is started and judges one match, and then one of each other watch; the time of a worker that finds an empty
changelog is taken off.
"""

import argparse
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from agents.topics import apply_topics
from benchmarks.bench_judge import START, WATCH, Known, match, texts
from benchmarks.delay import worker
from benchmarks.stream import count, process_cpu, produce, resident
from benchmarks.workload import write_watches
from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.stream.rows import Commit, Row
from schemas.control import WatchVersion
from schemas.mention import Match
from schemas.settings import load_settings
from schemas.topics import JUDGE_CHANGELOG, MENTIONS, RECEIPTS
from schemas.watch import Watch
from tests.broker.brokers import Kafka


def state_rows(watch: Watch, stories: int) -> dict[str, bytes]:
    """Return the rows of a watch that remembers so many stories."""
    chance, known = random.Random(7), Known()
    state, _ = judge(WatchState.empty(), WatchVersion(watch=watch, version="1", at=START), START)
    number = 0
    while state.memory.size < stories:
        state, _ = judge(state, match(number, texts(chance, known), stories), START)
        number += 1
    return state.rows()


def changelog(watches: int, stories: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of a changelog partition that holds so many watches."""
    rows = state_rows(WATCH, stories)
    for number in range(watches):
        for name, value in rows.items():
            kept = value.replace(b'"bench"', f'"watch-{number}"'.encode()) if name == "watch" else value
            yield f"0/watch-{number}/{name}".encode(), Row(-1, kept, None).to_bytes()
    yield b"0", Commit(applied=-1, now=START).model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker started: seconds until ready, until one watch has judged and until all have, CPU seconds, bytes."""

    ready: float
    first: float
    judged: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        return (
            f"ready after {self.ready:.1f} s, first judged after {self.first:.1f} s, all after {self.judged:.1f} s, "
            f"{self.cpu:.1f} s of CPU, {self.memory / 1e6:.0f} MB"
        )


def start(address: str, folder: Path, watches: int, number: int) -> Start:
    """Start a worker, the `number`th on this broker, and have every watch judge a match."""
    asked = [
        match(10**6 * number + watch, f"eins zwei drei {number}", 10**9).model_copy(update={"watch": f"watch-{watch}"})
        for watch in range(watches)
    ]
    began = monotonic()
    with worker(address, folder / "watches.yml") as pid:
        ready = monotonic() - began
        first = _judge(address, asked[:1], (number - 1) * watches + 1) - began
        judged = _judge(address, asked[1:], number * watches) - began
        return Start(ready, first, judged, process_cpu(pid), resident(pid))


def _judge(address: str, asked: list[Match], receipts: int) -> float:
    """Write matches, and return the moment at which there are so many receipts."""
    produce(address, MENTIONS, ((one.watch.encode(), one.to_bytes()) for one in asked))
    while count(address, RECEIPTS) < receipts:
        sleep(0.05)
    return monotonic()


def recover(folder: Path, watches: int, stories: int, starts: int = 1) -> tuple[int, list[Start]]:
    """Return how many records there were, and how so many workers started, one after the other."""
    folder.mkdir()
    broker = Kafka(folder)
    broker.start()
    # by the wall clock, the stories of the workload would all have expired
    os.environ |= {"EARSHOT_PARTITIONS": "1", "EARSHOT_CLOCK": "events"}
    try:
        apply_topics(load_settings(kafka=broker.address))
        write_watches(folder / "watches.yml", [f"word{number}" for number in range(watches)])
        records = 0
        if stories:
            produce(broker.address, JUDGE_CHANGELOG, changelog(watches, stories))
            records = count(broker.address, JUDGE_CHANGELOG)
        return records, [start(broker.address, folder, watches, number + 1) for number in range(starts)]
    finally:
        broker.stop()


def main() -> None:
    """Print the figures for docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watches", type=int, default=40)
    parser.add_argument("--stories", type=int, default=2500)
    parser.add_argument("--disk", action="store_true", help="keep the state on disk, and start once more from there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _, [empty] = recover(Path(folder) / "empty", given.watches, 0)
        print(f"empty: {empty}")
        if given.disk:
            os.environ["EARSHOT_STATE_DIR"] = str(Path(folder) / "state")
        records, [full, *again] = recover(Path(folder) / "full", given.watches, given.stories, 1 + given.disk)
    print(f"{records} records: {full}")
    for one in again:
        print(f"from disk: {one}")
    print(
        f"{records / (full.first - empty.first):,.0f} records a second until one watch has judged, "
        f"{records / (full.judged - empty.judged):,.0f} until all have, "
        f"{(full.cpu - empty.cpu) / records * 1e6:.1f} µs of CPU and "
        f"{(full.memory - empty.memory) / records:.0f} bytes a record"
    )


if __name__ == "__main__":
    main()
