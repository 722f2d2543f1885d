"""Remedy: what would have changed a decision, in sentences for whoever asks why nobody was told. Pure."""

from collections.abc import Iterator

from schemas.receipt import Again, Decision, Held, Measured, Receipt

_FIGURES = (Decision.BELOW_THRESHOLD, Decision.WARMING_UP, Decision.FOLDED, Decision.IN_INCIDENT, Decision.EDITED)
"""Decisions that other figures of the rules would have changed."""
_HELD = (Decision.SILENCED, Decision.INHIBITED, Decision.QUIET_HOURS, Decision.OVER_BUDGET)
"""Decisions of which the receipt says what it was that held something back."""
_ELSE = {
    Decision.IN_INCIDENT: "people are told again when it is much worse (`worse_by`) than they know, or graver",
    Decision.COOLING_DOWN: "more than the last peak, or a shorter `cool_down` in `incidents`",
    Decision.EDITED: "nothing: a new state of a post is not counted again, and no rule on its reactions has tripped",
    Decision.SILENCED: "no silence: `earshot silence list` shows it, `earshot silence end` ends it",
    Decision.INHIBITED: "no such incident being open, or another `inhibit` in the watch",
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
    if receipt.again:
        return tuple(_again(receipt.again, receipt))
    figures = tuple(_figures(receipt.rules or ())) if receipt.decision in _FIGURES else ()
    held = tuple(_without(one, receipt.watch) for one in receipt.held or ())
    if held and receipt.decision in _HELD:
        return held
    if (more := _ELSE.get(receipt.decision)) is None and receipt.decision not in _FIGURES:
        return ()
    return (*figures, *held, more) if more else (*figures, *held)


def _again(found: Again, receipt: Receipt) -> Iterator[str]:
    """Yield what would have told people once more; that another rule trips beside the leading one is no news."""
    after = f"{found.after:%Y-%m-%d %H:%M} UTC" if found.after else ""
    if receipt.decision is Decision.COOLING_DOWN:
        yield f"{found.rule} above {found.value:g}: the last incident peaked at {found.known:g}"
        yield f"the same after {after}, when its cool-down is over (`incidents: {{cool_down}}`)"
        return
    late = f", and not before {after} (`incidents: {{patience}}`)" if after else ""
    needs = next((one.threshold for one in receipt.rules or () if one.rule == found.rule), found.known)
    # far above the threshold it is not the factor of the watch that counts
    factor = " (`incidents: {worse_by}`)" if found.value > found.known * max(1.0, found.known / needs) else ""
    yield f"{found.rule} at {found.value:g}{factor}: people know of {found.known:g}{late}"
    yield "a rule that trips with a higher `severity` than the incident has"


def _without(one: Held, watch: str) -> str:
    """Return what would have been otherwise without that which held something back."""
    match one.by:
        case "silence":
            return f"no silence {one.id}: `earshot silence end {watch} {one.id} --by YOU` ends it"
        case "inhibition":
            return f"the incident {one.incident} being over, or another `inhibit` in the watch"
        case "quiet-hours":
            return f"{where(one)}: a severity that its `quiet: {{except_from}}` lets through, or no quiet hours"
        case "over-budget":
            return f"{where(one)}: a larger `budget`, or a severity that its `except_from` lets through"


def where(one: Held) -> str:
    """Return the route that held something back: its channel and address."""
    return " ".join(part for part in (one.channel, one.to) if part)


def say_held(one: Held) -> str:
    """Return in a sentence what held something back, which one it was, and until when.

    >>> say_held(Held(by="over-budget", channel="slack", to="#social", limit="5 in 1h"))
    'the budget of slack #social, 5 in 1h'
    """
    until = f" until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
    match one.by:
        case "silence":
            return f"silence {one.id} of {one.author}{until}{f': {one.reason}' if one.reason else ''}"
        case "inhibition":
            group = ", ".join(f"{label} {value}" for label, value in (one.group or {}).items())
            return f"incident {one.incident} of {one.watch}{f' ({group})' if group else ''}, which is open"
        case "quiet-hours":
            return f"the quiet hours of {where(one)}{until}"
        case "over-budget":
            limit = f", {one.limit}" if one.limit else ""
            digest = f"; the digest comes at {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
            if one.digest:
                digest = f"; in the digest of {one.digest:%Y-%m-%d %H:%M} UTC"
            return f"the budget of {where(one)}{limit}{digest}"


def _figures(rules: tuple[Measured, ...]) -> Iterator[str]:
    for rule in rules:
        if rule.tripped and rule.shadow:
            yield f"{rule.rule} without `shadow: true`: it tripped, and is only tried"
        elif rule.warming:
            until = f" until {rule.until:%Y-%m-%d %H:%M} UTC" if rule.until else ""
            yield f"{rule.rule} having seen enough to judge: it was still warming up{until}"
        elif not rule.tripped and not rule.shadow:
            yield f"{rule.rule} at {rule.threshold:g} instead of {rule.value:g}"
