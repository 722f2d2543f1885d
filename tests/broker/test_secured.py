"""Logging in, on a real Kafka: the whole path by each way, and one sentence for whatever is wrong with one."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from agents.alert.delivery import Delivering
from agents.alert.ledger import Pace
from agents.kafka import confluent_config, kafka_python_config, read_to_end
from agents.observe import Status
from agents.topics import apply_topics, check_topics
from cli.broker import stop
from schemas.delivery import Delivery, DeliveryState
from schemas.errors import ConfigError
from schemas.event import Event
from schemas.settings import Settings, load_settings
from schemas.topics import DELIVERIES, raw_topic
from tests.broker.brokers import ROOT
from tests.broker.conftest import kafka_in
from tests.broker.secured import PASSWORD, SUPER, Secured, TokenServer, environment, token_server

pytestmark = pytest.mark.broker

WATCHES = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answered within an hour}
    query: acme
    rules: [{kind: count, threshold: 2, window: 10m}]
    owner: Press
    routes: [{channel: console}]
"""


@dataclass
class World:
    """The broker, the server of tokens, and how to log in by each way."""

    broker: Secured
    tokens: TokenServer
    watches: Path

    def way(self, name: str, **changes: Any) -> Settings:
        """Return settings that work, with `changes` that may not; each way has topics of its own."""
        folder = self.broker.certificates
        login = {"kafka_username": SUPER, "kafka_password": PASSWORD}
        tls = {"kafka_ca_file": str(folder / "ca.crt")}
        client = {"kafka_cert_file": str(folder / "client.crt"), "kafka_key_file": str(folder / "locked.key")}
        scram = {"kafka": self.broker.at("LOGIN"), "kafka_security_protocol": "SASL_SSL", **tls, **login}
        ways: dict[str, dict[str, Any]] = {
            "scram": scram,
            "oauth": scram
            | {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_token_url": self.tokens.url, "kafka_token_scope": "kafka"},
            "plain": {"kafka": self.broker.at("PLAINLOGIN"), "kafka_security_protocol": "SASL_PLAINTEXT", **login}
            | {"kafka_sasl_mechanism": "PLAIN"},
            "mtls": {"kafka": self.broker.at("CERT"), "kafka_security_protocol": "SSL", "kafka_key_password": "sesame"}
            | {**tls, **client},
        }
        own = {"topic_prefix": f"{name}.", "partitions": 2, "session_timeout": 6.0, "watches": self.watches}
        return load_settings(**(ways[name] | own | changes))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("secured")
    (folder / "watches.yml").write_text(WATCHES)
    with kafka_in(folder, Secured) as broker, token_server() as tokens:
        yield World(broker, tokens, folder / "watches.yml")


@contextmanager
def earshot(command: str, settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of Earshot for as long as the context lasts."""
    process = subprocess.Popen([sys.executable, "-m", "cli.main", command], cwd=ROOT, env=variables(settings))
    try:
        yield process
    finally:
        stop(process, 30)


def variables(settings: Settings) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "EARSHOT_" not in name} | environment(settings)


@contextmanager
def delivering(settings: Settings) -> Iterator[None]:
    """Run the delivery loop in a thread."""
    stopping = threading.Event()
    thread = threading.Thread(target=Delivering(settings, Pace(), Status()).run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(40)
        assert not thread.is_alive()


def feed(settings: Settings, count: int = 3) -> None:
    """Write posts that trip the watch, as ingest does."""
    producer = Producer(confluent_config(settings))
    now = datetime.now(UTC)
    for number in range(count):
        post = Event(platform="x", id=str(number), time=now, seen=now, source="s", text=f"acme, {number}: {number * 7}")
        producer.produce(settings.topic(raw_topic("x")), post.to_bytes(), post.key.encode())
    assert producer.flush(20) == 0


def sent(settings: Settings) -> set[str]:
    """Return the alerts that the ledger calls sent."""
    topic = settings.topic(DELIVERIES)
    consumer = KafkaConsumer(
        **kafka_python_config(settings), isolation_level="read_committed", enable_auto_commit=False
    )
    records = read_to_end(consumer, [TopicPartition(topic, number) for number in range(settings.partitions)])
    entries = [Delivery.from_bytes(record.value) for record in records if record.value]
    consumer.close()
    return {entry.alert for entry in entries if entry.state is DeliveryState.SENT}


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.3)


@pytest.mark.parametrize("way", ["scram", "plain", "mtls", "oauth"])
def test_the_whole_path_runs_by_each_way_to_log_in(world: World, way: str) -> None:
    """All three clients: topics and delivery by kafka-python, the worker by aiokafka, what is written by librdkafka."""
    settings = world.way(way)
    apply_topics(settings)
    assert check_topics(settings) == []
    feed(settings)
    with earshot("worker", settings), delivering(settings):
        until(lambda: sent(settings))
    assert ("kafka" in world.tokens.asked) is (way == "oauth") or way != "oauth"


WRONG: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a wrong password", "scram", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("the same in plain text", "plain", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("a user nobody knows", "scram", {"kafka_username": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("a wrong secret for tokens", "oauth", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "gives no token"),
    ("no server of tokens", "oauth", {"kafka_token_url": "http://127.0.0.1:1/"}, "EARSHOT_KAFKA_TOKEN_URL", "no token"),
    ("no address of tokens", "oauth", {"kafka_token_url": ""}, "EARSHOT_KAFKA_TOKEN_URL", "comes from nowhere"),
    ("a mechanism it does not know", "plain", {"kafka_sasl_mechanism": "SCRAM-SHA-256"}, "EARSHOT_KAFKA_SASL_MECHANISM",
     "it knows PLAIN"),
    ("no certificate", "mtls", {"kafka_cert_file": "", "kafka_key_file": ""}, "EARSHOT_KAFKA_CERT_FILE",
     "wants a client certificate"),
    ("a stranger's certificate", "mtls", {"kafka_cert_file": "stranger.crt", "kafka_key_file": "stranger.key"},
     "EARSHOT_KAFKA_CERT_FILE", "does not accept our certificate"),
    ("a key without a certificate", "mtls", {"kafka_cert_file": ""}, "EARSHOT_KAFKA_CERT_FILE", "is missing"),
    ("a key that stays locked", "mtls", {"kafka_key_password": "x"}, "EARSHOT_KAFKA_CERT_FILE", "KEY_PASSWORD"),
    ("plain text to TLS", "mtls", {"kafka_security_protocol": "PLAINTEXT"}, "EARSHOT_KAFKA_SECURITY_PROTOCOL",
     "speaks TLS only"),
    ("a login in plain text to TLS", "scram", {"kafka_security_protocol": "SASL_PLAINTEXT"},
     "EARSHOT_KAFKA_SECURITY_PROTOCOL", "speaks TLS only"),
    ("TLS to plain text", "plain", {"kafka_security_protocol": "SASL_SSL"}, "EARSHOT_KAFKA_SECURITY_PROTOCOL",
     "does not speak TLS (set it to SASL_PLAINTEXT)"),
    ("no login where one is wanted", "plain", {"kafka_security_protocol": "PLAINTEXT"},
     "EARSHOT_KAFKA_SECURITY_PROTOCOL", "wants a login by PLAIN (set it to SASL_PLAINTEXT)"),
    ("TLS alone where a login is wanted", "scram", {"kafka_security_protocol": "SSL"},
     "EARSHOT_KAFKA_SECURITY_PROTOCOL", "(set it to SASL_SSL)"),
    ("a login where there is none", "mtls", {"kafka_security_protocol": "SASL_SSL"}, "EARSHOT_KAFKA_SECURITY_PROTOCOL",
     "knows no login (set it to SSL)"),
    ("an authority nobody knows", "scram", {"kafka_ca_file": ""}, "EARSHOT_KAFKA_CA_FILE", "is not accepted"),
    ("another authority", "scram", {"kafka_ca_file": "strangers.crt"}, "EARSHOT_KAFKA_CA_FILE", "is not accepted"),
    ("a name that is not in the certificate", "scram", {"kafka": "localhost"}, "EARSHOT_KAFKA", "Hostname mismatch"),
    ("no file of the authority", "scram", {"kafka_ca_file": "none.crt"}, "EARSHOT_KAFKA_CA_FILE", "cannot be used"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "way", "changes", "where", "told"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_said_at_once_with_the_setting(
    world: World, sentence: str, way: str, changes: dict[str, Any], where: str, told: str
) -> None:
    in_folder = {
        name: str(world.broker.certificates / value) for name, value in changes.items() if value and "file" in name
    }
    if changes.get("kafka") == "localhost":
        in_folder["kafka"] = f"localhost:{world.broker.ports['LOGIN']}"
    started = monotonic()
    with pytest.raises(ConfigError) as caught:
        apply_topics(world.way(way, **(changes | in_folder)))
    assert caught.value.where == where, sentence
    assert told in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert monotonic() - started < 5, "nobody waits for something that will not come"


@pytest.mark.parametrize("command", ["worker", "ingest", "deliver", "topics apply", "dead list"])
def test_each_process_ends_with_one_sentence(world: World, command: str, tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("sources:\n  - {id: hook, kind: webhook}\n")
    more = {"sources": tmp_path / "sources.yml", "webhook_secrets": "a-secret-that-is-long-enough", "webhook_port": 0}
    ended = subprocess.run(
        [sys.executable, "-m", "cli.main", *command.split()],
        env=variables(world.way("scram", kafka_password="not it", **more)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 2, ended.stderr
    complaints = [line for line in ended.stderr.splitlines() if "[info" not in line]
    assert len(complaints) == 1, ended.stderr
    assert complaints[0].startswith("earshot: EARSHOT_KAFKA_USERNAME: ")
    assert "not it" not in ended.stderr
