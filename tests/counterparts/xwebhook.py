"""X as it pushes: it challenges, signs with the consumer secret, and sends again what was not taken."""

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

import aiohttp

from tests.counterparts.x import X, made_post

SECRET = "the-consumer-secret"


def sign(message: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(SECRET.encode(), message, sha256).digest()).decode()


class Pushing:
    """Pushes posts of the filtered stream, and activities about them."""

    abilities = frozenset({"gap", "edit", "delete", "malformed", "check"})
    door = ""

    def __init__(self) -> None:
        self.service = X()
        self._names: dict[int, str] = {}
        self._valid = False
        self._repeats = 300.0

    async def __aenter__(self) -> Self:
        await self.service.__aenter__()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._session.close()
        await self.service.__aexit__(*exception)

    @property
    def entry(self) -> str:
        secrets = "consumer_secret: 'env:X_CONSUMER_SECRET', token: 'env:X_BEARER_TOKEN'"
        times = f"wait: 1s, repeats: {self._repeats}s"
        return f"{{id: x-push, kind: xwebhook, {secrets}, base: '{self.service.url}', {times}}}"

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"X_CONSUMER_SECRET": SECRET, "X_BEARER_TOKEN": self.service.secrets["X_BEARER_TOKEN"]}

    async def publish(self, number: int, text: str = "") -> str:
        self._names[number] = name = self.service.new_id()
        await self._send_until_taken({"data": made_post(name, text or f"post {number}"), "includes": {}})
        return f"x:{name}"

    async def edit(self, number: int) -> None:
        name = self.service.new_id()
        post = made_post(name, f"post {number} edited", edit_history_tweet_ids=[self._names[number], name])
        await self._send_until_taken({"data": post, "matching_rules": [{"id": "1", "tag": "earshot:x-push"}]})

    async def delete(self, number: int) -> None:
        payload = {"id": self._names[number], "author_id": "2222222222222222222"}
        event = {"event_uuid": "1", "filter": {"user_id": "2222222222222222222"}, "event_type": "post.delete"}
        await self._send_until_taken({"data": {**event, "payload": payload}})

    async def challenge(self) -> bool:
        """Challenge the door; X sends nothing to one that does not know the answer."""
        token = f"{datetime.now(UTC).timestamp()}"
        try:
            async with self._session.get(f"{self.door}/hooks/x-push", params={"crc_token": token}) as answer:
                return answer.status == 200 and (await answer.json())["response_token"] == sign(token.encode())
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def send(self, body: bytes, signature: str | None = None) -> int:
        headers = {"x-twitter-webhooks-signature": sign(body) if signature is None else signature}
        try:
            async with self._session.post(f"{self.door}/hooks/x-push", data=body, headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _send_until_taken(self, value: Any) -> None:
        while not self._valid:
            self._valid = await self.challenge()
            await asyncio.sleep(0.05)
        while await self.send(json.dumps(value).encode()) != 200:  # noqa: ASYNC110 - as senders do
            await asyncio.sleep(0.1)

    async def serve_garbage(self, body: bytes) -> None:
        assert await self.send(body[:1_000_000]) == 400, "it is said to be wrong"

    async def limit(self, seconds: float) -> None:
        raise NotImplementedError

    async def redirect(self, url: str) -> None:
        raise NotImplementedError

    async def forget(self) -> None:
        # instead of as long as X repeats, so short that we were away for longer
        self._repeats = 0.001
        await asyncio.sleep(0.05)

    async def expire(self) -> None:
        raise NotImplementedError


def counterpart() -> Pushing:
    return Pushing()
