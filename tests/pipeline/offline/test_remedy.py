"""What would have changed a decision, from its receipt."""

import pytest

from pipeline.offline.remedy import remedies
from schemas.receipt import Decision, Measured, Receipt
from tests.pipeline.timeline import NOON

RULES = (
    Measured(rule="count", value=7, threshold=10),
    Measured(rule="volume", value=7, threshold=0, warming=True),
    Measured(rule="tried", value=12, threshold=10, tripped=True, shadow=True),
)
TOLD = (Decision.OPENED, Decision.UPDATED, Decision.WITHDRAWN, Decision.NO_MATCH, Decision.INVALID)


def changing(decision: Decision, *rules: Measured) -> tuple[str, ...]:
    return remedies(Receipt(mention="x:1", watch="acme", at=NOON, decision=decision, rules=rules or None))


def test_of_each_rule_it_says_what_it_lacked() -> None:
    assert changing(Decision.BELOW_THRESHOLD, *RULES) == (
        "count at 10 instead of 7",
        "volume having seen enough to judge: it was still warming up",
        "tried without `shadow: true`: it tripped, and is only tried",
    )


@pytest.mark.parametrize("decision", [one for one in Decision if one not in TOLD])
def test_whatever_told_nobody_could_have_been_otherwise(decision: Decision) -> None:
    assert changing(decision, *RULES)


@pytest.mark.parametrize("decision", TOLD)
def test_what_was_told_needs_no_change(decision: Decision) -> None:
    assert changing(decision, *RULES) == ()
