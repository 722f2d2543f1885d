"""A ledger that an earlier version stored is read by this one: nobody is told again what that has told.

A file for each form, with the bytes that the code of its time wrote, never written anew. `1` is the first, `2` knows
budgets that are shared, `3` digests, `4` what messages quote and what of it is gone, `5` what of it was edited.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agents.alert.ledger import Ledger, Pace
from pipeline.stories.sketch import number
from schemas.alert import Alert
from schemas.delivery import Delivery, DeliveryState, Sent

STORED = sorted(Path(__file__).with_name("stored").glob("*.json"))
PACE = Pace()
NOW = datetime.fromisoformat("2026-03-05T08:00:00Z")
FIRST, SECOND, REFUSED = "a1b2c3d4e5f60718.1", "a1b2c3d4e5f60718.2", "0011223344556677.1"
HELD, FOLDED, DIGEST = "8899aabbccddeeff.1", "99aabbccddeeff00.1", "5a5a5a5a5a5a5a5a.1"


@dataclass(frozen=True)
class Stored:
    """What a partition held: its ledger, and the alerts, whose offsets are their places in the list."""

    form: int
    entries: dict[str, bytes]
    alerts: list[bytes]

    @classmethod
    def read(cls, path: Path) -> "Stored":
        found = json.loads(path.read_text("utf-8"))
        entries = {name: value.encode() for name, value in found["ledger"].items()}
        return cls(int(path.stem), entries, [value.encode() for value in found["alerts"]])

    def ledger(self) -> Ledger:
        found = Ledger()
        for value in self.entries.values():
            found.put(Delivery.from_bytes(value))
        found.take_over(NOW)
        return found


@pytest.fixture(params=STORED, ids=[path.stem for path in STORED])
def stored(request: pytest.FixtureRequest) -> Stored:
    return Stored.read(request.param)


def since(form: int) -> pytest.MarkDecorator:
    """Only the forms from this one on."""
    known = [path for path in STORED if int(path.stem) >= form]
    return pytest.mark.parametrize("stored", known, indirect=True, ids=[path.stem for path in known])


def entry(ledger: Ledger, alert: str, channel: str = "slack") -> Delivery:
    [found] = [one for one in ledger.entries.values() if (one.alert, one.channel) == (alert, channel)]
    return found


def test_every_form_is_there() -> None:
    assert [path.stem for path in STORED] == ["1", "2", "3", "4", "5"]


def test_an_alert_that_comes_again_is_asked_for_nowhere(stored: Stored) -> None:
    """So the ids of deliveries are those of then, too: others would tell everybody again."""
    ledger = stored.ledger()
    for offset, value in enumerate(stored.alerts):
        assert ledger.request(Alert.from_bytes(value), offset, NOW) == [], value


def test_what_was_refused_for_good_lives_again_when_its_alert_is_put_back(stored: Stored) -> None:
    [again] = stored.ledger().request(Alert.from_bytes(stored.alerts[2]), 99, NOW)
    assert (again.alert, again.channel) == (REFUSED, "slack")


def test_what_is_due_is_what_was_not_over(stored: Stored) -> None:
    """A call that was under way has its lease from now on, and counts as one in doubt; what failed is tried again."""
    ledger = stored.ledger()
    digest = {(DIGEST, "slack")} if stored.form >= 3 else set()
    assert {(one.alert, one.channel) for one in ledger.due(NOW, PACE)} == digest | {(SECOND, "email")}
    later = NOW + timedelta(seconds=PACE.lease)
    assert {(one.alert, one.channel) for one in ledger.due(later, PACE)} == digest | {
        (SECOND, "email"),
        (SECOND, "slack"),
    }
    assert entry(ledger, SECOND).state is DeliveryState.SENDING
    assert entry(ledger, SECOND, "email").error == "451 try again"


def test_the_message_to_answer_below_is_still_known(stored: Stored) -> None:
    ledger = stored.ledger()
    assert ledger.previous(entry(ledger, SECOND)) == Sent(reference="1772629501.000100", place="C0PRESSE")
    assert ledger.previous(entry(ledger, SECOND, "email")) == Sent(reference="<first@earshot.example>")


@since(2)
def test_what_waits_for_the_digest_goes_on_waiting(stored: Stored) -> None:
    ledger = stored.ledger()
    states = {one.alert: one.state for one in ledger.at("slack:#all")}
    made = {DIGEST: DeliveryState.REQUESTED} if stored.form >= 3 else {}
    assert states == {HELD: DeliveryState.HELD, FOLDED: DeliveryState.FOLDED} | made
    if stored.form >= 3:
        digest = entry(ledger, DIGEST).made
        assert digest is not None
        assert digest.id == DIGEST


@since(4)
def test_messages_that_quote_a_post_are_found_by_it(stored: Stored) -> None:
    ledger = stored.ledger()
    assert {one.alert for one in ledger.showing(number("x:1"))} >= {FIRST, SECOND}
    assert list(ledger.stale) == [entry(ledger, FIRST).id]
    first = entry(ledger, FIRST)
    assert (first.gone, first.edited) == ((("x:1",), ()) if stored.form == 4 else (("web:2",), ("x:1",)))


def test_it_is_stored_again_without_loss(stored: Stored) -> None:
    for value in stored.entries.values():
        assert Delivery.from_bytes(Delivery.from_bytes(value).to_bytes()) == Delivery.from_bytes(value)
        assert json.loads(Delivery.from_bytes(value).to_bytes()).items() >= json.loads(value).items()
