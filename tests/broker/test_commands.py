"""The commands that talk to a broker and end: topics and dead records, as a person types them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.main import run
from schemas.dead import bury
from schemas.settings import load_settings
from schemas.topics import DEAD, raw_topic
from tests.broker.brokers import Broker
from tests.broker.test_dead import last_value, produce

pytestmark = pytest.mark.broker

TOPIC = raw_topic("x")
ORIGINAL = b"\x1b[2J{not json"


@pytest.fixture(autouse=True)
def environment(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_PARTITIONS", "1")


def test_topics_are_missing_then_made_then_as_they_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["topics", "check"]) == 1
    assert "earshot.mentions is missing" in capsys.readouterr().out
    assert run(["topics", "apply"]) == 0
    assert "created earshot.mentions" in capsys.readouterr().out
    assert run(["topics", "apply"]) == 0
    assert capsys.readouterr().out == "all topics exist\n"
    assert run(["topics", "check"]) == 0
    assert run(["topics", "raise", "0"]) == 2
    assert "greater than or equal to 1" in capsys.readouterr().err


def test_a_dead_record_is_listed_shown_without_harm_and_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    run(["topics", "apply"])
    capsys.readouterr()
    assert run(["dead", "list"]) == 0
    assert capsys.readouterr().out == "no dead records\n"
    settings = load_settings()
    [offset] = produce(settings, (TOPIC, "x:1", ORIGINAL))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    dead = bury(ORIGINAL, reason="not-json", topic=TOPIC, partition=0, offset=offset, at=at, key="x:1")
    produce(settings, (DEAD, dead.id, dead.to_bytes()))

    assert run(["dead", "list"]) == 1
    assert dead.id in capsys.readouterr().out
    assert run(["dead", "list", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "not-json"
    assert run(["dead", "show", dead.id]) == 0
    shown = capsys.readouterr().out
    assert "not-json" in shown
    assert "\x1b" not in shown, "nothing of it reaches the terminal as a command"
    assert run(["dead", "requeue", dead.id]) == 0
    assert last_value(settings, TOPIC) == ORIGINAL
    assert run(["dead", "show", "earshot.raw.x/0/99"]) == 2
    assert "no dead record is called earshot.raw.x/0/99" in capsys.readouterr().err


WATCH = """watches:
  - {id: ID, purpose: {goal: service, measure: m}, query: QUERY, rules: [{kind: count, threshold: 3, window: 1h}],
     owner: Press, routes: [{channel: console}]}
"""


def test_watches_are_published_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["topics", "apply"])
    one, two = (WATCH.replace("ID", name).replace("QUERY", name) for name in ("one", "two"))
    path = tmp_path / "w.yml"
    path.write_text(one)
    capsys.readouterr()
    assert run(["watches", "list"]) == 0
    assert "no watch is published" in capsys.readouterr().out
    assert run(["watches", "apply", str(path)]) == 0
    assert capsys.readouterr().out == "new one\n"
    assert run(["watches", "apply", str(path)]) == 0
    assert capsys.readouterr().out == "all of it is in force already\n"
    path.write_text(one.replace("query: one", "query: one OR"))
    assert run(["watches", "apply", str(path)]) == 1
    assert "nothing was changed" in capsys.readouterr().err
    path.write_text(two)
    assert run(["watches", "apply", str(path)]) == 0
    assert capsys.readouterr().out == "new two\nremoved one\n"
    assert run(["watches", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["watch"]["query"] == "two"
    assert run(["watches", "list"]) == 0
    assert "Press" in capsys.readouterr().out
