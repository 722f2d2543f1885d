"""LinkedIn, asked every second."""

import asyncio
from datetime import timedelta
from typing import Self

from agents.ingest.sources import linkedin as source
from tests.servers.linkedin import CLIENT, ORGANIZATION, REFRESH, SECRET, LinkedInServer


class LinkedIn:
    """A page whose comments are notified, edited and deleted."""

    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "redirect", "renew", "backfill", "check"})
    secrets = {"LI_SECRET": SECRET, "LI_REFRESH": REFRESH}
    door = ""

    def __init__(self) -> None:
        self._server = LinkedInServer()
        self._pullable = source.PULLABLE

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self._server.subscribed = f"{self._server.url}/hooks/li"
        return self

    async def __aexit__(self, *exception: object) -> None:
        source.PULLABLE = self._pullable
        await self._server.__aexit__(*exception)

    @property
    def entry(self) -> str:
        url = self._server.url
        fields = f'organization: "{ORGANIZATION}", client_id: {CLIENT}, client_secret: env:LI_SECRET, every: 1s'
        tokens = f'refresh_token: env:LI_REFRESH, api: "{url}", tokens: "{url}/oauth/v2/accessToken", calls: 100000'
        named = f'public: "{url}", application: "77", member: "urn:li:person:Adm_1"'
        return f"{{id: li, kind: linkedin, {fields}, {tokens}, {named}}}"

    async def publish(self, number: int, text: str = "") -> str:
        self._server.notify("COMMENT", number, text or f"post {number}")
        return f"linkedin:urn:li:comment:(activity:70,{number})"

    async def edit(self, number: int) -> None:
        self._server.notify("COMMENT_EDIT", number, f"post {number}, edited")

    async def delete(self, number: int) -> None:
        self._server.notify("COMMENT_DELETE", number)

    async def limit(self, seconds: float) -> None:
        self._server.limited_until = asyncio.get_running_loop().time() + seconds

    async def serve_garbage(self, body: bytes) -> None:
        self._server.garbage = body

    async def redirect(self, url: str) -> None:
        self._server.elsewhere = url

    async def forget(self) -> None:
        # instead of two months that nobody can wait for, LinkedIn remembers nothing
        source.PULLABLE = timedelta(0)

    async def expire(self) -> None:
        self._server.token += 1


def counterpart() -> LinkedIn:
    return LinkedIn()
