"""Logging in: the whole path by each way, and one sentence for whatever is wrong with one."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

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
from schemas.topics import DELIVERIES, RECEIPTS, raw_topic
from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT
from tests.broker.conftest import KINDS as BROKERS
from tests.broker.conftest import secured_in
from tests.broker.secured import Secured, environment
from tests.broker.tokens import BRIEF_SECONDS, KINDS, PASSWORD, SUPER, TokenServer, token_server

pytestmark = [pytest.mark.broker, pytest.mark.needs(Ability.SECURES)]

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
            | {
                "kafka_sasl_mechanism": "OAUTHBEARER",
                "kafka_token_url": self.tokens.at("token"),
                "kafka_token_scope": "kafka",
            },
            "scram256": scram | {"kafka_sasl_mechanism": "SCRAM-SHA-256"},
            "plain": {"kafka": self.broker.at("PLAINLOGIN"), "kafka_security_protocol": "SASL_PLAINTEXT", **login}
            | {"kafka_sasl_mechanism": "PLAIN"},
            "mtls": {"kafka": self.broker.at("CERT"), "kafka_security_protocol": "SSL", "kafka_key_password": "sesame"}
            | {**tls, **client},
        }
        own = {"topic_prefix": f"{name}.", "partitions": 2, "session_timeout": 6.0, "watches": self.watches}
        return load_settings(**(ways[name] | own | changes))


@pytest.fixture(scope="module", params=BROKERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("secured")
    (folder / "watches.yml").write_text(WATCHES)
    with secured_in(folder, request.param) as broker, token_server(broker.certificates) as tokens:
        yield World(broker, tokens, folder / "watches.yml")


@contextmanager
def earshot(command: str, settings: Settings, log: IO[bytes] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of Earshot for as long as the context lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", command], cwd=ROOT, env=variables(settings), stderr=log
    )
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


def judged(settings: Settings) -> int:
    """Return how many receipts there are."""
    topic = settings.topic(RECEIPTS)
    with closing(KafkaConsumer(**kafka_python_config(settings), enable_auto_commit=False)) as consumer:
        return sum(consumer.end_offsets([TopicPartition(topic, n) for n in range(settings.partitions)]).values())


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.3)


def recorded(folder: Path, count: int = 3, step: timedelta = timedelta(seconds=1), speed: int = 0) -> Path:
    """Write a recording of so many posts, `step` apart, that ends now; return the file of sources that replays it."""
    end = datetime.now(UTC)
    lines = [
        {"platform": "x", "id": f"r{one}", "time": (end - one * step).isoformat(), "text": f"acme, {one}: {one * 7}"}
        for one in reversed(range(count))
    ]
    (folder / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    source = f"{{id: file, kind: replay, path: posts.jsonl, speed: {speed}}}"
    (folder / "sources.yml").write_text(f"sources:\n  - {source}\n")
    return folder / "sources.yml"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["scram", "scram256", "plain", "mtls", "oauth"])
def test_the_whole_path_runs_by_each_way_to_log_in(world: World, way: str, tmp_path: Path) -> None:
    """All three clients: topics and delivery by kafka-python, the worker by aiokafka, what is written by librdkafka.

    Ingest needs two of them: what it has heard it writes, its sources it shares by a group.
    """
    settings = world.way(way, sources=recorded(tmp_path))
    apply_topics(settings)
    assert check_topics(settings) == []
    with earshot("worker", settings), delivering(settings), earshot("ingest", settings) as ingest:
        until(lambda: sent(settings))
        assert ingest.wait(60) == 0
    assert ("kafka" in world.tokens.asked) is (way == "oauth") or way != "oauth"


@pytest.mark.timeout(400)
def test_tokens_that_expire_are_replaced_while_work_goes_on(world: World, tmp_path: Path) -> None:
    """The broker ends each connection whose token has expired: for three lives of a token nothing waits for long."""
    settings = world.way(
        "oauth",
        topic_prefix="brief.",
        kafka_token_url=world.tokens.at("brief"),
        # a post a second, for as long as the test may last; each is alone in its window
        sources=recorded(tmp_path, 600, timedelta(seconds=660), speed=660),
    )
    apply_topics(settings)
    with (
        (tmp_path / "log").open("wb") as log,
        earshot("worker", settings, log) as worker,
        delivering(settings),
        earshot("ingest", settings) as ingest,
    ):
        until(lambda: "stage=listen" in (tmp_path / "log").read_text())
        known, given, deadline = 0, world.tokens.given, monotonic() + 3 * BRIEF_SECONDS
        while monotonic() < deadline:
            until(lambda known=known: judged(settings) > known, 40)  # type: ignore[misc]
            known = judged(settings)
        assert world.tokens.given > given + 3
        assert sent(settings) == set(), "one at a time alerts nobody"
        feed(settings)
        until(lambda: sent(settings), 60)
        assert ingest.poll() is None, "what it writes, its leases and its checkpoints go on as well"
    assert worker.returncode == 0
    assert (tmp_path / "log").read_text().count("started ") == 2, "and nothing had to begin anew"


NO_TOKEN = "does not accept our token"
WRONG: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a wrong password", "scram", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("the same in plain text", "plain", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("a user nobody knows", "scram", {"kafka_username": "x"}, "EARSHOT_KAFKA_USERNAME", "does not accept this user"),
    ("a wrong secret for tokens", "oauth", {"kafka_password": "x"}, "EARSHOT_KAFKA_USERNAME", "gives no token"),
    ("no server of tokens", "oauth", {"kafka_token_url": "http://127.0.0.1:1/"}, "EARSHOT_KAFKA_TOKEN_URL", "no token"),
    ("no address of tokens", "oauth", {"kafka_token_url": ""}, "EARSHOT_KAFKA_TOKEN_URL", "comes from nowhere"),
    ("a token that has expired", "oauth", {"kafka_token_url": "expired"}, "EARSHOT_KAFKA_TOKEN_URL", NO_TOKEN),
    ("a token that somebody else signed", "oauth", {"kafka_token_url": "forged"}, "EARSHOT_KAFKA_TOKEN_URL", NO_TOKEN),
    ("a token for another service", "oauth", {"kafka_token_url": "for-others"}, "EARSHOT_KAFKA_TOKEN_URL", NO_TOKEN),
    ("a token of another issuer", "oauth", {"kafka_token_url": "by-others"}, "EARSHOT_KAFKA_TOKEN_URL", NO_TOKEN),
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
    if (kind := changes.get("kafka_token_url", "")) in KINDS:
        in_folder["kafka_token_url"] = world.tokens.at(kind)
    if changes.get("kafka") == "localhost":
        in_folder["kafka"] = f"localhost:{world.broker.ports['LOGIN']}"
    started = monotonic()
    with pytest.raises(ConfigError) as caught:
        apply_topics(world.way(way, **(changes | in_folder)))
    assert caught.value.where == where, sentence
    assert told in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert monotonic() - started < 5, "nobody waits for something that will not come"


PASSWORDS: dict[str, Any] = {"way": "scram", "kafka_password": "not it"}
ENDS = [
    ("worker", PASSWORDS, "EARSHOT_KAFKA_USERNAME"),
    ("ingest", PASSWORDS, "EARSHOT_KAFKA_USERNAME"),
    ("deliver", PASSWORDS, "EARSHOT_KAFKA_USERNAME"),
    ("topics apply", PASSWORDS, "EARSHOT_KAFKA_USERNAME"),
    ("dead list", PASSWORDS, "EARSHOT_KAFKA_USERNAME"),
    ("worker", {"way": "oauth", "kafka_token_url": "forged"}, "EARSHOT_KAFKA_TOKEN_URL"),
    ("ingest", {"way": "oauth", "kafka_token_url": "expired"}, "EARSHOT_KAFKA_TOKEN_URL"),
    ("deliver", {"way": "oauth", "kafka_token_url": "expired"}, "EARSHOT_KAFKA_TOKEN_URL"),
]


@pytest.mark.parametrize(("command", "login", "where"), ENDS)
def test_each_process_ends_with_one_sentence(
    world: World, command: str, login: dict[str, Any], where: str, tmp_path: Path
) -> None:
    (tmp_path / "sources.yml").write_text("sources:\n  - {id: hook, kind: webhook}\n")
    more = {"sources": tmp_path / "sources.yml", "webhook_secrets": "a-secret-that-is-long-enough", "webhook_port": 0}
    wrong = {"kafka_token_url": world.tokens.at(login["kafka_token_url"])} if login["way"] == "oauth" else login
    settings = world.way(login["way"], **{name: value for name, value in wrong.items() if name != "way"}, **more)
    ended = subprocess.run(
        [sys.executable, "-m", "cli.main", *command.split()],
        env=variables(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 2, ended.stderr
    complaints = [line for line in ended.stderr.splitlines() if "[info" not in line]
    assert len(complaints) == 1, ended.stderr
    assert complaints[0].startswith(f"earshot: {where}: ")
    assert "not it" not in ended.stderr
