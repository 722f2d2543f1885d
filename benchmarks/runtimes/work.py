"""The work that every runtime does, and what each is told: decode, keep one event in ten, give it another key."""

import sys
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Job:
    """Where to read and write; `folder` is empty and writable, for whoever keeps state on disk."""

    address: str
    source: str
    target: str
    group: str
    folder: str


def job() -> Job:
    """Return the job that stands on the command line."""
    return Job(*sys.argv[1:6])


def work(value: bytes) -> tuple[bytes, bytes] | None:
    """Return the key and the value of what is to be written because of an event, None for nine of ten."""
    author = orjson.loads(value)["author"]
    return (author["id"].encode(), value) if author["followers"] % 10 == 0 else None
