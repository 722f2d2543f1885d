"""A watch: what somebody asked to hear about, and the answers to Wofür, Wie and Wer without which there is none.

This is the model of the YAML that people write, and it is public: it grows, it does not change.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from schemas.about import About, Doubt, Risk
from schemas.handling import Budget, Campaign, Handling, QuietHours
from schemas.mention import OWN
from schemas.model import Duration, Written
from schemas.proof import Proof
from schemas.severity import Severity, worst

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
QueryText = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""A query as written; how long it may be is the query language's own business."""
MOST_ENTRIES = 10_000
IDENTIFIER = r"^[a-z0-9][a-z0-9-]{0,62}$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


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

    `name` tells two rules of one kind apart; it is the kind where it is not given. `severity` is how bad it is that it
    trips, and `rises` how bad once it measures so much: `{escalate: 100, crisis: 500}`. A `shadow` rule is counted and
    told of in receipts, and alerts nobody.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    kind: Identifier
    name: str = ""
    shadow: bool = False
    severity: Severity = "watch"
    rises: dict[Severity, float] = {}

    def judged(self, value: float) -> Severity:
        """Return how bad it is that the rule has tripped with `value`."""
        return worst(self.severity, *(severity for severity, least in self.rises.items() if value >= least))

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

    `to` is the address there (a Slack channel, mail addresses); `language` the language of the message. It takes what
    is at least as bad as `severity`, in its `quiet` hours nothing, and no more than its `budget`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    channel: Identifier
    to: str | tuple[str, ...] = ""
    language: Annotated[str, Field(pattern="^(de|en)$")] = "de"
    severity: Severity = "watch"
    quiet: QuietHours | None = None
    budget: Budget | None = None

    @property
    def address(self) -> str:
        """What tells two routes apart: the channel and the address."""
        return f"{self.channel} {self.to if isinstance(self.to, str) else ' '.join(self.to)}".strip()

    @property
    def settings(self) -> dict[str, Any]:
        """The fields that the channel's `Config` checks."""
        return dict(self.model_extra or {})


class Step(Written):
    """A step of an escalation: who else is told when nobody has acknowledged an incident `after` so long."""

    after: Duration
    severity: Severity = "watch"
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]


def _entry(value: Any) -> Any:
    """Read a number as the text of it: ids are entries too."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class NamedList(Written):
    """Words, accounts or sites that queries ask for by one name, `@name`: true where one of the entries is.

    An entry is read as `field:entry`, without a `field` as a word, a phrase or a field of its own. At the end of the
    day `expires` somebody has to have looked whether it is still right, since lists rot in silence; it is used on.
    """

    owner: Annotated[Owner, BeforeValidator(_owner)]
    expires: date
    field: Literal["", "author", "site", "url", "hashtag", "mention", "raw", "part"] = ""
    entries: Annotated[
        tuple[Annotated[Name, BeforeValidator(_entry, json_schema_input_type=Name | int)], ...],
        Field(min_length=1, max_length=MOST_ENTRIES),
    ]


Lists = Mapping[str, NamedList]
"""Lists by their names, without the `@`."""
NO_LISTS: Lists = {}


class Watch(Written):
    """One watch. `query` is the own brand; `competitors` are heard beside it; `rules` look at own-brand mentions.

    `incidents` and `escalation` say how its incidents are handled, `campaigns` when more than usual is expected,
    `about` and `relevance` which mentions are meant, `risk` what weighs how much. `tests` prove it and stay in the
    file: they are no part of what is published. `team` is where it inherited from.
    """

    id: Identifier
    purpose: Purpose
    query: QueryText
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    owner: Annotated[Owner, BeforeValidator(_owner)]
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    competitors: tuple[Competitor, ...] = ()
    incidents: Handling = Handling()
    escalation: tuple[Step, ...] = ()
    campaigns: Annotated[tuple[Campaign, ...], Field(max_length=100)] = ()
    about: About | None = None
    relevance: Doubt = Doubt()
    risk: Risk = Risk()
    team: Identifier | None = Field(default=None, exclude=True)
    tests: Proof = Field(default=Proof(), exclude=True)
    _lists: dict[str, NamedList] = PrivateAttr(default_factory=dict)
    _version: str = PrivateAttr(default="")

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that id."""
        for rule in self.rules:
            if (rule.name or rule.kind) == name:
                return rule
        return None

    @property
    def queries(self) -> dict[str, str]:
        """The query of each entity, the own brand first."""
        return {OWN: self.query} | {rival.name: rival.query for rival in self.competitors}

    @property
    def asked(self) -> tuple[str, ...]:
        """All texts of it that may ask for named lists: its queries, and the settings of its rules."""
        return (*self.queries.values(), *(str(rule.settings) for rule in self.rules))

    @property
    def lists(self) -> Lists:
        """The lists that its queries may ask for, by name without the `@`."""
        return self._lists

    @property
    def version(self) -> str:
        """Which watch this is: a hash of all that decides what it does, its lists included, and not of its tests."""
        if not self._version:
            content = [
                self.model_dump_json(),
                *(f"{name} {self._lists[name].field} {self._lists[name].entries}" for name in sorted(self._lists)),
            ]
            self._version = sha256("\n".join(content).encode()).hexdigest()[:16]
        return self._version

    def asking(self, lists: Lists, version: str = "") -> Self:
        """Return the watch that knows those of `lists` that its queries and rules name.

        `version` is what it is published as.
        """
        named = {name for text in (*self.asked, str(self.risk)) for name in mentioned(text, lists)}
        copy = self.model_copy()
        copy._lists = {name: lists[name] for name in sorted(named)}
        copy._version = version
        return copy


_NAMED = re.compile(r"[@＠]([a-z0-9][a-z0-9-]{0,62})")


def mentioned(query: str, names: Iterable[str]) -> set[str]:
    """Return which of `names` a query asks for as `@name`; a handle that is spelt the same counts as well."""
    return set(_NAMED.findall(query.lower())) & set(names) if "@" in query or "＠" in query else set()
