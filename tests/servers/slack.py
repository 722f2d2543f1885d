"""A Slack on loopback: the methods Earshot uses, threads, metadata, updates, Socket Mode, and all ways to misbehave.

`slack.press(...)` is somebody who presses a button; what was pressed is delivered again as Slack would, with `again`.

`slack.next(...)` queues how the coming calls of a method are answered; without it they are answered as Slack would.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from slack_sdk.models.blocks import Block

Message = dict[str, Any]

CHANNELS = {"C0PRESSE": "presse", "C0SOCIAL": "social"}
"""Name by id."""


@dataclass(frozen=True, slots=True)
class Misbehave:
    """How one call is answered. `accepted`: Slack did what was asked before it misbehaved.

    `hang` never answers; `slow` answers as usual, once the test sets `released`.
    """

    how: Literal["limit", "fail", "hang", "slow", "drop", "refuse"]
    accepted: bool = False
    retry_after: int = 1
    code: str = "channel_not_found"


@dataclass
class SlackServer:
    """What the server knows; `calls` are the methods in the order they were called, with their arguments."""

    url: str = ""
    channels: dict[str, str] = field(default_factory=lambda: dict(CHANNELS))
    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    webhook_messages: list[Message] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    coming: dict[str, deque[Misbehave]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Misbehave] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    count: int = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was in each envelope."""
    acknowledged: list[str] = field(default_factory=list)
    """The envelopes of which somebody has said that he has them."""
    loop: asyncio.AbstractEventLoop | None = None

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        return f"{self.url}/services/T000/B000/secret"

    def next(self, method: str, *answers: Misbehave) -> None:
        """Answer the coming calls of `method` in these ways, one each."""
        self.coming[method].extend(answers)

    def posted(self, channel: str = "C0PRESSE") -> list[Message]:
        return [message for message in self.messages[channel] if "thread_ts" not in message]

    def replies(self, channel: str = "C0PRESSE") -> list[Message]:
        return [message for message in self.messages[channel] if "thread_ts" in message]

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    def press(self, message: Message, button: str, user: str = "U0EVA", name: str = "eva", **changes: Any) -> str:
        """Press a button of a message as it is now, and return the envelope's id."""
        actions = next(block for block in message["blocks"] if block["type"] == "actions")
        element = next(one for one in actions["elements"] if one["action_id"] == f"earshot-{button}")
        self.count += 1
        place = next(number for number, found in self.messages.items() if message in found)
        action = {
            "type": "button", "action_id": element["action_id"], "block_id": actions["block_id"],
            "value": element["value"], "action_ts": f"{1_772_629_500 + self.count}.000100",
        }  # fmt: skip
        payload = {
            "type": "block_actions", "user": {"id": user, "username": name, "name": name},
            "container": {"type": "message", "channel_id": place, "message_ts": message["ts"]},
            "message": message, "actions": [action | changes],
        }  # fmt: skip
        return self.again(f"e{self.count}", payload)

    def again(self, envelope: str, payload: dict[str, Any]) -> str:
        """Deliver an envelope over the socket that was opened last."""
        assert self.loop is not None
        about = {"type": "interactive", "envelope_id": envelope, "payload": payload, "accepts_response_payload": False}
        self.sent[envelope] = payload
        asyncio.run_coroutine_threadsafe(self.sockets[-1].send_json(about), self.loop).result(10)
        return envelope

    def hang_up(self) -> None:
        """Ask whoever listens to come again over another socket, as Slack does every few hours."""
        assert self.loop is not None
        farewell = {"type": "disconnect", "reason": "refresh_requested"}
        asyncio.run_coroutine_threadsafe(self.sockets[-1].send_json(farewell), self.loop).result(10)

    def perform(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what the method does, and return Slack's answer."""
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "conversations.list": lambda _: self._list(),
            "conversations.history": lambda asked: self._read(method, asked),
            "conversations.replies": lambda asked: self._read(method, asked),
            "chat.postMessage": self._post,
            "chat.postEphemeral": lambda _: {"ok": True, "message_ts": "0.1"},
            "chat.update": self._update,
            "apps.connections.open": lambda _: {"ok": True, "url": f"{self.url.replace('http', 'ws')}/socket"},
        }
        return methods[method](arguments) if method in methods else {"ok": False, "error": "unknown_method"}

    def _list(self) -> dict[str, Any]:
        found = [{"id": number, "name": name} for number, name in self.channels.items()]
        return {"ok": True, "channels": found, "response_metadata": {"next_cursor": ""}}

    def _place(self, name: str) -> str | None:
        by_name: dict[str, str] = {f"#{known}": number for number, known in self.channels.items()}
        return name if name in self.channels else by_name.get(name)

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        place = self._place(arguments["channel"])
        if place is None:
            return {"ok": False, "error": "channel_not_found"}
        for block in arguments.get("blocks", []):
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
        self.count += 1
        kept = {name: arguments[name] for name in ("text", "blocks", "metadata", "thread_ts") if name in arguments}
        # far enough in the future for `oldest`, and different for every message
        message: Message = {"ts": f"4000000000.{self.count:06d}"} | kept
        self.messages[place].append(message)
        return {"ok": True, "channel": place, "ts": message["ts"], "message": message}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for block in arguments.get("blocks", []):
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
        for message in self.messages[arguments["channel"]]:
            if message["ts"] == arguments["ts"]:
                # as Slack does: metadata that is not given stays
                message.update({name: arguments[name] for name in ("text", "blocks", "metadata") if name in arguments})
                return {"ok": True, "channel": arguments["channel"], "ts": message["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def _read(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        place = arguments["channel"]
        if place not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        after = float(arguments.get("oldest") or 0)
        root = arguments.get("ts") if method == "conversations.replies" else None
        wanted = [
            message for message in self.messages[place] if float(message["ts"]) >= after and _belongs(message, root)
        ]
        start = int(arguments.get("cursor") or 0)
        page = wanted[start : start + 2]  # small pages, so that paging is tried
        more = str(start + 2) if start + 2 < len(wanted) else ""
        shown = [dict(message) for message in page]
        if str(arguments.get("include_all_metadata", "0")) not in {"1", "true", "True"}:
            for message in shown:
                message.pop("metadata", None)
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}}


