"""The smallest rights, on a broker with an authorizer: they suffice for the whole path, and for nothing else."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import AuthorizationError, TransactionalIdAuthorizationFailedError

from agents.access import check_access
from agents.dead import list_dead, requeue_dead
from agents.kafka import kafka_python_config
from agents.layout import read_layout
from agents.topics import apply_topics, check_topics
from pipeline.stream.repartition import raise_partitions
from schemas.acls import PROCESSES, acls, commands
from schemas.dead import bury
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import ALERTS, DEAD, DELIVERIES, MENTIONS, RECEIPTS, TOPICS, raw_topic
from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT, java
from tests.broker.secured import Secured
from tests.broker.test_secured import WATCHES, World, delivering, earshot, sent, until, variables
from tests.broker.test_secured import world as secured

# the first test waits for a broker with an authorizer as well, and 120 s are what `until` alone may take
pytestmark = [pytest.mark.broker, pytest.mark.needs(Ability.ALLOWS), pytest.mark.timeout(400)]
__all__ = ["secured"]

_OPERATIONS = {"DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS}


@pytest.fixture(scope="module")
def world(secured: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The broker, where each process may do what `earshot topics acls` prints, and nothing else."""
    lines = commands(PROCESSES, of(secured, "topics"), "User:{process}")
    run_kafka_acls(secured.broker, lines[-1])
    with closing(KafkaAdminClient(bootstrap_servers=secured.broker.address)) as client:
        client.create_acls([acl for line in lines[:-1] for acl in parsed(line)])
    return secured


def of(world: World, process: str, **changes: Any) -> Settings:
    """Return the settings of `process` under its own name."""
    return world.way("plain", topic_prefix="small.", kafka_username=process, **changes)


def run_kafka_acls(broker: Secured, line: str) -> None:
    """Run Kafka's own tool: what is printed is what it takes."""
    command = [*java(), "org.apache.kafka.tools.AclCommand", "--bootstrap-server", broker.address]
    subprocess.run([*command, *shlex.split(line)], check=True, capture_output=True, timeout=60)


def parsed(line: str) -> Iterator[ACL]:
    """Read one line as Kafka's tool does: twenty starts of a Java machine would take a minute."""
    words = [word.removeprefix("--") for word in shlex.split(line)]
    values = dict(pairwise(words))
    kind = next(kind for kind in ("topic", "group", "transactional-id") if kind in values)
    pattern = ACLResourcePatternType[values["resource-pattern-type"].upper()]
    resource = ResourcePattern(ResourceType[kind.upper().replace("-", "_")], values[kind], pattern)
    for place, word in enumerate(words):
        if word == "operation":
            operation = _OPERATIONS.get(words[place + 1]) or ACLOperation[words[place + 1].upper()]
            yield ACL(values["allow-principal"], "*", operation, ACLPermissionType.ALLOW, resource)


def test_the_whole_path_runs_with_the_smallest_rights(world: World, tmp_path: Path) -> None:
    assert len(apply_topics(of(world, "topics"))) == len(TOPICS)
    assert check_topics(of(world, "topics")) == []
    now = datetime.now(UTC).isoformat()
    posts = [{"platform": "x", "id": str(one), "time": now, "text": f"acme, {one}: {one * 7}"} for one in range(3)]
    (tmp_path / "posts.jsonl").write_text("\n".join([*map(json.dumps, posts), "{broken"]))
    (tmp_path / "sources.yml").write_text("sources:\n  - {id: file, kind: replay, path: posts.jsonl}\n")
    with (
        earshot("worker", of(world, "worker")),
        delivering(of(world, "deliver")),
        earshot("ingest", of(world, "ingest", sources=tmp_path / "sources.yml")) as ingest,
    ):
        until(lambda: sent(world.way("plain", topic_prefix="small.")))
        assert ingest.wait(30) == 0
    assert [dead.reason for dead in list_dead(of(world, "dead"))] == ["not-json"]


