"""A delivery begins with the ledger that an earlier release has left: it tells what that had not, and nothing again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from agents.alert.ledger import Pace
from schemas.settings import Settings
from schemas.topics import ALERTS, DELIVERIES
from tests.agents.alert.test_stored import DIGEST, FIRST, REFUSED, SECOND, STORED, Stored
from tests.broker.brokers import Broker
from tests.broker.test_delivery import delivering, ledger, settings_for, until
from tests.servers.slack import SlackServer, slack_server
from tests.servers.smtp import MailServer, mail_server

pytestmark = pytest.mark.broker

ROOT = "1772629501.000100"
PATIENT = Pace(first=0.2, longest=1.0, give_up=1e8, lease=5.0)
"""What was asked for months ago is not given up."""


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        server.channels |= {"C0PRESSE": "presse", "C0ALL": "all"}
        server.messages["C0PRESSE"].append({"ts": ROOT, "text": "what the earlier release said first"})
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def leave(settings: Settings, stored: Stored) -> None:
    """Write into the topics what the earlier release had written; the group has read none of the alerts yet."""
    with closing(KafkaProducer(bootstrap_servers=settings.kafka)) as producer:
        for alert in stored.alerts:
            producer.send(ALERTS, alert, key=b"incident", partition=0).get(timeout=30)
        for name, value in stored.entries.items():
            producer.send(DELIVERIES, value, key=name.encode(), partition=0).get(timeout=30)


@pytest.mark.parametrize("path", STORED, ids=[path.stem for path in STORED])
def test_a_delivery_goes_on_from_it(fresh_broker: Broker, slack: SlackServer, mail: MailServer, path: Path) -> None:
    settings, stored = settings_for(fresh_broker, slack, mail), Stored.read(path)
    leave(settings, stored)
    digests = [DIGEST] if stored.form >= 3 else []
    with delivering(settings, PATIENT):
        until(lambda: len(told(slack)) >= 1 + len(digests) and len(mail.mails) >= 1, 60)
        until(lambda: over(settings) >= {f"{SECOND} slack", f"{SECOND} email", *(f"{one} slack" for one in digests)})
    assert sorted(told(slack)) == sorted([SECOND, *digests]), "and not what was told, refused, held or folded"
    assert len(mail.mails) == 1
    states = ledger(settings)
    assert states[f"{FIRST} slack"][-1] == "sent"
    assert states[f"{REFUSED} slack"][-1] == "dead"
    assert [message["thread_ts"] for message in slack.replies()] == [ROOT], "below the first message"


def told(slack: SlackServer) -> list[str]:
    """Return the alerts that Slack was given, by what its messages carry for being asked later."""
    said = [message for place in slack.messages.values() for message in place if message["ts"] != ROOT]
    return [message["metadata"]["event_payload"]["delivery_id"].rsplit(".", 2)[0] for message in said]


def over(settings: Settings) -> set[str]:
    return {name for name, states in ledger(settings).items() if states[-1] == "sent"}
