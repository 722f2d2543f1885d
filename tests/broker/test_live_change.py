"""Watches that change while the stream runs: on all workers, at a recorded point, without loss, and replayed alike."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from urllib.request import urlopen

import pytest
from confluent_kafka import Producer

from cli.broker import free_port
from cli.main import run
from pipeline.flow import listen
from pipeline.stream.follow import Edition
from pipeline.stream.partition import Partition
from pipeline.stream.published import Published
from pipeline.stream.rows import Rows
from pipeline.stream.store import MemoryStore
from schemas.alert import Alert, AlertReason
from schemas.control import Adopted, Logged, WatchVersion, judged
from schemas.event import Event
from schemas.mention import Match
from schemas.receipt import Receipt
from schemas.settings import Settings
from schemas.topics import ALERTS, MENTIONS, RECEIPTS, WATCHES, raw_topic
from tests.broker.brokers import Broker
from tests.broker.worker import Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

RAW = raw_topic("x")
SECONDS = 5.0
"""How long a change may take until the last worker matches with it, on a machine that has nothing else to do."""


def patience() -> float:
    """Return the seconds to wait for it here: each process gets its share of the cores only."""
    return SECONDS * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


HEAD = """
  - id: {id}
    purpose: {{goal: reputation, measure: answered within an hour}}
    query: {query}
    rules: [{{kind: count, threshold: {threshold}, window: 10m}}]
    owner: {{name: "{owner}", contact: press@example.com}}
    routes: [{{channel: console}}]
"""


def written(**queries: str) -> str:
    """Return a watch file with one watch for each query; what comes behind a `|` is the threshold."""
    parts = {name: query.partition("|") for name, query in queries.items()}
    return "watches:" + "".join(
        HEAD.format(id=name, query=query, threshold=threshold or 5, owner=f"Owner of {name}")
        for name, (query, _, threshold) in parts.items()
    )


class World:
    """Two workers, a feed of posts to all partitions, and what came of it."""

    def __init__(self, settings: Settings, reader: Reader, workers: list[Worker]) -> None:
        self.settings, self.reader, self.workers = settings, reader, workers
        self.fed = 0
        self._producer = Producer({"bootstrap.servers": settings.kafka}, logger=logging.getLogger("feed"))

    def post(self, *texts: str) -> None:
        for text in texts:
            at = datetime.now(UTC)
            event = Event(platform="x", id=f"p{self.fed}", time=at, text=text, source="s", seen=at)
            self._producer.produce(RAW, event.to_bytes(), event.key.encode(), partition=self.fed % 4)
            self.fed += 1
        assert self._producer.flush(30) == 0

    def write(self, text: str, name: str = "") -> None:
        path = self.settings.watches / name if name else self.settings.watches
        path.write_text(text)

    def position(self) -> int:
        """Return up to where in `earshot.watches` the slowest worker matches."""
        found = [[line for line in worker.log.splitlines() if "position=" in line] for worker in self.workers]
        return min(int(re.findall(r"position=(\d+)", lines[-1])[-1]) if lines else 0 for lines in found)

    def until_adopted(self, position: int) -> float:
        """Go on posting until every worker matches with `position` or later; return the seconds that took."""
        began, seconds = monotonic(), patience()
        while self.position() < position:
            assert monotonic() - began < max(seconds, patience()), [worker.log[-3000:] for worker in self.workers]
            self.post("acme and bolt", "nothing at all", "bolt", "acme")
            sleep(0.02)
        return monotonic() - began

    def log(self) -> dict[int, list[Logged]]:
        """Return the log that judge reads, by partition, when all that was fed has been judged."""
        found: dict[int, list[Logged]] = defaultdict(list)
        for message in self.reader.records[MENTIONS]:
            found[message.partition()].append(judged.validate_json(message.value()))
        return found

    def published(self, position: int) -> Published:
        """Return what `earshot.watches` said up to `position`."""
        state = Published()
        for message in self.reader.records[WATCHES]:
            if message.offset() < position:
                state.take(message.offset(), message.key(), message.value())
        return state

    def until_judged(self) -> None:
        """Return when a post at the very end of every partition has been judged for every watch: all ask for it."""
        first, asked = self.fed, published(self)
        self.post(*["acme bolt globex"] * 4)
        ends = {(f"x:p{number}", name) for number in range(first, first + 4) for name in asked}

        def judged_to_the_end() -> bool:
            receipts = map(Receipt.from_bytes, self.reader.values(RECEIPTS))
            return ends <= {(receipt.mention, receipt.watch) for receipt in receipts}

        self.reader.until(judged_to_the_end, 60)
        self.reader.read(1.0)


Matched = set[tuple[str, str, str | None]]


def expected(world: World) -> tuple[Matched, Matched]:
    """Return what had to match, and in which version, and what may have: each post asked of what the log names for it.

    It must have been asked of the last edition adopted at or before it, and may have been of those before that one.
    """
    adopted = [one for records in world.log().values() for one in records if isinstance(one, Adopted)]
    editions: dict[int, Edition] = {}
    had: Matched = set()
    may: Matched = set()
    for message in world.reader.records[RAW]:
        points = [
            one
            for one in adopted
            if (one.topic, one.partition) == (RAW, message.partition()) and one.offset <= message.offset()
        ]
        last = max(points, key=lambda one: (one.offset, one.position)).position
        event = Event.from_bytes(message.value())
        for position in {one.position for one in points}:
            if position not in editions:
                editions[position] = Edition.of(world.published(position).asked(), position)
            found = listen(event, editions[position].matcher)
            may |= {(match.watch, match.mention.id, match.version) for match in found}
            had |= {(match.watch, match.mention.id, match.version) for match in found if position == last}
    return had, may


def matched(world: World) -> list[tuple[str, str, str | None]]:
    records = [one for records in world.log().values() for one in records]
    return [(one.watch, one.mention.id, one.version) for one in records if isinstance(one, Match)]


def replayed(records: Iterable[Logged]) -> dict[str, Alert]:
    """Return the alerts that judge makes of one partition's log, in a process that never saw it before."""
    store = MemoryStore()
    partition = Partition(Rows(0, store), store, lateness=3600.0)
    return {alert.id: alert for record in records for _, verdict in partition.take(record) for alert in verdict.alerts}


