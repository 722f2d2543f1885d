"""Ticks: the passing of time as records, so that a replayed partition sees time pass exactly as the first run did."""

from datetime import UTC, datetime
from typing import Literal

from schemas.model import Record, UtcTime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""A tick of then changes nothing."""


class Tick(Record):
    """It is `at`. Written to every partition of `earshot.mentions`; a doubled, late or missing tick is harmless.

    `heard` tells when each source was last heard, by source id.
    """

    type: Literal["tick"] = "tick"
    at: UtcTime
    heard: dict[str, UtcTime] = {}
