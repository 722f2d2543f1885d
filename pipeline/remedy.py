"""Remedy: what would have changed a decision, in sentences for whoever asks why nobody was told. Pure."""

from collections.abc import Iterator

from schemas.receipt import Decision, Measured, Receipt

_FIGURES = (Decision.BELOW_THRESHOLD, Decision.WARMING_UP, Decision.FOLDED, Decision.IN_INCIDENT, Decision.EDITED)
"""Decisions that other figures of the rules would have changed."""
_ELSE = {
    Decision.IN_INCIDENT: "people are told again when it is `worse_by` times what they know of, or its severity rises",
    Decision.COOLING_DOWN: "more than the last peak, or a shorter `cool_down` in `incidents`",
    Decision.SILENCED: "no silence: `earshot silence list` shows it, `earshot silence end` ends it",
    Decision.QUIET_HOURS: "a severity that the route's `quiet: {except_from}` lets through, or a route without quiet",
    Decision.OVER_BUDGET: "a larger `budget` of the route, or a severity that its `except_from` lets through",
    Decision.BELOW_SEVERITY: "a rule with a higher `severity`, or a route with a lower one",
    Decision.COMPETITOR_ONLY: "a rule that looks at competitors, such as share-of-voice, or a query that fits it too",
    Decision.IRRELEVANT: "a lower `relevance: {least}`, or `earshot feedback ALERT useful` for posts like it",
    Decision.LATE: "its being heard sooner; EARSHOT_LATENESS says how late a post may be",
    Decision.BACKFILLED: "nothing: what is asked for from the past tells nobody",
    Decision.REDELIVERED: "nothing: it was counted when it came first, and that has a receipt of its own",
}


def remedies(receipt: Receipt) -> tuple[str, ...]:
    """Return what would have made somebody hear of the mention; nothing where somebody did.

    >>> from datetime import UTC, datetime
    >>> rules = (Measured(rule="count", value=2, threshold=3),)
    >>> at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> remedies(Receipt(mention="x:1", watch="acme", at=at, decision=Decision.BELOW_THRESHOLD, rules=rules))
    ('count at 3 instead of 2',)
    """
    figures = tuple(_figures(receipt.rules or ())) if receipt.decision in _FIGURES else ()
    more = _ELSE.get(receipt.decision)
    return (*figures, more) if more else figures


def _figures(rules: tuple[Measured, ...]) -> Iterator[str]:
    for rule in rules:
        if rule.tripped and rule.shadow:
            yield f"{rule.rule} without `shadow: true`: it tripped, and is only tried"
        elif rule.warming:
            yield f"{rule.rule} having seen enough to judge: it was still warming up"
        elif not rule.tripped and not rule.shadow:
            yield f"{rule.rule} at {rule.threshold:g} instead of {rule.value:g}"
