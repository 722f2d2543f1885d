"""A Mastodon on loopback: timelines, notifications, streaming by WebSocket and by SSE, tokens and rate limits.

Driven by `Mastodon.py` in tests/agents/ingest/test_mastodon_oracle.py. Nothing here keeps accounts, media or
federation; a status has two faces, as one that came from elsewhere would.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from aiohttp import WSMsgType, web

TOKEN = "token-of-a-user"
TAG = "earshot"
Message = dict[str, Any]
PATHS = {"public": "public", "public/local": "public:local", "hashtag": "hashtag"}
PATHS |= {"user": "user", "user/notification": "user:notification"}


def snowflake(number: int, began: datetime) -> int:
    """Return the id that a server would give the status with this number, made a second after the one before."""
    return (int(began.timestamp() * 1000) + number * 1000) << 16


class Server:
    """One server. What is published is tagged and public, so that it comes by every stream there is."""

    door = ""
    abilities = frozenset({"edit", "delete", "limit", "malformed", "backfill", "check", "gap"})
    secrets: Mapping[str, str] = {"MASTODON_TOKEN": TOKEN}

    def __init__(self, *, began: datetime | None = None, sse: bool = True) -> None:
        self.began = began or datetime.now(UTC) - timedelta(hours=1)
        self._sse = sse
        self.statuses: list[Message] = []
        self.notifications: list[Message] = []
        self.asked: list[web.Request] = []
        self.beyond: set[str] = set()
        """Paths that the scopes of the token do not cover."""
        self.subscribed: list[Message] = []
        self.remaining = 299
        self._again_at = 0.0
        self._readers: list[tuple[set[tuple[str, str]], asyncio.Queue[bytes | Message | None]]] = []
        self._garbage: list[bytes] = []
        self._page = 40

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._gate])
        routes = app.router
        routes.add_get(r"/api/v2/instance{end:/?}", self._instance)
        routes.add_get(r"/api/v1/instance{end:/?}", self._instance)
        routes.add_get("/api/v1/accounts/verify_credentials", self._me)
        routes.add_get("/api/v1/timelines/tag/{tag}", self._timeline)
        routes.add_get("/api/v1/timelines/public", self._timeline)
        routes.add_get("/api/v1/notifications", self._notified)
        routes.add_get("/api/v1/streaming", self._socket)
        if self._sse:
            for path in PATHS:
                routes.add_get(f"/api/v1/streaming/{path}", self._events)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.drop()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def entry(self) -> str:
        where = f"server: '{self.url}', token: 'env:MASTODON_TOKEN', tags: [{TAG}]"
        return f"{{id: fedi, kind: mastodon, {where}, only: all, catch_up: 200}}"

    # what happens on the server

    async def publish(self, number: int, text: str = "") -> str:
        await self.post(number, text or f"post {number}")
        return f"mastodon:{self.uri(number)}"

    async def post(self, number: int, text: str = "", **more: Any) -> Message:
        status = self.status(number, text or f"post {number}") | more
        self.statuses.append(status)
        await self._tell("update", status)
        return status

    async def edit(self, number: int) -> None:
        edited = self.status(number, f"post {number}, edited") | {"edited_at": self._time(number + 1)}
        self.statuses = [edited if status["id"] == edited["id"] else status for status in self.statuses]
        await self._tell("status.update", edited)

    async def delete(self, number: int) -> None:
        local = str(snowflake(number, self.began))
        self.statuses = [status for status in self.statuses if status["id"] != local]
        await self._tell("delete", local)

    async def mention(self, number: int, text: str) -> Message:
        status = self.status(number, text)
        told = {"id": str(number), "type": "mention", "created_at": status["created_at"], "account": status["account"]}
        notification = told | {"status": status}
        self.notifications.append(notification)
        await self._tell("notification", notification)
        return status

    async def limit(self, seconds: float) -> None:
        self._again_at = asyncio.get_running_loop().time() + seconds
        await self.drop()

    async def serve_garbage(self, body: bytes) -> None:
        for _wanted, queue in self._readers[:1]:
            await queue.put(body)
            return
        self._garbage.append(body)

    async def forget(self) -> None:
        """Let more be said while nobody listens than a reader catches up with."""
        await self.drop()
        for number in range(5000, 5000 + self._page * 10):
            self.statuses.append(self.status(number, "said meanwhile"))

    async def drop(self) -> None:
        """Break every stream."""
        for _wanted, queue in list(self._readers):
            await queue.put(None)

    def uri(self, number: int) -> str:
        return f"https://elsewhere.example/users/eva/statuses/{number}"

    def status(self, number: int, text: str) -> Message:
        return {
            "id": str(snowflake(number, self.began)),
            "uri": self.uri(number),
            "url": f"https://elsewhere.example/@eva/{number}",
            "created_at": self._time(number),
            "edited_at": None,
            "visibility": "public",
            "language": "en",
            "content": f'<p>{text} <a href="{self.url}/tags/{TAG}" class="mention hashtag">#<span>{TAG}</span></a></p>',
            "spoiler_text": "",
            "sensitive": False,
            "in_reply_to_id": None,
            "in_reply_to_account_id": None,
            "reblog": None,
            "replies_count": 5,
            "reblogs_count": 6,
            "favourites_count": 11,
            "quotes_count": 2,
            "account": {
                "id": "1",
                "username": "eva",
                "acct": "eva@elsewhere.example",
                "display_name": "Eva",
                "url": "https://elsewhere.example/@eva",
                "uri": "https://elsewhere.example/users/eva",
                "created_at": "2016-03-16T00:00:00.000Z",
                "followers_count": 97,
                "following_count": 1,
                "statuses_count": 5,
                "bot": False,
                "locked": False,
                "noindex": False,
                "discoverable": True,
                "emojis": [],
                "fields": [],
                "note": "",
            },
            "media_attachments": [],
            "mentions": [],
            "tags": [{"name": TAG, "url": f"{self.url}/tags/{TAG}"}],
            "emojis": [],
            "card": None,
            "poll": None,
        }

    def _time(self, number: int) -> str:
        moment = self.began + timedelta(seconds=number)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    # what is said of it

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request)
        reset = datetime.now(UTC) + timedelta(minutes=5)
        wait = self._again_at - asyncio.get_running_loop().time()
        if wait > 0:
            reset = datetime.now(UTC) + timedelta(seconds=wait + 0.5)
            self.remaining = 0
        else:
            self.remaining = (self.remaining or 300) - 1
        limits = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": str(self.remaining)}
        limits["X-RateLimit-Reset"] = f"{reset:%Y-%m-%dT%H:%M:%S.%fZ}"
        if wait > 0:
            return web.json_response({"error": "Too many requests"}, status=429, headers=limits)
        if not request.path.rstrip("/").endswith("/instance") and not self._authorized(request):
            return web.json_response({"error": "The access token is invalid"}, status=401)
        if request.path in self.beyond:
            return web.json_response({"error": "This action is outside the authorized scopes"}, status=403)
        answer: web.StreamResponse = await handler(request)
        if not answer.prepared:
            answer.headers.update(limits)
        return answer

    @staticmethod
    def _authorized(request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return TOKEN in (given, request.query.get("access_token"), request.headers.get("Sec-WebSocket-Protocol"))

    async def _instance(self, _request: web.Request) -> web.Response:
        streaming = self.url.replace("http", "ws")
        # the older form of the document names the same address at another place
        urls = {"streaming_api": streaming}
        about = {"domain": f"127.0.0.1:{self.port}", "uri": f"127.0.0.1:{self.port}", "title": "A server"}
        more = {"version": "4.5.0", "urls": urls, "configuration": {"urls": {"streaming": streaming}}}
        return web.json_response(about | more | {"api_versions": {"mastodon": 7}})

    async def _me(self, _request: web.Request) -> web.Response:
        return web.json_response(self.status(0, "")["account"] | {"acct": "brand", "username": "brand", "source": {}})

    async def _timeline(self, request: web.Request) -> web.Response:
        tag = request.match_info.get("tag")
        found = [
            status
            for status in self.statuses
            if tag is None or tag.lower() in (one["name"].lower() for one in status["tags"])
        ]
        return self._paged(request, found)

    async def _notified(self, request: web.Request) -> web.Response:
        types = request.query.getall("types[]", [])
        return self._paged(request, [one for one in self.notifications if not types or one["type"] in types])

    def _paged(self, request: web.Request, found: list[Message]) -> web.Response:
        """Answer a page, newest first: with `min_id` the one right after it, else the newest."""
        limit = min(int(request.query.get("limit", "20")), self._page)
        ordered = sorted(found, key=lambda one: int(one["id"]))
        if least := request.query.get("min_id"):
            page = [one for one in ordered if int(one["id"]) > int(least)][:limit]
        else:
            most, since = request.query.get("max_id"), request.query.get("since_id")
            kept = [one for one in ordered if most is None or int(one["id"]) < int(most)]
            page = [one for one in kept if since is None or int(one["id"]) > int(since)][-limit:]
        answer = web.json_response(page[::-1])
        if page:
            here = f"{self.url}{request.path}?limit={limit}"
            links = (f'<{here}&max_id={page[0]["id"]}>; rel="next"', f'<{here}&min_id={page[-1]["id"]}>; rel="prev"')
            answer.headers["Link"] = ", ".join(links)
        return answer

    # streams

    async def _tell(self, event: str, payload: Any) -> None:
        tags = {one["name"] for one in payload.get("tags", [])} if isinstance(payload, dict) else set()
        reached = {("user:notification", "")} if event == "notification" else {("public", ""), ("user", "")}
        if event != "notification":
            reached |= {("hashtag", tag) for tag in tags or {TAG}}
        for wanted, queue in list(self._readers):
            for stream, tag in sorted(wanted & reached):
                await queue.put({"stream": [stream, tag] if tag else [stream], "event": event, "payload": payload})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        wanted: set[tuple[str, str]] = set()
        if stream := request.query.get("stream"):
            wanted.add((stream, request.query.get("tag", "")))
        queue: asyncio.Queue[bytes | Message | None] = asyncio.Queue()
        reader = (wanted, queue)
        while self._garbage:
            queue.put_nowait(self._garbage.pop(0))
        self._readers.append(reader)
        listening = asyncio.create_task(self._obey(socket, wanted, queue))
        try:
            while (told := await queue.get()) is not None:
                if isinstance(told, bytes):
                    await socket.send_str(told.decode("utf-8", "replace"))
                    continue
                payload = told["payload"]
                inner = payload if isinstance(payload, str) else json.dumps(payload)
                await socket.send_str(json.dumps(told | {"payload": inner}))
        except ConnectionResetError:
            pass
        finally:
            self._readers.remove(reader)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        await socket.close()
        return socket

    async def _obey(self, socket: web.WebSocketResponse, wanted: set[tuple[str, str]], queue: Any) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                continue
            order = json.loads(frame.data)
            self.subscribed.append(order)
            if order["stream"] not in PATHS.values():
                await socket.send_str(json.dumps({"error": "Unknown channel", "status": 400}))
            elif order["type"] == "subscribe":
                wanted.add((order["stream"], order.get("tag", "")))
        await queue.put(None)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        stream = PATHS[request.path.removeprefix("/api/v1/streaming/")]
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        queue: asyncio.Queue[bytes | Message | None] = asyncio.Queue()
        reader = ({(stream, request.query.get("tag", ""))}, queue)
        self._readers.append(reader)
        try:
            await answer.write(b":)\n")
            while (told := await self._next(queue)) is not None:
                if told == {}:
                    await answer.write(b":thump\n")
                elif isinstance(told, bytes):
                    await answer.write(b"event: update\ndata: " + told.replace(b"\n", b" ") + b"\n\n")
                else:
                    payload = told["payload"]
                    inner = payload if isinstance(payload, str) else json.dumps(payload)
                    await answer.write(f"event: {told['event']}\ndata: {inner}\n\n".encode())
        except ConnectionResetError:
            pass
        finally:
            self._readers.remove(reader)
        return answer

    @staticmethod
    async def _next(queue: "asyncio.Queue[bytes | Message | None]") -> bytes | Message | None:
        try:
            return await asyncio.wait_for(queue.get(), 1.0)
        except TimeoutError:
            return {}


def counterpart() -> Server:
    return Server()
