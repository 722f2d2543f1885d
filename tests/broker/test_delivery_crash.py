"""Delivery as a process: killed at any moment, stopped politely, and without its broker for a minute."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from cli.broker import free_port, stop
from schemas.alert import Alert
from schemas.settings import Settings
from tests.agents.alert.samples import SLACK, alert, incident
from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT, Broker
from tests.broker.test_delivery import ledger, mail, produce, settings_for, slack, until
from tests.servers.slack import Misbehave, SlackServer
from tests.servers.smtp import MailServer

pytestmark = pytest.mark.broker

__all__ = ["mail", "slack"]

# half of the lease is for the call, which on a machine with a lot to do takes seconds
CODE = """
from agents.alert.delivery import run_delivery
from agents.alert.ledger import Pace
from schemas.settings import load_settings
run_delivery(load_settings(), Pace(first=0.2, longest=1.0, give_up=300.0, lease=8.0))
"""


@contextmanager
def process(settings: Settings, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Run delivery as a process of its own."""
    environment = {
        "EARSHOT_KAFKA": settings.kafka,
        "EARSHOT_SESSION_TIMEOUT": str(settings.session_timeout),
        "EARSHOT_METRICS_PORT": str(port),
        "SLACK_BOT_TOKEN": "xoxb-test",
        "EARSHOT_SLACK_API_URL": settings.slack_api_url,
        "EARSHOT_SMTP_HOST": settings.smtp_host,
        "EARSHOT_SMTP_PORT": str(settings.smtp_port),
        "EARSHOT_SMTP_SECURITY": "none",
    }
    found = subprocess.Popen([sys.executable, "-c", CODE], cwd=ROOT, env=os.environ | environment)
    try:
        yield found
    finally:
        stop(found, 30)


def incidents(count: int) -> list[Alert]:
    return [alert(incident=incident(id=f"incident{number}"), routes=(SLACK,)) for number in range(count)]


def delivered(slack: SlackServer) -> list[str]:
    return [message["metadata"]["event_payload"]["alert"] for message in slack.posted()]


@pytest.mark.timeout(300)
def test_killed_again_and_again_everything_arrives_once(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    made = incidents(24)
    produce(settings, *made[:12], partition=0)
    produce(settings, *made[12:], partition=1)
    random = Random(3)
    for _ in range(4):
        before = len(slack.posted())
        with process(settings) as running:
            until(lambda: len(slack.posted()) > before, 60)  # noqa: B023 - asked within this round
            deadline = monotonic() + random.uniform(0.0, 0.25)
            until(lambda: monotonic() >= deadline)  # noqa: B023
            running.send_signal(signal.SIGKILL)
    with process(settings):
        until(lambda: len(slack.posted()) >= 24, 60)
        until(lambda: sum(states[-1] == "sent" for part in (0, 1) for states in ledger(settings, part).values()) == 24)
    assert sorted(delivered(slack)) == sorted(a.id for a in made)


def test_killed_between_slacks_acceptance_and_the_ledger(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    produce(settings, *incidents(1))
    slack.next("chat.postMessage", Misbehave("hang", accepted=True))
    with process(settings) as running:
        until(slack.posted)
        running.send_signal(signal.SIGKILL)
    assert list(ledger(settings).values()) == [["requested", "sending"]]
    with process(settings):
        until(lambda: list(ledger(settings).values()) == [["requested", "sending", "sending", "sent"]])
    assert len(slack.called("chat.postMessage")) == 1, "Slack was asked, and nothing was sent again"


def test_a_polite_end_waits_for_the_call_and_writes_it_down(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    produce(settings, *incidents(1))
    slack.next("chat.postMessage", Misbehave("slow", accepted=True))
    with process(settings) as running:
        until(slack.posted)
        running.terminate()
        slack.released.set()
        assert running.wait(20) == 0
    assert list(ledger(settings).values()) == [["requested", "sending", "sent"]]


@pytest.mark.needs(Ability.KEEPS)
@pytest.mark.timeout(300)
def test_kafka_is_gone_for_a_minute_and_nobody_has_to_do_anything(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    settings = settings_for(fresh_broker, slack, mail)
    first, second, third = incidents(3)
    port = free_port()
    with process(settings, port) as running:
        slack.next("chat.postMessage", Misbehave("slow", accepted=True))
        produce(settings, first, second)
        until(slack.posted)
        fresh_broker.stop()
        # Slack accepts while the ledger cannot be written
        slack.released.set()
        sleep(60)  # the outage itself: there is nothing to wait for
        assert running.poll() is None
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200, "waiting for a broker is not death"
        fresh_broker.start()
        produce(settings, third)
        until(lambda: len(slack.posted()) == 3, 90)
        until(lambda: [s[-1] for s in ledger(settings).values()] == ["sent"] * 3)
    assert sorted(delivered(slack)) == sorted(a.id for a in (first, second, third))
