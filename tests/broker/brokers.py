"""The two brokers every broker test runs on: the embedded one, and a real Kafka that Maven resolves."""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from cli.broker import free_port, start_embedded, stop, wait_for_port

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot"
JARS = CACHE / "kafka-4.3.1"
ARCHIVE = CACHE / "kafka-4.3.1.jsa"


class Broker(ABC):
    """A broker on loopback that can be stopped and started again on the same port."""

    name: str

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @abstractmethod
    def start(self) -> None:
        """Start it, and return when it accepts connections."""

    def stop(self) -> None:
        """Stop it; its port is free afterwards."""
        if self.process:
            stop(self.process, 30)
            self.process = None


class Embedded(Broker):
    """Tansu in memory: starts in milliseconds, forgets everything when it stops."""

    name = "embedded"

    def start(self) -> None:
        self.process = start_embedded(self.port)


class Kafka(Broker):
    """Apache Kafka 4.3.1, KRaft in combined mode, one node; keeps its data over a restart."""

    name = "kafka"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.controller = free_port()

    def start(self) -> None:
        properties = self.folder / "server.properties"
        if not properties.exists():
            properties.write_text(self.properties())
            command = [*self.java(), "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id()]
            subprocess.run([*command, "-c", str(properties), *self.format_options()], check=True, capture_output=True)
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*self.java(*self.java_options()), "kafka.Kafka", str(properties)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self.port, self.process, 60)

    def java(self, *options: str) -> list[str]:
        """Return the command that runs a class of Kafka's, up to its name."""
        return java("-Xmx512m", *options)

    def format_options(self) -> list[str]:
        """Return what else its storage is formatted with."""
        return []

    def java_options(self) -> list[str]:
        """Return what else its Java machine is told."""
        return []

    def properties(self) -> str:
        return "\n".join(
            f"{name}={value}"
            for name, value in {
                "process.roles": "broker,controller",
                "node.id": 1,
                "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller}",
                "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
                "controller.listener.names": "CONTROLLER",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "log.dirs": self.folder / "data",
                "num.partitions": 4,
                "offsets.topic.num.partitions": 4,
                "offsets.topic.replication.factor": 1,
                "transaction.state.log.num.partitions": 4,
                "transaction.state.log.replication.factor": 1,
                "transaction.state.log.min.isr": 1,
                "group.initial.rebalance.delay.ms": 0,
                "group.min.session.timeout.ms": 1000,
                "message.max.bytes": 16_777_216,
                "auto.create.topics.enable": "false",
            }.items()
        )


class _Archiving(Kafka):
    """Notes at its end which classes it has used."""

    def java(self, *options: str) -> list[str]:
        return ["java", f"-XX:ArchiveClassesAtExit={self.folder / ARCHIVE.name}", *options, "-cp", f"{jars()}/*"]


def java(*options: str) -> list[str]:
    """Return the command that runs a class of Kafka's, up to its name; it is to start soon, not to get fast."""
    # an archive of another Java is passed over, and nobody need be told
    shared = [f"-XX:SharedArchiveFile={archive()}", "-Xlog:disable"]
    return ["java", "-XX:TieredStopAtLevel=1", *shared, *options, "-cp", f"{jars()}/*"]


@cache
def archive() -> Path:
    """Return the classes of a broker as Java takes them in at once, which halves its start; made the first time."""
    if not ARCHIVE.exists():
        with TemporaryDirectory(dir=jars().parent) as folder:
            broker = _Archiving(Path(folder))
            broker.start()
            broker.stop()
            (broker.folder / ARCHIVE.name).replace(ARCHIVE)
    return ARCHIVE


def jars() -> Path:
    """Return the folder of the broker's jars, resolving them by Maven the first time."""
    if not any(JARS.glob("kafka_2.13-*.jar")):
        pom = ROOT / "deploy" / "kafka" / "pom.xml"
        subprocess.run(
            ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"],
            check=True,
            capture_output=True,
        )
    return JARS


def cluster_id() -> str:
    """Return a new cluster id in the 22 letters that Kafka expects."""
    from base64 import urlsafe_b64encode

    # a leading hyphen would be taken for an option
    return "E" + urlsafe_b64encode(uuid4().bytes).decode()[1:22]


def missing_for_kafka() -> str:
    """Return what a real Kafka would need and this machine does not have, or nothing."""
    missing = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    return f"needs {' and '.join(missing)}" if missing else ""
