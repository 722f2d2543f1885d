"""Buttons below a Slack message: which there are, what pressing one means, and how the message looks afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from agents.alert.buttons import Answer, Press, buttons, decide, read, reply, shown
from agents.alert.channel import open_channel
from schemas.alert import Alert, AlertReason
from schemas.control import Acknowledge, Feedback, Silence
from schemas.incident import IncidentState
from schemas.settings import load_settings
from schemas.watch import Route
from tests.agents.alert.samples import SLACK, alert, incident, revision
from tests.servers.slack import slack_server

AT = datetime(2026, 3, 4, 13, 6, tzinfo=UTC)
TAKEN = incident(state=IncidentState.ACKNOWLEDGED, acknowledged_by="eva")


def labels(blocks: list[dict[str, Any]]) -> list[str]:
    return [one["text"]["text"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def grouped(**group: str) -> Alert:
    return alert(incident=incident(group=group))


WHICH = [
    ("of an open incident all four", alert(), ["Übernehmen", "Nützlich", "Nicht relevant", "1 Stunde stumm"]),
    ("one that is taken cannot be taken", alert(incident=TAKEN), ["Nützlich", "Nicht relevant", "1 Stunde stumm"]),
    ("over: only what it was worth", revision(2, AlertReason.RESOLVED), ["Nützlich", "Nicht relevant"]),
    ("a digest has none", alert(reason=AlertReason.DIGEST), []),
    ("a watch that is gone learns nothing", revision(2, AlertReason.WITHDRAWN), []),
    ("silences know no hashtag", grouped(hashtag="bahn"), ["Übernehmen", "Nützlich", "Nicht relevant"]),
    ("nor an author without a name", grouped(author="x"), ["Übernehmen", "Nützlich", "Nicht relevant"]),
]


@pytest.mark.parametrize(("made", "wanted"), [row[1:] for row in WHICH], ids=[row[0] for row in WHICH])
def test_which_buttons_there_are(made: Alert, wanted: list[str]) -> None:
    found = buttons(made, "de")
    assert labels(found) == wanted
    for block in found:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()


def test_they_speak_english_too() -> None:
    assert labels(buttons(alert(), "en")) == ["Acknowledge", "Useful", "Noise", "Silence 1 h"]


def payload(button: str = "acknowledge", **changes: Any) -> dict[str, Any]:
    action = {
        "action_id": f"earshot-{button}",
        "block_id": "earshot-buttons",
        "value": f"de {alert().id}",
        "action_ts": f"{AT.timestamp():.6f}",
    }
    about = {
        "user": {"id": "U0EVA", "username": "eva"},
        "container": {"channel_id": "C0PRESSE", "message_ts": "4.1"},
        "message": {"ts": "4.1", "text": "Kurz", "blocks": [{"type": "divider"}, *buttons(alert(), "de")]},
        "actions": [action],
    }
    return about | changes


def press(button: str = "acknowledge") -> Press:
    found = read(payload(button))
    assert found is not None
    return found


def test_what_was_pressed_is_read() -> None:
    found = press("silence")
    assert (found.button, found.by, found.user, found.at) == ("silence", "eva", "U0EVA", AT)
    assert (found.alert, found.incident) == (alert().id, incident().id)
    assert (found.channel, found.message, found.thread) == ("C0PRESSE", "4.1", "")


def _action(**changes: Any) -> dict[str, Any]:
    return payload(actions=[payload()["actions"][0] | changes])


NOT_OURS = [
    ("another app's button", _action(action_id="approve")),
    ("a button of ours in another block", _action(block_id="poll")),
    ("a value that we never wrote", _action(value="de ../../etc")),
    ("a language there is none of", _action(value="fr a.1")),
    ("a time that is none", _action(action_ts="soon")),
    ("a time beyond the calendar", _action(action_ts="9e99")),
    ("a user that would break out of the mention", payload(user={"id": "U1> <!channel"})),
    ("no user", payload(user={})),
    ("nothing pressed", payload(actions=[])),
    ("a view without a message", {"actions": payload()["actions"], "user": {"id": "U1"}}),
]


@pytest.mark.parametrize("wrong", [row[1] for row in NOT_OURS], ids=[row[0] for row in NOT_OURS])
def test_what_is_not_ours_is_left_alone(wrong: dict[str, Any]) -> None:
    assert read(wrong) is None


GONE = revision(3, AlertReason.RESOLVED)
DECIDED = [
    ("an open incident is taken", "acknowledge", (alert(),), Answer.DONE, Acknowledge),
    ("noise is feedback", "noise", (alert(), revision(2)), Answer.DONE, Feedback),
    ("an hour's silence", "silence", (alert(),), Answer.DONE, Silence),
    ("what nobody knows any more", "acknowledge", (), Answer.UNKNOWN, None),
    ("another message of the incident is known, not this one", "useful", (revision(2),), Answer.UNKNOWN, None),
    ("what is over cannot be taken", "acknowledge", (alert(), GONE), Answer.OVER, None),
    ("nor silenced", "silence", (GONE, alert()), Answer.OVER, None),
    ("but it can still be said what it was worth", "useful", (alert(), GONE), Answer.DONE, Feedback),
]


@pytest.mark.parametrize(
    ("button", "history", "answer", "kind"), [row[1:] for row in DECIDED], ids=[row[0] for row in DECIDED]
)
def test_what_becomes_of_a_press(button: str, history: tuple[Alert, ...], answer: Answer, kind: type | None) -> None:
    found, record = decide(press(button), history)
    assert found is answer
    assert type(record) is (kind or type(None))


def test_the_record_has_the_user_as_author_and_the_time_of_the_press_so_twice_is_once() -> None:
    for button in ("acknowledge", "useful", "noise", "silence"):
        _, record = decide(press(button), (alert(),))
        assert record is not None
        about = record.model_dump()
        assert (about["watch"], about["by"], about["at"]) == ("stadtwerke", "eva", AT)
        assert decide(press(button), (alert(),))[1] == record


def test_feedback_is_about_the_very_message() -> None:
    _, useful = decide(press("useful"), (alert(), revision(2)))
    _, noise = decide(press("noise"), (alert(), revision(2)))
    assert isinstance(useful, Feedback)
    assert isinstance(noise, Feedback)
    assert (useful.useful, useful.alert, useful.rule, len(useful.posts)) == (True, alert().id, "spike", 3)
    assert not noise.useful


SILENCED = [
    ("what is graver comes through", incident(severity="review"), ["severity!=escalate,crisis"]),
    ("a crisis is the gravest there is, so it is the whole watch", incident(severity="crisis"), []),
    (
        "a group is silenced alone",
        incident(group={"entity": "own", "platform": "x"}),
        ["entity=own", "platform=x", "severity!=review,escalate,crisis"],
    ),
]


@pytest.mark.parametrize(("about", "wanted"), [row[1:] for row in SILENCED], ids=[row[0] for row in SILENCED])
def test_what_the_hour_of_silence_covers(about: Any, wanted: list[str]) -> None:
    _, record = decide(press("silence"), (alert(incident=about),))
    assert isinstance(record, Silence)
    assert [str(one) for one in record.matchers] == wanted
    assert (record.begins, record.until) == (AT, AT + timedelta(hours=1))
    assert record.reason == "Vorfall a1b2c3d4e5f60718, in Slack"


def said(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["elements"][0]["text"] for block in blocks if block["type"] == "context"]


def test_the_message_says_who_did_what_above_the_buttons_that_are_left() -> None:
    taken = shown(press(), press().blocks)
    assert said(taken) == ["<@U0EVA> hat den Vorfall um 14:06 Uhr übernommen."]
    assert labels(taken) == ["Nützlich", "Nicht relevant", "1 Stunde stumm"]
    assert [block["type"] for block in taken] == ["divider", "context", "actions"]
    silent = shown(press("silence"), taken)
    assert said(silent)[1] == "<@U0EVA> hat bis 15:06 Uhr stummgeschaltet."
    assert labels(silent) == ["Nützlich", "Nicht relevant"]


def test_pressing_twice_says_it_once_and_noise_takes_the_place_of_useful() -> None:
    once = shown(press("useful"), press().blocks)
    assert shown(press("useful"), once) == once
    changed = shown(press("noise"), once)
    assert said(changed) == ["<@U0EVA> fand diese Nachricht nicht relevant (14:06 Uhr)."]
    assert labels(changed) == labels(once)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (Answer.UNKNOWN, "Vorfall a1b2c3d4e5f60718 ist nicht mehr bekannt; es wurde nichts geändert."),
        (Answer.OVER, "ist seit 16:05 Uhr vorbei; es gibt nichts mehr zu übernehmen"),
        (Answer.FAILED, "Bitte drücken Sie gleich noch einmal"),
    ],
)
def test_who_pressed_in_vain_is_told_what_happened(answer: Answer, wanted: str) -> None:
    assert wanted in reply(press(), answer, (alert(), GONE) if answer is Answer.OVER else ())


BOTH = {"SLACK_BOT_TOKEN": "xoxb-t", "SLACK_APP_TOKEN": "xapp-t"}
CONFIGURED = [
    ("both tokens: the first message has buttons, answers have none", BOTH, SLACK, 4),
    ("no app token: no buttons", {"SLACK_BOT_TOKEN": "xoxb-t", "SLACK_APP_TOKEN": ""}, SLACK, 0),
    (
        "a route that wants none has none",
        BOTH,
        Route.model_validate({"channel": "slack", "to": "#presse", "buttons": False}),
        0,
    ),
]


@pytest.mark.parametrize(
    ("tokens", "route", "count"), [row[1:] for row in CONFIGURED], ids=[row[0] for row in CONFIGURED]
)
def test_where_there_are_buttons(tokens: dict[str, str], route: Route, count: int) -> None:
    with slack_server() as server:
        channel = open_channel(route, load_settings(**tokens, slack_api_url=server.api_url))
        first = channel.send(alert(), None)
        channel.send(revision(2), first)
        assert len(labels(server.posted()[0]["blocks"])) == count
        assert labels(server.replies()[0]["blocks"]) == []


def test_a_message_about_a_taken_incident_says_by_whom() -> None:
    with slack_server() as server:
        settings = load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url=server.api_url)
        open_channel(SLACK, settings).send(alert(incident=TAKEN), None)
        assert "*Übernommen von:* eva" in str(server.posted()[0]["blocks"])
