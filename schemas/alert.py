"""Alerts: one revision of an incident, complete enough that delivery needs nothing else to tell people about it."""

from enum import StrEnum

from schemas.incident import Incident
from schemas.mention import Sentiment
from schemas.model import Record, UtcTime
from schemas.watch import Owner, Purpose, Route


class AlertReason(StrEnum):
    """Why people are told, in this revision."""

    OPENED = "opened"
    GREW = "grew"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    """The watch was removed while its incident was open: it is closed, and nobody listens any more."""
    MISTAKE = "mistake"
    """The watch itself is wrong as it is written: nothing has happened, but its owner must know."""


class Quote(Record):
    """A representative post of an incident; `copies` is how many mentions its story has folded, itself included."""

    mention: str
    platform: str
    time: UtcTime
    text: str
    author: str | None = None
    followers: int | None = None
    url: str | None = None
    sentiment: Sentiment | None = None
    copies: int = 1


class Alert(Record):
    """What people are told. `id` is `<incident id>.<revision>`; the topic key is the incident id.

    `at` is judge's time, `seen` when the mention that caused it reached us: the start of the latency that is measured.
    `platforms` counts mentions by platform; `shares` counts the window's mentions by entity.
    `respond_by` is when the owner is expected to have reacted. `note` says what the mistake is where there is one.
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
