"""Handling: what a watch says about its incidents once they are there – when people are told again, who is told next,
when they want to sleep, and how much they want to hear at most."""

from datetime import time
from functools import lru_cache
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from schemas.matcher import Matcher, read_matcher
from schemas.model import Duration, UtcTime, Written
from schemas.severity import Severity
from schemas.zone import meant, zones

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _zone(value: str) -> str:
    if value not in zones():
        raise ValueError(f"there is no time zone {value!r}; {meant(value)}")
    return value


Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone of the IANA database."""


class QuietHours(Written):
    """When a route wants to sleep: from `begin` to `end` by the clock on the wall of `zone`, on the nights of `days`.

    A night that goes over midnight belongs to the day it begins on. `begin` and `end` being the same is the whole day.
    What is at least as bad as `except_from` comes through; the rest comes as one digest at the end.
    """

    begin: Annotated[str, Field(pattern=TIME_OF_DAY)] = "22:00"
    end: Annotated[str, Field(pattern=TIME_OF_DAY)] = "07:00"
    zone: Zone = "Europe/Berlin"
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    except_from: Severity | None = "crisis"

    @field_validator("days")
    @classmethod
    def _once(cls, days: tuple[Day, ...]) -> tuple[Day, ...]:
        if len(set(days)) < len(days):
            raise ValueError("a day stands here twice")
        return days

    @property
    def span(self) -> tuple[time, time]:
        """`begin` and `end` as times of day."""
        return time.fromisoformat(self.begin), time.fromisoformat(self.end)

    @property
    def zone_info(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.zone)


class Budget(Written):
    """How much a route wants to hear: at most `alerts` messages in any `per`; what is more comes as one digest.

    What is at least as bad as `except_from` comes all the same, and counts. A `shared` one is for the address: what all
    watches whose budget is shared have to say there counts together.
    """

    alerts: Annotated[int, Field(ge=1, le=1000)]
    per: Duration
    except_from: Severity | None = "crisis"
    shared: bool = Field(default=False, exclude_if=lambda shared: not shared)


class Handling(Written):
    """How incidents of a watch are handled; durations in seconds.

    People are told again when what was measured is `worse_by` times what they know of, or as many times that as they
    know it to be above what the rule needs (2, 4, 16, 256 times), and not within `patience`. After
    an incident, for `cool_down`, only more than `reopens_by` times its peak opens a new one; each that does doubles the
    time, up to `longest_cool_down`. While nobody acknowledges one, its routes are reminded every `remind`; who has
    acknowledged one is asked again when `acknowledged_for` is over and it is not. An ending silence is told
    `warn_before`.
    """

    worse_by: Annotated[float, Field(gt=1)] = 2.0
    patience: Duration = 900.0
    cool_down: Duration = 3600.0
    longest_cool_down: Duration = 28_800.0
    reopens_by: Annotated[float, Field(ge=1)] = 1.0
    remind: Duration | None = None
    acknowledged_for: Duration | None = None
    warn_before: Duration = 900.0

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.longest_cool_down < self.cool_down:
            raise ValueError("longest_cool_down must not be shorter than cool_down")
        return self


class Campaign(Written):
    """From `begin` to `end` (UTC unless a zone is written) `factor` times the usual is expected: a sale, a fair.

    Rules that know what is usual measure against so much then, and learn what was heard as the part of it that is
    usual, so that the weeks after are not judged by a campaign. Nothing is muted.
    """

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    begin: UtcTime
    end: UtcTime
    factor: Annotated[float, Field(gt=0, le=1000)]

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.begin:
            raise ValueError("end must be later than begin")
        return self


GroupKey = Literal["entity", "story", "platform", "author", "site", "hashtag"]
"""By what the incidents of a watch can be told apart."""
Equal = Literal["watch", "team", "rule", "kind", "severity", "entity", "story", "platform", "author", "site", "hashtag"]
"""What an incident, and a signal that it may keep from being told, can be recognised by."""
EQUAL: tuple[Equal, ...] = get_args(Equal)


def _said(value: object) -> object:
    """Let people write one matcher, or a list of them, as `severity=crisis`."""
    if isinstance(value, str):
        value = (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else value


def _readable(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        read_matcher(one, EQUAL)
    return value


Matchers = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    AfterValidator(_readable),
    BeforeValidator(_said, json_schema_input_type=str | Annotated[tuple[str, ...], Field(min_length=1)]),
]
"""Matchers as people write them: `severity=crisis`, `rule!=every`, several values with commas; all must fit."""


class Inhibition(Written):
    """While an incident is open that the `source` fits, nobody is told what the `target` fits and is `equal` to it.

    `equal` names labels that both must have, with the same value; a label that neither has is not equal. What fits both
    source and target is not held back by what does so too. With `across` it holds between all watches that have such a
    rule, not within one alone.
    """

    source: Matchers
    target: Matchers
    equal: tuple[Equal, ...] = ()
    across: bool = False

    @property
    def sources(self) -> tuple[Matcher, ...]:
        """What the incident has to fit."""
        return _matchers(self.source)

    @property
    def targets(self) -> tuple[Matcher, ...]:
        """What a signal has to fit."""
        return _matchers(self.target)


@lru_cache(maxsize=1024)
def _matchers(written: tuple[str, ...]) -> tuple[Matcher, ...]:
    return tuple(read_matcher(one, EQUAL) for one in written)
