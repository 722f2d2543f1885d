"""A Jetstream on loopback: both of its wires, its cursor rules and its refusals, over posts made up here.

What it says of itself is checked against the models of the `atproto` package and driven by that package's client
(tests/agents/ingest/test_bluesky_oracle.py). Not spoken: compression, and the archive.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import WSCloseCode, web

DID = "did:plc:eygmaihciaxprqvxpfvl6flk"
CID = "bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"
POSTS = "app.bsky.feed.post"
NAME = "network.bsky.jetstream.subscribeEvents"
V2, V1 = f"/xrpc/{NAME}", "/subscribe"
_TIMESTAMP = 1_000_000_000_000_000
_TID = "234567abcdefghijklmnopqrstuvwxyz"
Message = dict[str, Any]


def tid(number: int) -> str:
    """Return a revision: thirteen letters that sort as `number` does."""
    value, letters = (1_760_000_000_000_000 + number) << 10, ""
    for _ in range(13):
        letters = _TID[value & 31] + letters
        value >>= 5
    return letters


def moment(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def post(text: str, **more: Any) -> Message:
    """Return a record as the lexicon has it. Its `createdAt` is absurd, as anybody may write it."""
    return {"$type": POSTS, "text": text, "createdAt": "1985-04-12T23:20:50.123Z", "langs": ["en"], **more}


class Jetstream:
    """One host. `began` is the time of its first event; each later one is a millisecond after it."""

    door = ""
    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "backfill", "check"})
    secrets: Mapping[str, str] = {}

    def __init__(self, *, wires: tuple[str, ...] = (V2, V1), began: datetime | None = None) -> None:
        self._wires = wires
        self._began = int((began or datetime.now(UTC)).timestamp() * 1_000_000)
        self.log: list[Message] = []
        self.floor = 1
        self.asked: list[web.Request] = []
        self.refuse_with: int | None = None
        self._again_at = 0.0
        self._changed = asyncio.Condition()
        self._raw: list[bytes] = []
        self._sockets: set[web.WebSocketResponse] = set()

    async def __aenter__(self) -> Self:
        app = web.Application()
        for path in self._wires:
            app.router.add_get(path, self._subscribe)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.drop()
        await self._runner.cleanup()

    @property
    def host(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def entry(self) -> str:
        return f"{{id: sky, kind: bluesky, hosts: ['{self.host}'], only: all}}"

    # what happens in the network

    async def publish(self, number: int, text: str = "") -> str:
        await self.commit("create", number, post(text or f"post {number}"))
        return f"bluesky:at://{DID}/{POSTS}/{self.rkey(number)}"

    async def edit(self, number: int) -> None:
        await self.commit("update", number, post(f"post {number}, edited"))

    async def delete(self, number: int) -> None:
        await self.commit("delete", number, None)

    async def limit(self, seconds: float) -> None:
        self._again_at = asyncio.get_running_loop().time() + seconds
        await self.drop()

    async def serve_garbage(self, body: bytes) -> None:
        async with self._changed:
            self._raw.append(body)
            self._changed.notify_all()

    async def forget(self) -> None:
        """Drop what readers have not read: the oldest that can be had is what comes next."""
        await self.drop()
        await self.commit("create", 900_000, post("between"))
        self.floor = len(self.log) + 2
        await self.commit("create", 900_001, post("the last that is lost"))
        # two minutes pass, so that even the wire that says nothing shows it
        self._began += 120_000_000

    async def commit(self, operation: str, number: int, record: Message | None, **more: Any) -> None:
        body: Message = {"rev": tid(5_000_000 + len(self.log)), "operation": operation, "collection": POSTS}
        body |= {"rkey": self.rkey(number)} | ({"cid": CID, "record": record} if record is not None else {})
        await self.happen("commit", body | more)

    async def account(self, *, active: bool, status: str | None = None, did: str = DID) -> None:
        told = {"did": did, "active": active, "seq": 7, "time": moment(self._began)}
        await self.happen("account", {"account": told | ({"status": status} if status else {})}, did)

    async def happen(self, kind: str, body: Message, did: str = DID, *, micros: int | None = None) -> None:
        async with self._changed:
            seq = len(self.log) + 1
            micros = micros or self._began + seq * 1000
            self.log.append({"seq": seq, "micros": micros, "did": did, "kind": kind, "body": body})
            self._changed.notify_all()

    @staticmethod
    def rkey(number: int) -> str:
        return tid(number)

    async def drop(self) -> None:
        """Break every connection."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def cut(self) -> None:
        """Cut every connection without a word."""
        for request in self.asked:
            if request.transport is not None:
                request.transport.abort()

    async def end_with(self, error: str) -> None:
        """Send the error frame that ends a connection to every reader."""
        for socket in list(self._sockets):
            await socket.send_str(self.error(error))
            await socket.close()

    async def subscribed(self, requests: int) -> None:
        """Wait until so many requests came and a reader is connected."""
        async with asyncio.timeout(30), self._changed:
            while len(self.asked) < requests or not self._sockets:
                await self._changed.wait()

    # what is said of it

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.refuse_with is not None:
            return web.json_response({"error": "InternalError"}, status=self.refuse_with)
        wait = self._again_at - asyncio.get_running_loop().time()
        if wait > 0:
            return web.Response(status=429, headers={"Retry-After": str(int(wait) + 1)})
        second = request.path == V2
        if second and (refusal := self._refusal(request)):
            return web.json_response(refusal, status=400)
        start, notice = self._start(int(request.query.get("cursor", "-1")))
        socket = web.WebSocketResponse(protocols=("xrpc.v1.json",) if second else ())
        await socket.prepare(request)
        async with self._changed:
            self._sockets.add(socket)
            self._changed.notify_all()
        try:
            if notice and second:
                payload = {"$type": f"{NAME}#info", "name": notice, "message": "made up"}
                await socket.send_str(json.dumps({"$type": "message", "payload": payload}))
            sending = asyncio.create_task(self._send(socket, request, start))
            try:
                await self._listen(socket)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            self._sockets.discard(socket)
        return socket

    def _refusal(self, request: web.Request) -> Message | None:
        if wrong := set(request.query) - {"collections", "kinds", "dids", "cursor", "maxMessageSizeBytes"}:
            return {"error": "InvalidRequest", "message": f"{wrong} is not a parameter here"}
        if set(request.query.getall("kinds", [])) - {"commit", "identity", "account", "sync"}:
            return {"error": "InvalidRequest", "message": "no such kind"}
        cursor = int(request.query.get("cursor", "-1"))
        if 0 <= cursor < min(self.floor, _TIMESTAMP):
            return {"error": "CursorTooOld", "message": f"the floor is {self.floor}"}
        return None

    def _start(self, cursor: int) -> tuple[int, str]:
        """Return the first seq to send, and what is said of the cursor."""
        tip = len(self.log) + 1
        if cursor < 0:
            return tip, ""
        if cursor < _TIMESTAMP:
            return (tip, "FutureCursor") if cursor > tip else (max(cursor, self.floor), "")
        found = next((event["seq"] for event in self.log if event["micros"] >= cursor), tip)
        return (self.floor, "OutdatedCursor") if found < self.floor else (found, "")

    async def _send(self, socket: web.WebSocketResponse, request: web.Request, start: int) -> None:
        at = start - 1
        while not socket.closed:
            async with self._changed:
                while len(self.log) <= at and not self._raw:
                    await self._changed.wait()
                events, garbage = self.log[at:], self._raw[:]
                at = max(at, len(self.log))
                self._raw.clear()
            for body in garbage:
                await socket.send_str(body.decode("utf-8", "replace"))
            for event in events:
                if self._wants(request, event):
                    await socket.send_str(self.frame(event, second=request.path == V2))

    @staticmethod
    def _wants(request: web.Request, event: Message) -> bool:
        if request.path == V1:
            collections = request.query.getall("wantedCollections", [])
        else:
            collections = request.query.getall("collections", [])
            if (kinds := request.query.getall("kinds", [])) and event["kind"] not in kinds:
                return False
        return event["kind"] != "commit" or not collections or event["body"]["collection"] in collections

    @staticmethod
    async def _listen(socket: web.WebSocketResponse) -> None:
        async for _frame in socket:
            # the stream is one-way: whoever speaks is sent away
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)

    @staticmethod
    def error(name: str) -> str:
        """Return the frame that ends a connection."""
        return json.dumps({"$type": "error", "error": name, "message": "made up"})

    @staticmethod
    def frame(event: Message, *, second: bool) -> str:
        did, kind, body = event["did"], event["kind"], event["body"]
        if second:
            time = moment(event["micros"])
            payload = {"$type": f"{NAME}#{kind}", "seq": event["seq"], "did": did, "time": time, "witnessedAt": time}
            return json.dumps({"$type": "message", "payload": payload | body})
        envelope = {"did": did, "time_us": event["micros"], "cursor": event["seq"], "kind": kind}
        return json.dumps(envelope | ({"commit": body} if kind == "commit" else body))


def counterpart() -> Jetstream:
    return Jetstream()
