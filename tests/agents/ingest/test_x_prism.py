"""Prism stands between our client of X and what stands in for X, with X's own description, and lets nothing else pass.

Whether a request or an answer fits is thus judged by somebody else's code. The stream is led past it: Prism waits for
the end of an answer, and a stream has none; so are the lists of compliance jobs, which X's description leaves out.
"""

import gzip
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agents.ingest.x.api import STREAM
from tests.agents.ingest.test_x_oracles import DESCRIPTIONS, ask_everything, described
from tests.contracts.stand import Stand, stand_of
from tests.counterparts import x
from tests.counterparts.x import TOKEN, X
from tests.servers.node import prism

pytestmark = pytest.mark.system


class Described(X):
    """X behind Prism. `complaints` is what Prism said of what was asked and answered, `passed` what it let through."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.complaints: list[str] = []
        self.passed: set[tuple[str, str]] = set()
        self._folder = folder
        self._front = ""

    async def __aenter__(self) -> "Described":
        await super().__aenter__()
        description = self._folder / "x.json"
        description.write_bytes(gzip.decompress(DESCRIPTIONS[-1].read_bytes()))
        self._prism = prism(description, self.url, self._folder)
        self._judge = self._prism.__enter__()
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=1 << 24)
        for method, path, past in (
            ("GET", STREAM, self._stream),
            ("PUT", "/upload/{id}", self._upload),
            ("GET", "/download/{id}", self._download),
        ):
            app.router.add_route(method, path, partial(self._past_the_judge, past))
        app.router.add_route("*", "/{path:.*}", self._before_the_judge)
        self._door = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._door.setup()
        await web.TCPSite(self._door, "127.0.0.1", 0).start()
        self._front = f"http://127.0.0.1:{self._door.addresses[0][1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.disconnect()
        await self._door.cleanup()
        await self._session.close()
        self._prism.__exit__(None, None, None)
        await super().__aexit__(*exception)

    @property
    def url(self) -> str:
        return self._front or super().url

    async def _past_the_judge(self, handler: Any, request: web.Request) -> web.StreamResponse:
        return await self._gate(request, handler)

    async def _before_the_judge(self, request: web.Request) -> web.Response:
        told = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        asking = self._session.request(
            request.method, f"{self._judge}{request.path_qs}", headers=told, data=await request.read()
        )
        async with asking as answer:
            body = await answer.read()
            if b"stoplight.io/prism/errors" in body:
                found = json.loads(body)
                where = [f"{one['location']}: {one['message']}" for one in found.get("validation", [])]
                self.complaints.append(f"{request.method} {request.path}: {found['title']} {where}")
            else:
                self.passed.add((request.method, request.path))
            return web.Response(status=answer.status, body=body, content_type=answer.content_type)


@pytest.fixture
async def stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Stand]:
    monkeypatch.setattr(x, "counterpart", lambda: Described(tmp_path))
    async with stand_of("x", monkeypatch, tmp_path) as stand:
        yield stand


@described
async def test_prism_finds_nothing_wrong_with_what_is_asked_and_answered(stand: Stand) -> None:
    service = stand.counterpart
    assert isinstance(service, Described)
    await ask_everything(stand, service)
    assert service.complaints == []
    assert len({path for _, path in service.passed}) >= 5, service.passed
    wrong = {"max_results": "5000", "query": "bahn"}
    async with service._session.get(
        f"{service._front}/2/tweets/search/recent", params=wrong, headers={"Authorization": f"Bearer {TOKEN}"}
    ):
        assert "max_results" in service.complaints[-1], "it would have said so"
