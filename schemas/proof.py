"""Proof: what a watch must and must not do, written beside it and run by `earshot test` and `earshot check`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from schemas.duration import PATTERN, parse_duration
from schemas.mention import OWN
from schemas.model import Duration, UtcTime, Written

MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""When a timeline begins that does not say: an ordinary Monday morning."""
MOST_POSTS = 100_000
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


def _text(value: Any) -> Any:
    """Let people write an example as its bare text."""
    return {"text": value} if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    """Read how long after its beginning something happens on a timeline: a duration, or none at all."""
    return 0.0 if str(value).strip() in {"0", "0s", "0m", "0h", "0d"} else parse_duration(value)


_MOMENT = {"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}, {"const": "0"}]}


class Said(Written):
    """What a post of a test says and who says it; only `text` has to be written."""

    text: Text
    title: str | None = None
    platform: Annotated[str, Field(min_length=1, max_length=40)] = "web"
    author: str | None = None
    followers: Annotated[int, Field(ge=0)] | None = None
    lang: str | None = None
    url: str | None = None
    metrics: dict[str, float] | None = None


class Example(Said):
    """A post that must match, or must not. `entity` is whom it is about: the own brand, or a competitor's name."""

    entity: str = OWN


class Burst(Said):
    """Posts on a timeline: so many, the first `at` that time after its beginning, spread evenly `over` a while.

    `{n}` in the text is the number of the post, so that they are not all copies of one.
    """

    at: Annotated[float, BeforeValidator(_moment), WithJsonSchema(_MOMENT)]
    posts: Annotated[int, Field(ge=1, le=MOST_POSTS)] = 1
    over: Duration | None = None


class Scenario(Written):
    """A timeline. It must alert, `by` that time after its beginning where that is written; or must not alert at all."""

    name: str = ""
    timeline: Annotated[tuple[Burst, ...], Field(min_length=1)]
    by: Duration | None = None
    begin: UtcTime = MONDAY


Examples = tuple[Annotated[Example, BeforeValidator(_text)], ...]


class Proof(Written):
    """The tests of one watch."""

    must_match: Examples = ()
    must_not_match: Examples = ()
    must_alert: tuple[Scenario, ...] = ()
    must_not_alert: tuple[Scenario, ...] = ()
