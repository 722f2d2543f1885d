"""Became: what became of the alerts that receipts tell of, where watches share a budget. Pure.

Judge says that people are told; delivery, which alone counts such a budget, says in a receipt of its own that it holds
the alert, and in its ledger whether that is in a digest by now. For whoever asks the three are one answer.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.delivery import Delivery, DeliveryState
from schemas.receipt import Decision, Held, Receipt

Ledger = Mapping[str, Sequence[Delivery]]
"""The deliveries of alerts, by alert."""
_HELD = (DeliveryState.HELD, DeliveryState.FOLDED)


def joined(receipts: Iterable[Receipt], ledger: Ledger) -> list[Receipt]:
    """Return `receipts` as they turned out: what delivery says of an alert stands in the receipt of who has made it.

    A receipt whose alert is held at every address is `over-budget`; where others were told, it only names the budget.
    """
    kept = list(receipts)
    made = {one.alert for one in kept if one.alert and not _of_delivery(one)}
    said = [one for one in kept if _of_delivery(one)]
    return [_turned_out(one, said, ledger) for one in kept if not (_of_delivery(one) and one.alert in made)]


def _of_delivery(receipt: Receipt) -> bool:
    return receipt.decision is Decision.OVER_BUDGET and receipt.alert is not None


def _turned_out(receipt: Receipt, said: Iterable[Receipt], ledger: Ledger) -> Receipt:
    if receipt.alert is None:
        return receipt
    entries = ledger.get(receipt.alert, ())
    by_address = {(one.channel, one.to): one for note in said if note.alert == receipt.alert for one in note.held or ()}
    by_address |= {
        (one.channel, one.to or None): _as_it_stands(one, by_address) for one in entries if one.state in _HELD
    }
    if not by_address or _of_delivery(receipt):
        return receipt.model_copy(update={"held": tuple(by_address.values())}) if by_address else receipt
    held = {"held": (*(receipt.held or ()), *by_address.values())}
    if any(one.state not in _HELD for one in entries):
        return receipt.model_copy(update=held)
    why = "; ".join(f"{one.channel} {one.to} has had its share ({one.limit})" for one in by_address.values())
    return receipt.model_copy(update=held | {"decision": Decision.OVER_BUDGET, "detail": f"{receipt.detail}; {why}"})


def _as_it_stands(entry: Delivery, said: Mapping[tuple[str | None, str | None], Held]) -> Held:
    """Return what holds an entry of the ledger, with what delivery has said of it: the ledger knows no limit."""
    known = said.get((entry.channel, entry.to or None))
    digest = entry.at if entry.state is DeliveryState.FOLDED else None
    found = Held(by="over-budget", channel=entry.channel, to=entry.to or None, until=entry.next_at, digest=digest)
    return found.model_copy(update={"limit": known.limit}) if known else found
