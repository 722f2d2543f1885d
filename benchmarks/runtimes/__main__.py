"""Earshot's runtime beside its peers: CPU per event for the same work, on a real Kafka 4.3.1 that this starts itself.

    make bench-stream [ARGS="--events 1000000 --rounds 3 --only confluent-kafka,Earshot"]

Every runtime consumes the same topic, decodes JSON, keeps one event in ten, gives it another key, produces it with
acks=all, and commits after the acknowledgement. The rounds go through them in rotating order. What is written is
compared record by record, and committed offsets with the ends of the topic. From the CPU time of a process and its
children that of an idle run (start, join, nothing to do) is taken off.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.runtimes.homes import NoHome, classes, jar_version, python, versions
from benchmarks.runtimes.rig import Failed, Measured, Topics, idle, run
from benchmarks.workload import events, texts
from schemas.topics import PREFIX
from tests.broker.brokers import Kafka


@dataclass(frozen=True, slots=True)
class Peer:
    """A runtime: its name in the table, its module, its environment, and what its version is read from.

    One with `jars` is in Java.
    """

    name: str
    module: str
    home: str
    packages: tuple[str, ...]
    commits: bool = True
    jars: tuple[str, ...] = ()


PEERS = (
    Peer("confluent-kafka loop", "confluent_loop", "base", ("confluent-kafka",)),
    Peer("aiokafka + confluent producer loop", "aiokafka_confluent", "base", ("aiokafka", "confluent-kafka")),
    Peer("**Earshot**", "earshot", "base", ("faust-streaming", "aiokafka", "confluent-kafka")),
    Peer("aiokafka loop", "aiokafka_loop", "base", ("aiokafka",)),
    Peer("Bytewax, batches, offsets not in Kafka", "bytewax", "bytewax", ("bytewax", "confluent-kafka"), commits=False),
    Peer("Quix Streams", "quix", "quix", ("quixstreams", "confluent-kafka")),
    Peer("kafka-python loop", "kafka_python_loop", "base", ("kafka-python",)),
    Peer("FastStream, batches", "faststream_batch", "faststream", ("faststream", "aiokafka")),
    Peer("Kafka Streams, Java", "kafka_streams", "base", (), jars=("kafka-streams", "jackson-databind")),
    Peer("Pathway, offsets not in Kafka", "pathway", "pathway", ("pathway",), commits=False),
    Peer("Faust as it comes", "faust_plain", "base", ("faust-streaming", "aiokafka")),
)


class Bench:
    """The runtimes that could be installed, on one broker."""

    def __init__(self, folder: Path, topics: Topics, peers: tuple[Peer, ...]) -> None:
        self._folder = folder
        self._topics = topics
        self.left_out: dict[str, str] = {}
        self.pythons: dict[str, Path] = {}
        self.idle: dict[str, float] = {}
        self.results: dict[str, list[Measured]] = {}
        self.peers = [peer for peer in peers if self._prepare(peer)]

    def _prepare(self, peer: Peer) -> bool:
        """Install a runtime and let it run idle; tell whether it can take part."""
        try:
            self.pythons[peer.name] = python(peer.home)
            if peer.jars:
                classes()
            self.idle[peer.name] = idle(self._command(peer, "nothing", "nothing-out", f"{peer.module}-idle"))
        except (NoHome, Failed) as error:
            self.left_out[peer.name] = str(error)
        return peer.name not in self.left_out

    def measure(self, peer: Peer, number: int) -> None:
        """Let a runtime do the work once, unless it has failed before."""
        if peer.name in self.left_out:
            return
        target = self._topics.make(f"{PREFIX}{peer.module}-{number}-out")  # as our settings would name it
        group = f"{peer.module}-{number}"
        command = self._command(peer, "events", target, group)
        try:
            found = run(command, group if peer.commits else None, "events", target, self._topics)
        except Failed as error:
            self.left_out[peer.name] = str(error)
            return
        took = Measured(found.cpu - self.idle[peer.name], found.wall, found.peak)
        self.results.setdefault(peer.name, []).append(took)
        print(f"round {number}: {peer.name}: {took.cpu:.2f} s of CPU, {took.wall:.2f} s", file=sys.stderr)

    def _command(self, peer: Peer, source: str, target: str, group: str) -> list[str]:
        folder = self._folder / group
        folder.mkdir()
        module = f"benchmarks.runtimes.peers.{peer.module}"
        job = [self._topics.address, source, target, group, str(folder)]
        return [str(self.pythons[peer.name]), "-m", module, *job]


def table(bench: Bench, count: int) -> str:
    """Return the result: medians, and the lowest and the highest beside them."""
    peers = [peer for peer in bench.peers if peer.name not in bench.left_out]
    lines = ["| runtime | CPU µs an event | to the floor | wall s | peak MB | versions |", "|---|---|---|---|---|---|"]
    floor = statistics.median(took.cpu for took in bench.results[peers[0].name])
    for peer in sorted(peers, key=lambda peer: statistics.median(took.cpu for took in bench.results[peer.name])):
        took = bench.results[peer.name]
        each = [one.cpu / count * 1e6 for one in took]
        wall = statistics.median(one.wall for one in took)
        middle = statistics.median(one.cpu for one in took)
        lines.append(
            f"| {peer.name} | {statistics.median(each):.1f} ({min(each):.1f}–{max(each):.1f}) | {middle / floor:.2f} "
            f"| {wall:.1f} | {max(one.peak for one in took) / 1e6:.0f} "
            f"| {_versions(bench, peer)} |"
        )
    lines += [f"\nLeft out: {name}: {why}" for name, why in bench.left_out.items()]
    return "\n".join(lines)


def _versions(bench: Bench, peer: Peer) -> str:
    found = [f"{name} {jar_version(name)}" for name in peer.jars]
    return ", ".join(found) or versions(bench.pythons[peer.name], *peer.packages)


def machine() -> str:
    """Return what this runs on, in one line."""
    told = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in told if "model name" in line), platform.machine())
    return f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def rounds(folder: Path, count: int, number: int, peers: tuple[Peer, ...]) -> str:
    """Start a broker, fill the topic, let everybody do the work `number` times, and return the table."""
    (folder / "broker").mkdir()
    broker = Kafka(folder / "broker")
    broker.start()
    try:
        topics = Topics(broker.address)
        for topic in ("events", "nothing", "nothing-out"):
            topics.make(topic)
        topics.fill("events", events(texts(), count))
        bench = Bench(folder, topics, peers)
        for turn in range(number):
            first = turn * len(bench.peers) // number
            for peer in bench.peers[first:] + bench.peers[:first]:
                bench.measure(peer, turn)
        return table(bench, count)
    finally:
        broker.stop()


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="parts of names, with commas between; the floor is always there")
    given = parser.parse_args()
    parts = given.only.lower().split(",")
    chosen = (peer for peer in PEERS[1:] if any(part in peer.name.lower() for part in parts))
    with tempfile.TemporaryDirectory() as folder:
        found = rounds(Path(folder), given.events, given.rounds, (PEERS[0], *chosen))
    print(f"{given.events:,} events, {given.rounds} rounds, Kafka 4.3.1; {machine()}\n\n{found}")


if __name__ == "__main__":
    main()
