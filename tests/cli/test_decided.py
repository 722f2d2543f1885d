"""What judge has decided and knows, as it is shown to people; the topics it is read from are tried with a broker."""

import json
from datetime import timedelta

import pytest

import pipeline.stream.lookup
from cli.decided import say_receipt
from cli.main import run
from pipeline.frozen import replace
from pipeline.stream.lookup import Known
from schemas.alert import Alert
from schemas.delivery import Delivery, DeliveryState
from schemas.receipt import Receipt
from tests.pipeline.timeline import COUNT, NOON, Timeline, watch

RULES = (COUNT, COUNT | {"name": "many", "threshold": 9, "shadow": True})


def _sent(alert: Alert) -> Delivery:
    return Delivery(
        id=f"{alert.id}.slack.0123456789ab",
        alert=alert.id,
        incident=alert.incident.id,
        channel="slack",
        to="#press",
        state=DeliveryState.SENT,
        offset=0,
        requested=NOON,
        at=NOON,
    )


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Timeline:
    """A watch with an incident that is open, and then a silence."""
    line = Timeline(watch(*RULES))
    line.posts(0, 1, 2)
    line.tick(3)
    line.silence(60)

    def lives(_: object) -> list[Known]:
        return [Known("acme", line.now, line.state.life)]

    def receipts(_: object, mention: str = "", *, incident: str = "") -> list[Receipt]:
        return [one for one in line.receipts if (one.mention == mention if mention else one.incident == incident)]

    def deliveries(_: object, alerts: set[str]) -> dict[str, list[Delivery]]:
        sent = [_sent(alert) for alert in line.alerts if alerts & {alert.id, alert.incident.id}]
        return {one.alert: [one] for one in sent}

    monkeypatch.setattr(pipeline.stream.lookup, "lives", lives)
    monkeypatch.setattr(pipeline.stream.lookup, "receipts", receipts)
    monkeypatch.setattr(pipeline.stream.lookup, "deliveries", deliveries)
    return line


def test_a_mention_is_explained_from_its_receipt(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "x:p2"]) == 0
    said = capsys.readouterr().out
    for part in ("below-threshold", "count: 2 of 3, 67% of the way", "many: 2 of 9", "count at 3 instead of 2"):
        assert part in said
    assert "many at 9" not in said, "a rule that is only tried would not have told anybody"


def test_a_mention_that_told_people_needs_nothing_else(line: Timeline) -> None:
    said = "\n".join(one.plain for one in say_receipt(line.receipts[-1]))
    assert "opened" in said
    assert "changed it" not in said


def test_a_mention_without_a_receipt_is_said_to_have_none(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "x:unheard"]) == 1
    assert "no receipt of x:unheard" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["explain"], ["explain", "x:1", "--input", "posts.jsonl"]])
def test_half_a_question_is_refused(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked) == 2
    assert "write a mention such as x:123, or --watches and --input" in capsys.readouterr().err


def test_open_incidents_are_listed(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["incidents", "--json"]) == 0
    [found] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["watch"], found["state"]) == ("acme", "open")
    line.acknowledge(found["id"])
    assert run(["incidents"]) == 0
    assert found["id"] in capsys.readouterr().out


def test_what_others_wrote_cannot_clear_the_terminal(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    life = line.state.life
    assert life.open is not None
    hostile = life.open.model_copy(update={"group": {"author": "\x1b[2Jeve"}, "acknowledged_by": "\x1b[2Jben"})
    line.state = replace(line.state, life=replace(life, incident=hostile))
    assert run(["incidents"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "eve" in said
    receipt = line.receipts[-1].model_copy(update={"story": "x:\x1b[2J1", "detail": "\x1b[2J", "mention": "x:\x1b[2J"})
    assert "\x1b" not in "".join(one.plain for one in say_receipt(receipt))


def test_what_is_over_is_listed_when_asked_for(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    line.tick(60 * 12)
    assert run(["incidents"]) == 0
    assert "no incident is open" in capsys.readouterr().out
    assert run(["incidents", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] in {"resolved", "closed"}


def test_silences_are_listed_until_they_are_over(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["silence", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["watch"], found["by"], found["in_force"]) == ("acme", "ben", True)
    assert run(["silence", "list"]) == 0
    assert "the whole" in capsys.readouterr().out
    line.now = NOON + timedelta(hours=2)
    assert run(["silence", "list"]) == 0
    assert "nothing is silenced" in capsys.readouterr().out


def test_everything_about_one_incident(line: Timeline, capsys: pytest.CaptureFixture[str]) -> None:
    line.post(4, id="later")
    name = line.alerts[0].incident.id
    assert run(["incidents", name]) == 0
    said = capsys.readouterr().out
    for part in (
        f"{name}  acme  open",
        "4 mentions, 4 stories",
        "slack #press  sent",
        "x:p3  opened",
        "x:later  silenced",
    ):
        assert part in said
    assert run(["incidents", name, "--json"]) == 0
    found = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert [one.get("state") or one["decision"] for one in found] == ["open", "sent", "opened", "silenced"]
    assert [one["type"] for one in found] == ["incident", "delivery", "receipt", "receipt"]
    assert found[0]["mentions"] == 4, "as it is now, and not as people were told"
    assert run(["incidents", f"{name}.1"]) == 0
    assert f"{name}  acme  open" in capsys.readouterr().out, "the id of one of its messages names it, too"
    line.acknowledge(name)
    assert run(["incidents", name]) == 0
    assert f"{name}  acme  acknowledged by ben" in capsys.readouterr().out
    assert run(["incidents", "0123456789abcdef"]) == 1
    assert "nothing is kept of 0123456789abcdef" in capsys.readouterr().err
