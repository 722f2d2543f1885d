"""What a running deployment is asked for: receipts, incidents and silences as they lie in its topics."""

import json

import pytest

from cli.main import run
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.control import Judged, Silence, WatchVersion
from schemas.delivery import Delivery, DeliveryState
from schemas.settings import load_settings
from schemas.topics import DELIVERIES, JUDGE_CHANGELOG, RECEIPTS
from tests.broker.brokers import Broker
from tests.broker.test_dead import produce
from tests.pipeline.timeline import NOON, match, minute, watch

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def deployment(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics as judge leaves them: a watch with an open incident, and a silence of what comes from the web."""
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_PARTITIONS", "1")
    assert run(["topics", "apply"]) == 0
    partition = Partition(Rows(0, store := MemoryStore({})), store, 3600.0)
    silence = Silence(watch="acme", at=NOON, until=minute(60), by="Eva", reason="fair", id="s1")
    records: list[Judged] = [
        WatchVersion(watch=watch(), version="1", at=NOON),
        *(match(f"p{number}", number, f"word{number} acme") for number in range(3)),
        silence,
    ]
    receipts = [one for record in records for _, verdict in partition.take(record) for one in verdict.receipts]
    rows = partition.rows.write(partition.persist(), Commit(applied=len(records), now=minute(3)))
    written = [(JUDGE_CHANGELOG, key.decode(), value) for key, value in rows if value is not None]
    # at least once: the first receipt comes again
    told = [(RECEIPTS, one.mention, one.to_bytes()) for one in (*receipts, receipts[0])]
    produce(load_settings(), *written, *told)


def test_a_mention_is_explained_from_its_receipt(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["explain", "x:p0", "--json"]) == 0
    [found] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["mention"], found["decision"]) == ("x:p0", "below-threshold")
    assert run(["explain", "x:unheard"]) == 1


def test_incidents_and_silences_are_read_from_the_state(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["incidents", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "open"
    assert run(["silence", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "s1"


def test_what_a_shared_budget_holds_back_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["explain", "x:p2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["decision"], "held" in told) == ("opened", False)
    name = f"{told['alert']}.slack.0123456789ab"
    about = {"alert": told["alert"], "incident": told["incident"], "channel": "slack", "to": "#press"}
    held = Delivery(id=name, **about, state=DeliveryState.HELD, offset=0, requested=NOON, at=NOON, next_at=minute(60))
    other = held.model_copy(update={"id": name.replace(".1.", ".10."), "alert": told["incident"] + ".10"})
    produce(load_settings(), *((DELIVERIES, one.id, one.to_bytes()) for one in (held, other)))
    assert run(["explain", "x:p2"]) == 0
    said = capsys.readouterr().out
    assert said.count("held back by") == 1
    assert "over-budget" in said, "nobody was told of it at once"
    assert "held back by the budget of slack #press; the digest comes at 2026-03-02 13:00 UTC" in said
