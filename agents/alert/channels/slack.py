"""Slack: the Web API with a bot token, or an incoming webhook.

Auth: `SLACK_BOT_TOKEN` (scopes chat:write; to ask after a crash also channels:history, groups:history and, where `to`
is a name, channels:read, groups:read), else `SLACK_WEBHOOK_URL`. With both, the token is used. With `SLACK_APP_TOKEN`
(connections:write) beside the bot token messages have buttons; `agents/alert/socketmode.py` hears them.
Limits: about one message a second and Slack channel; a 429 is honoured as Slack says. Nothing else is repeated here.
Guarantee, Web API: each message carries its delivery id as metadata; after a crash, a time-out or a 5xx the channel's
history is asked for it before anything is sent again, so nothing is lost or doubled. Later revisions update the first
message and answer in its thread; the update may be repeated, which changes nothing. A post that is deleted is taken
out of messages that were sent, and the words of one that is edited are, which needs the scopes to ask; so does saying
in the first message who has taken the incident elsewhere.
Guarantee, webhook: it cannot be asked, so an attempt in doubt is repeated at most once, marked as a possible repeat; an
error answer (5xx) is believed and tried again. Each revision is a message of its own there.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from pydantic import field_validator
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from agents.alert.buttons import buttons, marked
from agents.alert.channel import CALL_SECONDS, Address, Channel, delivery_id
from agents.alert.render import Blocks, slack, without
from schemas.alert import Alert
from schemas.control import Taken
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings

EVENT_TYPE = "earshot_alert"
CLOCK_SKEW = 300.0
"""Seconds that Slack's clock and ours may differ."""
DEFAULT_WAIT = 30.0
"""Seconds to wait where Slack limits us and does not say for how long."""

_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_ADDRESS = re.compile(r"#?[^\s#@<>]{1,80}")
_TRANSIENT = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_ROOT_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_REMEDIES = {
    "channel_not_found": "write the channel as Slack shows it, and invite the app if it is private",
    "not_in_channel": "invite the app into the channel",
    "is_archived": "the channel is archived: name another one in the watch file",
    "missing_scope": "give the app the scope chat:write, and install it again",
    **dict.fromkeys(("invalid_auth", "token_revoked", "account_inactive", "token_expired"), "renew SLACK_BOT_TOKEN"),
}
"""What people can do where Slack says no, by its word."""
_WEBHOOK_DEAD = frozenset({400, 401, 403, 404, 410})


