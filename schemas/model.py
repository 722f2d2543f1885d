"""The three kinds of model: what a person writes, what a platform sends, and what we record ourselves.

A person's typing error must be refused, so `Written` forbids unknown fields. A platform adds fields whenever it
likes, so `Heard` ignores them. `Record` is what Earshot itself puts into a topic: versioned, and tolerant of fields a
newer version added, so that a rolling upgrade never sends a good record to the dead topic.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from schemas.duration import PATTERN, parse_duration, print_duration

__all__ = ["Duration", "Heard", "Record", "UtcTime", "Written"]


FARTHEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Later times are read as this one, so that a span that is added to a time never leads out of what can be counted."""


def _to_utc(value: datetime) -> datetime:
    """Read a time without a zone as UTC, because half of the feeds and exports in use leave it out."""
    try:
        return min(value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC), FARTHEST)
    except OverflowError as error:
        # pydantic passes on nothing but ValueError, and an unread post must not end the process
        raise ValueError("the time is beyond the years 1 to 9999 in UTC") from error


UtcTime = Annotated[datetime, AfterValidator(_to_utc)]
"""An instant. Read from ISO 8601, with or without zone (then UTC); always UTC in memory, and never after `FARTHEST`."""

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(print_duration, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "exclusiveMinimum": 0}]}),
]
"""A span of time in seconds, written by people as `90s`, `30m`, `1h`, `2d`, `1w` or as joined parts (`1h30m`)."""


class Written(BaseModel):
    """A model of something a person writes: an unknown or misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Heard(BaseModel):
    """A model of something a platform sends: unknown fields are ignored, wrong types are errors."""

    # an error that is logged must not quote somebody's words
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)


class Record(BaseModel):
    """A model of one Kafka record of ours: one JSON object with a schema version."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    schema_version: int = 1

    def to_bytes(self) -> bytes:
        """Return the compact JSON of this record; fields that hold nothing are left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a record from JSON.

        Raises:
            pydantic.ValidationError: the bytes are not JSON or do not fit the model.
        """
        record: Any = cls.__pydantic_validator__.validate_json(data)
        return record  # type: ignore[no-any-return]
