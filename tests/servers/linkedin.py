"""LinkedIn's REST interface on loopback, as far as a page's administrator sees it; and what it pushes."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from time import time
from typing import Any, Self
from urllib.parse import parse_qs, unquote

import aiohttp
from aiohttp import web

from agents.ingest.platforms.linkedin import ACTIONS, sign

ORGANIZATION = "9607"
URN = f"urn:li:organization:{ORGANIZATION}"
CLIENT, SECRET, REFRESH = "86abc", "li-client-secret", "li-refresh-token"
VERSIONS = ("202607", "202609")
Node = dict[str, Any]


@dataclass
class LinkedInServer:
    """The server. Every token it gave out is good until `expire`."""

    notifications: list[Node] = field(default_factory=list)
    posts: dict[str, Node] = field(default_factory=dict)
    role: str = "ADMINISTRATOR"
    subscribed: str = ""
    forbidden: bool = False
    granted: bool = True
    garbage: bytes | None = None
    elsewhere: str = ""
    limited_until: float = 0.0
    refresh_left: int = 31_536_000
    asked: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    hook: str = ""
    token: int = 1

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    def notify(self, action: str, number: int, text: str = "", at: float | None = None, **more: Any) -> Node:
        """Let a notification happen: a comment of somebody unless `more` says otherwise."""
        urn = f"urn:li:comment:(activity:70,{number})"
        comment = {"owner": "urn:li:person:Qx7_a", "text": text, "entity": urn.replace("(", "(urn:li:")}
        found = {
            "notificationId": 1000 + len(self.notifications),
            "action": action,
            "organizationalEntity": URN,
            "sourcePost": "urn:li:activity:70",
            "generatedActivity": urn,
            "decoratedGeneratedActivity": {"comment": comment},
            "lastModifiedAt": int((time() if at is None else at) * 1000),
            "subscriber": "urn:li:person:Adm_1",
        }
        self.notifications.append(found | more)
        return self.notifications[-1]

    async def push(self, payload: Any, *, secret: str = SECRET, prefix: str = "", body: bytes | None = None) -> int:
        """Send a notification to `hook` and return the status."""
        data = json.dumps(payload).encode() if body is None else body
        headers = {"X-LI-Signature": prefix + sign(secret.encode(), data)}
        async with self._session.post(self.hook, data=BytesIO(data), headers=headers) as answer:
            return answer.status

    async def challenge(self, code: str) -> tuple[int, Any]:
        """Check the address, as LinkedIn does every two hours."""
        async with self._session.get(self.hook, params={"challengeCode": code}) as answer:
            return answer.status, await answer.json()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        answer = await self._answer(request)
        self.statuses[answer.status] += 1
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path
        self.asked.append(f"{request.method} {request.rel_url.raw_path_qs}")
        if path == "/oauth/v2/accessToken":
            return await self._give_token(request)
        if path.startswith("/hooks/"):
            # as a proxy before the door would answer
            return web.json_response({"challengeCode": request.query["challengeCode"], "challengeResponse": "x"})
        if self.elsewhere:
            elsewhere, self.elsewhere = self.elsewhere, ""
            return web.Response(status=302, headers={"Location": elsewhere})
        if self.garbage is not None:
            garbage, self.garbage = self.garbage, None
            return web.Response(body=garbage, content_type="application/json")
        return self._refused(request) or await self._resource(request, path)

    async def _resource(self, request: web.Request, path: str) -> web.Response:
        if path == "/rest/organizationalEntityNotifications":
            return self._list(request)
        if path == "/rest/organizationAcls":
            element = {"role": self.role, "organization": URN, "state": "APPROVED"}
            return web.json_response({"elements": [element], "paging": {}})
        if path.startswith("/rest/posts/urn%3A"):
            post = self.posts.get(unquote(path.removeprefix("/rest/posts/")))
            return web.json_response(post) if post else self._error(404, "RESOURCE_NOT_FOUND")
        if path.startswith("/rest/eventSubscriptions/(") and request.method == "PUT":
            self.subscribed = (await request.json())["webhook"]
            return web.Response(status=204)
        if path.startswith("/rest/eventSubscriptions/(") and self.subscribed:
            return web.json_response({"webhook": self.subscribed})
        return self._error(404, "RESOURCE_NOT_FOUND")

    async def _give_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        good = {"grant_type": "refresh_token", "client_id": CLIENT, "client_secret": SECRET, "refresh_token": REFRESH}
        if not self.granted or dict(form) != good:
            return web.json_response({"error": "invalid_request"}, status=400)
        answer = {"access_token": f"AQX-{self.token}", "expires_in": 5_184_000, "refresh_token": REFRESH}
        return web.json_response(answer | {"refresh_token_expires_in": self.refresh_left})

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Linkedin-Version") not in VERSIONS:
            return self._error(426, "NONEXISTENT_VERSION")
        if request.headers.get("X-Restli-Protocol-Version") != "2.0.0":
            return self._error(400, "ILLEGAL_ARGUMENT")
        if request.headers.get("Authorization") != f"Bearer AQX-{self.token}":
            return self._error(401, "REVOKED_ACCESS_TOKEN")
        left = self.limited_until - asyncio.get_running_loop().time()
        if left > 0:
            answer = self._error(429, "TOO_MANY_REQUESTS")
            answer.headers["Retry-After"] = str(int(left) + 1)
            return answer
        return self._error(403, "ACCESS_DENIED") if self.forbidden else None

    def _list(self, request: web.Request) -> web.Response:
        # the raw query: what LinkedIn wants encoded must come encoded, and its parentheses bare
        raw = dict(part.partition("=")[::2] for part in request.rel_url.raw_query_string.split("&"))
        query = {name: value[0] for name, value in parse_qs(request.rel_url.raw_query_string).items()}
        span = raw["timeRange"].removeprefix("(start:").removesuffix(")").split(",end:")
        if raw["organizationalEntity"] != URN.replace(":", "%3A") or raw["actions"] != f"List({','.join(ACTIONS)})":
            return self._error(400, "ILLEGAL_ARGUMENT")
        start, end = (int(one) for one in span)
        found = [one for one in self.notifications if start <= one["lastModifiedAt"] <= end]
        found = [one for one in found if one["action"] in (*ACTIONS, "COMMENT_MENTION")]
        first, many = int(query.get("start", "0")), int(query.get("count", "10"))
        paging = {"start": first, "count": many, "links": []}
        return web.json_response({"elements": found[first : first + many], "paging": paging})

    def _error(self, status: int, code: str) -> web.Response:
        return web.json_response({"status": status, "code": code, "message": "no"}, status=status)


def post(urn: str, text: str, at: datetime, author: str = "urn:li:person:Zz9") -> Node:
    """Return a post as `/rest/posts` gives it."""
    millis = int(at.timestamp() * 1000)
    return {"id": urn, "commentary": text, "author": author, "publishedAt": millis, "lifecycleState": "PUBLISHED"}