class Slack(Channel):
    """One Slack channel."""

    class Config(Address):
        """`to` is a Slack channel, `#name` or its id; an incoming webhook needs none, because it knows its own.

        `buttons` stand below the message where SLACK_APP_TOKEN is set, unless a route wants none.
        """

        buttons: bool = True

        @field_validator("to")
        @classmethod
        def _is_a_channel(cls, value: str) -> str:
            if "://" in value:  # not quoted: who has the address of a webhook can post there
                raise ValueError("write a Slack channel such as #press; an address belongs in SLACK_WEBHOOK_URL")
            if value and not _ADDRESS.fullmatch(value):
                raise ValueError(f"write a Slack channel such as #press or C0123456789, not {value!r}")
            return value

    @classmethod
    def missing(cls, settings: Settings) -> str:
        """Return what is missing: one of the two ways to Slack must be set."""
        either = settings.slack_bot_token.get_secret_value() or settings.slack_webhook_url.get_secret_value()
        return "" if either else "SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL"

    @property
    def can_be_asked(self) -> bool:
        """Tell whether we talk to the Web API."""
        return bool(self.settings.slack_bot_token.get_secret_value())

    @classmethod
    def redacts(cls, settings: Settings) -> bool:
        """Tell whether we talk to the Web API; what a webhook has posted stays."""
        return bool(settings.slack_bot_token.get_secret_value())

    @classmethod
    def redact(
        cls,
        settings: Settings,
        message: Sent,
        gone: Sequence[str],
        root: Sent | None = None,
        *,
        edited: Sequence[str] = (),
    ) -> None:
        """Take deleted posts, and the words of edited ones, out of a message as it stands, whoever pressed a button."""
        for one in dict.fromkeys((message, root or message)):
            found = _standing(settings, one, root if one is message else None)
            blocks = found.get("blocks", [])
            if (changed := without(blocks, gone, edited)) != blocks:
                call(
                    settings,
                    "chat.update",
                    channel=one.place,
                    ts=one.reference,
                    text=found.get("text", ""),
                    blocks=changed,
                )

    @classmethod
    def mark(cls, settings: Settings, message: Sent, taken: Taken, language: str) -> None:
        """Say above the buttons who has taken the incident, unless the message says so since it was pressed."""
        found = _standing(settings, message, None)
        blocks = found.get("blocks", [])
        if (changed := marked(blocks, taken, language)) != blocks:
            about = {"channel": message.place, "ts": message.reference, "text": found.get("text", "")}
            call(settings, "chat.update", **about, blocks=changed)

    def send(self, alert: Alert, previous: Sent | None, *, repeat: bool = False) -> Sent:
        """Post the alert: a new message, or an update of `previous` with an answer in its thread."""
        text, blocks = slack(alert, self.route.language, repeat=repeat)
        if not self.can_be_asked:
            return self._post_to_webhook(alert, text, blocks)
        if not self.config.to:
            raise DeliveryError("slack: `to` is missing; a bot token needs the channel to post to", permanent=True)
        # one message of an incident has buttons, the first: it is kept up to date, the answers below it are not
        first = blocks + (buttons(alert, self.route.language) if self._can_be_pressed else [])
        if previous and self._update(previous, text, first):
            return self._post(alert, text, blocks, previous)
        return self._post(alert, text, first, None)

    @property
    def _can_be_pressed(self) -> bool:
        wanted = isinstance(self.config, Slack.Config) and self.config.buttons
        return wanted and bool(self.settings.slack_app_token.get_secret_value())

    def _update(self, root: Sent, text: str, blocks: Blocks) -> bool:
        """Bring the first message up to date; tell whether it is still there to be answered."""
        try:
            self._call("chat.update", channel=root.place, ts=root.reference, text=text, blocks=blocks)
        except _Refused as refused:
            if refused.code in _ROOT_GONE:
                return False
            raise
        return True

    def _post(self, alert: Alert, text: str, blocks: Blocks, root: Sent | None) -> Sent:
        payload = {"delivery_id": delivery_id(alert.id, self.route), "alert": alert.id}
        self.check_time()
        answer = self._call(
            "chat.postMessage",
            channel=root.place if root else self.config.to,
            text=text,
            blocks=blocks,
            metadata={"event_type": EVENT_TYPE, "event_payload": payload},
            unfurl_links=False,
            unfurl_media=False,
            **({"thread_ts": root.reference} if root else {}),
        )
        return Sent(reference=str(answer["ts"]), place=str(answer["channel"]))

    def find(self, alert: Alert, previous: Sent | None, since: datetime) -> Sent | None:
        """Look for the delivery id in the metadata of the thread's messages, if there is one, and of the channel's."""
        place = previous.place if previous else self._channel_id()
        wanted = delivery_id(alert.id, self.route)
        oldest = f"{since.timestamp() - CLOCK_SKEW:.6f}"
        asked = {"channel": place, "oldest": oldest, "include_all_metadata": True, "limit": 200}
        threads = [("conversations.replies", asked | {"ts": previous.reference})] if previous else []
        for method, arguments in [*threads, ("conversations.history", asked)]:
            for message in self._pages(method, "messages", arguments):
                if message.get("metadata", {}).get("event_payload", {}).get("delivery_id") == wanted:
                    return Sent(reference=str(message["ts"]), place=place)
        return None

    def _channel_id(self) -> str:
        """Return the id of `to`: history takes no names."""
        if _ID.fullmatch(self.config.to):
            return self.config.to
        name = self.config.to.removeprefix("#")
        arguments = {"exclude_archived": True, "types": "public_channel,private_channel", "limit": 1000}
        for channel in self._pages("conversations.list", "channels", arguments):
            if channel.get("name") == name:
                return str(channel["id"])
        raise _Refused("channel_not_found")

    def _pages(self, method: str, field: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            answer = self._call(method, **arguments, **({"cursor": cursor} if cursor else {}))
            yield from answer.get(field, [])
            cursor = answer.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        return call(self.settings, method, **arguments)

    def _post_to_webhook(self, alert: Alert, text: str, blocks: Blocks) -> Sent:
        url = self.settings.slack_webhook_url.get_secret_value()
        try:
            answer = WebhookClient(url, int(CALL_SECONDS), retry_handlers=[]).send(text=text, blocks=blocks)
        except (URLError, HTTPException, SlackClientError, OSError) as error:
            raise _no_answer("webhook", error) from error
        if answer.status_code == 200:
            return Sent(reference=delivery_id(alert.id, self.route))
        if answer.status_code == 429:
            raise DeliveryError("slack webhook: 429", retry_after=_wait(answer.headers))
        # the body is one of Slack's words (no_service, invalid_token, …), never ours or the address
        word = answer.body[:60] if re.fullmatch(r"[\w ]{1,60}", answer.body[:60]) else ""
        raise DeliveryError(
            f"slack webhook: {answer.status_code} {word}".strip(), permanent=answer.status_code in _WEBHOOK_DEAD
        )


def _standing(settings: Settings, message: Sent, root: Sent | None) -> dict[str, Any]:
    """Return a message as Slack has it now, empty where it is gone; `root` is what it answers to, if it does."""
    asked = {"channel": message.place, "oldest": message.reference, "latest": message.reference, "inclusive": True}
    method, more = ("conversations.replies", {"ts": root.reference}) if root else ("conversations.history", {})
    try:
        found = call(settings, method, **asked, **more, limit=2).get("messages", [])  # a thread begins with its root
    except _Refused as refused:
        if refused.code in _ROOT_GONE:
            return {}
        raise
    return next((one for one in found if one.get("ts") == message.reference), {})


def call(settings: Settings, method: str, **arguments: Any) -> dict[str, Any]:
    """Call a method of the Web API once.

    Raises:
        DeliveryError: as Slack's answer, or its absence, has to be understood.
    """
    token = settings.slack_bot_token.get_secret_value()
    base = settings.slack_api_url.rstrip("/") + "/"
    # no retry handlers: slack-sdk's own would repeat a post after a lost connection
    client = WebClient(token, base, timeout=int(CALL_SECONDS), retry_handlers=[])
    try:
        if method.startswith("chat."):
            answer = client.api_call(method, json=arguments)
        else:
            answer = client.api_call(method, params=arguments)
    except SlackApiError as error:
        raise _understood(method, error) from error
    except (URLError, HTTPException, SlackClientError, OSError) as error:
        raise _no_answer(method, error) from error
    return answer.data if isinstance(answer.data, dict) else {}


class _Refused(DeliveryError):
    """Slack said no and means it; `code` is its word for why."""

    def __init__(self, code: str) -> None:
        remedy = f" ({_REMEDIES[code]})" if code in _REMEDIES else ""
        super().__init__(f"slack: {code}{remedy}", permanent=True)
        self.code = code


def _understood(method: str, error: SlackApiError) -> DeliveryError:
    response = error.response
    if isinstance(response, str):  # slack-sdk's way of saying that the body was not JSON
        return DeliveryError(f"slack {method}: the answer is not JSON", ambiguous=True)
    status = int(response.status_code)
    code = str(response.data.get("error", "")) if isinstance(response.data, dict) else ""
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return DeliveryError(f"slack {method}: rate limited", retry_after=_wait(response.headers))
    if status >= 500 or code in _TRANSIENT or not code:
        return DeliveryError(f"slack {method}: {status} {code}".strip(), ambiguous=True)
    return _Refused(code)


def _no_answer(method: str, error: Exception) -> DeliveryError:
    reason = error.reason if isinstance(error, URLError) else error
    # nothing was sent where nobody accepted the connection; everything else may have arrived
    refused = isinstance(reason, ConnectionRefusedError)
    return DeliveryError(f"slack {method}: {type(reason).__name__}", ambiguous=not refused)


def _wait(headers: Any) -> float:
    value = next((value for name, value in dict(headers).items() if name.lower() == "retry-after"), None)
    first = value[0] if isinstance(value, list) else value
    try:
        return max(0.0, float(first)) if first is not None else DEFAULT_WAIT
    except ValueError:
        return DEFAULT_WAIT
