"""How long a change of the watch files takes until every worker matches with it.

    PYTHONPATH=. .venv/bin/python -m benchmarks.change [--watches 10000] [--files 10] [--kafka]

Two workers hear posts from a broker that it starts itself, the embedded one or a real Kafka; the watches stand in a
folder of several files. What counts is the time from when a file has been written to when the last of the workers says
with which position of `earshot.watches` it matches: until a file has settled, is read and checked, published, compiled.
"""

import argparse
import tempfile
from pathlib import Path
from time import monotonic, sleep

from benchmarks.match_watches import make_queries
from cli.broker import free_port
from tests.broker.brokers import Broker, Embedded, Kafka
from tests.broker.worker import Worker, provision

SECONDS = 120.0
HEAD = """  - id: w{number}
    purpose: {{goal: reputation, measure: answered within an hour}}
    query: '{query}'
    rules: [{{kind: count, threshold: 5, window: 10m}}]
    owner: {{name: Press, contact: press@example.com}}
    routes: [{{channel: console}}]
"""


class Watches:
    """The watch files: `write` writes those that hold one of the watches to be changed, all with the same new word."""

    def __init__(self, folder: Path, count: int, files: int) -> None:
        self._folder = folder
        self._files = files
        self._queries = [query for query, _ in make_queries(count)]
        self._folder.mkdir()
        self.write(range(count))

    def write(self, numbers: range, word: str = "") -> None:
        """Write the files with the watches of `numbers`, which ask for `word` as well."""
        for number in numbers if word else ():
            self._queries[number] = f"({self._queries[number]}) OR {word}{number}"
        size = -(-len(self._queries) // self._files)
        for file in sorted({number // size for number in numbers}):
            of = range(file * size, min((file + 1) * size, len(self._queries)))
            parts = [HEAD.format(number=one, query=self._queries[one].replace("'", "''")) for one in of]
            (self._folder / f"{file:03}.yml").write_text("watches:\n" + "".join(parts))


def position(worker: Worker) -> int:
    """Return up to where in `earshot.watches` a worker matches."""
    lines = [line for line in worker.log.splitlines() if "position=" in line]
    return int(lines[-1].rpartition("position=")[2].split()[0]) if lines else 0


def until(workers: list[Worker], wanted: int) -> float:
    """Return the seconds until every worker matches with `wanted` or later."""
    began = monotonic()
    while min(map(position, workers)) < wanted:
        if monotonic() - began > SECONDS:
            raise SystemExit("\n".join(worker.log[-2000:] for worker in workers))
        sleep(0.02)
    return monotonic() - began


def measure(broker: Broker, folder: Path, count: int, files: int) -> None:
    """Print a row for each change."""
    settings = provision(broker, folder, clock="wall").model_copy(update={"session_timeout": 10.0})
    watches = Watches(folder / "watches", count, files)
    settings = settings.model_copy(update={"watches": folder / "watches", "metrics_port": 0})
    with Worker(settings, folder / "first") as first:
        until([first], count)
        with Worker(settings.model_copy(update={"metrics_port": free_port()}), folder / "second") as second:
            workers, there = [first, second], count
            until(workers, there)
            for name, numbers in (("one watch", range(1)), ("100", range(100)), ("all", range(count))):
                for again in ("neu", "anders"):
                    watches.write(numbers, again)
                    there += len(numbers)
                    print(f"| {name} | {until(workers, there):.1f} |", flush=True)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--watches", type=int, default=10_000)
    arguments.add_argument("--files", type=int, default=10)
    arguments.add_argument("--kafka", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = Kafka(Path(folder)) if given.kafka else Embedded()
        broker.start()
        try:
            print(f"{given.watches:,} watches in {given.files} files, two workers\n\n| changed | seconds |\n|---|--:|")
            measure(broker, Path(folder), given.watches, given.files)
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
