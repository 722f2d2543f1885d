"""What became of an alert where watches share a budget: judge's receipt, delivery's and the ledger are one answer."""

from typing import Any

import pytest

from pipeline.offline.became import joined
from pipeline.offline.remedy import remedies, say_held
from schemas.delivery import Delivery, DeliveryState
from schemas.receipt import Decision, Held, Receipt
from tests.pipeline.timeline import Timeline, minute, watch

HOUR = {"kind": "count", "threshold": 3, "window": "1h"}
SHARED = {"channel": "slack", "to": "#press", "budget": {"alerts": 1, "per": "4h", "shared": True}}
MAIL = {"channel": "email", "to": "a@a.example"}
LIMIT = "1 in 4h"


def judged(*routes: dict[str, Any]) -> Receipt:
    line = Timeline(watch(HOUR, routes=routes or (SHARED,)))
    return line.posts(0, 1, 2)


def entry(receipt: Receipt, state: DeliveryState, channel: str = "slack", to: str = "#press") -> Delivery:
    about = {"alert": receipt.alert, "incident": receipt.incident, "channel": channel, "to": to, "state": state}
    next_at = minute(240) if state is DeliveryState.HELD else None
    name = f"{receipt.alert}.{channel}.0123456789ab"
    return Delivery.model_validate(
        about | {"id": name, "offset": 0, "requested": minute(2), "at": minute(242), "next_at": next_at}
    )


def said(receipt: Receipt) -> Receipt:
    """What delivery says when it holds the alert."""
    held = (Held(by="over-budget", channel="slack", to="#press", limit=LIMIT, until=minute(240)),)
    return receipt.model_copy(update={"decision": Decision.OVER_BUDGET, "held": held, "detail": "is used up"})


HELD, FOLDED, SENT = DeliveryState.HELD, DeliveryState.FOLDED, DeliveryState.SENT
ROWS = [
    ("nothing is known of it yet", (SHARED,), False, (), "opened", ()),
    ("it was told", (SHARED,), False, ((SENT, "slack"),), "opened", ()),
    ("it is held", (SHARED,), True, ((HELD, "slack"),), "over-budget", (f"{LIMIT}; the digest comes at",)),
    ("delivery has said so; its ledger is gone", (SHARED,), True, (), "over-budget", (f"{LIMIT}; the digest comes",)),
    ("the ledger says so alone", (SHARED,), False, ((HELD, "slack"),), "over-budget", ("#press; the digest comes at",)),
    ("it is in the digest", (SHARED,), True, ((FOLDED, "slack"),), "over-budget", (f"{LIMIT}; in the digest of",)),
    ("others were told", (SHARED, MAIL), True, ((HELD, "slack"), (SENT, "email")), "opened", (f"#press, {LIMIT}",)),
]  # fmt: skip


@pytest.mark.parametrize(("why", "routes", "noted", "states", "decision", "held"), ROWS, ids=[row[0] for row in ROWS])
def test_the_receipt_says_how_it_turned_out(
    why: str, routes: Any, noted: bool, states: Any, decision: str, held: tuple[str, ...]
) -> None:
    receipt = judged(*routes)
    assert receipt.alert is not None
    ledger = {receipt.alert: [entry(receipt, state, channel) for state, channel in states]}
    [found] = joined([receipt, *([said(receipt)] if noted else [])], ledger)
    assert found.decision == decision, why
    shown = [say_held(one) for one in found.held or ()]
    assert len(shown) == len(held)
    for part, whole in zip(held, shown, strict=True):
        assert part in whole
    if decision == "over-budget":
        assert remedies(found) == (
            "slack #press: a larger `budget`, or a severity that its `except_from` lets through",
        )


def test_what_judge_hands_to_a_shared_budget_it_does_not_call_told() -> None:
    assert "slack #press is told while the budget that watches share there lasts" in judged().detail
    assert "budget" not in judged(MAIL).detail


def test_the_word_of_delivery_stands_alone_where_the_receipt_of_judge_is_not_kept() -> None:
    note = said(judged())
    assert joined([note], {}) == [note]


def test_other_receipts_stay_as_they_are() -> None:
    line = Timeline(watch(HOUR, routes=(SHARED,)))
    line.posts(0, 1)
    assert joined(line.receipts, {}) == line.receipts
