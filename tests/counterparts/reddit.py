"""A Reddit on loopback: tokens of an hour, listings and their depth, `api/info`, and the headers of its rate limit.

Driven by `asyncpraw` in tests/agents/ingest/test_reddit_oracle.py. Nothing here votes, moderates or searches well: the
search finds what contains the words.
"""

import base64
import time
from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web

ID, SECRET = "an-application", "its-secret"
AGENT = "linux:earshot:v0.1 (by /u/example)"
SUB = "acme"
FIRST = 1_000_000_000
Message = dict[str, Any]
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


class Reddit:
    """The site and its API in one. Posts are submissions; a comment is made with `comment`."""

    door = ""
    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "redirect", "renew", "backfill", "check"})
    secrets: Mapping[str, str] = {"REDDIT_ID": ID, "REDDIT_SECRET": SECRET}

    def __init__(self) -> None:
        self.began = time.time() // 1 - 3600
        self.things: dict[str, Message] = {}
        self.names: dict[int, str] = {}
        self._made = 0
        self.asked: list[web.Request] = []
        self.tokens = 0
        self.left = 99.0
        self.reset = 300
        self._again_at = 0.0
        self._garbage: list[bytes] = []
        self._redirect = ""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._gate])
        app.router.add_post("/api/v1/access_token", self._token)
        app.router.add_get(r"/r/{subs}/{kind:new|comments}{end:/?}", self._listing)
        app.router.add_get(r"/search{end:/?}", self._search)
        app.router.add_get(r"/r/{subs}/search{end:/?}", self._search)
        app.router.add_get(r"/api/info{end:/?}", self._info)
        app.router.add_get(r"/r/{subs}/about{end:/?}", self._about)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def entry(self) -> str:
        return (
            "{id: reddit, kind: reddit, client_id: 'env:REDDIT_ID', client_secret: 'env:REDDIT_SECRET', "
            f"user: example, subreddits: [{SUB}], site: '{self.url}', api: '{self.url}', "
            "only: all, every: 1s, recheck: 1s}"
        )

    # what happens on the site

    async def publish(self, number: int, text: str = "") -> str:
        return f"reddit:{self.submit(number, text or f'post {number}')}"

    def submit(self, number: int, text: str, **more: Any) -> str:
        name = self.names[number] = self._next("t3")
        about = {"title": f"about {number}", "selftext": text, "num_comments": 0, "upvote_ratio": 1.0, "is_self": True}
        about |= {"url": f"{self.url}/r/{SUB}/comments/{name[3:]}/", "removed_by_category": None, "over_18": False}
        self.things[name] = {"kind": "t3", "data": self._common(name) | about | more}
        return name

    def comment(self, text: str, parent: str, **more: Any) -> str:
        name = self._next("t1")
        about = {"body": text, "parent_id": parent, "link_id": parent, "replies": ""}
        self.things[name] = {"kind": "t1", "data": self._common(name) | about | more}
        return name

    def _next(self, kind: str) -> str:
        """Return the name of the next thing: whatever number a test gives it, names only grow."""
        self._made += 1
        return f"{kind}_{base36(FIRST + self._made)}"

    def _common(self, name: str) -> Message:
        created = self.began + self._made
        return {
            "name": name,
            "id": name[3:],
            "author": "eva",
            "author_fullname": "t2_1eva",
            "subreddit": SUB,
            "subreddit_id": "t5_acme1",
            "created": created,
            "created_utc": created,
            "score": 1,
            "ups": 1,
            "edited": False,
            "permalink": f"/r/{SUB}/comments/{name[3:]}/about/",
        }

    async def edit(self, number: int) -> None:
        data = self.things[self.names[number]]["data"]
        data |= {"selftext": f"post {number}, edited", "edited": data["created_utc"] + 60}

    async def delete(self, number: int) -> None:
        """Show what Reddit shows of a post that its author has deleted; listings leave it out."""
        data = self.things[self.names[number]]["data"]
        data |= {"author": "[deleted]", "selftext": "[deleted]", "removed_by_category": "deleted"}
        data.pop("author_fullname", None)

    def remove(self, name: str) -> None:
        del self.things[name]

    async def limit(self, seconds: float) -> None:
        self._again_at = time.monotonic() + seconds

    async def serve_garbage(self, body: bytes) -> None:
        self._garbage.append(body)

    async def redirect(self, url: str) -> None:
        self._redirect = url

    async def expire(self) -> None:
        self.tokens += 1

    async def forget(self) -> None:
        for number in range(5000, 6100):
            self.submit(number, "said meanwhile")

    # what is said of it

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request)
        if request.headers.get("User-Agent", "").count(":") < 2:
            # whoever does not say who they are is answered like a crowd
            return web.json_response({"message": "Too Many Requests", "error": 429}, status=429)
        wait = self._again_at - time.monotonic()
        limits = {
            "x-ratelimit-remaining": str(self.left),
            "x-ratelimit-used": "1",
            "x-ratelimit-reset": str(self.reset),
        }
        if wait > 0:
            limits |= {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": str(int(wait) + 1)}
            return web.json_response({"message": "Too Many Requests", "error": 429}, status=429, headers=limits)
        if request.path != "/api/v1/access_token":
            if request.headers.get("Authorization", "").lower() != f"bearer token-{self.tokens}":
                why = {"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'}
                return web.json_response({"message": "Unauthorized", "error": 401}, status=401, headers=why)
            if self._redirect:
                to, self._redirect = self._redirect, ""
                return web.Response(status=302, headers={"Location": to})
            if self._garbage:
                return web.Response(body=self._garbage.pop(0), content_type="application/json")
        answer: web.StreamResponse = await handler(request)
        answer.headers.update(limits)
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() != f"{ID}:{SECRET}":
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        self.tokens += 1
        token = {"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
        return web.json_response(token)

    async def _listing(self, request: web.Request) -> web.Response:
        if "forbidden" in request.match_info["subs"]:
            return web.json_response({"reason": "private", "message": "Forbidden", "error": 403}, status=403)
        kind = "t3" if request.match_info["kind"] == "new" else "t1"
        return self._page(request, [thing for thing in self._shown() if thing["kind"] == kind])

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query["q"].strip('"').lower().split()
        found = [
            thing for thing in self._shown() if thing["kind"] == "t3" and all(w in str(thing).lower() for w in words)
        ]
        return self._page(request, found)

    async def _info(self, request: web.Request) -> web.Response:
        names = request.query["id"].split(",")
        assert len(names) <= 100
        return self._answer([self.things[name] for name in names if name in self.things], None)

    async def _about(self, request: web.Request) -> web.Response:
        return web.json_response({"kind": "t5", "data": {"display_name": request.match_info["subs"], "id": "acme1"}})

    def _shown(self) -> list[Message]:
        return [thing for thing in self.things.values() if thing["data"]["author"] != "[deleted]"]

    def _page(self, request: web.Request, things: list[Message]) -> web.Response:
        """Answer a page, newest first and no deeper than 1,000."""
        limit = min(int(request.query.get("limit", "25")), 100)
        ordered = sorted(things, key=lambda thing: int(thing["data"]["id"], 36), reverse=True)[:1000]
        names = [thing["data"]["name"] for thing in ordered]
        before, after = request.query.get("before"), request.query.get("after")
        if before:
            # next to an item that is deleted there is nothing
            end = names.index(before) if before in names else 0
            return self._answer(ordered[max(0, end - limit) : end], None)
        start = names.index(after) + 1 if after in names else 0
        page = ordered[start : start + limit]
        more = start + limit < len(ordered)
        return self._answer(page, page[-1]["data"]["name"] if page and more else None)

    @staticmethod
    def _answer(things: list[Message], after: str | None) -> web.Response:
        data = {"after": after, "before": None, "dist": len(things), "modhash": None, "children": things}
        return web.json_response({"kind": "Listing", "data": data})


def counterpart() -> Reddit:
    return Reddit()
