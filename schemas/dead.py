"""Dead records: what could not be processed, with the reason and enough of the original to look at and to requeue."""

import base64
import hashlib

from schemas.model import Record, UtcTime
from schemas.retention import must_pass

KEPT_BYTES = 65_536
"""How much of a dead record's value is kept; the rest stays in its own topic, where `dead requeue` reads it."""


class Dead(Record):
    """A record of `earshot.dead`, keyed `topic/partition/offset` of the original.

    `value` is base64; of what may not last nothing is kept, so that it can be looked at only where it stood.
    """

    reason: str
    detail: str = ""
    topic: str
    partition: int
    offset: int
    at: UtcTime
    key: str | None = None
    value: str
    size: int
    sha256: str

    @property
    def id(self) -> str:
        """The name of the dead record: where the original stands."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def complete(self) -> bool:
        """Tell whether the whole original is kept here."""
        return len(self.original) == self.size

    @property
    def original(self) -> bytes:
        """The kept bytes of the original value."""
        return base64.b64decode(self.value)


def bury(value: bytes, **about: object) -> Dead:
    """Make the dead record of `value`; `about` are the other fields of `Dead`."""
    kept = b"" if must_pass(str(about["topic"]), value) else value[:KEPT_BYTES]
    return Dead.model_validate(
        {
            **about,
            "value": base64.b64encode(kept).decode(),
            "size": len(value),
            "sha256": hashlib.sha256(value).hexdigest(),
        }
    )
