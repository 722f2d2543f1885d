"""A folder into which somebody drops files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.counterparts._unable import Unable


class Folder(Unable):
    """A folder of its own; each post is a file."""

    abilities = frozenset({"malformed", "check"})

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory()
        self._count = 0
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._folder.cleanup()

    @property
    def entry(self) -> str:
        return f"{{id: drop, kind: dropfolder, path: '{self._folder.name}', every: 0.1, settle: 0.01}}"

    async def publish(self, number: int, text: str = "") -> str:
        at = (datetime.now(UTC) - timedelta(days=1, seconds=number)).isoformat()
        post = {"platform": "xing", "id": number, "time": at, "text": text or f"post {number}"}
        self._drop(json.dumps(post).encode() + b"\n")
        return f"xing:{number}"

    async def serve_garbage(self, body: bytes) -> None:
        self._drop(body)
        self._drop(body, "csv")

    def _drop(self, data: bytes, kind: str = "jsonl") -> None:
        """Write a file as careful people do: under another name first."""
        self._count += 1
        path = Path(self._folder.name) / f"{self._count:05}.{kind}"
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(data)
        hidden.replace(path)


def counterpart() -> Folder:
    return Folder()
