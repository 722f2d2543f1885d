"""A folder with the posts of a Takeout, to which more are added."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.counterparts._unable import Unable

BEGAN = datetime.now(UTC) - timedelta(days=1)
"""Years too late for the platform: the suite asks for the past of two days."""


class Takeout(Unable):
    """An unpacked archive."""

    abilities = frozenset({"malformed", "backfill", "check", "past"})

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory()
        self._posts = Path(self._folder.name) / "Takeout" / "Google+ Stream" / "Posts"
        self._posts.mkdir(parents=True)
        await self.publish(9999, "the first")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._folder.cleanup()

    @property
    def entry(self) -> str:
        return f"{{id: plus, kind: googleplus, path: '{self._folder.name}'}}"

    async def publish(self, number: int, text: str = "") -> str:
        at = BEGAN + timedelta(minutes=number)
        post = {
            "url": f"https://plus.google.com/+Acme/posts/P{number}",
            "creationTime": at.strftime("%Y-%m-%d %H:%M:%S+0000"),
            "author": {"displayName": "Eva", "resourceName": "users/1"},
            "content": f"<b>{text or f'post {number}'}</b>",
            "postAcl": {"visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_PUBLIC"}]}},
        }
        (self._posts / f"{number}.json").write_text(json.dumps(post))
        return f"googleplus:P{number}"

    async def serve_garbage(self, body: bytes) -> None:
        (self._posts / f"garbage-{len(list(self._posts.iterdir()))}.json").write_bytes(body)


def counterpart() -> Takeout:
    return Takeout()
