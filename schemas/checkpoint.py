"""Checkpoints: where a source has got to, stored after the broker acknowledged what was read before it."""

from enum import StrEnum

from schemas.model import Record, UtcTime


class SourceState(StrEnum):
    """How a source is doing, as its owner said last."""

    RUNNING = "running"
    FAILING = "failing"
    """The last attempt failed; it is tried again."""
    ENDED = "ended"
    """It cannot be read as configured; a person has to correct something."""
    FINISHED = "finished"
    LEFT = "left"
    """Its owner has stopped, or handed it over."""


class Checkpoint(Record):
    """The cursor of one source, in `earshot.checkpoints`, compacted, keyed by source id.

    `cursor` is the source's own business (an offset, an ETag, a list of ids): a flat map of texts.
    `heard` is when the source last answered, even with nothing new. `kept` is what must survive a restart whatever is
    read, such as a refresh token that changes with every use: it is shown to nobody. `facts` are what people want to
    know of the source: calls left, money spent, when its token expires. `owner` is the process that runs it, `state`
    how it is doing and `trouble` why not better. `event` is when the latest event was posted, `event_seen` when we got
    it.
    """

    source: str
    cursor: dict[str, str] = {}
    heard: UtcTime | None = None
    at: UtcTime
    kept: dict[str, str] = {}
    facts: dict[str, str | float] = {}
    owner: str = ""
    state: SourceState = SourceState.RUNNING
    trouble: str = ""
    event: UtcTime | None = None
    event_seen: UtcTime | None = None
