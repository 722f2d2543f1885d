"""A worker begins with the changelog that an earlier release has left: it knows what that knew, and goes on with it."""

import json
import struct
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.stream.relocate import home
from schemas.event import Post
from schemas.receipt import Decision, Receipt
from schemas.topics import JUDGE_CHANGELOG, RECEIPTS
from tests.broker.brokers import ROOT, Broker
from tests.broker.worker import Feed, Worker, provision, reading

pytestmark = pytest.mark.broker

FORMS = sorted((ROOT / "tests" / "pipeline" / "stored").glob("*.json"))
HEADS = {1: ">BqI", 2: ">BqIq"}
"""How each version began its rows; the first knew no term."""
WATCHES = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answers within the hour}
    query: acme
    rules: [{kind: count, threshold: 3, window: 10m}, {kind: spike, window: 20m, factor: 2, floor: 2}]
    owner: Press
    routes: [{channel: console}]
"""


def changelog(stored: dict[str, Any], partition: int) -> dict[bytes, bytes]:
    """Return the records that the release wrote: a row each, and the commit record behind them."""
    version = bytes.fromhex(stored["row"])[0]
    term = (stored["term"],) if version > 1 else ()
    rows = {f"{partition}/acme/{name}".encode(): value.encode() for name, value in stored["rows"].items()}
    found = {key: struct.pack(HEADS[version], version, -1, len(row), *term) + row for key, row in rows.items()}
    return found | {str(partition).encode(): json.dumps(json.loads(stored["commit"]) | {"applied": -1}).encode()}


@pytest.mark.parametrize("path", FORMS, ids=[path.stem for path in FORMS])
@pytest.mark.parametrize("state", ["memory", "disk"])
def test_a_worker_goes_on_from_it(fresh_broker: Broker, tmp_path: Path, path: Path, state: str) -> None:
    stored = json.loads(path.read_text("utf-8"))
    settings = provision(fresh_broker, tmp_path, watches=WATCHES, state=state)
    feed, partition = Feed(settings), home("acme", settings.partitions)
    for key, value in changelog(stored, partition).items():
        feed.to(JUDGE_CHANGELOG, partition, key, value)
    left = datetime.fromisoformat(json.loads(stored["commit"])["now"])
    feed.replay(
        [
            Post(platform="x", id="copy0", time=left, text="acme, which was heard long ago"),
            Post(platform="x", id="new", time=left + timedelta(minutes=1), text="acme says something else"),
        ]
    )
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(reader.records[RECEIPTS]) == 2, 90, worker)
        assert worker.stop() == 0
    receipts = {one.mention: one for one in map(Receipt.from_bytes, reader.values(RECEIPTS))}
    assert receipts["x:copy0"].decision is Decision.REDELIVERED
    assert receipts["x:new"].incident == stored["incident"], "the acknowledged incident goes on"
