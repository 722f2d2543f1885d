"""A button pressed in Slack, over Socket Mode, to judge's log and back to the message; on both brokers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.alert.delivery import Delivering
from agents.alert.socketmode import hearing_buttons
from agents.kafka import read_to_end
from agents.observe import Status
from agents.topics import apply_topics
from schemas.alert import AlertReason
from schemas.control import Acknowledge, Feedback, Logged, Silence, judged
from schemas.settings import Settings, load_settings
from schemas.topics import MENTIONS
from tests.agents.alert.samples import SLACK, alert, revision
from tests.agents.alert.test_buttons import labels
from tests.broker.brokers import Broker
from tests.broker.test_delivery import FAST, produce, until
from tests.servers.slack import Misbehave, SlackServer, slack_server

pytestmark = pytest.mark.broker

APP = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test"}


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def settings(fresh_broker: Broker, slack: SlackServer) -> Settings:
    found = load_settings(
        kafka=fresh_broker.address, partitions=2, session_timeout=6.0, slack_api_url=slack.api_url, **APP
    )
    apply_topics(found)
    return found


@contextmanager
def delivering(settings: Settings) -> Iterator[None]:
    """Deliver and hear of buttons, as the process does."""
    stopping = threading.Event()
    thread = threading.Thread(target=Delivering(settings, FAST, Status()).run, args=(stopping,))
    with hearing_buttons(settings):
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(40)


def told(settings: Settings) -> list[Logged]:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    places = [TopicPartition(MENTIONS, number) for number in range(2)]
    records = [judged.validate_json(one.value) for one in read_to_end(consumer, places)]
    consumer.close()
    return records


def said(slack: SlackServer) -> str:
    return str([block for block in slack.posted()[0]["blocks"] if "earshot-said" in block.get("block_id", "")])


@pytest.mark.timeout(180)
def test_a_button_tells_judge_and_the_message_says_who_pressed_it(settings: Settings, slack: SlackServer) -> None:
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings):
        until(lambda: slack.posted() and slack.sockets)
        envelope = slack.press(slack.posted()[0], "acknowledge")
        until(lambda: envelope in slack.acknowledged and "übernommen" in said(slack))
        slack.press(slack.posted()[0], "noise", user="U0BEN", name="ben")
        until(lambda: "nicht relevant" in said(slack))
        slack.press(slack.posted()[0], "silence")
        until(lambda: "stummgeschaltet" in said(slack))
    taken, noise, silence = told(settings)
    assert isinstance(taken, Acknowledge)
    assert (taken.incident, taken.by, taken.watch) == (alert().incident.id, "eva", "stadtwerke")
    assert isinstance(noise, Feedback)
    assert (noise.alert, noise.by, noise.useful) == (alert().id, "ben", False)
    assert isinstance(silence, Silence)
    assert [str(one) for one in silence.matchers] == ["severity!=review,escalate,crisis"]
    assert labels(slack.posted()[0]["blocks"]) == ["Nützlich", "Nicht relevant"]
    assert all(name in said(slack) for name in ("<@U0EVA>", "<@U0BEN>"))


@pytest.mark.timeout(180)
def test_an_envelope_that_comes_again_changes_nothing(settings: Settings, slack: SlackServer) -> None:
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings):
        until(lambda: slack.posted() and slack.sockets)
        envelope = slack.press(slack.posted()[0], "silence")
        until(lambda: "stummgeschaltet" in said(slack))
        before = list(slack.posted()[0]["blocks"])
        slack.again("e-again", slack.sent[envelope])
        until(lambda: "e-again" in slack.acknowledged and len(slack.called("chat.update")) == 2)
    first, second = told(settings)
    assert first == second, "the same record: its id, its author and its times"
    assert slack.posted()[0]["blocks"] == before


@pytest.mark.timeout(180)
def test_who_presses_too_late_or_what_nobody_knows_is_told_so_alone(settings: Settings, slack: SlackServer) -> None:
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings):
        until(lambda: slack.posted() and slack.sockets)
        stale = dict(slack.posted()[0], blocks=list(slack.posted()[0]["blocks"]))
        slack.messages["C0PRESSE"].append(stale)  # what a window that was open all the time still shows
        produce(settings, revision(2, AlertReason.RESOLVED, routes=(SLACK,)))
        until(slack.replies)
        slack.press(stale, "acknowledge")
        until(lambda: len(slack.called("chat.postEphemeral")) == 1)
        slack.press(stale, "useful", value="de 0000000000000000.1")
        until(lambda: len(slack.called("chat.postEphemeral")) == 2)
    over, unknown = slack.called("chat.postEphemeral")
    assert over["user"] == "U0EVA"
    assert "vorbei" in over["text"]
    assert "nicht mehr bekannt" in unknown["text"]
    assert told(settings) == []


@pytest.mark.timeout(180)
def test_slack_hanging_up_or_refusing_for_a_while_ends_nothing(settings: Settings, slack: SlackServer) -> None:
    slack.next("apps.connections.open", Misbehave("refuse", code="internal_error"), Misbehave("fail"))
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings):
        until(lambda: slack.posted() and slack.sockets, 60)
        slack.hang_up()
        until(lambda: len(slack.sockets) == 2)
        slack.press(slack.posted()[0], "useful")
        until(lambda: "nützlich" in said(slack))
    assert len(told(settings)) == 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("token", ["", "xapp-test"], ids=["no token: it says so", "a token: it hears"])
def test_the_process_says_in_one_line_whether_there_are_buttons(
    token: str, settings: Settings, slack: SlackServer, tmp_path: Path
) -> None:
    secrets = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": token, "EARSHOT_SLACK_API_URL": slack.api_url}
    environment = os.environ | secrets | {"EARSHOT_KAFKA": settings.kafka, "EARSHOT_PARTITIONS": "2"}
    run = "from agents.logs import configure; from agents.alert.delivery import run_delivery; "
    run += "from schemas.settings import load_settings as s; configure(s(), 'deliver'); run_delivery(s())"
    log = tmp_path / "log"
    with log.open("w") as out, subprocess.Popen([sys.executable, "-c", run], env=environment, stderr=out) as process:
        wanted = "buttons are heard" if token else "have no buttons: SLACK_APP_TOKEN is not set"
        until(lambda: wanted in log.read_text("utf-8") and "partition opened" in log.read_text("utf-8"), 90)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert sum("[buttons]" in line for line in log.read_text("utf-8").splitlines()) == 1
    assert "xapp-test" not in log.read_text("utf-8")
