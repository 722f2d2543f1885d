"""Receipts: what was decided about a match and why. They travel in `earshot.receipts`, keyed by mention."""

from enum import StrEnum
from typing import Literal

from schemas.about import Relevance
from schemas.mention import Score
from schemas.model import Record, UtcTime


class Decision(StrEnum):
    """What judge did with a match, or an offline command with an event; metric label, log field and test row alike."""

    OPENED = "opened"
    """The match tripped a rule and an incident was opened: people are told.

    An address whose budget watches share is told unless that is used up: delivery knows, and then writes a receipt of
    its own, `over-budget`. So it is with `updated`.
    """
    UPDATED = "updated"
    """The incident got so much worse that people were told again."""
    IN_INCIDENT = "in-incident"
    """Counted in an open incident that did not get enough worse to tell people again."""
    BELOW_THRESHOLD = "below-threshold"
    """Counted; no rule tripped."""
    WARMING_UP = "warming-up"
    """Counted; the rules have not yet seen enough to judge."""
    FOLDED = "folded"
    """Counted as one more copy of a story that is already known; no rule tripped."""
    REDELIVERED = "redelivered"
    """The same post again: not counted."""
    EDITED = "edited"
    """A new state of a post already counted."""
    COOLING_DOWN = "cooling-down"
    """A rule tripped so soon after a resolved incident that nobody is told."""
    LATE = "late"
    """Counted where it belongs in the past; too old to alert."""
    BACKFILLED = "backfilled"
    """Asked for from the past: counted where it belongs, and nobody is told."""
    SILENCED = "silenced"
    """A rule tripped while the watch is silenced."""
    INHIBITED = "inhibited"
    """A rule tripped, and an incident is open that says more: it tells how much it has held back when it is over."""
    QUIET_HOURS = "quiet-hours"
    """A rule tripped, and it is the quiet hours of every route: people read it in the digest when those end."""
    OVER_BUDGET = "over-budget"
    """A rule tripped, and every route has had its share of alerts: people read it in the next digest.

    With the `alert` it is delivery's word, and about the addresses in `held` alone: judge has handed it to more than
    they may be told of.
    """
    BELOW_SEVERITY = "below-severity"
    """A rule tripped, and no route wants to know of anything so harmless."""
    IRRELEVANT = "irrelevant"
    """Probably not about the watched entity: counted for itself, and no rule looks at it."""
    COMPETITOR_ONLY = "competitor-only"
    """About a competitor only; kept for comparison."""
    WITHDRAWN = "withdrawn"
    """The watch was removed while an incident was open, which is closed: about the watch, not about a match."""
    NO_MATCH = "no-match"
    """No watch asked for it (offline commands only; such events leave no receipt)."""
    INVALID = "invalid"
    """It could not be read (offline commands only; the live path writes a dead record)."""


class Measured(Record):
    """How far a rule was from firing: `value` of the `threshold` that is enough; `warming`: it had not seen enough yet.

    `tripped` says that it was enough; of a `shadow` rule nobody is told. `scaled` says which campaigns have scaled what
    is usual, and so the threshold. `until` is when a rule that is warming up will have seen enough, where it knows.
    `expected` is what is usual, in the unit of `value`, where the rule keeps a baseline.
    """

    rule: str
    value: float
    threshold: float
    warming: bool = False
    tripped: bool = False
    shadow: bool = False
    scaled: str | None = None
    until: UtcTime | None = None
    expected: float | None = None


class Held(Record):
    """What kept somebody from being told: `by` says what it was, the fields which one.

    Of a silence `id`, `author`, `reason` and until when; of quiet hours and a budget the `channel` and the address
    `to`, when the digest comes, and of the budget its `limit`; of an inhibition the `incident`, `watch` and `group`.
    `digest` is when the digest was made that tells of it, as far as delivery has done so.
    """

    by: Literal["silence", "quiet-hours", "over-budget", "inhibition"]
    id: str | None = None
    author: str | None = None
    reason: str | None = None
    until: UtcTime | None = None
    digest: UtcTime | None = None
    channel: str | None = None
    to: str | None = None
    limit: str | None = None
    incident: str | None = None
    watch: str | None = None
    group: dict[str, str] | None = None


class Again(Record):
    """When people would have been told again, where they know of an incident, and that it measured `known`: at `value`.

    Of an open incident not before `after`; of one that is over more than `value`, or anything that is enough once it is
    `after`.
    """

    rule: str
    known: float
    value: float
    after: UtcTime | None = None


class Receipt(Record):
    """The decision about one match. `detail` is one English sentence with the figures that decided.

    Where it is about the watch itself, `mention` is `watch:<id>`. `rules` is what each rule measured then; None where
    no rule looked at the match. `relevance` is None where the query alone decides; `score` is what rules saw. `group`
    is that of the incident; `held` says which silence, quiet hours, budget or incident kept whom from being told,
    `again` what would have been enough where people know of an incident already. `alert` is the message that does.
    """

    mention: str
    watch: str
    at: UtcTime
    decision: Decision
    detail: str = ""
    story: str | None = None
    incident: str | None = None
    rules: tuple[Measured, ...] | None = None
    relevance: Relevance | None = None
    score: Score | None = None
    group: dict[str, str] | None = None
    held: tuple[Held, ...] | None = None
    again: Again | None = None
    alert: str | None = None