TRANSACTIONS = [
    ("small-deliver-0", True, "that of the first partition"),
    ("small-deliver-4711", True, "that of any other, however many there will be"),
    ("small-ticks-0", False, "not what begins like the installation and is no delivery's"),
    ("smaller-deliver-0", False, "nor that of an installation whose name begins like ours"),
    ("earshot-deliver-0", False, "nor that of the installation that has no name of its own"),
]


@pytest.mark.parametrize(("name", "allowed", "sentence"), TRANSACTIONS, ids=[row[2] for row in TRANSACTIONS])
def test_delivery_has_the_transactional_ids_of_its_own_installation(
    world: World, name: str, allowed: bool, sentence: str
) -> None:
    settings = of(world, "deliver")
    apply_topics(of(world, "topics"))
    producer = KafkaProducer(**kafka_python_config(settings), transactional_id=name, max_block_ms=60_000)
    with closing(producer):
        if not allowed:
            with pytest.raises(TransactionalIdAuthorizationFailedError):
                producer.init_transactions()
            return
        producer.init_transactions()
        producer.begin_transaction()
        written = producer.send(settings.topic(DELIVERIES), None, key=b"nothing", partition=0)
        producer.commit_transaction()
        assert written.get(timeout=60).offset >= 0, sentence


@pytest.mark.parametrize("process", ["ingest", "worker", "deliver", "buttons"])
def test_each_process_finds_what_it_needs(world: World, process: str) -> None:
    apply_topics(of(world, "topics"))
    check_access(of(world, process), process)


def test_who_requeues_has_the_right_to(world: World) -> None:
    settings = of(world, "dead")
    apply_topics(of(world, "topics"))
    about = {"topic": settings.topic(raw_topic("x")), "partition": 0, "offset": 0, "key": "x:1"}
    dead = bury(b"{", reason="not-json", at=datetime.now(UTC), **about)
    write(world.way("plain", topic_prefix="small."), DEAD, dead.to_bytes())
    assert requeue_dead(settings, dead.id) == dead


