"""Poison: reading a record, and what becomes of one that cannot be read."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from agents import clock
from pipeline.stream import metrics
from pipeline.stream.producer import Outgoing
from schemas.dead import bury
from schemas.errors import InvalidMessage
from schemas.event import Delivered, Event
from schemas.model import FARTHEST
from schemas.topics import DEAD, MAX_RAW_BYTES

T = TypeVar("T")
AHEAD = timedelta(days=1)
"""A post that was seen so much later than its record was written has another clock than the log: it is not believed,
since a watch's time moves forward only, and all that came after it would be too late to alert."""
_FAR = FARTHEST.timestamp()


def read(value: bytes | None, adapter: TypeAdapter[T]) -> T:
    """Read the value of a record.

    Raises:
        InvalidMessage: `too-large`, `not-utf8`, `not-json` or `wrong-type`; the detail never quotes the record.
    """
    data = value or b""
    if len(data) > MAX_RAW_BYTES:
        raise InvalidMessage("too-large", f"{len(data)} bytes, at most {MAX_RAW_BYTES} are read")
    try:
        # what `adapter.validate_json` does, without the options that it passes on
        found: T = adapter.validator.validate_json(data)
    except ValidationError as error:
        raise _reason(data, error) from error
    return found


def latest_of(written: int) -> datetime | None:
    """Return when a post may have been seen at the latest that was `written` to the log then (milliseconds since 1970).

    None where the log says nothing of time.
    """
    return datetime.fromtimestamp(min(written / 1000, _FAR), UTC) + AHEAD if written > 0 else None


def believed(found: Delivered, latest: datetime | None) -> Delivered:
    """Return what was read.

    Raises:
        InvalidMessage: `from-the-future`: it is a post that was seen after `latest`.
    """
    if latest is not None and isinstance(found, Event) and found.seen > latest:
        raise InvalidMessage(
            "from-the-future", f"seen {found.seen:%Y-%m-%d %H:%M} UTC, more than a day after its record"
        )
    return found


def _reason(value: bytes, error: ValidationError) -> InvalidMessage:
    try:
        value.decode()
    except UnicodeDecodeError as broken:
        return InvalidMessage("not-utf8", f"byte {broken.start}")
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return InvalidMessage("not-json", f"{len(value)} bytes")
    where = ".".join(str(part) for part in first["loc"])
    return InvalidMessage("wrong-type", f"{where}: {first['msg']}" if where else str(first["msg"]))


def dead(record: Any, error: InvalidMessage) -> Outgoing:
    """Make the record of the dead topic for `record`, as it was consumed, and count it."""
    grave = bury(
        record.value or b"",
        reason=error.reason,
        detail=error.detail,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=clock.now(),
        key=record.key.decode(errors="replace") if record.key is not None else None,
    )
    metrics.buried(error.reason)
    return Outgoing(DEAD, grave.id.encode(), grave.to_bytes())
