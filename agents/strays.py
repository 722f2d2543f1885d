"""Records in our topics that are not ours: each is left out and named, and what else a topic holds is read."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

_log = logging.getLogger("strays")


class Stray(NamedTuple):
    """Where a record stands that cannot be read, and its key; nothing of its content, which may be anything."""

    topic: str
    partition: int
    offset: int
    key: bytes | None = None

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset} is not ours and is left out"


Tell = Callable[[Stray], None]
T = TypeVar("T")


@lru_cache(4096)
def warn(stray: Stray) -> None:
    """Name a stray in the log, once in the life of the process however often its topic is read."""
    _log.warning("%s: another program writes into the topic", stray)


def ours(read: Callable[[bytes], T], record: Any, tell: Tell = warn) -> T | None:
    """Return what `read` makes of a record of kafka-python's; None, and `tell` is told, where it is not ours."""
    try:
        return read(record.value or b"")
    except ValidationError:
        tell(Stray(record.topic, record.partition, record.offset, record.key))
        return None
