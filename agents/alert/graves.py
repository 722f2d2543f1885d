"""What delivery gives up: records that cannot be read, and alerts that a channel refuses for good."""

from datetime import datetime
from typing import Any

from kafka import TopicPartition
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.dead import Dead, bury
from schemas.delivery import Delivery


def bury_record(record: Any, error: ValidationError, at: datetime) -> Dead:
    """Return what becomes of a record of the alerts topic that is no alert."""
    first = error.errors(include_url=False, include_input=False)[0]
    return bury(
        record.value or b"",
        reason="not-json" if first["type"] == "json_invalid" else "wrong-type",
        detail=f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:500],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key.decode(errors="replace") if record.key else None,
        at=at,
    )


def bury_delivery(entry: Delivery, alert: Alert | None, place: TopicPartition, at: datetime) -> Dead:
    """Return what becomes of an alert that a channel will never take."""
    return bury(
        alert.to_bytes() if alert else b"",
        reason="not-delivered",
        detail=f"{entry.channel} {entry.to}: {entry.error}"[:500],
        topic=place.topic,
        partition=place.partition,
        offset=entry.offset,
        key=entry.key or entry.incident,
        at=at,
    )
