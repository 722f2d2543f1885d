"""A watch: what somebody asked to hear about, and the answers to Wofür, Wie and Wer without which there is none.

This is the model of the YAML that people write, and it is public: it grows, it does not change.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.mention import OWN
from schemas.model import Duration, Written

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
QueryText = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""A query as written; how long it may be is the query language's own business."""
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def _owner(value: Any) -> Any:
    """Let people write an owner as a bare name."""
    return {"name": value} if isinstance(value, str) else value


class Purpose(Written):
    """Wofür: the goal this watch serves (reputation, recruiting, service, knowledge …) and how it is measured."""

    goal: Name
    measure: Name


class Owner(Written):
    """Wer: the person or team who acts, and how soon they are expected to have reacted."""

    name: Name
    contact: str | None = None
    respond_within: Duration = 3600.0


class Competitor(Written):
    """Another company that is heard for comparison; its mentions are an entity of the same watch."""

    name: Name
    query: QueryText


class Rule(BaseModel):
    """Wie: a threshold. `kind` names the detector, whose own `Config` checks the other fields.

    `name` tells two rules of one kind apart; it is the kind where it is not given.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    kind: Identifier
    name: str = ""

    @property
    def id(self) -> str:
        """The name of the rule within its watch."""
        return self.name or self.kind

    @property
    def settings(self) -> dict[str, Any]:
        """The fields that the detector's `Config` checks."""
        return dict(self.model_extra or {})


class Route(BaseModel):
    """Wer: where alerts go. `channel` names the channel, whose own `Config` checks the other fields.

    `to` is the address there (a Slack channel, mail addresses); `language` the language of the message.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    channel: Identifier
    to: str | tuple[str, ...] = ""
    language: Annotated[str, Field(pattern="^(de|en)$")] = "de"

    @property
    def settings(self) -> dict[str, Any]:
        """The fields that the channel's `Config` checks."""
        return dict(self.model_extra or {})


class Watch(Written):
    """One watch. `query` is the own brand; `competitors` are heard beside it; `rules` look at own-brand mentions."""

    id: Identifier
    purpose: Purpose
    query: QueryText
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    owner: Annotated[Owner, BeforeValidator(_owner)]
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    competitors: tuple[Competitor, ...] = ()

    @property
    def queries(self) -> dict[str, str]:
        """The query of each entity, the own brand first."""
        return {OWN: self.query} | {rival.name: rival.query for rival in self.competitors}


class WatchFile(Written):
    """The whole file."""

    watches: Annotated[tuple[Watch, ...], Field(min_length=1)]
