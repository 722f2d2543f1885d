"""A service with pages, a key and posts that change and go."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.counterparts._json import JsonSite

KEY = "k3y-of-a-service"
PAGE = 10


class Service(JsonSite):
    """Reviews, the newest first, ten a page."""

    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "redirect", "check"})
    secrets = {"EARSHOT_TEST_POLLER_KEY": KEY}

    def __init__(self) -> None:
        super().__init__()
        self._reviews: dict[int, dict[str, Any]] = {}
        self._began = datetime.now(UTC) - timedelta(hours=2)

    @property
    def entry(self) -> str:
        return (
            f"{{id: reviews, kind: poller, url: '{self.url}/reviews', every: 1s, pause: 0.01, "
            "headers: {X-Key: '{secret.key}'}, secrets: {key: 'env:EARSHOT_TEST_POLLER_KEY'}, platform: reviews, "
            "params: {page: '{page}'}, "
            "items: data.reviews, pages: {start: 1, most: 20}, html: true, edits: true, deleted: removed, "
            "fields: {id: id, time: at, text: body.html, author.name: user.name, metrics.stars: stars}}"
        )

    async def publish(self, number: int, text: str = "") -> str:
        at = self._began + timedelta(seconds=number)
        body = {"html": f"<p>{text or f'post {number}'}</p>"}
        self._reviews[number] = {"id": number, "at": at.isoformat(), "body": body, "user": {"name": "Eva"}, "stars": 4}
        return f"reviews:{number}"

    async def edit(self, number: int) -> None:
        self._reviews[number]["body"] = {"html": "<p>edited</p>"}

    async def delete(self, number: int) -> None:
        self._reviews[number] = {"id": number, "removed": True}

    async def forget(self) -> None:
        self._reviews = {}
        for number in range(500, 520):
            await self.publish(number)

    def answer(self, request: web.Request) -> Any:
        if request.headers.get("X-Key") != KEY:
            return web.Response(status=401)
        page = int(request.query["page"])
        newest = sorted(self._reviews.values(), key=lambda one: -one["id"])
        return {"data": {"reviews": newest[(page - 1) * PAGE : page * PAGE]}}


def counterpart() -> Service:
    return Service()
