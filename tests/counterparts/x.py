"""X on loopback: rules, the filtered stream, recent search, mentions and compliance jobs as the API answers them.

Its shapes are checked against X's published OpenAPI description where that is at hand, and by X's own client.
"""

import asyncio
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from aiohttp import web

from agents.ingest.platforms.x import id_at, time_of
from tests.counterparts._x_match import BadRule, matches, parse

PROBLEMS = "https://api.x.com/2/problems"
ACCOUNT = "1111111111111111111"
TOKEN, USER_TOKEN = "app-token", "user-token"


def problem(name: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": f"{PROBLEMS}/{name}", "title": title, "detail": detail, **more}


class X:
    """The service. Its fields are knobs for tests: what it holds, and what it does to the next that asks."""

    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "redirect", "backfill", "check"})

    def __init__(self) -> None:
        self.rules: dict[str, dict[str, str]] = {}
        self.posts: dict[str, dict[str, Any]] = {}
        self.users = {"2222222222222222222": user("2222222222222222222", "someone", followers_count=97)}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.streams: set[web.StreamResponse] = set()
        self.heartbeat = 0.5
        self.most_rules = 1000
        self.refuse: dict[str, int] = {}
        """Paths that are answered with a status instead."""
        self.allowed = {TOKEN, USER_TOKEN}
        self.refresh = "refresh-0"
        self.grants: list[tuple[Any, Any]] = []
        self.bodies: list[tuple[str, Any]] = []
        self.answers: list[tuple[str, str, int, bytes]] = []
        self.lines: list[bytes] = []
        """What was asked and answered, for whoever compares it with X's own description."""
        self._ids = itertools.count(1)
        self._numbers: dict[int, str] = {}
        self._limited: datetime | None = None
        self._garbage: list[bytes] = []
        self._elsewhere = ""
        self.oldest: datetime | None = None
        """Nothing older can be searched for; by itself what is older than seven days."""
        self.door = ""
        self._runner: web.AppRunner | None = None
        self.port = 0

    # ---- the server

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24, middlewares=[self._gate])
        add = app.router.add_route
        add("GET", "/2/tweets/search/stream/rules", self._get_rules)
        add("POST", "/2/tweets/search/stream/rules", self._post_rules)
        add("GET", "/2/tweets/search/stream", self._stream)
        add("GET", "/2/tweets/search/recent", self._recent)
        add("GET", "/2/users/me", self._me)
        add("POST", "/oauth2/token", self._grant)
        add("GET", "/2/users/{id}/mentions", self._mentions)
        add("POST", "/2/compliance/jobs", self._create_job)
        add("GET", "/2/compliance/jobs", self._list_jobs)
        add("GET", "/2/compliance/jobs/{id}", self._get_job)
        add("PUT", "/upload/{id}", self._upload)
        add("GET", "/download/{id}", self._download)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._runner is not None
        await self.disconnect()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def entry(self) -> str:
        settings = (
            f"account: '{ACCOUNT}', user_token: 'env:X_USER_TOKEN', settle: 0.05, every: 1, overlap: 0.2, compliance: 1"
        )
        return f"{{id: x, kind: x, base: '{self.url}', token: 'env:X_BEARER_TOKEN', {settings}}}"

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"X_BEARER_TOKEN": TOKEN, "X_USER_TOKEN": USER_TOKEN}

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuse what X would refuse before it looks closer, and add the headers that tell how much is left."""
        self.requests.append((request.method, request.path, dict(request.query)))
        now = datetime.now(UTC)
        if self._elsewhere and request.path.endswith("stream"):
            target, self._elsewhere = self._elsewhere, ""
            return web.Response(status=302, headers={"Location": target})
        if self._limited is not None and now < self._limited:
            reset = str(int(self._limited.timestamp()) + 1)
            headers = {"x-rate-limit-limit": "50", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
            body = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}
            return web.json_response(body, status=429, headers=headers)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path.startswith("/2/") and token not in self.allowed:
            body = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
            return web.json_response(body, status=401)
        if (status := self.refuse.get(request.path)) is not None:
            return web.json_response(problem("client-forbidden", "Forbidden", "not for you"), status=status)
        if self._garbage and not request.path.endswith(("stream", "rules")):
            return web.Response(body=self._garbage.pop(0), content_type="application/json")
        answer: web.StreamResponse = await handler(request)
        if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            self.answers.append((request.method, request.path, answer.status, answer.body))
        if not answer.prepared:
            answer.headers.update({"x-rate-limit-limit": "450", "x-rate-limit-remaining": "449"})
            answer.headers["x-rate-limit-reset"] = str(int(now.timestamp()) + 900)
        return answer

    # ---- rules

    async def _get_rules(self, _request: web.Request) -> web.Response:
        rules = [{"id": name, **rule} for name, rule in self.rules.items()]
        meta = {"sent": _iso(datetime.now(UTC)), "result_count": len(rules)}
        return web.json_response({"data": rules, "meta": meta} if rules else {"meta": meta})

    async def _post_rules(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append((request.path, body))
        if set(body) == {"delete"}:
            gone = [name for name in body["delete"]["ids"] if self.rules.pop(name, None) is not None]
            lost = len(body["delete"]["ids"]) - len(gone)
            return self._summary({"deleted": len(gone), "not_deleted": lost})
        if set(body) != {"add"}:
            return web.json_response(problem("invalid-request", "Invalid Request", "add or delete"), status=400)
        made, errors = [], []
        for asked in body["add"]:
            value, tag = asked["value"], asked.get("tag", "")
            same = next((name for name, rule in self.rules.items() if rule["value"] == value), None)
            try:
                parse(value)
            except BadRule as error:
                errors.append({"value": value, "details": [str(error)], "title": "UnprocessableEntity"})
                errors[-1]["type"] = f"{PROBLEMS}/invalid-rules"
                continue
            if same is not None:
                errors.append({"value": value, "id": same, "title": "DuplicateRule"})
                errors[-1]["type"] = f"{PROBLEMS}/duplicate-rules"
            elif len(self.rules) >= self.most_rules:
                return web.json_response(problem("rule-cap", "RulesCapExceeded", "too many rules"), status=422)
            else:
                name = str(1_166_916_266_197_536_000 + next(self._ids))
                self.rules[name] = {"value": value, "tag": tag}
                made.append({"id": name, "value": value, "tag": tag})
        counts = {"created": len(made), "not_created": len(errors), "valid": len(made), "invalid": len(errors)}
        return self._summary(counts, data=made, errors=errors, status=200 if made or not errors else 400)

    def _summary(self, summary: dict[str, int], *, status: int = 200, **lists: Any) -> web.Response:
        meta = {"sent": _iso(datetime.now(UTC)), "summary": summary}
        return web.json_response({**{name: some for name, some in lists.items() if some}, "meta": meta}, status=status)

    # ---- the stream

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if not self.rules:
            body = problem("streaming-connection", "ConnectionException", "You must define rules first.")
            return web.json_response({**body, "connection_issue": "RuleConfigurationIssue"}, status=409)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        if self.streams:
            detail = "This stream is currently at the maximum allowed connection limit."
            body = problem("streaming-connection", "ConnectionException", detail)
            await answer.write(json.dumps({**body, "connection_issue": "TooManyConnections"}).encode() + b"\r\n")
            return answer
        self.streams.add(answer)
        try:
            while answer in self.streams:
                await answer.write(b"\r\n")
                await asyncio.sleep(self.heartbeat)
        except ConnectionResetError:
            pass
        finally:
            self.streams.discard(answer)
        return answer

    async def disconnect(self, said: bytes = b"") -> None:
        """End every stream, after a last word."""
        if said:
            await self.line(said)
        self.streams.clear()

    async def line(self, line: bytes) -> None:
        """Write a line to every stream; one whose reader is gone is none any more."""
        self.lines.append(line)
        for stream in tuple(self.streams):
            try:
                await stream.write(line + b"\r\n")
            except ConnectionResetError:
                self.streams.discard(stream)

    async def until_streaming(self) -> None:
        async with asyncio.timeout(60):
            while not self.streams:  # noqa: ASYNC110 - the server decides
                await asyncio.sleep(0.02)

    async def _deliver(self, post: dict[str, Any]) -> None:
        author = self.users.get(post.get("author_id", ""))
        hit = [{"id": n, "tag": r["tag"]} for n, r in self.rules.items() if matches(parse(r["value"]), post, author)]
        if hit:
            await self.line(json.dumps({**self._page([post]), "data": post, "matching_rules": hit}).encode())

    # ---- what is asked for

    def _page(self, posts: list[dict[str, Any]]) -> dict[str, Any]:
        users = [self.users[name] for name in dict.fromkeys(post["author_id"] for post in posts) if name in self.users]
        return {"data": posts, "includes": {"users": users}} if posts else {}

    async def _recent(self, request: web.Request) -> web.Response:
        query = request.query["query"]
        try:
            rule = parse(query, 512)
        except BadRule as error:
            body = problem("invalid-request", "Invalid Request", str(error))
            return web.json_response({"errors": [{"message": str(error)}], **body}, status=400)
        oldest = self.oldest or datetime.now(UTC) - timedelta(days=7)
        for name in ("since_id", "start_time"):
            since = request.query.get(name)
            if since and (time_of(since, oldest) if name == "since_id" else datetime.fromisoformat(since)) < oldest:
                return web.json_response(
                    problem("invalid-request", "Invalid Request", f"{name} is too old"), status=400
                )
        found = [post for post in self.posts.values() if matches(rule, post, self.users.get(post["author_id"]))]
        found = [post for post in found if not any(one["type"] == "retweeted" for one in _references(post))]
        return self._answer_page(request, found)

    async def _mentions(self, request: web.Request) -> web.Response:
        found = [post for post in self.posts.values() if "@exampleuser" in post["text"].lower()]
        return self._answer_page(request, found)

    def _answer_page(self, request: web.Request, found: list[dict[str, Any]]) -> web.Response:
        asked = request.query
        since, until = int(asked.get("since_id", 0)), int(asked.get("until_id", 1 << 63))
        if start := asked.get("start_time"):
            since = max(since, id_at(datetime.fromisoformat(start)) - 1)
        if end := asked.get("end_time"):
            until = min(until, id_at(datetime.fromisoformat(end)))
        found = sorted((p for p in found if since < int(p["id"]) < until), key=lambda p: int(p["id"]), reverse=True)
        token = asked.get("next_token") or asked.get("pagination_token") or "page0"
        at, size = int(token.removeprefix("page")), int(asked.get("max_results", 10))
        page = [newer(post) for post in found[at : at + size]]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if at + size < len(found):
            meta["next_token"] = f"page{at + size}"
        return web.json_response({**self._page(page), "meta": meta})

    async def _me(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": {"id": ACCOUNT, "name": "Example", "username": "ExampleUser"}})

    async def _grant(self, request: web.Request) -> web.Response:
        """Give another token for a refresh token, once, to the client it belongs to."""
        asked = dict(await request.post())
        given = asked.get("refresh_token"), asked.get("client_id") or request.headers.get("Authorization", "")
        self.grants.append(given)
        if asked.get("grant_type") != "refresh_token" or given[0] != self.refresh:
            body = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return web.json_response(body, status=400)
        count = len(self.grants)
        self.refresh, token = f"refresh-{count}", f"user-token-{count}"
        self.allowed.add(token)
        told = {"token_type": "bearer", "expires_in": 7200, "access_token": token, "refresh_token": self.refresh}
        return web.json_response(told | {"scope": "users.read tweet.read offline.access"})

    # ---- compliance

    async def _create_job(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = str(1_300_000_000_000_000_000 + next(self._ids))
        later = _iso(datetime.now(UTC) + timedelta(hours=1))
        job = {"id": name, "type": asked["type"], "status": "created", "created_at": _iso(datetime.now(UTC))}
        job |= {"upload_url": f"{self.url}/upload/{name}", "download_url": f"{self.url}/download/{name}"}
        job |= {"upload_expires_at": later, "download_expires_at": later, "resumable": False}
        self.jobs[name] = job | {"asked": []}
        return web.json_response({"data": job})

    async def _list_jobs(self, _request: web.Request) -> web.Response:
        return web.json_response({"data": [_public(job) for job in self.jobs.values()]})

    async def _get_job(self, request: web.Request) -> web.Response:
        return web.json_response({"data": _public(self.jobs[request.match_info["id"]])})

    async def _upload(self, request: web.Request) -> web.Response:
        job = self.jobs[request.match_info["id"]]
        self.bodies.append(("upload", dict(request.headers)))
        job["asked"] = (await request.text()).split()
        job["status"] = "complete"
        return web.Response()

    async def _download(self, request: web.Request) -> web.Response:
        gone = [name for name in self.jobs[request.match_info["id"]]["asked"] if name in self.deleted]
        lines = [
            {"id": name, "action": "delete", "created_at": _iso(time_of(name, datetime.now(UTC)))} for name in gone
        ]
        return web.Response(text="\n".join(json.dumps({**line, "reason": "deleted"}) for line in lines))

    # ---- what tests do

    def new_id(self, at: datetime | None = None) -> str:
        return str(id_at(at or datetime.now(UTC)) + next(self._ids))

    async def publish(self, number: int, text: str = "") -> str:
        name = self.new_id()
        post = made_post(name, text or f"Die Bahn steht {number}")
        self._numbers[number] = name
        self.posts[name] = post
        await self._deliver(post)
        return f"x:{name}"

    async def edit(self, number: int) -> None:
        first, name = self._numbers[number], self.new_id()
        old = self.posts.pop(first)
        post = made_post(name, f"{old['text']} (edited)", edit_history_tweet_ids=[first, name])
        self.posts[name] = post
        await self._deliver(post)

    async def delete(self, number: int) -> None:
        self.deleted.add(self._numbers[number])
        self.posts.pop(self._numbers[number], None)

    async def limit(self, seconds: float) -> None:
        self._limited = datetime.now(UTC) + timedelta(seconds=seconds)
        await self.disconnect()

    async def serve_garbage(self, body: bytes) -> None:
        if self.streams:
            await self.line(body)
        else:
            self._garbage.append(body)

    async def redirect(self, url: str) -> None:
        self._elsewhere = url
        await self.disconnect()

    async def forget(self) -> None:
        """Let more than seven days have passed."""
        self.posts.clear()
        # our clock and the machine's may be some milliseconds apart: what was read is older, what begins now is newer
        self.oldest = datetime.now(UTC) + timedelta(milliseconds=50)
        while datetime.now(UTC) < self.oldest + timedelta(milliseconds=50):  # noqa: ASYNC110 - nothing tells that time passes
            await asyncio.sleep(0.01)

    async def expire(self) -> None:
        raise NotImplementedError


def user(native_id: str, username: str, **counts: int) -> dict[str, Any]:
    every = {f"{name}_count": 0 for name in ("followers", "following", "tweet", "post", "listed", "like", "media")}
    named = {"id": native_id, "username": username, "name": username, "verified": False}
    named |= {"created_at": "2009-05-01T08:00:00.000Z"}
    return {**named, "public_metrics": every | counts}


def made_post(native_id: str, text: str, **more: Any) -> dict[str, Any]:
    """A post as the stream has it."""
    # X's documentation shows retweet_count here, its description demands repost_count
    names = ("retweet", "repost", "reply", "like", "quote", "bookmark", "impression")
    counts = {f"{name}_count": 0 for name in names}
    post = {"id": native_id, "text": text, "author_id": "2222222222222222222", "lang": "de", "public_metrics": counts}
    post |= {"created_at": _iso(time_of(native_id, datetime.now(UTC))), "conversation_id": native_id}
    return {**post, "edit_history_tweet_ids": [native_id], **more}


def newer(post: dict[str, Any]) -> dict[str, Any]:
    """A post as searches have it: the same under the newer names."""
    names = {"edit_history_tweet_ids": "edit_history_post_ids", "referenced_tweets": "referenced_posts"}
    names["note_tweet"] = "note_post"
    counts = {name: count for name, count in post["public_metrics"].items() if name != "retweet_count"}
    return {names.get(name, name): value for name, value in post.items()} | {"public_metrics": counts}


def _references(post: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = post.get("referenced_tweets", [])
    return found


def _public(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name != "asked"}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def counterpart() -> X:
    return X()