def check(world: World) -> None:
    """Nothing is lost, all is as the log says, judge knew each version before its matches, and a replay is the same."""
    had, may = expected(world)
    assert had <= set(matched(world)) <= may
    for records in world.log().values():
        known: set[str | None] = set()
        for record in records:
            if isinstance(record, WatchVersion):
                known.add(record.version)
            assert not isinstance(record, Match) or record.version in known
    live = {alert.id: alert for alert in alerts(world) if alert.reason is not AlertReason.MISTAKE}
    again = {name: alert for records in world.log().values() for name, alert in replayed(records).items()}
    assert live == again
    assert live


def alerts(world: World) -> list[Alert]:
    return [Alert.from_bytes(value) for value in world.reader.values(ALERTS)]


@pytest.mark.timeout(200)
def test_a_change_is_in_force_on_two_workers_within_seconds(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path, watches=written(one="acme"))
    with (
        reading(settings, RAW, MENTIONS, WATCHES, ALERTS, RECEIPTS) as reader,
        Worker(settings, tmp_path / "first") as first,
        Worker(settings, tmp_path / "second") as second,
    ):
        world = World(settings, reader, [first, second])
        until_started(world)
        before = world.position()
        world.write(written(one="bolt|3", two="acme|4"))
        took = world.until_adopted(before + 2)
        print(f"in force on both workers after {took:.1f} s")
        world.write(written(two="acme|4", three="globex"))
        world.until_adopted(before + 4)
        world.until_judged()
        check(world)
        assert sorted(matched(world)) == sorted(expected(world)[0]), "nobody was restarted: nothing more, nothing twice"
        asked = {name for name, *_ in matched(world)}
        assert asked == {"one", "two", "three"}
        told = {(alert.watch, alert.reason) for alert in alerts(world)}
        assert ("one", AlertReason.WITHDRAWN) in told, "it was removed while its incident was open"
        assert first.stop() == second.stop() == 0


@pytest.mark.timeout(200)
def test_kill_9_in_the_middle_of_a_change_loses_nothing(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path, watches=written(one="acme", two="globex"))
    with (
        reading(settings, RAW, MENTIONS, WATCHES, ALERTS, RECEIPTS) as reader,
        Worker(settings, tmp_path / "first") as first,
    ):
        world = World(settings, reader, [first])
        until_started(world)
        for number in range(3):
            world.post(*["acme and bolt", "bolt", "acme", "nothing"] * 50)
            before = first.log.count("changed=1")
            world.write(written(one="bolt|3" if number % 2 == 0 else "acme|4", two="globex"))
            deadline = monotonic() + 60
            while first.log.count("changed=1") == before:
                assert monotonic() < deadline
                world.post("acme and bolt", "bolt")
                sleep(0.02)
            first.kill()
            world.post(*["acme and bolt", "bolt", "acme", "nothing"] * 5)
            first.start()
            until_started(world, 2 * (number + 2))
        world.until_judged()
        check(world)
        assert len({version for _, _, version in matched(world)}) >= 3, "all versions were matched with"
        assert first.stop() == 0


