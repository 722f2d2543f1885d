"""A deleted post goes out of messages, on both brokers: of those that Slack has once, and of those that wait."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.control import history
from agents.kafka import read_to_end
from agents.topics import apply_topics
from schemas.control import Gone, Taken
from schemas.delivery import Delivery
from schemas.settings import Settings, load_settings
from schemas.topics import ALERTS, DELIVERIES
from tests.agents.alert.samples import AT, SLACK, alert, incident, quote, revision
from tests.broker.brokers import Broker
from tests.broker.test_delivery import FAST, delivering, ledger, produce, until
from tests.servers.slack import Misbehave, SlackServer, slack_server

pytestmark = pytest.mark.broker
WORDS = "nobody may read this any more"
QUOTES: Any = (quote(text=WORDS), quote(mention="web:2", platform="web", text="Die Stadtwerke schweigen"))


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def settings(fresh_broker: Broker, slack: SlackServer) -> Settings:
    found = load_settings(
        kafka=fresh_broker.address, partitions=2, session_timeout=6.0, SLACK_BOT_TOKEN="x", slack_api_url=slack.api_url
    )
    apply_topics(found)
    return found


def delete(settings: Settings, *mentions: str, edited: bool = False) -> None:
    """Say what judge says of posts that are gone, or edited, twice, as it may come."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    for _ in range(2):
        record = Gone(watch="stadtwerke", mentions=mentions, at=AT, edited=edited)
        producer.send(ALERTS, record.to_bytes(), key=b"gone", partition=0).get(timeout=30)
    producer.close()


def kept(settings: Settings) -> dict[str, Delivery]:
    """The ledger as it stands."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, isolation_level="read_committed")
    found = {one.key: Delivery.from_bytes(one.value) for one in read_to_end(consumer, [TopicPartition(DELIVERIES, 0)])}
    consumer.close()
    return {one.alert: one for one in found.values()}


@pytest.mark.timeout(240)
def test_what_was_sent_is_changed_once_whatever_restarts(settings: Settings, slack: SlackServer) -> None:
    produce(settings, alert(routes=(SLACK,), quotes=QUOTES), revision(2, routes=(SLACK,), quotes=QUOTES))
    with delivering(settings):
        until(lambda: len(slack.replies()) == 1)
    assert str(slack.messages).count(WORDS) == 2, "the message and the answer below it"
    updates = len(slack.called("chat.update"))
    slack.next("chat.update", Misbehave("fail"))
    delete(settings, "x:1", "x:unheard")
    with delivering(settings):
        until(lambda: any(one.gone for one in kept(settings).values()))
        until(lambda: len(slack.called("chat.update")) > updates)
    with delivering(settings):
        until(lambda: not any(one.gone for one in kept(settings).values()), 90)
    assert WORDS not in str(slack.messages)
    assert "Die Stadtwerke schweigen" in str(slack.posted())
    assert len(slack.called("chat.update")) == updates + 3, "one that failed, and one for each message"
    delete(settings, "x:1")
    produce(settings, alert(routes=(SLACK,), incident=incident(id="b" * 16), quotes=()))
    with delivering(settings):
        until(lambda: len(slack.posted()) == 2)
    assert len(slack.called("chat.update")) == updates + 3, "what is gone already is no news after a restart"


@pytest.mark.timeout(240)
def test_what_waits_is_sent_without_it(settings: Settings, slack: SlackServer) -> None:
    slack.always["chat.postMessage"] = Misbehave("refuse", code="service_unavailable")
    produce(settings, alert(routes=(SLACK,), quotes=QUOTES))
    with delivering(settings, FAST):
        until(lambda: slack.called("chat.postMessage"))
        delete(settings, "x:1")
        until(lambda: any(one.gone for one in kept(settings).values()))
    slack.always.clear()
    with delivering(settings, FAST):
        until(slack.posted)
        until(lambda: [states[-1] for states in ledger(settings).values()] == ["sent"])
        until(lambda: not any(one.gone for one in kept(settings).values()), 60)
    assert WORDS not in str(slack.messages)
    assert "Beitrag gelöscht" in str(slack.posted())


@pytest.mark.timeout(240)
def test_the_words_of_an_edited_post_go_and_where_it_is_stays(settings: Settings, slack: SlackServer) -> None:
    paper = quote(mention="web:2", platform="web", author="Tageblatt", url=None, text="Die Stadtwerke schweigen")
    produce(settings, alert(routes=(SLACK,), quotes=(QUOTES[0], paper)))
    with delivering(settings):
        until(slack.posted)
        delete(settings, "x:1", edited=True)
        until(lambda: "Der Beitrag wurde inzwischen geändert" in str(slack.posted()), 60)
        until(lambda: not any(one.edited for one in kept(settings).values()), 60)
        assert WORDS not in str(slack.messages)
        assert "nordend_lebt" in str(slack.posted())
        delete(settings, "x:1")
        until(lambda: "Beitrag gelöscht" in str(slack.posted()), 60)
    assert "nordend_lebt" not in str(slack.posted())


def take(settings: Settings, *, released: bool = False) -> None:
    """Say what judge says when somebody takes the incident elsewhere, or gives it back, in each partition."""
    at = AT + timedelta(minutes=1 + released)
    record = Taken(watch="stadtwerke", incident=incident().id, at=at, by="Mia", released=released)
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    for number in range(settings.partitions):
        producer.send(ALERTS, record.to_bytes(), key=b"taken", partition=number).get(timeout=30)
    producer.close()


@pytest.mark.timeout(240)
def test_who_took_an_incident_elsewhere_stands_in_the_message_soon(settings: Settings, slack: SlackServer) -> None:
    produce(settings, alert(routes=(SLACK,)), revision(2, routes=(SLACK,)))
    with delivering(settings):
        until(lambda: len(slack.replies()) == 1)
        slack.next("chat.update", Misbehave("fail"))
        take(settings)
        until(lambda: "Mia hat den Vorfall" in str(slack.posted()), 90)
        take(settings, released=True)
        until(lambda: "abgegeben" in str(slack.posted()))
        until(lambda: not any(one.taken for one in kept(settings).values()))
    assert len(slack.posted()) == len(slack.replies()) == 1, "nobody is told anew"
    assert [one.incident.revision for one in history(settings, incident().id)] == [1, 2], "what is no alert is none"
