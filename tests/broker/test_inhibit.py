"""An incident of one watch is told to every partition, and holds back what another watch would have told."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.alert import Alert
from schemas.control import Inhibitor, judged
from schemas.event import Post
from schemas.receipt import Decision, Receipt
from schemas.topics import ALERTS, MENTIONS, RECEIPTS
from tests.broker.brokers import Broker
from tests.broker.crisis import START
from tests.broker.worker import Feed, Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

WATCHES = """
defaults:
  purpose: {goal: reputation, measure: answered within an hour}
  owner: Press
  routes: [{channel: console}]
  inhibit: [{source: severity=crisis, target: kind=every, across: true}]
watches:
  - {id: group, query: konzern, rules: [{kind: count, threshold: 3, window: 10m, severity: crisis}]}
  - {id: rail, query: zug, rules: [{kind: every}], group_by: [story]}
"""


def post(name: str, minutes: float, text: str) -> Post:
    return Post(platform="x", id=name, time=START + timedelta(minutes=minutes), text=text)


def told(reader: Reader) -> list[Inhibitor]:
    found = map(judged.validate_json, reader.values(MENTIONS))
    return [one for one in found if isinstance(one, Inhibitor)]


def ended(reader: Reader) -> list[Alert]:
    return [one for one in map(Alert.from_bytes, reader.values(ALERTS)) if one.withheld == "inhibited"]


def test_what_one_watch_is_in_keeps_another_quiet(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path, watches=WATCHES)
    feed = Feed(settings)
    with reading(settings, MENTIONS, RECEIPTS, ALERTS) as reader, Worker(settings, tmp_path / "log") as worker:
        feed.replay([post(f"crisis-{number}", number, f"konzern {'abc'[number]}rennt") for number in range(3)])
        reader.until(lambda: len(told(reader)) == settings.partitions, 60, worker)
        assert {found.partition() for found in reader.records[MENTIONS] if b'"inhibitor"' in found.value()} == set(
            range(settings.partitions)
        )
        feed.replay([post("single", 4, "mein zug ist weg")])
        reader.until(lambda: "x:single" in reader.judged, 60, worker)
        (receipt,) = [
            found for found in map(Receipt.from_bytes, reader.values(RECEIPTS)) if found.mention == "x:single"
        ]
        assert receipt.decision is Decision.INHIBITED
        assert (receipt.held or ())[0].watch == "group"
        feed.replay([START + timedelta(minutes=minutes) for minutes in range(5, 400)])
        reader.until(lambda: bool(ended(reader)), 60, worker)
        (over,) = ended(reader)
        assert (over.watch, over.incident.signal.value) == ("rail", 1)
        assert worker.stop() == 0
