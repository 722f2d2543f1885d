"""Servers on loopback that stand in for Slack and a mail server during the demo, and serve the inbox page.

What they take is what the real ones take: Slack's blocks are validated by Slack's own library, and a wrong token is
refused. The page answers only to the name it was started under, so that no web page elsewhere can read it.
"""

import asyncio
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from cli.blocks import render_blocks
from cli.inbox import PAGE_POLICY, Inbox, SlackMessage, channel_id, read_mail
from schemas.errors import DeliveryError


@dataclass(frozen=True, slots=True)
class StandIn:
    """Where the servers listen. `token` is the only one that the Slack stand-in accepts."""

    url: str
    token: str
    smtp_port: int

    @property
    def slack_api_url(self) -> str:
        """The base URL of the Slack Web API."""
        return f"{self.url}/api/"


class _Refused(Exception):
    """Slack's word for why a call is refused."""


class _Slack:
    """The methods of Slack's Web API that delivery uses; each takes the arguments and returns the answer."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def answer(self, method: str, said: Mapping[str, Any]) -> dict[str, Any]:
        methods = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._history,
            "conversations.list": self._list,
        }
        if method not in methods:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True, **methods[method](said)}
        except _Refused as refused:
            return {"ok": False, "error": str(refused)}
        except KeyError as missing:
            return {"ok": False, "error": "invalid_arguments", "response_metadata": {"messages": [str(missing)]}}

    def _auth_test(self, _said: Mapping[str, Any]) -> dict[str, Any]:
        return {"url": "https://demo.slack.com/", "team": "Demo", "user": "earshot", "user_id": "U0", "bot_id": "B0"}

    def _post(self, said: Mapping[str, Any]) -> dict[str, Any]:
        message = self._inbox.post(
            said["channel"],
            datetime.now(UTC),
            **_content(said),
            thread=str(said.get("thread_ts") or ""),
            metadata=said.get("metadata") or {},
        )
        return {"channel": channel_id(message.channel), "ts": message.ts, "message": _shown(message)}

    def _update(self, said: Mapping[str, Any]) -> dict[str, Any]:
        about = _content(said) | ({"metadata": said["metadata"]} if said.get("metadata") else {})
        message = self._inbox.update(said["channel"], str(said["ts"]), **about)
        if message is None:
            raise _Refused("message_not_found")
        return {"channel": channel_id(message.channel), "ts": message.ts, "text": message.text}

    def _history(self, said: Mapping[str, Any]) -> dict[str, Any]:
        thread = str(said["ts"]) if "ts" in said else None
        found = self._inbox.messages(said["channel"], thread)
        found = [one for one in found if thread or not one.thread][-int(said.get("limit") or 100) :]
        return {"messages": [_shown(one) for one in (found if thread else reversed(found))], "has_more": False}

    def _list(self, _said: Mapping[str, Any]) -> dict[str, Any]:
        names = dict.fromkeys(one.channel for one in self._inbox.messages())
        return {"channels": [{"id": channel_id(name), "name": name, "is_member": True} for name in names]}


def _content(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return text, blocks and colour of a message, refused as Slack would refuse them."""
    attachment: dict[str, Any] = next(iter(said.get("attachments") or ()), {})
    blocks = tuple(said.get("blocks") or attachment.get("blocks") or ())
    if not blocks and not said.get("text"):
        raise _Refused("no_text")
    try:
        for block in blocks:
            parsed = Block.parse(dict(block))
            if parsed is None:
                raise _Refused("invalid_blocks")
            parsed.validate_json()
        render_blocks(blocks)
    except (SlackObjectFormationError, DeliveryError) as error:
        raise _Refused("invalid_blocks") from error
    return {"text": str(said.get("text") or ""), "blocks": blocks, "color": str(attachment.get("color") or "")}


def _shown(message: SlackMessage) -> dict[str, Any]:
    thread = {"thread_ts": message.thread} if message.thread else {}
    return {
        "type": "message", "ts": message.ts, "text": message.text, "bot_id": "B0",
        "blocks": list(message.blocks), "metadata": message.metadata,
    } | thread  # fmt: skip


class _Sink:
    """An aiosmtpd handler that keeps every mail."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        self._inbox.receive(read_mail(content if isinstance(content, bytes) else str(content).encode()))
        return "250 OK"


def _application(inbox: Inbox, token: str) -> web.Application:
    slack = _Slack(inbox)

    async def call(request: web.Request) -> web.Response:
        json = request.content_type == "application/json"
        said = await request.json() if json else {**request.query, **await request.post()}
        if not secrets.compare_digest(request.headers.get("Authorization", ""), f"Bearer {token}"):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        return web.json_response(slack.answer(request.match_info["method"], said))

    async def page(request: web.Request) -> web.Response:
        if request.url.host != "127.0.0.1":
            raise web.HTTPForbidden(text="open this page as http://127.0.0.1:<port>/\n")
        nonce = secrets.token_urlsafe(16)
        policy = f"{PAGE_POLICY}; script-src 'nonce-{nonce}'; connect-src 'self'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=inbox.page(nonce), content_type="text/html", headers=headers)

    application = web.Application(client_max_size=2**20)
    application.router.add_route("*", "/api/{method}", call)
    application.router.add_get("/", page)
    return application


async def _serve(inbox: Inbox, token: str) -> tuple[StandIn, web.AppRunner, asyncio.Server]:
    runner = web.AppRunner(_application(inbox, token), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(_Sink(inbox), loop=loop), "127.0.0.1", 0)
    port = runner.addresses[0][1]
    return StandIn(f"http://127.0.0.1:{port}", token, mail.sockets[0].getsockname()[1]), runner, mail


@contextmanager
def serve_inbox(inbox: Inbox) -> Iterator[StandIn]:
    """Serve `inbox` on free ports of loopback, in a thread of its own, for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="inbox", daemon=True)
    thread.start()

    def wait(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    standin, runner, mail = wait(_serve(inbox, f"xoxb-demo-{secrets.token_urlsafe(12)}"))
    try:
        yield standin
    finally:
        mail.close()
        wait(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
