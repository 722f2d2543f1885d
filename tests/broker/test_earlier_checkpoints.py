"""Ingest begins with the checkpoints that an earlier release has left: it reads on where that had stopped.

A line of `checkpoints.jsonl` is what the code of its time wrote, never written anew: the first form, the one that keeps
tokens and facts, and the one that says who runs the source and how it is doing.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from agents.ingest.checkpoints import read_checkpoints
from schemas.checkpoint import Checkpoint, SourceState
from schemas.topics import CHECKPOINTS
from tests.broker.brokers import ROOT, Broker
from tests.broker.test_ingest import World, make

pytestmark = pytest.mark.broker
STORED = ROOT / "tests" / "agents" / "ingest" / "stored"
LINES = (STORED / "checkpoints.jsonl").read_bytes().splitlines()
NAMES = ["file1", "file2", "file3"]


@pytest.fixture
def left(fresh_broker: Broker, tmp_path: Path) -> Iterator[World]:
    """A broker with what was left, and three sources that each read the same file."""
    shutil.copy(STORED / "said.jsonl", tmp_path / "said.jsonl")
    for world in make(fresh_broker, tmp_path):
        with closing(KafkaProducer(bootstrap_servers=fresh_broker.address)) as producer:
            for name, line in zip(NAMES, LINES, strict=True):
                producer.send(CHECKPOINTS, line, key=name.encode(), partition=0).get(timeout=30)
        yield world


def test_each_form_is_read(left: World) -> None:
    found = read_checkpoints(left.settings)
    assert list(found) == NAMES
    one, two, three = found.values()
    assert one.cursor == two.cursor == three.cursor
    assert one.cursor["line"] == "2"
    assert one.heard == one.at
    assert (two.kept, two.facts) == ({"refresh": "a-token-of-then"}, {"calls left": 7.0, "plan": "basic"})
    assert (three.owner, three.state, three.trouble) == ("host/4711", SourceState.FAILING, "no answer")
    assert three.event == three.event_seen == three.at
    for checkpoint in found.values():
        assert Checkpoint.from_bytes(checkpoint.to_bytes()) == checkpoint, "and stored again without loss"


def test_ingest_goes_on_from_it(left: World) -> None:
    process = left.start(*(f"id: {name}, kind: replay, path: said.jsonl, speed: 0" for name in NAMES))
    assert process.wait(90) == 0, left.log()
    read = [(value["source"], value["id"]) for value in events(left)]
    assert sorted(read) == [(name, post) for name in NAMES for post in ("p2", "p3")], "and nothing twice"
    found = read_checkpoints(left.settings)
    assert {one.state for one in found.values()} == {SourceState.FINISHED}
    assert found["file2"].kept == {"refresh": "a-token-of-then"}, "what must survive whatever is read"


def events(world: World) -> list[dict[str, str]]:
    return [value for _, value in world.values("earshot.raw.other") if value["type"] == "event"]
