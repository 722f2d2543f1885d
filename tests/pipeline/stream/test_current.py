"""What somebody means who names an incident: of what judge knows and what people were told the newest counts."""

from typing import Any

import pytest

from pipeline.incidents.life import Life
from pipeline.stream.current import Named, named
from schemas.incident import Incident, IncidentState
from tests.agents.alert.samples import alert, incident

OPEN, ACKNOWLEDGED, RESOLVED, CLOSED = IncidentState


def one(revision: int = 1, state: IncidentState = OPEN, **more: Any) -> Incident:
    return incident(**{"id": "a1b2", "watch": "acme", "revision": revision, "state": state} | more)


ROWS = [
    ("judge knows it", [one()], [], Named.OPEN),
    ("somebody else has it", [one(state=ACKNOWLEDGED)], [], Named.OPEN),
    ("people were told a moment ago, and judge has not committed", [], [one()], Named.OPEN),
    ("nobody has heard of it", [one(id="c3d4")], [], Named.UNKNOWN),
    ("judge knows that it is over, and nobody was told", [one(1, RESOLVED)], [one()], Named.OVER),
    ("people were told that it is over, and judge has not committed", [one()], [one(), one(2, RESOLVED)], Named.OVER),
    ("it is over for so long that judge has forgotten it", [], [one(), one(2, CLOSED)], Named.OVER),
    ("the end was told before the beginning", [], [one(2, RESOLVED), one()], Named.OVER),
    ("another watch has it", [], [one(watch="globex")], Named.ELSEWHERE),
]


@pytest.mark.parametrize(("sentence", "known", "told", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_meant(sentence: str, known: list[Incident], told: list[Incident], expected: Named) -> None:
    lives = [Life(incident=found) for found in known]
    alerts = [alert(incident=found, watch=found.watch) for found in told]
    assert named("acme", "a1b2", lives, alerts) is expected, sentence
