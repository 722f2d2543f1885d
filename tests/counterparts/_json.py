"""A service that answers JSON over HTTP, and can refuse, redirect and answer anything."""

import asyncio
from typing import Any, Self

from aiohttp import web

from tests.counterparts._unable import Unable


class JsonSite(Unable):
    """A server; `answer` says what it answers when it is in order."""

    def __init__(self) -> None:
        self._again_at = 0.0
        self._once: list[web.Response] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
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

    def answer(self, request: web.Request) -> Any:
        raise NotImplementedError

    async def limit(self, seconds: float) -> None:
        self._again_at = asyncio.get_running_loop().time() + seconds

    async def serve_garbage(self, body: bytes) -> None:
        self._once.append(web.Response(body=body, content_type="application/json"))

    async def redirect(self, url: str) -> None:
        self._once.append(web.Response(status=302, headers={"Location": url}))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if (wait := self._again_at - asyncio.get_running_loop().time()) > 0:
            return web.Response(status=429, headers={"Retry-After": str(int(wait) + 1)})
        if self._once:
            return self._once.pop(0)
        answer = self.answer(request)
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)
