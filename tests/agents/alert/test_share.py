"""A budget that all watches share at an address: what is let through, what waits, and the digest that tells of it."""

from datetime import timedelta
from typing import Any

import pytest

from agents.alert.channel import delivery_id
from agents.alert.ledger import FINAL, Ledger, Pace, settle
from agents.alert.render import console
from agents.alert.share import admitted, digest, due, folded, receipts, requested
from pipeline.alerts.route import addressed
from schemas.alert import Alert, AlertReason
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.receipt import Decision, Held
from schemas.watch import Route
from tests.agents.alert.samples import AT, SLACK, alert, incident

KEY = "slack #presse"
HELD, REQUESTED = DeliveryState.HELD, DeliveryState.REQUESTED


def shared(**budget: Any) -> Route:
    written = {"alerts": 2, "per": "1h", "shared": True} | budget
    return Route.model_validate({"channel": "slack", "to": "#presse", "budget": written})


def about(number: int, route: Route, watch: str = "bahn", severity: str = "watch", **changes: Any) -> Alert:
    made = incident(id=f"{number:016x}", watch=watch, severity=severity, mentions=10 * number, **changes)
    return alert(incident=made, watch=watch, routes=(route,))


class Line:
    """A partition's ledger that is asked for alerts, minute by minute."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.alerts: dict[str, Alert] = {}

    def ask(self, minute: float, made: Alert, key: str = KEY) -> DeliveryState:
        now = AT + timedelta(minutes=minute)
        asked = self.ledger.request(made, len(self.alerts), now, key)
        [entry] = admitted(asked, made, self.ledger.at(asked[0].key), now)
        self.ledger.put(entry)
        self.alerts[made.id] = made
        return entry.state

    def due(self, minute: float) -> list[list[Delivery]]:
        return due(self.ledger, AT + timedelta(minutes=minute))


Asked = tuple[float, Alert]
TIMELINES: list[tuple[str, list[Asked], list[DeliveryState]]] = [
    (
        "two in an hour, of whatever watches, and no third",
        [(0, about(1, shared())), (1, about(2, shared(), "strom")), (2, about(3, shared(), "gas"))],
        [REQUESTED, REQUESTED, HELD],
    ),
    (
        "after the hour there is room again",
        [(0, about(1, shared())), (1, about(2, shared())), (61, about(3, shared()))],
        [REQUESTED, REQUESTED, REQUESTED],
    ),
    (
        "what is held takes no room",
        [(0, about(1, shared(alerts=1))), (30, about(2, shared(alerts=1))), (61, about(3, shared(alerts=1)))],
        [REQUESTED, HELD, REQUESTED],
    ),
    (
        "a crisis comes all the same, and counts",
        [
            (0, about(1, shared(), severity="crisis")),
            (1, about(2, shared(), severity="crisis")),
            (2, about(3, shared(), severity="crisis")),
            (3, about(4, shared())),
        ],
        [REQUESTED, REQUESTED, REQUESTED, HELD],
    ),
    (
        "who has a budget of his own asks nobody",
        [(0, about(1, shared(alerts=1))), (1, about(2, SLACK)), (2, about(3, shared(alerts=1)))],
        [REQUESTED, REQUESTED, HELD],
    ),
]


@pytest.mark.parametrize(("asked", "states"), [row[1:] for row in TIMELINES], ids=[row[0] for row in TIMELINES])
def test_what_is_let_through(asked: list[Asked], states: list[DeliveryState]) -> None:
    line = Line()
    assert [line.ask(*one) for one in asked] == states


def test_another_address_has_its_own_share() -> None:
    line = Line()
    other = shared(alerts=1).model_copy(update={"to": "#social"})
    line.ask(0, about(1, shared(alerts=1)))
    assert line.ask(1, about(2, other), "slack #social") is REQUESTED


def three_held() -> Line:
    line = Line()
    line.ask(0, about(1, shared(alerts=1)))
    line.ask(10, about(2, shared(alerts=1), "strom", severity="review"))
    line.ask(20, about(3, shared(alerts=1), "gas"))
    line.ask(30, about(3, shared(alerts=1), "gas", revision=2))
    return line


def test_the_digest_is_due_when_there_is_room_again_and_tells_of_all() -> None:
    line = three_held()
    assert line.due(59) == []
    [held] = line.due(60)
    found = digest(held, line.alerts, AT + timedelta(hours=1))
    assert found is not None
    assert (found.reason, found.withheld, found.watch) == (AlertReason.DIGEST, "over-budget", "strom, gas")
    assert [(one.group, one.held) for one in found.lines] == [({"watch": "strom"}, 1), ({"watch": "gas"}, 2)]
    assert found.incident.signal.value == 3
    assert found.incident.severity == "review"
    said = console(found, "de")
    assert "strom, gas: 2 Vorfälle über dem Kontingent" in said
    assert "3 Nachrichten wurden zusammengefasst" in said
    assert "gas – Beobachten: 30 Erwähnungen" in said


def test_the_digest_is_no_part_of_the_share_and_takes_room() -> None:
    line = three_held()
    [held] = line.due(60)
    made = digest(held, line.alerts, AT + timedelta(hours=1))
    assert made is not None
    for entry in folded(held, AT + timedelta(hours=1)):
        line.ledger.put(entry)
    entry = requested(made, KEY, AT + timedelta(hours=1))
    assert entry.made == made, "it stands nowhere else"
    line.ledger.put(Delivery.from_bytes(entry.to_bytes()))
    assert settle(entry, Sent(reference="1"), AT, Pace()).made is None
    assert line.ask(61, about(9, shared(alerts=1))) is HELD
    assert [one.state for one in line.ledger.entries.values()].count(DeliveryState.FOLDED) == 3


def test_a_digest_that_is_made_again_is_the_same() -> None:
    made = [digest(line.due(60)[0], line.alerts, AT + timedelta(hours=1)) for line in (three_held(), three_held())]
    assert made[0] == made[1]


def test_the_digest_waits_for_the_morning() -> None:
    line = Line()
    written = shared(alerts=1).model_dump(exclude_none=True) | {"quiet": {"begin": "14:30", "end": "20:00"}}
    asleep = Route.model_validate(written)
    line.ask(0, about(1, asleep))
    line.ask(1, about(2, asleep))
    assert line.due(119) == [], "15:05 by the clock of Berlin is in its quiet hours"
    assert len(line.due(6 * 60)) == 1


def test_of_what_is_no_longer_kept_the_digest_says_how_much_it_was() -> None:
    line = three_held()
    [held] = line.due(60)
    kept = {name: made for name, made in line.alerts.items() if made.watch == "gas"}
    found = digest(held, kept, AT + timedelta(hours=1))
    assert found is not None
    assert (found.omitted, found.incident.signal.value) == (1, 3)
    assert digest(held, {}, AT) is None


def test_what_is_held_is_not_begun_and_holds_up_nothing_of_its_incident() -> None:
    line = Line()
    line.ask(0, about(1, shared(alerts=1)))
    line.ask(1, about(2, shared(alerts=1)))
    grave = about(2, shared(alerts=1), severity="crisis", revision=2)
    assert line.ask(2, grave) is REQUESTED
    ready = [one.alert for one in line.ledger.due(AT + timedelta(minutes=3), Pace())]
    assert ready == [about(1, SLACK).id, grave.id]
    assert HELD not in FINAL


def test_what_goes_to_a_shared_address_is_keyed_by_it_and_the_rest_by_the_incident() -> None:
    several = shared().model_copy(update={"to": ("#presse", "#social")})
    made = alert(routes=(SLACK, several))
    found = [(key, [route.address for route in one.routes]) for key, one in addressed(made)]
    assert found == [
        (made.incident.id, ["slack #presse"]),
        ("slack #presse", ["slack #presse"]),
        ("slack #social", ["slack #social"]),
    ]
    assert list(addressed(alert())) == [(alert().incident.id, alert())]


def test_a_budget_is_no_part_of_what_a_delivery_is_known_by() -> None:
    assert delivery_id("a.1", shared()) == delivery_id("a.1", SLACK)


def test_what_is_forgotten_is_no_longer_counted_at_its_address() -> None:
    line = three_held()
    names = list(line.ledger.entries)
    assert [one.id for one in line.ledger.at(KEY)] == names
    line.ledger.drop(names)
    assert line.ledger.at(KEY) == []
    assert line.ledger.at(None) == []


def test_what_is_held_has_a_receipt_of_its_own_and_what_is_told_has_none() -> None:
    line = Line()
    told, held = (about(number, shared(alerts=1)).model_copy(update={"mention": f"x:{number}"}) for number in (1, 2))
    line.ask(0, told)
    line.ask(1, held)
    [found] = receipts(line.ledger.entries.values(), {one.id: one for one in (told, held)})
    assert (found.mention, found.watch, found.alert) == ("x:2", "bahn", held.id)
    assert found.decision is Decision.OVER_BUDGET
    until = AT + timedelta(hours=1)
    assert found.held == (Held(by="over-budget", channel="slack", to="#presse", limit="1 in 1h", until=until),)


def test_what_time_alone_has_caused_is_held_in_the_name_of_its_watch() -> None:
    line = Line()
    line.ask(0, about(1, shared(alerts=1)))
    line.ask(1, reminder := about(2, shared(alerts=1)))
    [found] = receipts(line.ledger.entries.values(), {reminder.id: reminder})
    assert found.mention == "watch:bahn"
