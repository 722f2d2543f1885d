"""Meta's Graph API on loopback: pages, posts, comments, accounts, as their own clients see them; and what it pushes."""

import asyncio
import base64
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from agents.ingest.platforms.meta import proof, sign

PAGE = "1234"
TOKEN, SECRET, VERIFY = "EAAB-page-token", "meta-app-secret", "verify-me"
SCOPES = ["pages_read_user_content", "pages_manage_metadata", "pages_show_list", "pages_read_engagement"]
SCOPES += ["instagram_basic", "instagram_manage_comments"]
SCOPES += ["threads_basic", "threads_manage_mentions", "threads_read_replies", "threads_keyword_search"]
Node = dict[str, Any]


@dataclass
class GraphServer:
    """The server. `nodes` are by id; `edges` are lists of ids by `owner/edge`, the newest first."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[str, list[str]] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    subscribed: list[str] = field(default_factory=lambda: ["feed", "mention", "ratings"])
    headers: dict[str, str] = field(default_factory=dict)
    page_size: int = 2
    valid: bool = True
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    renewed: list[str] = field(default_factory=list)
    garbage: bytes | None = None
    limited_until: float = 0.0
    too_many: int = 0
    asked: list[str] = field(default_factory=list)
    hook: str = ""
    met: bool = False
    url: str = ""
    delay: float = 0.0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**25)
        app.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        self.nodes.setdefault(PAGE, {"id": PAGE, "name": "Nordbahn", "username": "nordbahn"})
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    def post(
        self,
        name: str,
        message: str,
        *,
        edge: str = f"{PAGE}/feed",
        at: datetime,
        author: Node | None = None,
        **more: Any,
    ) -> str:
        """Let there be a node, the newest of its edge."""
        written = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
        times = {"created_time": written, "updated_time": written, "timestamp": written}
        self.nodes[name] = {"id": name, "message": message, "text": message, "caption": message, **times, **more}
        if author:
            self.nodes[name]["from"] = author
        self.edges.setdefault(edge, []).insert(0, name)
        return name

    async def push(self, payload: Any, *, secret: str = SECRET, body: bytes | None = None) -> tuple[int, Any]:
        """Send a notification to `hook` and return what was answered."""
        data = json.dumps(payload).encode() if body is None else body
        headers = {"X-Hub-Signature-256": sign(secret.encode(), data), "Content-Type": "application/json"}
        async with self._session.post(self.hook, data=BytesIO(data), headers=headers) as answer:
            self.met = True
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw.startswith(b"{") else raw.decode()

    async def deliver(self, payload: Any) -> None:
        """Send a notification again and again until it is taken, as Meta does for 36 hours."""
        async with asyncio.timeout(60):
            while True:
                try:
                    if (await self.push(payload))[0] == 200:
                        return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        path = request.path.strip("/").split("/")
        path = path[1:] if path[0].startswith("v") and path[0][1:2].isdigit() else path
        if path[0] == "hooks":
            # as a proxy before the door would answer
            return web.Response(text=request.query.get("hub.challenge", ""))
        self.asked.append("/".join(path))
        if self.delay:
            await asyncio.sleep(self.delay)
        query = dict(request.query)
        if path == ["debug_token"]:
            return self._json({"data": self._known(query.get("input_token", ""))})
        if path == ["refresh_access_token"]:
            return self._refused(request, query) or self._renewed(query)
        return self._refused(request, query) or self._disturbed() or self._answer(path, query)

    def _disturbed(self) -> web.Response | None:
        if self.too_many:
            return self._error(4, 429, extra={"Retry-After": str(self.too_many)})
        if asyncio.get_running_loop().time() < self.limited_until:
            left = self.limited_until - asyncio.get_running_loop().time()
            minutes = max(left / 60, 0.001)
            told = {PAGE: [{"call_count": 100, "estimated_time_to_regain_access": minutes}]}
            extra = {"X-Business-Use-Case-Usage": json.dumps(told)}
            return self._error(32, 400, extra=extra)
        if self.garbage is not None:
            garbage, self.garbage = self.garbage, None
            return web.Response(body=garbage, content_type="application/json")
        return None

    def _known(self, token: str) -> Node:
        valid = self.valid and token in self.tokens
        return {"is_valid": valid, "expires_at": 1_800_000_000, "scopes": self.scopes, "app_id": "31", "type": "PAGE"}

    def _refused(self, request: web.Request, query: Node) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or query.get("access_token", "")
        if token not in self.tokens or not self.valid:
            return self._error(190, 400, error_subcode=463)
        given = query.get("appsecret_proof", "")
        if not hmac.compare_digest(given, proof(SECRET.encode(), token)):
            return self._error(100, 400, message="Invalid appsecret_proof provided in the API argument")
        return None

    def _renewed(self, query: Node) -> web.Response:
        assert query["grant_type"] == "th_refresh_token"
        self.renewed.append(query["access_token"])
        made = f"{TOKEN}-{len(self.renewed)}"
        self.tokens.add(made)
        return self._json({"access_token": made, "token_type": "bearer", "expires_in": 5_183_944})

    def _answer(self, path: list[str], query: Node) -> web.Response:
        if path == ["keyword_search"]:
            wanted = str(query.get("q", "")).casefold()
            hits = [name for name in self.edges.get("threads", []) if wanted in self.nodes[name]["text"].casefold()]
            return self._page(path, hits, query)
        owner = PAGE if path[0] == "me" else path[0]
        if owner not in self.nodes:
            return self._error(100, 400, error_subcode=33)
        if len(path) == 1:
            return self._json(self._fields(owner, query))
        if path[1] == "subscribed_apps":
            return self._json({"data": [{"id": "31", "name": "Earshot", "subscribed_fields": self.subscribed}]})
        if path[1] == "tagged" and "pages_read_user_content" not in self.scopes:
            return self._error(10, 403)
        return self._page(path, self.edges.get(f"{owner}/{path[1]}", []), query)

    def _fields(self, owner: str, query: Node) -> Node:
        asked = str(query.get("fields", ""))
        for mentioned in ("mentioned_comment.comment_id(", "mentioned_media.media_id("):
            if asked.startswith(mentioned):
                name = asked.removeprefix(mentioned).partition(")")[0]
                return {mentioned.partition(".")[0]: self.nodes[name], "id": owner} if name in self.nodes else {}
        return self.nodes[owner]

    def _page(self, path: list[str], names: list[str], query: Node) -> web.Response:
        found = [name for name in names if name in self.nodes and self._within(self.nodes[name], query)]
        found.sort(key=lambda name: datetime.fromisoformat(self.nodes[name]["created_time"]), reverse=True)
        start = int(query.get("after", "0"))
        some = found[start : start + self.page_size]
        answer: Node = {"data": [self.nodes[name] for name in some], "paging": {}}
        if start + self.page_size < len(found):
            after = str(start + self.page_size)
            further = {**query, "after": after, "access_token": TOKEN}
            # a lie about the host: nobody may follow it with a token
            answer["paging"] = {
                "cursors": {"after": after},
                "next": f"https://evil.example/{'/'.join(path)}?{urlencode(further)}",
            }
        return self._json(answer)

    def _within(self, node: Node, query: Node) -> bool:
        at = datetime.fromisoformat(node["created_time"]).timestamp()
        since, until = float(query.get("since", 0)), float(query.get("until", 1e12))
        return since <= at <= until

    def _json(self, value: Any) -> web.Response:
        return web.json_response(value, headers=self.headers)

    def _error(
        self, code: int, status: int, message: str = "", error_subcode: int = 0, extra: dict[str, str] | None = None
    ) -> web.Response:
        said = {"message": message or f"(#{code}) refused", "type": "OAuthException", "code": code}
        error = said | {"error_subcode": error_subcode, "fbtrace_id": "A"}
        return web.json_response({"error": error}, status=status, headers=self.headers | (extra or {}))


def signed_request(secret: bytes, payload: bytes) -> str:
    """Return `payload` as Meta signs it."""
    body = base64.urlsafe_b64encode(payload).rstrip(b"=")
    return base64.urlsafe_b64encode(hmac.new(secret, body, sha256).digest()).rstrip(b"=").decode() + "." + body.decode()
