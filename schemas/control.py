"""What people and files tell judge: typed records in the same log as the matches, keyed by watch."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.event import Deletion
from schemas.mention import Match
from schemas.model import Record, UtcTime
from schemas.tick import Tick
from schemas.watch import Watch


class WatchVersion(Record):
    """A watch as it is from here on; judge ignores a version it already has. `version` is a hash of the content."""

    type: Literal["watch"] = "watch"
    watch: Watch
    version: str
    at: UtcTime


class Silence(Record):
    """No alerts for `watch` until `until`; everything is still counted."""

    type: Literal["silence"] = "silence"
    watch: str
    at: UtcTime
    until: UtcTime
    by: str
    reason: str = ""


class Acknowledge(Record):
    """Somebody takes care of an incident: no updates until it gets worse or is resolved."""

    type: Literal["acknowledge"] = "acknowledge"
    watch: str
    incident: str
    at: UtcTime
    by: str


class Forget(Record):
    """A deletion passed on to the watch that matched the post."""

    type: Literal["forget"] = "forget"
    watch: str
    deletion: Deletion


Judged = Match | Tick | WatchVersion | Silence | Acknowledge | Forget
"""All that judge reads from `earshot.mentions`."""

judged: TypeAdapter[Judged] = TypeAdapter(Annotated[Judged, Field(discriminator="type")])
"""Reads a record of `earshot.mentions`."""
