"""A budget that watches share at an address, on both brokers: one digest of what is more, whatever restarts."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agents import clock
from agents.control import history
from agents.topics import apply_topics
from pipeline.offline.became import joined
from pipeline.stream.lookup import deliveries, receipts
from schemas.alert import Alert
from schemas.settings import Settings, load_settings
from schemas.watch import Route
from tests.agents.alert.samples import alert, incident
from tests.broker.brokers import Broker
from tests.broker.test_delivery import delivering, ledger, until
from tests.broker.test_delivery import produce as put
from tests.servers.slack import Misbehave, SlackServer, slack_server

pytestmark = pytest.mark.broker

SECONDS = 15.0
"""How long the budget looks back: longer than a delivery takes to stop and to start again."""


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


def about(number: int, watch: str, mention: str | None = None) -> Alert:
    budget = {"alerts": 1, "per": SECONDS, "shared": True}
    route = Route.model_validate({"channel": "slack", "to": "#presse", "budget": budget})
    made = incident(id=f"{number:016x}", watch=watch)
    return alert(incident=made, watch=watch, routes=(route,), mention=mention)


def headlines(slack: SlackServer) -> list[str]:
    return [message["blocks"][0]["text"]["text"] for message in slack.posted()]


@pytest.mark.timeout(240)
def test_what_is_more_comes_as_one_digest_after_a_restart(settings: Settings, slack: SlackServer) -> None:
    put(settings, about(1, "bahn"), keyed="slack #presse")
    with delivering(settings):
        until(lambda: len(slack.posted()) == 1)
    begun = clock.now()
    put(settings, about(2, "strom", "x:2"), about(3, "gas"), about(4, "gas"), keyed="slack #presse")
    with delivering(settings):
        until(lambda: sum(states[-1] == "held" for states in ledger(settings).values()) == 3)
    if clock.now() - begun < timedelta(seconds=SECONDS):
        assert len(slack.posted()) == 1, "nothing of it was told"
    with delivering(settings):
        until(lambda: len(slack.posted()) == 2, 90)
        until(lambda: all(states[-1] in {"sent", "folded"} for states in ledger(settings).values()))
    assert headlines(slack)[1] == "strom, gas: 3 Vorfälle über dem Kontingent"
    assert "3 Nachrichten wurden zusammengefasst" in str(slack.posted()[1]["blocks"])
    [note] = receipts(settings, "x:2")
    assert (note.decision, note.watch, note.alert) == ("over-budget", "strom", about(2, "strom").id)
    [found] = joined([note], deliveries(settings, {about(2, "strom").id}))
    assert found.held is not None
    assert found.held[0].digest, "and it has been told in the digest"
    states = [tuple(found) for found in ledger(settings).values()]
    assert sorted(states) == [("held", "folded")] * 3 + [("requested", "sending", "sent")] * 2


@pytest.mark.timeout(240)
def test_a_restart_after_the_digest_tells_nothing_again(settings: Settings, slack: SlackServer) -> None:
    put(settings, about(1, "bahn"), about(2, "strom"), keyed="slack #presse")
    with delivering(settings):
        until(lambda: len(slack.posted()) == 2, 90)
    put(settings, about(3, "gas"), keyed="slack #presse")
    with delivering(settings):
        until(lambda: len(slack.posted()) == 3, 90)
    assert [one.watch for one in history(settings, about(2, "strom").incident.id)] == ["strom"], "it is found by its id"
    assert headlines(slack)[1:] == ["strom: 1 Vorfall über dem Kontingent", "gas: 1 Vorfall über dem Kontingent"]


@pytest.mark.timeout(240)
def test_a_digest_that_slack_has_not_taken_yet_is_remembered(settings: Settings, slack: SlackServer) -> None:
    put(settings, about(1, "bahn"), about(2, "strom"), keyed="slack #presse")
    with delivering(settings):
        until(lambda: len(slack.posted()) == 1)
        slack.always["chat.postMessage"] = Misbehave("refuse", code="service_unavailable")
        until(lambda: len(slack.called("chat.postMessage")) > 1, 90)
    slack.always.clear()
    with delivering(settings):
        until(lambda: len(slack.posted()) == 2, 60)
    assert headlines(slack)[1] == "strom: 1 Vorfall über dem Kontingent"
    assert sorted(states[-1] for states in ledger(settings).values()) == ["folded", "sent", "sent"]
