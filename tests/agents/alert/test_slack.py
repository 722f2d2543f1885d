"""The Slack channel against a Slack that misbehaves: what each answer means, and that nothing is repeated blindly."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agents.alert.channel import Channel, open_channel
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import load_settings
from schemas.watch import Route
from tests.agents.alert.samples import AT, SLACK, alert, revision
from tests.servers.slack import Misbehave, SlackServer, slack_server


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.alert.channels.slack.CALL_SECONDS", 1.0)


def web_api(server: SlackServer, route: Route = SLACK) -> Channel:
    return open_channel(route, load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url=server.api_url))


def webhook(server: SlackServer) -> Channel:
    return open_channel(SLACK, load_settings(SLACK_BOT_TOKEN="", SLACK_WEBHOOK_URL=server.webhook_url))


API = [
    ("429 says how long to wait", Misbehave("limit", retry_after=7), (False, False, 7.0)),
    ("500 leaves doubt", Misbehave("fail"), (False, True, None)),
    ("a time-out leaves doubt", Misbehave("hang"), (False, True, None)),
    ("a broken connection leaves doubt", Misbehave("drop"), (False, True, None)),
    ("no such channel is final", Misbehave("refuse", code="channel_not_found"), (True, False, None)),
    ("a revoked token is final", Misbehave("refuse", code="invalid_auth"), (True, False, None)),
    ("an archived channel is final", Misbehave("refuse", code="is_archived"), (True, False, None)),
    ("a channel without us is final", Misbehave("refuse", code="not_in_channel"), (True, False, None)),
    ("Slack's own trouble leaves doubt", Misbehave("refuse", code="internal_error"), (False, True, None)),
]


@pytest.mark.parametrize(("sentence", "answer", "meaning"), API, ids=[row[0] for row in API])
def test_what_the_web_api_answers(
    sentence: str, answer: Misbehave, meaning: tuple[bool, bool, float | None], server: SlackServer
) -> None:
    server.next("chat.postMessage", answer)
    with pytest.raises(DeliveryError) as caught:
        web_api(server).send(alert(), None)
    error = caught.value
    assert (error.permanent, error.ambiguous, error.retry_after) == meaning, sentence
    assert len(server.called("chat.postMessage")) == 1, "nothing is repeated blindly"
    assert "xoxb" not in str(error)


@pytest.mark.parametrize(
    "code", ["channel_not_found", "not_in_channel", "is_archived", "missing_scope", "invalid_auth"]
)
def test_what_slack_refuses_says_what_to_do(code: str, server: SlackServer) -> None:
    server.next("chat.postMessage", Misbehave("refuse", code=code))
    with pytest.raises(DeliveryError, match=rf"^slack: {code} \(.+\)$"):
        web_api(server).send(alert(), None)


WEBHOOK = [
    ("429 says how long to wait", Misbehave("limit", retry_after=7), (False, False, 7.0)),
    ("500 is believed", Misbehave("fail"), (False, False, None)),
    ("a time-out leaves doubt", Misbehave("hang"), (False, True, None)),
    ("an address that is gone is final", Misbehave("refuse", code="no_service"), (True, False, None)),
]


@pytest.mark.parametrize(("sentence", "answer", "meaning"), WEBHOOK, ids=[row[0] for row in WEBHOOK])
def test_what_a_webhook_answers(
    sentence: str, answer: Misbehave, meaning: tuple[bool, bool, float | None], server: SlackServer
) -> None:
    server.next("webhook", answer)
    with pytest.raises(DeliveryError) as caught:
        webhook(server).send(alert(), None)
    error = caught.value
    assert (error.permanent, error.ambiguous, error.retry_after) == meaning, sentence
    assert "services" not in str(error), "the address is a secret"


def test_nobody_listens_leaves_no_doubt() -> None:
    settings = load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url="http://127.0.0.1:1/api/")
    with pytest.raises(DeliveryError, match="ConnectionRefusedError") as caught:
        open_channel(SLACK, settings).send(alert(), None)
    assert not caught.value.ambiguous


def test_a_webhook_gets_every_revision_as_a_message_of_its_own(server: SlackServer) -> None:
    channel = webhook(server)
    assert not channel.can_be_asked
    first = channel.send(alert(), None)
    channel.send(revision(2), first)
    assert len(server.webhook_messages) == 2


def test_the_token_wins_over_the_webhook(server: SlackServer) -> None:
    settings = load_settings(
        SLACK_BOT_TOKEN="xoxb-t", SLACK_WEBHOOK_URL=server.webhook_url, slack_api_url=server.api_url
    )
    open_channel(SLACK, settings).send(alert(), None)
    assert (len(server.posted()), len(server.webhook_messages)) == (1, 0)


def test_what_was_accepted_before_the_time_out_is_found_on_a_later_page(server: SlackServer) -> None:
    channel = web_api(server)
    server.next("chat.postMessage", Misbehave("hang", accepted=True))
    with pytest.raises(DeliveryError):
        channel.send(alert(), None)
    for number in range(5):
        channel.send(alert(id=f"other.{number}"), None)
    found = channel.find(alert(), None, AT)
    assert found == Sent(reference=server.posted()[0]["ts"], place="C0PRESSE")
    assert len(server.called("conversations.history")) == 1, "it stands on the first page"
    assert channel.find(alert(id="unknown.1"), None, AT) is None
    assert len(server.called("conversations.history")) == 1 + 3, "all pages were read"


def test_an_answer_in_a_thread_is_found(server: SlackServer) -> None:
    channel = web_api(server)
    root = channel.send(alert(), None)
    assert channel.find(revision(2), root, AT) is None
    answer = channel.send(revision(2), root)
    assert channel.find(revision(2), root, AT) == answer


def test_only_messages_since_the_request_are_asked_for(server: SlackServer) -> None:
    web_api(server).find(alert(), None, AT)
    [asked] = server.called("conversations.history")
    assert float(asked["oldest"]) == (AT - timedelta(minutes=5)).timestamp()


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message"])
def test_a_first_message_that_somebody_deleted_is_replaced(code: str, server: SlackServer) -> None:
    channel = web_api(server)
    server.next("chat.update", Misbehave("refuse", code=code))
    channel.send(revision(2), Sent(reference="1.0", place="C0PRESSE"))
    assert len(server.posted()) == 1


def test_a_failed_update_is_not_followed_by_an_answer(server: SlackServer) -> None:
    channel = web_api(server)
    root = channel.send(alert(), None)
    server.next("chat.update", Misbehave("fail"))
    with pytest.raises(DeliveryError):
        channel.send(revision(2), root)
    assert server.replies() == []


def test_an_update_keeps_the_metadata_of_the_first_message(server: SlackServer) -> None:
    channel = web_api(server)
    root = channel.send(alert(), None)
    channel.send(revision(2), root)
    assert channel.find(alert(), None, AT) == root


def test_an_id_is_used_as_it_is(server: SlackServer) -> None:
    channel = web_api(server, SLACK.model_copy(update={"to": "C0SOCIAL"}))
    sent = channel.send(alert(), None)
    assert channel.find(alert(), None, AT) == sent
    assert not server.called("conversations.list")
