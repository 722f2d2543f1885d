"""The inbox: real channels post to it as they do to Slack and a mail server, and the page shows what they sent."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from agents.alert.channel import open_channel
from cli.inbox import Inbox, read_mail
from cli.standin import StandIn, serve_inbox
from schemas.alert import Alert
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings, load_settings
from tests.cli.samples import ROUTES, story


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def standin(inbox: Inbox) -> Iterator[StandIn]:
    with serve_inbox(inbox) as served:
        yield served


@pytest.fixture
def settings(standin: StandIn) -> Settings:
    return load_settings(
        SLACK_BOT_TOKEN=standin.token,
        slack_api_url=standin.slack_api_url,
        smtp_host="127.0.0.1",
        smtp_port=standin.smtp_port,
        smtp_security="none",
        smtp_username="",
    )


TOO_LONG = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}


def deliver(settings: Settings, route: int, alerts: tuple[Alert, ...]) -> list[Sent]:
    sent: list[Sent] = []
    for alert in alerts:
        channel = open_channel(ROUTES[route], settings)
        sent.append(channel.send(alert, sent[0] if sent else None))
    return sent


def call(standin: StandIn, method: str, said: dict[str, Any], token: str = "") -> dict[str, Any]:
    request = urllib.request.Request(
        f"{standin.slack_api_url}{method}",
        json.dumps(said).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token or standin.token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def test_slack_shows_one_message_brought_up_to_date_with_the_news_in_its_thread(
    inbox: Inbox, settings: Settings
) -> None:
    sent = deliver(settings, 0, story())
    root, *replies = inbox.messages("#krise-mma")
    assert root.edited
    assert [one.thread for one in replies] == [root.ts, root.ts]
    assert [one.reference for one in sent] == [root.ts, *(one.ts for one in replies)]
    page = inbox.page()
    assert page.count('class="channel"') == 1
    assert "2 replies" in page
    assert "(edited)" in page


def test_a_message_is_found_again_by_its_delivery_id(inbox: Inbox, settings: Settings) -> None:
    alerts = story()
    first, second, _ = deliver(settings, 0, alerts)
    channel = open_channel(ROUTES[0], settings)
    assert channel.find(alerts[0], None, alerts[0].at) == first
    assert channel.find(alerts[1], first, alerts[1].at) == second


def test_mail_shows_every_mail_newest_first_in_a_frame_that_may_do_nothing(inbox: Inbox, settings: Settings) -> None:
    deliver(settings, 1, story())
    page = inbox.page()
    assert page.count('<iframe sandbox=""') == 3
    assert [mail.to for mail in inbox.mails] == ["presse@mma.example"] * 3
    assert inbox.mails[0].subject.startswith("Re: ")
    assert "wieder ruhig" in inbox.mails[0].text


def test_what_a_post_says_never_becomes_part_of_the_page(inbox: Inbox, settings: Settings) -> None:
    deliver(settings, 0, story())
    deliver(settings, 1, story())
    page = inbox.page()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_live_page_runs_only_its_own_script_and_loads_nothing(standin: StandIn) -> None:
    with urllib.request.urlopen(standin.url, timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
    nonce = page.partition('<script nonce="')[2].partition('"')[0]
    assert f"script-src 'nonce-{nonce}'" in policy
    assert policy.startswith("default-src 'none'")


def test_a_web_page_elsewhere_cannot_read_the_inbox_by_another_name(standin: StandIn) -> None:
    request = urllib.request.Request(standin.url, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize(
    ("method", "said", "error"),
    [
        ("chat.postMessage", {"channel": "#a"}, "no_text"),
        ("chat.postMessage", {"text": "t"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "#a", "blocks": [{"type": "nosuch"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": "#a", "blocks": [TOO_LONG]}, "invalid_blocks"),
        ("chat.update", {"channel": "C0AAAAAAAAA", "ts": "1.2", "text": "t"}, "message_not_found"),
        ("chat.delete", {}, "unknown_method"),
    ],
)
def test_it_refuses_what_slack_refuses(standin: StandIn, method: str, said: dict[str, Any], error: str) -> None:
    answer = call(standin, method, said)
    assert (answer["ok"], answer["error"]) == (False, error)


def test_another_token_is_refused(standin: StandIn, settings: Settings) -> None:
    assert call(standin, "auth.test", {}, "xoxb-other")["error"] == "invalid_auth"
    other = load_settings(SLACK_BOT_TOKEN="xoxb-other", slack_api_url=standin.slack_api_url)
    with pytest.raises(DeliveryError, match="invalid_auth"):
        open_channel(ROUTES[0], other).send(story()[0], None)


def test_a_mail_without_html_or_subject_is_shown_all_the_same() -> None:
    mail = read_mail(b"From: a@b.example\r\n\r\nHallo\r\n")
    assert (mail.subject, mail.html, mail.text.strip()) == ("", "", "Hallo")


def test_a_subject_that_begins_on_the_next_line_is_shown_without_its_indentation() -> None:
    assert read_mail(b"Subject:\r\n Re: acme\r\n\r\nHallo\r\n").subject == "Re: acme"
