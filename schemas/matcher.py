"""Matchers: what a silence or an inhibition goes by."""

import re
from collections.abc import Iterable
from typing import Literal, get_args

from pydantic import Field

from schemas.event import PLATFORM_ALIASES
from schemas.findings import nearest
from schemas.model import Record

Label = Literal[
    "rule",
    "kind",
    "severity",
    "platform",
    "author",
    "entity",
    "story",
    "source",
    "language",
    "site",
    "hashtag",
    "watch",
    "team",
]
"""The rule and its kind, how bad it is, what is known of the mention that tripped it, and whose watch it is."""
LABELS: tuple[Label, ...] = get_args(Label)[:9]
"""What silences go by: they belong to one watch, and look at the mention as it was posted."""
_WRITTEN = re.compile(r"(?P<label>[a-z]+)(?P<sign>!?=)(?P<values>.+)")


class Matcher(Record):
    """A label has one of `values`, or with `negated` none of them; one that is not there fits neither."""

    label: Label
    values: tuple[str, ...] = Field(min_length=1)
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.label}{'!=' if self.negated else '='}{','.join(self.values)}"


def read_matcher(written: str, labels: Iterable[str]) -> Matcher:
    """Return the matcher that `label=value,value` or `label!=value` stands for; `labels` are those that there are.

    A platform may be written by any of its names: its posts go by the one.

    Raises:
        ValueError: it is none.

    >>> str(read_matcher("severity = escalate, crisis", LABELS))
    'severity=escalate,crisis'
    """
    found = _WRITTEN.fullmatch(re.sub(r"\s*(!?=|,)\s*", r"\1", written.strip()))
    if not found:
        raise ValueError(f"{written!r} is no matcher; write one as platform=x,web or author!=bot")
    if found["label"] not in (known := tuple(labels)):
        raise ValueError(f"there is no label {found['label']!r}: {nearest(found['label'], known, 'there are')}")
    values = tuple(value.strip() for value in found["values"].split(",") if value.strip())
    if not values:
        raise ValueError(f"{written!r} names no value")
    if found["label"] == "platform":
        names = (value.lower() for value in values)
        values = tuple([PLATFORM_ALIASES.get(name, name) for name in names])
    return Matcher.model_validate({"label": found["label"], "values": values, "negated": found["sign"] == "!="})
