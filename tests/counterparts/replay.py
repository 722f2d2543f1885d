"""A file that somebody adds to."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self


class File:
    """A recording in a folder of its own."""

    abilities = frozenset({"malformed", "backfill", "check"})
    secrets: Mapping[str, str] = {}
    door = ""

    def __init__(self) -> None:
        self._began = datetime.now(UTC) - timedelta(days=1)

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name) / "posts.jsonl"
        self._add(b'{"platform": "web", "id": "first", "time": "2026-10-31T08:00:00Z", "text": "the first"}')
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._folder.cleanup()

    @property
    def entry(self) -> str:
        return f"{{id: old, kind: replay, path: '{self._path}', speed: 0}}"

    async def publish(self, number: int, text: str = "") -> str:
        at = (self._began + timedelta(minutes=number)).isoformat()
        self._add(json.dumps({"platform": "x", "id": number, "time": at, "text": text or f"post {number}"}).encode())
        return f"x:{number}"

    async def edit(self, number: int) -> None:
        raise NotImplementedError

    async def delete(self, number: int) -> None:
        raise NotImplementedError

    async def limit(self, seconds: float) -> None:
        raise NotImplementedError

    async def serve_garbage(self, body: bytes) -> None:
        self._add(body)

    async def redirect(self, url: str) -> None:
        raise NotImplementedError

    async def forget(self) -> None:
        raise NotImplementedError

    async def expire(self) -> None:
        raise NotImplementedError

    def _add(self, line: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(line + b"\n")


def counterpart() -> File:
    return File()
