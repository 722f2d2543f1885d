"""Facebook: pushes what happens on a page until it is taken, and can be asked for it."""

from datetime import datetime, timedelta
from typing import Any, Self

import aiohttp

from agents import clock
from agents.ingest.meta import source
from tests.servers.graph import PAGE, SECRET, TOKEN, VERIFY, GraphServer


class Facebook:
    """A page under whose post people comment, or another of Meta's platforms."""

    abilities = frozenset({"gap", "edit", "delete", "malformed", "backfill", "check"})
    secrets = {"FB_TOKEN": TOKEN, "FB_APP": SECRET, "FB_HOOK": VERIFY}
    door = ""
    name = "page"

    def __init__(self) -> None:
        self.server = GraphServer(page_size=100)
        self._repeated = source.REPEATED

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        self.server.post(f"{PAGE}_1", "Unser Fahrplan", at=clock.now() - timedelta(days=1), author={"id": PAGE})
        self.prepare()
        return self

    async def __aexit__(self, *exception: object) -> None:
        source.REPEATED = self._repeated
        await self.server.__aexit__(*exception)

    def prepare(self) -> None:
        """Let there be what is needed beside the page."""

    @property
    def entry(self) -> str:
        named = "token: env:FB_TOKEN, app_secret: env:FB_APP, verify_token: env:FB_HOOK"
        url = self.server.url
        return f'{{id: page, kind: facebook, page: "{PAGE}", {named}, api: "{url}", public: "{url}", app: "31"}}'

    async def publish(self, number: int, text: str = "") -> str:
        at, said = clock.now().replace(microsecond=0) - timedelta(seconds=1), text or f"post {number}"
        name = f"{PAGE}_1_{number}"
        self.server.post(name, said, edge=f"{PAGE}_1/comments", at=at, author={"id": "7", "name": "Eva"})
        self.server.nodes[f"{PAGE}_1"]["updated_time"] = at.isoformat()
        await self.deliver(self.change(number, "add", said, at))
        return f"facebook:{name}"

    async def edit(self, number: int) -> None:
        await self.deliver(self.change(number, "edited", f"post {number}, edited", clock.now()))

    async def delete(self, number: int) -> None:
        await self.deliver(self.change(number, "remove", "", clock.now()))

    def change(self, number: int, verb: str, said: str, at: datetime) -> Any:
        """Return the notification of a comment."""
        value: dict[str, Any] = {
            "item": "comment",
            "verb": verb,
            "comment_id": f"{PAGE}_1_{number}",
            "post_id": f"{PAGE}_1",
        }
        value |= {"message": said, "parent_id": f"{PAGE}_1", "from": {"id": "7", "name": "Eva"}}
        change = {"field": "feed", "value": value | {"created_time": int(at.timestamp())}}
        return {"object": "page", "entry": [{"id": PAGE, "time": int(at.timestamp()) + 1, "changes": [change]}]}

    async def deliver(self, payload: Any) -> None:
        """Push until it is taken; where nobody has listened yet it can only be asked for."""
        self.server.hook = f"{self.door}/hooks/{self.name}"
        if not self.server.met:
            try:
                await self.server.push({})
            except aiohttp.ClientError:
                return
        await self.server.deliver(payload)

    async def limit(self, seconds: float) -> None:
        raise NotImplementedError

    async def serve_garbage(self, body: bytes) -> None:
        self.server.hook = f"{self.door}/hooks/{self.name}"
        status, _ = await self.server.push(None, body=body)
        assert status in (200, 400, 413), "it is nothing, or said to be wrong"

    async def redirect(self, url: str) -> None:
        raise NotImplementedError

    async def forget(self) -> None:
        # instead of a day and a half that nobody can wait for, Meta repeats nothing
        source.REPEATED = timedelta(0)

    async def expire(self) -> None:
        raise NotImplementedError


def counterpart() -> Facebook:
    return Facebook()
