"""What a service answered, and JSON that is read within bounds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.ingest.web.stream import broken

DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered. `url` is where it came from after redirects.

    `moved` is how far along the way every redirect said that it is for good: what to ask the next time.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    moved: str = ""

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            SourceError: it is none, or nested deeper than 100.
        """
        return read_json(self.body)


def read_json(body: bytes | str) -> Any:
    """Return what `body` holds.

    Raises:
        SourceError: it is no JSON, or nested deeper than 100.
    """
    try:
        # json itself would take halves of characters, which nothing after it can write
        text = body if isinstance(body, str) else body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise broken(f"the answer is no JSON ({type(error).__name__})") from None
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        if not inner:
            return value
        level = inner
    raise broken(f"the answer is nested deeper than {DEEPEST}")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
