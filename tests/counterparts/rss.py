"""A web site with a feed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Self

from aiohttp import web

BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
WINDOW = 20
"""Entries that the feed shows."""


class Site:
    """A feed of the latest entries, with ETag, which can refuse, move, break and lose."""

    abilities = frozenset({"gap", "limit", "malformed", "redirect", "check"})
    secrets: Mapping[str, str] = {}
    door = ""

    def __init__(self) -> None:
        self._entries: dict[int, str] = {}
        self._again_at = 0.0
        self._once: list[web.Response] = []
        self._edition = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/feed", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._runner.cleanup()

    @property
    def entry(self) -> str:
        return f"{{id: news, kind: rss, url: 'http://127.0.0.1:{self.port}/feed', every: 1s}}"

    async def publish(self, number: int, text: str = "") -> str:
        self._entries[number] = text or f"post {number}"
        self._edition += 1
        return f"web:http://site.example/{number}"

    async def edit(self, number: int) -> None:
        raise NotImplementedError

    async def delete(self, number: int) -> None:
        raise NotImplementedError

    async def limit(self, seconds: float) -> None:
        self._again_at = asyncio.get_running_loop().time() + seconds

    async def serve_garbage(self, body: bytes) -> None:
        self._once.append(web.Response(body=body, content_type="application/rss+xml"))

    async def redirect(self, url: str) -> None:
        self._once.append(web.Response(status=301, headers={"Location": url}))

    async def forget(self) -> None:
        self._entries = {number: f"post {number}" for number in range(500, 500 + WINDOW)}
        self._edition += 1

    async def expire(self) -> None:
        raise NotImplementedError

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if (wait := self._again_at - asyncio.get_running_loop().time()) > 0:
            return web.Response(status=429, headers={"Retry-After": str(int(wait) + 1)})
        if self._once:
            return self._once.pop(0)
        tag = f'W/"{self._edition}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        items = "".join(self._item(number, text) for number, text in list(self._entries.items())[-WINDOW:])
        body = f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
        return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": tag})

    @staticmethod
    def _item(number: int, text: str) -> str:
        written = format_datetime(BEGAN + timedelta(minutes=number))
        return (
            f"<item><guid>http://site.example/{number}</guid><link>http://site.example/{number}</link>"
            f"<description>&lt;p&gt;{text}&lt;/p&gt;</description><pubDate>{written}</pubDate></item>"
        )


def counterpart() -> Site:
    return Site()
