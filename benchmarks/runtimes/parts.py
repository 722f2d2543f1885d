"""Where the time of Earshot's runtime goes: CPU by thread, and a flame graph where py-spy is installed.

    PYTHONPATH=. $(python -m benchmarks.runtimes.homes) -m benchmarks.runtimes.parts [--events 1000000] [--svg FILE]

The threads are seen from outside, by the operating system's own count; what start-up took is in it. The flame graph
counts only who holds the interpreter's lock.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import sleep

from confluent_kafka import Consumer

from benchmarks.runtimes.rig import Topics, end, places, start
from benchmarks.workload import events, texts
from tests.broker.brokers import Kafka

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLES_A_SECOND = 250


def threads(pid: int) -> Counter[str]:
    """Return the seconds of CPU time of a process by the kind of thread.

    The busiest of Python's threads, after the first, is the one in which Faust lets aiokafka fetch.
    """
    python: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        ticks = sum(map(int, rest.split()[11:13]))
        (found if name.startswith("rdk:") else python)[task.name] += ticks
    fetching = max((tid for tid in python if tid != str(pid)), key=lambda tid: python[tid])
    kinds = {
        "event loop: the stage, Faust, handing over to the producer": python[str(pid)],
        "aiokafka: fetching, unpacking": python[fetching],
        "librdkafka: sending": found.total(),
        "acknowledgements, name look-ups": python.total() - python[str(pid)] - python[fetching],
    }
    return Counter(kinds)


def measure(folder: Path, count: int, svg: str) -> Counter[str]:
    """Let the runtime work off `count` events once."""
    broker = Kafka(folder)
    broker.start()
    try:
        topics = Topics(broker.address)
        topics.fill(topics.make("events"), events(texts(), count))
        target = topics.make("out")
        command = [sys.executable, "-m", "benchmarks.runtimes.peers.earshot", broker.address]
        process = start([*command, "events", target, "parts", str(folder)])
        sampler = None
        try:
            while not any(topics.ends(target)):
                sleep(0.05)
            if svg:
                spy = ["py-spy", "record", "--gil", "-r", str(SAMPLES_A_SECOND), "-d", "600", "-o", svg]
                sampler = subprocess.Popen([*spy, "-p", str(process.pid)], stdout=subprocess.DEVNULL)
            client = Consumer({"bootstrap.servers": broker.address, "group.id": "parts"})
            while [place.offset for place in client.committed(places("events"))] != topics.ends("events"):
                sleep(0.2)
            client.close()
            found = threads(process.pid)
        finally:
            end(process)
            if sampler:
                sampler.wait(60)
        topics.check(target)
        return found
    finally:
        broker.stop()


def main() -> None:
    """Measure once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--svg", default="")
    given = parser.parse_args()
    if given.svg and not shutil.which("py-spy"):
        raise SystemExit("py-spy is not on the path: install it somewhere, or leave --svg out")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given.events, given.svg)
    print("| thread | CPU µs an event | share |\n|---|---|---|")
    for kind, ticks in found.most_common():
        print(f"| {kind} | {ticks / TICKS / given.events * 1e6:.2f} | {ticks / found.total():.0%} |")


if __name__ == "__main__":
    main()