@pytest.fixture(scope="module")
def published(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The watch file, published by the user who may; somebody has been heard, and it was no post."""
    apply_topics(of(world, "topics"))
    write(world.way("plain", topic_prefix="small."), raw_topic("x"))
    path = tmp_path_factory.mktemp("published") / "watches.yml"
    path.write_text(WATCHES)
    assert commanded(of(world, "watches"), f"watches apply {path}").returncode == 0
    return path


def commanded(settings: Settings, line: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a person does."""
    command = [sys.executable, "-m", "cli.main", *shlex.split(line)]
    return subprocess.run(
        command, cwd=ROOT, env=variables(settings), capture_output=True, text=True, check=False, timeout=90
    )


COMMANDS = [
    ("watches", "watches list", 0, "acme"),
    ("control", "silence add acme --by anna --reason known --for 1h", 0, ""),
    ("control", "acknowledge acme 1f2e3d4c5b6a7980 --by anna", 2, "incident"),
    ("forget", "forget x:12", 0, ""),
    ("look", "incidents", 0, ""),
    ("look", "silence list", 0, ""),
    ("look", "explain x:12", 1, "no receipt of x:12"),
    ("history", "backtest --watches {watches} --from 1h", 1, "records of the raw topics"),
    ("matched", "backtest --watches {watches} --mentions --from 1h", 0, ""),
    ("feedback", "feedback show acme", 0, "nobody has given feedback"),
    ("feedback", "feedback reset acme", 0, "has forgotten"),
]


@pytest.mark.parametrize(
    ("process", "line", "code", "told"), COMMANDS, ids=[row[1].split(" --")[0] for row in COMMANDS]
)
def test_a_command_acts_with_the_smallest_rights(
    world: World, published: Path, process: str, line: str, code: int, told: str
) -> None:
    ended = commanded(of(world, process), line.format(watches=published))
    assert ended.returncode == code, ended.stderr
    assert told in ended.stdout + ended.stderr
    assert "may not" not in ended.stderr


def test_partitions_are_raised_with_the_smallest_rights(world: World) -> None:
    """On topics of its own, since nobody else could go on with these."""
    own = {"topic_prefix": "tiny."}
    with closing(KafkaAdminClient(bootstrap_servers=world.broker.address)) as client:
        lines = commands(("topics", "raise"), of(world, "topics").model_copy(update=own), "User:{process}")
        client.create_acls([acl for line in lines for acl in parsed(line)])
    apply_topics(of(world, "topics").model_copy(update=own))
    raise_partitions(of(world, "raise").model_copy(update=own), 3)
    assert read_layout(world.way("plain", **own)) == 3


@pytest.mark.parametrize("process", ["ingest", "worker", "deliver"])
def test_each_right_is_asked_for_by_name_when_it_is_taken_away(world: World, process: str) -> None:
    """So nothing is in the list that the process would not miss at once; ids of transactions nobody can ask about."""
    settings = of(world, process)
    apply_topics(of(world, "topics"))
    rights = [acl for acl in acls(process, settings) if acl.kind != "transactional-id"]
    with closing(KafkaAdminClient(bootstrap_servers=world.broker.address)) as client:
        for right in rights:
            [line] = [
                line
                for line in commands([process], settings, "User:{process}")
                if f"{right.kind} {right.name} " in line
            ]
            for taken, operation in zip(parsed(line), right.operations, strict=True):
                client.delete_acls([taken])
                told = f"{operation} on {right.kind} {right.name}"
                try:
                    until(lambda told=told: told in refused(settings, process), 30)  # type: ignore[misc]
                finally:
                    client.create_acls([taken])
                until(lambda: not refused(settings, process), 30)


def refused(settings: Settings, process: str) -> str:
    """Return what the process would say that it may not, at its start."""
    try:
        check_access(settings, process)
    except ConfigError as error:
        return str(error)
    return ""


MISSING = [
    ("ingest", "worker", "ingest may not Read on topic small.raw.bluesky", "who may only write is told what to add"),
    ("worker", "deliver", "worker may not Read on topic small.alerts", "the worker writes alerts and reads none"),
    ("deliver", "ingest", "deliver may not Write on topic small.raw.bluesky", "a topic that is not even seen"),
]


@pytest.mark.parametrize(("user", "process", "told", "sentence"), MISSING, ids=[row[3] for row in MISSING])
def test_a_missing_right_is_said_at_start(world: World, user: str, process: str, told: str, sentence: str) -> None:
    apply_topics(of(world, "topics"))
    with pytest.raises(ConfigError, match="earshot topics acls") as caught:
        check_access(of(world, user), process)
    assert told in str(caught.value), sentence


def write(settings: Settings, topic: str, value: bytes = b"{}") -> None:
    with closing(KafkaProducer(**kafka_python_config(settings), max_block_ms=5000)) as producer:
        producer.send(settings.topic(topic), value, partition=0).get(timeout=10)


def read(settings: Settings, topic: str) -> None:
    consumer = KafkaConsumer(**kafka_python_config(settings), enable_auto_commit=False, group_id=None)
    with closing(consumer):
        consumer.assign([TopicPartition(settings.topic(topic), 0)])
        consumer.seek_to_beginning()
        consumer.poll(timeout_ms=3000)


REFUSED: list[tuple[str, Callable[[Settings, str], None], str, str]] = [
    ("ingest", read, raw_topic("x"), "ingest cannot read back what it has heard"),
    ("ingest", write, MENTIONS, "nor say that something matched"),
    ("worker", write, DELIVERIES, "the worker cannot say that somebody was told"),
    ("worker", write, raw_topic("x"), "nor make up a post"),
    ("deliver", write, ALERTS, "delivery cannot make up an alert"),
    ("deliver", write, raw_topic("x"), "nor a post"),
    ("topics", read, MENTIONS, "who provisions sees no content"),
    ("dead", write, RECEIPTS, "who requeues changes no decision"),
]


@pytest.mark.parametrize(("process", "act", "topic", "sentence"), REFUSED, ids=[row[3] for row in REFUSED])
def test_each_process_is_refused_what_it_does_not_need(
    world: World, process: str, act: Callable[[Settings, str], None], topic: str, sentence: str
) -> None:
    apply_topics(of(world, "topics"))
    with pytest.raises(AuthorizationError):
        act(of(world, process), topic)
