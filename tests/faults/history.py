"""What came of a run, as values: what the topics hold, how far the groups are, what Slack and the mailboxes hold."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.world import Said

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that a mailbox holds; `marked` when it says itself that it may have come before."""

    to: str
    id: str
    marked: bool = False


@dataclass(frozen=True)
class History:
    """`lanes` is what was said; `topics` are the records by topic, in the order of each partition.

    `ends` and `committed` (by group) are offsets; `slack` are the messages by room, in their order; so are the `mails`.
    """

    lanes: list[list[Said]]
    topics: dict[str, list[Record]] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    committed: dict[str, dict[Place, int]] = field(default_factory=dict)
    slack: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)

    def but(self, **changes: Any) -> "History":
        """Return the history with other values."""
        return replace(self, **changes)