def _belongs(message: Message, root: str | None) -> bool:
    """History shows no answers; a thread shows its root and its answers."""
    return root in (message["ts"], message.get("thread_ts")) if root else "thread_ts" not in message


async def _arguments(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json()
    else:
        given |= dict(await request.post())
    return given


def _application(state: SlackServer) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        method = request.match_info.get("method", "webhook")
        arguments = await _arguments(request)
        state.calls.append((method, arguments))
        way = state.coming[method].popleft() if state.coming[method] else state.always.get(method)
        if way is None or way.accepted:
            usual = state.perform(method, arguments) if method != "webhook" else _receive(state, arguments)
        if way is not None and way.how == "slow":
            await asyncio.to_thread(state.released.wait)
        if way is None or (way.how == "slow" and way.accepted):
            return web.json_response(usual) if method != "webhook" else web.Response(text="ok")
        return await _misbehave(request, way, state)

    async def socket(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse(autoping=True)
        await opened.prepare(request)
        await opened.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0"}})
        state.sockets.append(opened)
        async for message in opened:
            state.acknowledged.append(str(message.json()["envelope_id"]))
        return opened

    application = web.Application()
    application.router.add_get("/socket", socket)
    application.router.add_route("*", "/api/{method}", answer)
    application.router.add_post("/services/{rest:.*}", answer)
    return application


def _receive(state: SlackServer, arguments: dict[str, Any]) -> dict[str, Any]:
    state.webhook_messages.append(arguments)
    return {"ok": True}


async def _misbehave(request: web.Request, way: Misbehave, state: SlackServer) -> web.StreamResponse:
    match way.how:
        case "limit":
            body = {"ok": False, "error": "ratelimited"}
            return web.json_response(body, status=429, headers={"Retry-After": str(way.retry_after)})
        case "fail":
            return web.Response(status=500, text="<html>Slack is having trouble</html>")
        case "refuse":
            if request.match_info.get("method"):
                return web.json_response({"ok": False, "error": way.code})
            return web.Response(status=404, text=way.code)
        case "hang":
            await asyncio.to_thread(state.released.wait)
        case "drop" | "slow":
            pass
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """Run a Slack in a thread on a port the system chooses."""
    state = SlackServer()
    loop = state.loop = asyncio.new_event_loop()
    started = threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(_application(state), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        state.url = f"http://127.0.0.1:{port}"
        started.set()
        return runner

    runner = None

    def run() -> None:
        nonlocal runner
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="slack", daemon=True)
    thread.start()
    assert started.wait(10), "the Slack server did not start"
    try:
        yield state
    finally:
        state.released.set()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
