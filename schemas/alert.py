"""Alerts: one revision of an incident, complete enough that delivery needs nothing else to tell people about it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.incident import Incident
from schemas.matcher import Matcher
from schemas.mention import Sentiment
from schemas.model import Record, UtcTime
from schemas.severity import Severity
from schemas.signal import Signal
from schemas.watch import Owner, Purpose, Route


class AlertReason(StrEnum):
    """Why people are told, in this revision."""

    OPENED = "opened"
    GREW = "grew"
    ROSE = "rose"
    """It is worse than people knew: its severity has risen."""
    ESCALATED = "escalated"
    """Nobody has acknowledged it in time, so the next ones are told."""
    REMINDER = "reminder"
    """Nobody has acknowledged it yet."""
    LAPSED = "lapsed"
    """Whoever acknowledged it has had his time, and it is still not over."""
    RESOLVED = "resolved"
    DIGEST = "digest"
    """What was held back on this route, all at once."""
    SILENCE_ENDS = "silence-ends"
    """A silence is about to end."""
    WITHDRAWN = "withdrawn"
    """The watch was removed while its incident was open: it is closed, and nobody listens any more."""
    MISTAKE = "mistake"
    """The watch itself is wrong as it is written: nothing has happened, but its owner must know."""

    @property
    def by_post(self) -> bool:
        """Tell whether a post caused it; the others come because time passes, or a file changes."""
        return self in (AlertReason.OPENED, AlertReason.GREW, AlertReason.ROSE)

    @property
    def a_notice(self) -> bool:
        """Tell whether it is about no incident of the watch."""
        return self in (AlertReason.DIGEST, AlertReason.SILENCE_ENDS, AlertReason.MISTAKE)


class Quote(Record):
    """A representative post of an incident; `copies` is how many mentions its story has folded, itself included.

    `risk` is its score from 0 to 100, `factors` the points of each of its factors that has any (see `Score`). `gone`:
    its platform or its author has deleted it, so nothing of it is here. `edited`: its words are others
    since, so they are not here. `found` is the character of `text` at which
    the first word begins that was asked for, 0 where that stands so early that it is shown in any case.
    """

    mention: str
    platform: str
    time: UtcTime
    text: str
    author: str | None = None
    followers: int | None = None
    url: str | None = None
    sentiment: Sentiment | None = None
    copies: int = 1
    risk: float | None = None
    factors: dict[str, float] = {}
    gone: bool = Field(default=False, exclude_if=lambda gone: not gone)
    edited: bool = Field(default=False, exclude_if=lambda edited: not edited)
    found: int = Field(default=0, exclude_if=lambda found: not found)


class Line(Record):
    """What a digest says of one incident: the last that was held back of it, and how often something was.

    `group` and `inhibited` are those of the incident.
    """

    incident: str
    reason: AlertReason
    severity: Severity
    at: UtcTime
    mentions: int
    signal: Signal
    held: int = 1
    group: dict[str, str] | None = None
    inhibited: int | None = None


class Hushed(Record):
    """A silence that is about to end: whose it is, why, of what, until when, and how many signals it `held` back."""

    id: str
    until: UtcTime
    by: str
    reason: str = ""
    matchers: tuple[Matcher, ...] = ()
    held: int = 0


class Alert(Record):
    """What people are told. `id` is `<incident id>.<revision>`; the topic key is the incident id.

    `at` is judge's time, `seen` when the mention that caused it reached us: the start of the latency that is measured.
    `mention` is that mention; None where time alone, or a person, caused it.
    `platforms` counts mentions by platform; `shares` counts the window's mentions by entity.
    `respond_by` is when the owner is expected to have reacted. `note` says what there is to say beside the figures: the
    mistake, the silence that ends. `lines` are what a digest is about, `omitted` how
    many incidents more, and `withheld` why all that was held back.
    """

    id: str
    watch: str
    reason: AlertReason
    incident: Incident
    at: UtcTime
    seen: UtcTime
    purpose: Purpose
    owner: Owner
    routes: tuple[Route, ...]
    query: str
    quotes: tuple[Quote, ...] = ()
    platforms: dict[str, int] = {}
    shares: dict[str, int] = {}
    respond_by: UtcTime | None = None
    note: str | None = None
    lines: tuple[Line, ...] = ()
    omitted: int = 0
    silence: Hushed | None = None
    withheld: Literal["quiet-hours", "over-budget", "inhibited"] | None = None
    mention: str | None = None
