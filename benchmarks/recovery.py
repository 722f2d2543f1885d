"""How fast a worker has its state back from the changelog: records a second, and memory.

    python -m benchmarks.recovery [--watches 40] [--stories 2500]

The rows of one watch with so many stories are written to the changelog once for each watch, on a real Kafka. Then a
worker is started and judges one match of each watch; the time of a worker that finds an empty changelog is taken off.
"""

import argparse
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from agents.topics import apply_topics
from benchmarks.bench_judge import START, WATCH, Known, match, texts
from benchmarks.delay import worker
from benchmarks.stream import count, produce, resident
from benchmarks.workload import write_watches
from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.stream.rows import Commit, Row
from schemas.control import WatchVersion
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


def recover(folder: Path, watches: int, stories: int) -> tuple[int, float, float, float]:
    """Return how many records there were, seconds until ready and until all is judged, and the memory in bytes."""
    folder.mkdir()
    broker = Kafka(folder)
    broker.start()
    os.environ["EARSHOT_PARTITIONS"] = "1"
    try:
        apply_topics(load_settings(kafka=broker.address))
        write_watches(folder / "watches.yml", [f"word{number}" for number in range(watches)])
        records = 0
        if stories:
            produce(broker.address, JUDGE_CHANGELOG, changelog(watches, stories))
            records = count(broker.address, JUDGE_CHANGELOG)
        asked = [
            match(number, "eins zwei drei", 1).model_copy(update={"watch": f"watch-{number}"})
            for number in range(watches)
        ]
        began = monotonic()
        with worker(broker.address, folder / "watches.yml") as pid:
            ready = monotonic() - began
            produce(broker.address, MENTIONS, ((one.watch.encode(), one.to_bytes()) for one in asked))
            while count(broker.address, RECEIPTS) < watches:
                sleep(0.05)
            return records, ready, monotonic() - began, resident(pid)
    finally:
        broker.stop()


def main() -> None:
    """Print the figures for docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watches", type=int, default=40)
    parser.add_argument("--stories", type=int, default=2500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _, ready, judged, memory = recover(Path(folder) / "empty", given.watches, 0)
        print(f"empty: ready after {ready:.1f} s, judged after {judged:.1f} s, {memory / 1e6:.0f} MB")
        records, *full = recover(Path(folder) / "full", given.watches, given.stories)
    print(f"{records} records: ready after {full[0]:.1f} s, judged after {full[1]:.1f} s, {full[2] / 1e6:.0f} MB")
    print(f"{records / (full[1] - judged):,.0f} records a second, {(full[2] - memory) / records:.0f} bytes a record")


if __name__ == "__main__":
    main()
