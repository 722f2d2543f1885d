"""State on disk: ten million remembered mentions in one worker, their bytes, memory, time and what a match costs then.

    python -m benchmarks.state [--watches 1000] [--stories 10000] [--matches 20000] [--cache 128] [--folder DIR]

Everything but Kafka is real: the rows of one watch that remembers so many stories, a tenth of them told twice, are
taken in once for each watch, as from a changelog, after which the worker could judge; then all are indexed, which a
worker does when a watch is asked for, or in a fifth of its time. Then matches of watches chosen at random are judged in
batches of 500 and settled, nine in ten of them new stories; the same in memory, with a single watch, gives the price of
the disk. At last the process starts anew from its directory. CPU time is that of the process with all its threads.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, process_time

from benchmarks.bench_judge import Known, match, texts
from benchmarks.recovery import changelog
from benchmarks.stream import resident
from pipeline.stream import garbage
from pipeline.stream.disk import Disk
from pipeline.stream.diskstore import DiskStore
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore, Place, Store

OF = "a benchmark"
BATCH = 500


def opened(store: Store) -> Partition:
    """Return the partition that `store` holds."""
    place = store.open(OF, 0, 2**40)
    return caught_up(store, place.end)


def caught_up(store: Store, end: int) -> Partition:
    """Return the partition of a store that has taken in what stands before `end`."""
    rows = Rows(0, store, suspects=store.suspects())
    store.caught_up(rows, Place(end))
    return Partition(rows, store, 3600.0)


def fill(store: Store, watches: int, stories: int) -> int:
    """Take in the changelog of so many watches; return the number of records."""
    store.open(OF, 0, 0)
    number = 0
    for key, value in changelog(watches, stories):
        store.take(key, value)
        number += 1
    return number


def judge(partition: Partition, names: Iterator[str], matches: int, stories: int) -> tuple[float, float]:
    """Judge and settle so many matches, and return CPU and wall seconds."""
    chance, known = random.Random(11), Known()
    fresh = [match(stories + number, texts(chance, known), stories) for number in range(matches)]
    began, begun = process_time(), monotonic()
    for first in range(0, matches, BATCH):
        for one in fresh[first : first + BATCH]:
            for _ in partition.take(one.model_copy(update={"watch": next(names)})):
                pass
        applied = partition.rows.commit.applied + BATCH
        records = partition.rows.write(partition.persist(), Commit(applied=applied, now=partition.now))
        partition.rows.keep(records)
        partition.settle(Place(2**39 + applied))
    return process_time() - began, monotonic() - begun


def at_random(watches: int) -> Iterator[str]:
    """Yield names of watches, all equally likely."""
    chance = random.Random(3)
    while True:
        yield f"watch-{chance.randrange(watches)}"


def tables(disk: Disk) -> dict[str, int]:
    """Return what RocksDB says of its files: keys, and bytes of their filters and indexes."""
    told = str(disk._db.property_value("rocksdb.aggregated-table-properties"))
    sizes = {"bytes of filters": "filter block size", "bytes of indexes": r"index block size [^=]*"}
    words = {"keys": "# entries"} | sizes
    return {name: int(re.findall(rf"{word}=(\d+)", told)[0]) for name, word in words.items()}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Fill, judge, and return the figures."""
    garbage.look_rarely()
    disk = Disk(folder, options.cache * 2**20)
    store = DiskStore(disk, 0)
    began, begun = process_time(), monotonic()
    records = fill(store, options.watches, options.stories)
    partition = caught_up(store, records)
    cpu, wall = process_time() - began, monotonic() - begun
    after = resident(os.getpid())
    began, begun = process_time(), monotonic()
    partition.make([f"watch-{number}" for number in range(options.watches)])
    indexed, waited = process_time() - began, monotonic() - begun
    mentions = options.watches * options.stories
    found: dict[str, object] = {
        "rows": records,
        "until it judges, s": round(wall),
        "rows a second": round(records / wall),
        "CPU µs a row": round(cpu / records * 1e6, 1),
        "resident MB after that": round(after / 2**20),
        "index a watch, ms": round(waited / options.watches * 1e3),
        "index them all, s": round(waited),
        "indexing, CPU µs a row": round(indexed / records * 1e6, 1),
        "resident MB after that too": round(resident(os.getpid()) / 2**20),
    }
    judge(partition, at_random(options.watches), options.matches // 4, options.stories)
    used, waited = judge(partition, at_random(options.watches), options.matches, options.stories)
    disk.flush()
    figures = disk.figures()
    memory = MemoryStore()
    beside = caught_up(memory, fill(memory, 1, options.stories))
    judge(beside, at_random(1), options.matches // 4, options.stories)
    alone, _ = judge(beside, at_random(1), options.matches, options.stories)
    found |= {
        "CPU µs a match": round(used / options.matches * 1e6, 1),
        "wall µs a match": round(waited / options.matches * 1e6, 1),
        "in memory, one watch": round(alone / options.matches * 1e6, 1),
        "ratio": round(used / alone, 2),
        "bytes a mention on disk": round(figures["disk"] / mentions),
        **{f"{name} a mention": round(size / mentions, 1) for name, size in tables(disk).items()},
        "cache MB": figures["cache"] // 2**20,
        "resident MB": round(resident(os.getpid()) / 2**20),
    }
    disk.close()
    return found


def restart(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Start from the directory, and return how long that took."""
    begun = monotonic()
    disk = Disk(folder, options.cache * 2**20)
    partition = opened(DiskStore(disk, 0))
    seconds = monotonic() - begun
    judge(partition, at_random(options.watches), BATCH, options.stories)
    found = {"start from disk, s": round(seconds, 2), "resident MB then": round(resident(os.getpid()) / 2**20)}
    disk.close()
    return found


def main() -> None:
    """Run both parts, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.state", description=__doc__)
    for name, default in {"watches": 1000, "stories": 10_000, "matches": 20_000, "cache": 128}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", choices=("measure", "restart"))
    options = parser.parse_args()
    if options.part:
        part = {"measure": measure, "restart": restart}[options.part]
        sys.stdout.write(json.dumps(part(options, options.folder), indent=1, ensure_ascii=False) + "\n")
        return
    with tempfile.TemporaryDirectory(prefix="state-", dir=options.folder) as folder:
        again = [sys.executable, "-m", "benchmarks.state", *sys.argv[1:], "--folder", folder]
        for name in ("measure", "restart"):
            subprocess.run([*again, "--part", name], check=True)


if __name__ == "__main__":
    main()
