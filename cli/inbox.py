"""The demo's inbox: the Slack messages and mails that have arrived, and the page that shows them as both do."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from cli.blocks import mrkdwn, render_blocks

PAGE = Path(__file__).with_name("inbox.html")
PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none';"
    " form-action 'none'"
)
"""Nothing from outside is ever loaded. Styles may stand inline because mails have no others; mails run no scripts."""


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """One message in a channel; `ts` is Slack's id of it, `thread` the `ts` of the message it replies to."""

    channel: str
    ts: str
    text: str
    blocks: tuple[Mapping[str, Any], ...] = ()
    color: str = ""
    thread: str = ""
    edited: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """When it was posted."""
        return datetime.fromtimestamp(float(self.ts), UTC).astimezone()

    @property
    def html(self) -> Markup:
        """Its body as Slack shows it."""
        # both escape everything that came with the message
        return Markup(render_blocks(self.blocks) if self.blocks else mrkdwn(self.text))  # noqa: S704


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as a reader shows it; `html` is meant for a sandboxed frame only."""

    subject: str
    sender: str
    to: str
    at: datetime
    html: str
    text: str


def read_mail(data: bytes) -> Mail:
    """Return the mail in `data`, the bytes of an SMTP DATA command."""
    message = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
    assert isinstance(message, EmailMessage)
    bodies = {kind: message.get_body((kind,)) for kind in ("html", "plain")}
    html, text = ("" if part is None else str(part.get_content()) for part in bodies.values())
    subject, sender, to = (str(message[name] or "").strip() for name in ("Subject", "From", "To"))
    return Mail(subject, sender, to, datetime.now(UTC).astimezone(), html, text)


def channel_id(name: str) -> str:
    """Return the id that the stand-in gives a channel: always the same, shaped like Slack's."""
    return name if name.startswith("C0") else "C0" + hashlib.sha256(name.lstrip("#").encode()).hexdigest()[:9].upper()


class Inbox:
    """All that has arrived. It is filled by the servers' thread and may be read from any other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._slack: dict[tuple[str, str], SlackMessage] = {}
        self._mails: list[Mail] = []
        self._last = 0

    def post(self, channel: str, now: datetime, **about: Any) -> SlackMessage:
        """Add a message to the channel of that name or id and return it; its `ts` is unique, as Slack's are."""
        with self._lock:
            name = self._names.setdefault(channel_id(channel), channel.lstrip("#"))
            self._last = max(self._last + 1, int(now.timestamp() * 1e6))
            message = SlackMessage(name, f"{self._last // 10**6}.{self._last % 10**6:06}", **about)
            self._slack[channel_id(channel), message.ts] = message
            return message

    def update(self, channel: str, ts: str, **about: Any) -> SlackMessage | None:
        """Change a message and return it; None if there is none."""
        with self._lock:
            key = (channel_id(channel), ts)
            if key not in self._slack:
                return None
            self._slack[key] = replace(self._slack[key], edited=True, **about)
            return self._slack[key]

    def messages(self, channel: str = "", thread: str | None = None) -> list[SlackMessage]:
        """Return messages, oldest first: of one channel, or of one thread with its first message."""
        with self._lock:
            found = [one for (place, _), one in self._slack.items() if not channel or place == channel_id(channel)]
        return [one for one in found if thread is None or thread in (one.ts, one.thread)]

    def receive(self, mail: Mail) -> None:
        """Add a mail."""
        with self._lock:
            self._mails.append(mail)

    @property
    def mails(self) -> list[Mail]:
        """The mails, newest first, as mail readers show them."""
        with self._lock:
            return self._mails[::-1]

    def page(self, nonce: str = "") -> str:
        """Return the page; with a `nonce` it keeps itself up to date, without it is a document to keep."""
        channels: dict[str, list[tuple[SlackMessage, list[SlackMessage]]]] = {}
        messages = self.messages()
        for root in messages:
            if not root.thread:
                replies = [one for one in messages if one.thread == root.ts and one.channel == root.channel]
                channels.setdefault(root.channel, []).append((root, replies))
        environment = Environment(autoescape=True, undefined=StrictUndefined)
        template = environment.from_string(PAGE.read_text("utf-8"))
        return template.render(channels=channels, mails=self.mails, nonce=nonce, policy=PAGE_POLICY)
