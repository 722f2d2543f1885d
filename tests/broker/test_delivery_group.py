"""Nobody is left behind in the group of the deliveries, by a life that ended badly or by one that had just begun."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import MemberState

from agents.alert import member
from agents.alert.member import membership
from agents.alert.partition import GROUP, Partition
from agents.roster import GroupState, Roster, roster
from cli.broker import free_port, stop
from schemas.settings import Settings
from schemas.topics import ALERTS
from tests.agents.alert.samples import SLACK, alert, incident
from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT, Broker
from tests.broker.test_delivery import mail, produce, settings_for, slack, until
from tests.servers.slack import Misbehave, SlackServer
from tests.servers.smtp import MailServer

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

__all__ = ["mail", "slack"]

STABLE = MemberState.STABLE
# half of the lease is for the call, which on a machine with a lot to do takes seconds
CODE = """
from agents.alert import member, partition
from agents.alert.delivery import run_delivery
from agents.alert.ledger import Pace
from schemas.settings import load_settings
# a broker that is frozen is soon given up; who is left behind would hold up the others for minutes
partition.BROKER_SECONDS, member.JOIN_SECONDS = 3.0, 280.0
run_delivery(load_settings(), Pace(first=0.2, longest=1.0, give_up=300.0, lease=8.0))
"""


@contextmanager
def process(settings: Settings, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run delivery as a process of its own, which serves `/readyz` at `port`."""
    environment = {
        "EARSHOT_KAFKA": settings.kafka,
        "EARSHOT_PARTITIONS": str(settings.partitions),
        "EARSHOT_SESSION_TIMEOUT": str(settings.session_timeout),
        "EARSHOT_METRICS_PORT": str(port),
        "SLACK_BOT_TOKEN": "xoxb-test",
        "EARSHOT_SLACK_API_URL": settings.slack_api_url,
    }
    found = subprocess.Popen([sys.executable, "-c", CODE], cwd=ROOT, env=os.environ | environment)
    try:
        yield found
    finally:
        stop(found, 30)


def readiness(port: int) -> str:
    """Return what `/readyz` says, or nothing while nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bytes(answer.read()).decode()
    except HTTPError as error:
        return error.read().decode()
    except URLError:
        return ""


def group(settings: Settings) -> Roster:
    name = settings.group(GROUP)
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka)) as admin:
        return roster(admin.describe_groups([name])[name], ALERTS)


def joined(consumer: KafkaConsumer, seconds: float = 60.0) -> str:
    """Poll until the group has formed with the consumer in it; return its id."""
    deadline = monotonic() + seconds
    while not consumer.assignment():
        assert monotonic() < deadline, "it has not joined in time"
        consumer.poll(timeout_ms=100)
    return str(consumer.group_metadata().member_id)


@pytest.mark.needs(Ability.NAMES_MEMBERS)
def test_a_member_that_beats_and_does_not_poll_holds_up_a_rebalance_for_so_long_and_no_longer(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(fresh_broker, slack, mail).model_copy(update={"session_timeout": 2.0})
    with membership(settings, 10) as other:
        monkeypatch.setattr(member, "JOIN_SECONDS", 12.0)
        with membership(settings, 10) as still:
            name = joined(still)
            since = monotonic()
            other.poll(timeout_ms=100)
            until(lambda: monotonic() > since + 3 * settings.session_timeout)
            assert name in group(settings).members, "its heartbeats keep it there, longer than a session"
            monkeypatch.setattr(member, "JOIN_SECONDS", 240.0)
            joined(other)
            members = group(settings).members
            assert name not in members
            assert members[str(other.group_metadata().member_id)] == {0, 1}
            assert monotonic() > since + 8, "it had its time"


@pytest.mark.needs(Ability.GROWS)
def test_a_member_that_learns_of_another_partition_joins_anew_however_short_its_polls(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    topic = settings.topic(ALERTS)
    with membership(settings, 10) as consumer, closing(KafkaAdminClient(bootstrap_servers=settings.kafka)) as admin:
        joined(consumer)
        admin.create_partitions({topic: settings.partitions + 1})
        deadline = monotonic() + 20
        while len(consumer.assignment()) <= settings.partitions or consumer.group_metadata().state is not STABLE:
            assert monotonic() < deadline, consumer.group_metadata()
            consumer._client.cluster.request_update()
            consumer.poll(timeout_ms=1)  # on a busy machine more may be as little


@pytest.mark.needs(Ability.NAMES_MEMBERS)
def test_a_life_that_ends_in_the_middle_of_a_transaction_leaves_nobody_in_the_group(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings, port = settings_for(fresh_broker, slack, mail), free_port()
    slack.next("chat.postMessage", Misbehave("slow", accepted=True))
    with process(settings, port):
        produce(settings, alert(routes=(SLACK,)))
        until(slack.posted, 90)
        (former,) = group(settings).members
        assert fresh_broker.process
        fresh_broker.process.send_signal(signal.SIGSTOP)
        try:
            # Slack has answered, and what it said cannot be written: the transaction stands until it is given up
            slack.released.set()
            until(lambda: "KafkaTimeoutError" in readiness(port) or "NoBroker" in readiness(port), 60)
        finally:
            fresh_broker.process.send_signal(signal.SIGCONT)
        produce(settings, alert(incident=incident(id="another"), routes=(SLACK,)))
        until(lambda: len(slack.posted()) == 2, 90)
        told = group(settings)
        assert told.state is GroupState.DEALT
        assert len(told.members) == 1
        assert former not in told.members


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_told_to_end_while_joining_leaves_a_group_in_which_the_next_one_delivers(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer, number: signal.Signals
) -> None:
    settings, port = settings_for(fresh_broker, slack, mail), free_port()
    with process(settings, port) as first:
        # the embedded broker takes three seconds for it; Kafka none, so there it may have joined by now
        until(lambda: "is joining its group" in readiness(port) or readiness(port) == "ok\n", 60)
        first.send_signal(number)
        assert first.wait(60) == 0
    produce(settings, alert(routes=(SLACK,)))
    with process(settings, port):
        until(lambda: readiness(port) == "ok\n", 90)
        until(slack.posted, 60)


def test_a_spare_delivery_is_ready_and_one_that_joins_is_not(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # partitions are dealt in the order of names, so the process comes last and is the spare
    monkeypatch.setattr(socket, "gethostname", lambda: "-")
    settings, port = settings_for(fresh_broker, slack, mail).model_copy(update={"partitions": 2}), free_port()
    said: list[str] = []

    def ready() -> bool:
        said.append(readiness(port))
        return said[-1] == "ok\n"

    with membership(settings, 10) as one, membership(settings, 10) as two, process(settings, port):
        deadline = monotonic() + 90
        while not (ready() and one.assignment() and two.assignment()):
            assert monotonic() < deadline, said[-1]
            for consumer in (one, two):
                consumer.poll(timeout_ms=50)
    assert any("partitions: " in line for line in said), "before it was, it said why"


def test_a_partition_that_was_let_go_while_it_opened_shuts_nobody_out(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    late, owner = Partition(settings, 0), Partition(settings, 0)
    late.close()
    owner.open()
    try:
        late._start_producer()
        owner._remove(["nobody"])
    finally:
        owner.close()
