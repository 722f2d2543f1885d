"""Checkpoints: where a source has got to, stored after the broker acknowledged what was read before it."""

from schemas.model import Record, UtcTime


class Checkpoint(Record):
    """The cursor of one source, in `earshot.checkpoints`, compacted, keyed by source id.

    `cursor` is the source's own business (an offset, an ETag, a list of ids): a flat map of texts.
    `heard` is when the source last answered, even with nothing new. `kept` is what must survive a restart whatever is
    read, such as a refresh token that changes with every use: it is shown to nobody. `facts` are what people want to
    know of the source: calls left, money spent, when its token expires.
    """

    source: str
    cursor: dict[str, str] = {}
    heard: UtcTime | None = None
    at: UtcTime
    kept: dict[str, str] = {}
    facts: dict[str, str | float] = {}
