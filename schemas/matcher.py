"""Matchers: what a silence goes by."""

from typing import Literal, get_args

from pydantic import Field

from schemas.model import Record

Label = Literal["rule", "kind", "severity", "platform", "author", "entity", "story", "source", "language"]
"""The rule and its kind, how bad it is, and what is known of the mention that tripped it."""
LABELS: tuple[Label, ...] = get_args(Label)


class Matcher(Record):
    """A label has one of `values`, or with `negated` none of them; one that is not there fits neither."""

    label: Label
    values: tuple[str, ...] = Field(min_length=1)
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.label}{'!=' if self.negated else '='}{','.join(self.values)}"
