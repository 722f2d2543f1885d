"""A mailbox on a real IMAP server, into which a service sends its mails."""

import asyncio
from collections.abc import Callable
from typing import Self
from uuid import uuid4

from tests.counterparts._unable import Unable
from tests.servers import mail as servers

FOLDER = "Alerts"


class Postbox(Unable):
    """A folder of a user of its own. `write` makes a mail of a number and a text, and tells the key of its post."""

    abilities = frozenset({"gap", "malformed", "backfill", "check"})
    secrets = {"EARSHOT_TEST_MAIL_PASSWORD": "s3cret-of-a-mailbox"}

    def __init__(self, kind: str, write: Callable[[int, str], tuple[bytes, str]], more: str = "") -> None:
        self._kind, self._write, self._more = kind, write, more
        self._user = f"u{uuid4().hex[:12]}"
        self._garbage = 0

    async def __aenter__(self) -> Self:
        servers.require()
        self._server = await asyncio.to_thread(servers.shared)
        await asyncio.to_thread(self._server.make, self._user, FOLDER)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        return

    @property
    def entry(self) -> str:
        where = f"host: 127.0.0.1, port: {self._server.port}, security: none, folder: {FOLDER}, every: 1s"
        who = f"username: {self._user}, password: 'env:EARSHOT_TEST_MAIL_PASSWORD', server: mx.example.org"
        return f"{{id: mails, kind: {self._kind}, {where}, {who}, first: 3650d{self._more}}}"

    async def publish(self, number: int, text: str = "") -> str:
        raw, key = self._write(number, text or f"post {number}")
        await self._put(raw)
        return key

    async def serve_garbage(self, body: bytes) -> None:
        """Deliver two mails of which the body says nothing: one that a rule is about, and one that is nothing."""
        self._garbage += 1
        head, _, _ = self._write(900 + self._garbage, "x")[0].partition(b"\n\n")
        # no mail server takes a nought
        shorter = body.replace(b"\0", b"")[:3_000_000]
        await self._put(head + b"\n\n" + shorter)
        await self._put(shorter or b"\n")

    async def forget(self) -> None:
        await asyncio.to_thread(self._server.make, self._user, FOLDER)

    async def _put(self, raw: bytes) -> None:
        await asyncio.to_thread(self._server.put, self._user, raw, FOLDER)
