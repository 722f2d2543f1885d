"""What a press does where something is missing: the broker, a right in Slack, Slack itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.alert import pressed
from agents.alert.buttons import Answer, buttons
from agents.kafka import NoBroker
from schemas.alert import Alert
from schemas.model import Record
from schemas.settings import Settings, load_settings
from tests.agents.alert.samples import alert
from tests.agents.alert.test_buttons import labels, payload
from tests.servers.slack import Misbehave, SlackServer, slack_server


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        blocks = [{"type": "divider"}, *buttons(alert(), "de")]
        server.messages["C0PRESSE"].append({"ts": "4000000000.000001", "text": "Kurz", "blocks": blocks})
        yield server


@pytest.fixture
def settings(slack: SlackServer) -> Settings:
    return load_settings(SLACK_BOT_TOKEN="xoxb-t", SLACK_APP_TOKEN="xapp-t", slack_api_url=slack.api_url)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    """What judge was told."""
    found: list[Record] = []

    def known(_: Settings, incident: str) -> list[Alert]:
        return [alert()] if incident == alert().incident.id else []

    monkeypatch.setattr(pressed, "history", known)
    monkeypatch.setattr(pressed, "write", lambda _settings, _watch, record: found.append(record))
    return found


def pressing(**changes: Any) -> dict[str, Any]:
    place = {"channel_id": "C0PRESSE", "message_ts": "4000000000.000001"}
    return payload(container=place, **changes)


def test_without_the_right_to_read_the_channel_the_message_is_taken_as_it_was(
    slack: SlackServer, settings: Settings, written: list[Record]
) -> None:
    slack.always["conversations.history"] = Misbehave("refuse", code="missing_scope")
    assert pressed.take(settings, pressing()) is Answer.DONE
    assert labels(slack.posted()[0]["blocks"]) == ["Nützlich", "Nicht relevant", "1 Stunde stumm"]
    assert len(written) == 1


def test_a_message_that_cannot_be_updated_takes_nothing_back(
    slack: SlackServer, settings: Settings, written: list[Record]
) -> None:
    slack.always["chat.update"] = Misbehave("refuse", code="message_not_found")
    assert pressed.take(settings, pressing()) is Answer.DONE
    assert len(written) == 1


@pytest.mark.usefixtures("written")
def test_without_a_broker_who_pressed_is_asked_to_press_again(
    slack: SlackServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Settings, _incident: str) -> list[Alert]:
        raise NoBroker("no broker answers")

    monkeypatch.setattr(pressed, "history", away)
    assert pressed.take(settings, pressing()) is Answer.FAILED
    [said] = slack.called("chat.postEphemeral")
    assert (said["user"], said["channel"]) == ("U0EVA", "C0PRESSE")
    assert "noch einmal" in said["text"]
    assert not slack.called("chat.update")


def test_another_app_s_button_is_left_alone(slack: SlackServer, settings: Settings, written: list[Record]) -> None:
    assert pressed.take(settings, {"actions": []}) is None
    assert (slack.calls, written) == ([], [])


def test_an_answer_in_a_thread_is_answered_there(slack: SlackServer, settings: Settings, written: list[Record]) -> None:
    action = payload()["actions"][0] | {"value": "en 0000000000000000.1"}
    message = payload()["message"] | {"thread_ts": "3.1"}
    assert pressed.take(settings, pressing(actions=[action], message=message)) is Answer.UNKNOWN
    [said] = slack.called("chat.postEphemeral")
    assert said["thread_ts"] == "3.1"
    assert said["text"] == "Incident 0000000000000000 is not known any more; nothing was changed."
    assert written == []
