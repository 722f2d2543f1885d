"""Somebody who pushes posts, and repeats what was not taken."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from time import time
from typing import Any, Self

import aiohttp

from agents.ingest.web.signature import sign

SECRET = "a-secret-of-the-webhook"
BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


class Sender:
    """Pushes to the door, signed, until it is taken."""

    abilities = frozenset({"edit", "delete", "malformed"})
    secrets: Mapping[str, str] = {"EARSHOT_WEBHOOK_SECRETS": SECRET}
    door = ""
    entry = "{id: push, kind: webhook, wait: 1s}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()

    async def publish(self, number: int, text: str = "") -> str:
        await self._send_until_taken(post(number, text or f"post {number}"))
        return f"xing:{number}"

    async def edit(self, number: int) -> None:
        await self._send_until_taken({"type": "edit", **post(number, f"post {number}, edited")})

    async def delete(self, number: int) -> None:
        await self._send_until_taken({"type": "deletion", "platform": "xing", "id": str(number)})

    async def limit(self, seconds: float) -> None:
        raise NotImplementedError

    async def serve_garbage(self, body: bytes) -> None:
        assert await self._send(body) in (400, 413), "it is said to be wrong"

    async def redirect(self, url: str) -> None:
        raise NotImplementedError

    async def forget(self) -> None:
        raise NotImplementedError

    async def expire(self) -> None:
        raise NotImplementedError

    async def _send_until_taken(self, value: Any) -> None:
        while await self._send(json.dumps(value).encode()) != 202:  # noqa: ASYNC110 - the door tells nobody
            await asyncio.sleep(0.1)

    async def _send(self, body: bytes) -> int:
        now = int(time())
        headers = {"X-Earshot-Timestamp": str(now), "X-Earshot-Signature": sign(SECRET.encode(), now, body)}
        try:
            async with self._session.post(f"{self.door}/v1/events", data=BytesIO(body), headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def post(number: int, text: str) -> dict[str, Any]:
    at = (BEGAN + timedelta(minutes=number)).isoformat()
    return {"platform": "xing", "id": str(number), "time": at, "text": text, "author": {"id": "7", "name": "Eva"}}


def counterpart() -> Sender:
    return Sender()
