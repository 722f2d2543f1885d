"""Kafka of one node or three, with a listener for each process, so that the network between them can be cut."""

import os
import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic, sleep

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from cli.broker import free_port, stop, wait_for_port
from tests.broker.brokers import cluster_id, java
from tests.faults.network import Network

HARNESS = "harness"
"""The listener of the run itself, which nothing cuts."""
_INNER = "BROKER"
_SMALL = ("-Xmx384m", "-XX:+UseSerialGC")
MOVE_SECONDS = 15.0
"""For how long leaders are asked to move; a part of it they are given to do so."""


class Node:
    """One node, broker and controller in one."""

    def __init__(self, number: int, folder: Path, network: Network, processes: tuple[str, ...]) -> None:
        self.number = number
        self.folder = folder
        folder.mkdir()
        self.controller = free_port()
        self.ports = {name: free_port() for name in (HARNESS, _INNER, *processes)}
        self.ways = {name: network.link(name, self.ports[name]) for name in processes}
        self.process: subprocess.Popen[bytes] | None = None

    def format(self, properties: dict[str, object], cluster: str) -> None:
        lines = (properties | self._own()).items()
        self._properties.write_text("\n".join(f"{name}={value}" for name, value in lines))
        command = [*java(*_SMALL), "kafka.tools.StorageTool", "format", "-t", cluster]
        subprocess.run([*command, "-c", str(self._properties)], check=True, capture_output=True)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _own(self) -> dict[str, object]:
        listening = {_listener(name): port for name, port in self.ports.items()}
        told = listening | {_listener(name): port for name, port in self.ways.items()}
        return {
            "node.id": self.number,
            "listeners": _addresses(listening | {"CONTROLLER": self.controller}),
            "advertised.listeners": _addresses(told),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in (*listening, "CONTROLLER")),
            "log.dirs": self.folder / "data",
        }

    def start(self) -> None:
        """Start it, unless it runs: two kills in one storm want it started twice, and two on one folder ruin it."""
        if self.process and self.process.poll() is None:
            return
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*java(*_SMALL), "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_start(self) -> None:
        assert self.process is not None
        wait_for_port(self.ports[HARNESS], self.process, 90)

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal, and tell whether it was up."""
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, number)
            return True
        return False

    def kill(self) -> bool:
        """Kill it, and tell whether it was up."""
        was_up = self.send(signal.SIGKILL)
        if self.process:
            self.process.wait()
        return was_up

    def stop(self) -> None:
        if self.process:
            self.send(signal.SIGCONT)
            stop(self.process, 20)


def _listener(process: str) -> str:
    return process.upper().replace("-", "")


def _addresses(ports: dict[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())


class Cluster:
    """The nodes. Use as a context manager."""

    def __init__(self, nodes: int, folder: Path, network: Network, processes: tuple[str, ...]) -> None:
        self.nodes = {
            f"node-{number}": Node(number, folder / f"node-{number}", network, processes)
            for number in range(1, nodes + 1)
        }
        self.copies = min(3, nodes)

    def __enter__(self) -> "Cluster":
        cluster = cluster_id()
        for node in self.nodes.values():
            node.format(self._properties(), cluster)
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            node.await_start()
        return self

    def __exit__(self, *_error: object) -> None:
        # all at once: a node that is alone waits for the others
        for node in self.nodes.values():
            node.send(signal.SIGCONT)
            node.kill()

    def address(self, process: str = HARNESS) -> str:
        """Return what `process` must be told: the beginning of its ways to the nodes."""
        ports = [node.ways.get(process) or node.ports[process] for node in self.nodes.values()]
        return ",".join(f"127.0.0.1:{port}" for port in ports)

    def move_leaders(self) -> int:
        """Give every partition, those of Kafka's own topics included, another leader, and return how many have one.

        Another fault may break what is asked for that in the middle of it; then it is asked again for a while.
        """
        before, deadline = dict[tuple[str, int], int](), monotonic() + MOVE_SECONDS
        while monotonic() < deadline:
            with suppress(KafkaError):
                before = before or self._leaders()
                self._move_leaders()
            until = monotonic() + MOVE_SECONDS / 3
            while before and monotonic() < until:
                with suppress(KafkaError):
                    found = self._leaders()
                    if moved := sum(leader not in (-1, before.get(place)) for place, leader in found.items()):
                        return moved
                sleep(0.2)
        return 0

    def _leaders(self) -> dict[tuple[str, int], int]:
        """Return who leads each partition; -1 is nobody."""
        with closing(KafkaAdminClient(bootstrap_servers=self.address(), bootstrap_timeout_ms=10_000)) as admin:
            return {
                (topic["name"], part["partition_index"]): part["leader_id"]
                for topic in admin.describe_topics(admin.list_topics())
                for part in topic["partitions"]
            }

    def _move_leaders(self) -> None:
        with closing(KafkaAdminClient(bootstrap_servers=self.address(), bootstrap_timeout_ms=10_000)) as admin:
            moved = {
                TopicPartition(topic["name"], part["partition_index"]): [
                    *part["replica_nodes"][1:],
                    part["replica_nodes"][0],
                ]
                for topic in admin.describe_topics(admin.list_topics())
                for part in topic["partitions"]
            }
            admin.alter_partition_reassignments(moved)
            admin.elect_leaders(0, raise_errors=False)

    def _properties(self) -> dict[str, object]:
        copies, enough = self.copies, self.copies // 2 + 1
        voters = ",".join(f"{node.number}@127.0.0.1:{node.controller}" for node in self.nodes.values())
        return {
            "process.roles": "broker,controller",
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": _INNER,
            "num.partitions": 4,
            "default.replication.factor": copies,
            "min.insync.replicas": enough,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": enough,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
            "message.max.bytes": 16_777_216,
            "auto.create.topics.enable": "false",
        }