def until_started(world: World, times: int = 2) -> None:
    deadline = monotonic() + 60
    while any(worker.log.count("started") < times for worker in world.workers):
        assert monotonic() < deadline
        sleep(0.1)


@pytest.mark.timeout(200)
def test_a_bad_file_holds_up_nobody_else(fresh_broker: Broker, tmp_path: Path) -> None:
    """A folder: one watch gets a mistake, another is changed, one more goes; then a whole file cannot be read."""
    folder = tmp_path / "watches"
    folder.mkdir()
    settings = provision(fresh_broker, tmp_path, clock="wall")
    (folder / "first.yml").write_text(written(one="acme", two="bolt"))
    (folder / "second.yml").write_text(written(three="globex"))
    settings = settings.model_copy(update={"watches": folder, "metrics_port": free_port()})
    with (
        reading(settings, RAW, MENTIONS, WATCHES, ALERTS, RECEIPTS) as reader,
        Worker(settings, tmp_path / "log") as worker,
    ):
        world = World(settings, reader, [worker])
        until_started(world)
        assert world.position() == 3
        world.write(written(one="acme OR", two="bolt OR acme"), "first.yml")
        world.until_adopted(4)
        assert "first.yml:4: `watches[0].query` is not a query" in worker.log
        assert 'earshot_watches_wrong{owner="Owner of one",watch="one"} 1.0' in metrics(settings)
        world.write("watches: [", "second.yml")
        world.write(written(two="bolt|7"), "first.yml")
        world.until_adopted(5)
        assert published(world) == {"one": "acme", "two": "bolt", "three": "globex"}, "nothing is taken away"
        world.write(written(three="globex"), "second.yml")
        world.until_adopted(6)
        assert published(world) == {"two": "bolt", "three": "globex"}, "all can be read, so what is missing is meant"
        assert "earshot_watches_wrong{" not in metrics(settings)
        assert "earshot_watches 2.0" in metrics(settings)
        world.until_judged()
        check(world)
        [note] = [alert for alert in alerts(world) if alert.reason is AlertReason.MISTAKE]
        assert (note.watch, note.owner.name, note.routes[0].channel) == ("one", "Owner of one", "console")
        assert "first.yml:4: `watches[0].query` is not a query" in (note.note or "")
        worker.kill()
        (folder / "first.yml").write_text(written(two="bolt OR", four="acme"))
        worker.start()
        until_started(world, 4)
        assert published(world) == {"two": "bolt", "three": "globex", "four": "acme"}, "also when a worker starts"
        assert worker.stop() == 0


def published(world: World) -> dict[str, str]:
    """Return the queries that are published, by watch."""
    world.reader.read(1.0)
    return {name: one.watch.query for name, one in world.published(10**9).watches.items()}


def metrics(settings: Settings) -> str:
    with urlopen(f"http://127.0.0.1:{settings.metrics_port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


@pytest.mark.timeout(200)
def test_workers_without_files_follow_the_topic(
    fresh_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = provision(fresh_broker, tmp_path, watches=written(one="acme|2"))
    monkeypatch.setenv("EARSHOT_KAFKA", settings.kafka)
    follows = settings.model_copy(update={"watches_from": "topic", "watches": tmp_path / "none.yml"})
    with (
        reading(settings, RAW, MENTIONS, WATCHES, ALERTS, RECEIPTS) as reader,
        Worker(follows, tmp_path / "log") as worker,
    ):
        world = World(settings, reader, [worker])
        until_started(world)
        assert "no-watches" in worker.log
        world.post("acme before anybody asked for it")
        assert run(["watches", "apply", str(settings.watches)]) == 0
        world.until_adopted(1)
        world.write(written(one="bolt|2"))
        assert run(["watches", "apply", str(settings.watches)]) == 0
        world.until_adopted(2)
        world.until_judged()
        check(world)
        assert worker.stop() == 0
