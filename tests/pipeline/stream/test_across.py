"""An incident of one watch keeps another watch from telling what says less, whichever partitions they are in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.alert.redact import NEWS
from pipeline.incidents.abroad import LASTS, MOST, NOWHERE, Abroad
from pipeline.offline.backtest import Bench
from pipeline.stream.batch import Batch
from pipeline.stream.judge import Judge
from pipeline.stream.outcome import LARGEST_ALERT, BatchOutcome
from pipeline.stream.partition import Partition
from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas import control
from schemas.alert import Alert
from schemas.control import Gone, Inhibitor, Logged, WatchRemoved, WatchVersion
from schemas.receipt import Decision, Receipt
from schemas.tick import Tick
from schemas.topics import ALERTS, MENTIONS, RECEIPTS
from schemas.watch import Watch
from tests.pipeline.stream.test_passing import Known, Taken
from tests.pipeline.timeline import NOON, distinct, match, minute, watch

ACROSS = {"source": "severity=crisis", "target": "rule=every", "across": True}
CRISIS = {"kind": "count", "name": "crisis", "threshold": 3, "window": "30m", "severity": "crisis"}


def group_watch(**more: Any) -> Watch:
    return watch(CRISIS, id="group", inhibit=(ACROSS,), **more)


def rail_watch(**more: Any) -> Watch:
    return watch({"kind": "every"}, **({"id": "rail", "inhibit": (ACROSS,), "group_by": ("story",)} | more))


@dataclass
class Stand:
    """Each watch in a partition of its own; what one has to say is logged in all of them."""

    watches: tuple[Watch, ...]
    logs: dict[str, list[Logged]] = field(default_factory=dict)
    partitions: dict[str, Partition] = field(default_factory=dict)
    alerts: dict[str, list[Alert]] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        for one in self.watches:
            store = MemoryStore({})
            self.partitions[one.id] = Partition(Rows(0, store, 5), store, 3600.0)
            self.logs[one.id], self.alerts[one.id], self.receipts[one.id] = [], [], []
            self.take(one.id, WatchVersion(watch=one, version="1", at=NOON))

    def take(self, where: str, record: Logged) -> None:
        self.logs[where].append(record)
        news: list[Inhibitor] = []
        for _, verdict in self.partitions[where].take(record):
            self.alerts[where] += verdict.alerts
            self.receipts[where] += verdict.receipts
            news += [one for one in verdict.news if isinstance(one, Inhibitor)]
        for one in news:
            for other in self.partitions:
                self.take(other, one)

    def post(self, where: str, when: float) -> Receipt:
        self.number += 1
        made = match(f"p{self.number}", when, distinct(self.number)).model_copy(update={"watch": where})
        self.take(where, made)
        return self.receipts[where][-1]

    def tick(self, when: float) -> None:
        for where in self.partitions:
            self.take(where, Tick(at=minute(when)))

    def crisis(self) -> str:
        for when in (0, 1, 2):
            self.post("group", when)
        return self.alerts["group"][-1].incident.id


@pytest.fixture
def stand() -> Stand:
    return Stand((group_watch(), rail_watch()))


def test_the_crisis_of_one_mutes_the_single_posts_of_the_other(stand: Stand) -> None:
    assert stand.post("rail", 0).decision is Decision.OPENED
    crisis = stand.crisis()
    receipt = stand.post("rail", 3)
    assert receipt.decision is Decision.INHIBITED
    (held,) = receipt.held or ()
    assert (held.by, held.incident, held.watch) == ("inhibition", crisis, "group")
    stand.post("rail", 4)
    stand.tick(300)
    (told,) = [alert for alert in stand.alerts["rail"] if alert.withheld == "inhibited"]
    assert (told.reason, told.incident.signal.value, told.note) == ("digest", 2, f"{crisis} (group)")
    assert stand.post("rail", 301).decision is Decision.OPENED
    assert not stand.partitions["rail"].abroad.open


@pytest.mark.parametrize(
    ("why", "watches"),
    [
        ("the source does not say it", (watch(CRISIS, id="group"), rail_watch())),
        ("the target does not hear it", (group_watch(), rail_watch(inhibit=()))),
        ("a rule of one watch alone", (group_watch(), rail_watch(inhibit=(ACROSS | {"across": False},)))),
        ("another watch is meant", (group_watch(), rail_watch(inhibit=(ACROSS | {"source": "watch=other"},)))),
        ("a label that must be equal is not", (group_watch(), rail_watch(inhibit=(ACROSS | {"equal": ("watch",)},)))),
    ],
)
def test_where_not_both_want_it_nothing_is_held_back(why: str, watches: tuple[Watch, ...]) -> None:
    stand = Stand(watches)
    stand.crisis()
    assert stand.post("rail", 3).decision is Decision.OPENED, why


def test_watches_of_one_team_and_of_no_other() -> None:
    rule = ACROSS | {"equal": ("team",)}
    ours, others = [dict[str, Any](team=name, inhibit=(rule,)) for name in ("press", "sales")]
    for team, decision in ((ours, Decision.INHIBITED), (others, Decision.OPENED)):
        stand = Stand((watch(CRISIS, id="group", **ours), rail_watch(**team)))
        stand.crisis()
        assert stand.post("rail", 3).decision is decision


def test_a_watch_that_is_removed_or_wants_it_no_more_inhibits_no_more(stand: Stand) -> None:
    stand.crisis()
    stand.take("group", WatchVersion(watch=watch(CRISIS, id="group"), version="2", at=minute(3)))
    assert stand.post("rail", 3).decision is Decision.OPENED
    stand.take("group", WatchVersion(watch=group_watch(), version="3", at=minute(4)))
    assert stand.post("rail", 4).decision is Decision.INHIBITED
    stand.take("group", WatchRemoved(watch="group", at=minute(5)))
    assert stand.post("rail", 5).decision is Decision.OPENED


def test_what_comes_twice_or_late_changes_nothing(stand: Stand) -> None:
    stand.crisis()
    stand.post("rail", 3)
    before = stand.partitions["rail"].abroad
    (told,) = [one for one in stand.logs["rail"] if isinstance(one, Inhibitor)]
    stand.take("rail", told)
    assert stand.partitions["rail"].abroad is before
    over = told.model_copy(update={"open": False})
    stand.take("rail", over)
    stand.take("rail", over)
    assert len([alert for alert in stand.alerts["rail"] if alert.withheld == "inhibited"]) == 1


def heard(name: str, when: float) -> Inhibitor:
    at = minute(when)
    return Inhibitor(watch="group", id=name, at=at, open=True, opened=at, severity="crisis")


def test_what_is_not_heard_of_for_days_inhibits_no_more() -> None:
    found = NOWHERE.hear(heard("1", 0))
    assert found.at(NOON + LASTS / 2, "rail")
    assert not found.at(NOON + LASTS, "rail")
    assert not found.at(NOON, "group"), "its own are not abroad"


def test_nobodys_name_goes_where_a_deletion_would_not_find_it() -> None:
    by = {"group_by": ("author", "platform"), "id": "group", "inhibit": (ACROSS,)}
    stand = Stand((watch(CRISIS | {"per": "author"}, **by), rail_watch()))
    stand.crisis()
    (told,) = [one for one in stand.logs["rail"] if isinstance(one, Inhibitor)]
    assert told.group == {"platform": "x"}
    assert b"anna" not in told.to_bytes()


def test_so_many_are_known_at_most() -> None:
    found = Abroad({str(number): heard(str(number), number) for number in range(MOST)})
    assert len(found.hear(heard("new", MOST)).open) == MOST


def test_it_is_written_to_every_partition() -> None:
    outcome = BatchOutcome(news=[heard("1", 0)])
    assert [(one.topic, one.partition) for one in outcome.outgoing(3)] == [(MENTIONS, number) for number in range(3)]
    assert all(len(one.value or b"") < LARGEST_ALERT for one in outcome.outgoing(3))


def test_what_is_gone_goes_to_every_partition_of_the_alerts() -> None:
    outcome = BatchOutcome(news=[Gone(watch="acme", mentions=("x:1",), at=NOON)])
    written = [(one.topic, one.key, one.partition) for one in outcome.outgoing(3)]
    assert written == [(ALERTS, b"gone", number) for number in range(3)]


def test_who_takes_care_goes_to_every_partition_of_the_alerts() -> None:
    outcome = BatchOutcome(news=[control.Taken(watch="acme", incident="a" * 16, at=NOON, by="Mia")])
    written = [(one.topic, one.key, one.partition) for one in outcome.outgoing(3)]
    assert written == [(ALERTS, b"taken", number) for number in range(3)]
    assert b"taken" in NEWS


def test_a_partition_that_knows_of_none_stores_nothing_of_it() -> None:
    assert "abroad" not in Commit(applied=1).model_dump_json()
    known = Commit(applied=1, abroad=NOWHERE.hear(heard("1", 0)))
    assert Commit.model_validate_json(known.model_dump_json()) == known


def replayed(log: Iterable[Logged], batch: int) -> tuple[list[bytes], list[bytes]]:
    """Judge a log in batches, each by a worker that knows what the one before has stored."""
    stored = MemoryStore({})
    alerts, receipts, records = list[bytes](), list[bytes](), list(log)
    for start in range(0, len(records), batch):
        partition = Partition(Rows(0, stored, 5), stored, 3600.0)
        for record in records[start : start + batch]:
            for _, verdict in partition.take(record):
                alerts += [one.to_bytes() for one in verdict.alerts]
                receipts += [one.to_bytes() for one in verdict.receipts]
        commit = Commit(applied=start, now=partition.now, health=partition.health, abroad=partition.abroad)
        partition.rows.keep(partition.rows.write(partition.persist(), commit))
    return alerts, receipts


STEPS = st.lists(
    st.tuples(st.sampled_from(["group", "group", "rail", "rail", "tick"]), st.sampled_from([0.1, 1.0, 5.0, 90.0])),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=25)
@given(STEPS, st.integers(1, 5))
def test_each_partition_replayed_gives_the_same_and_what_was_held_back_is_told(
    steps: list[tuple[str, float]], batch: int
) -> None:
    stand, when = Stand((group_watch(), rail_watch())), 0.0
    for what, pause in steps:
        when += pause
        if what == "tick":
            stand.tick(when)
        else:
            stand.post(what, when)
    stand.tick(when + 3000)
    for name, log in stand.logs.items():
        alerts, receipts = replayed(log, batch)
        assert alerts == [one.to_bytes() for one in stand.alerts[name]]
        assert receipts == [one.to_bytes() for one in stand.receipts[name]]
    held = sum(receipt.decision is Decision.INHIBITED for receipt in stand.receipts["rail"])
    told = [alert.incident.signal.value for alert in stand.alerts["rail"] if alert.withheld == "inhibited"]
    assert sum(told) == held


def test_a_backtest_of_several_watches_does_the_same() -> None:
    bench = Bench.of((group_watch(), rail_watch()))
    found = []
    for number in range(5):
        name = "rail" if number in {0, 4} else "group"
        made = match(f"p{number}", number, distinct(number)).model_copy(update={"watch": name})
        found.append(bench.tell(made, name))
    assert [one.receipts[-1].decision.value for one in found][-1] == "inhibited"
    over = [alert for verdict in bench.pass_to(minute(600)) for alert in verdict.alerts]
    assert [alert.incident.signal.value for alert in over if alert.withheld == "inhibited"] == [1]


class Seen(Taken):
    """An outbox that remembers what it took."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def deliver(self, records: Sequence[Outgoing], lost: Callable[[], bool]) -> bool:
        self.records += records
        return await super().deliver(records, lost)


def logged(first: int, *records: Logged) -> Batch:
    """Return a batch of the log from the offset `first` on."""
    fields: dict[str, Any] = {"topic": MENTIONS, "partition": 0, "key": None, "headers": (), "timestamp": 0}
    found = [SimpleNamespace(**fields, offset=first + at, value=record.to_bytes()) for at, record in enumerate(records)]
    return Batch(MENTIONS, 0, found, lost=lambda: False, acknowledge=lambda: None, generation=1)


async def test_a_worker_writes_it_to_every_partition_and_its_successor_knows_what_it_heard() -> None:
    outbox, changelog = Seen(), Known()
    source = Judge(outbox, changelog, 3600.0, partitions=3)  # type: ignore[arg-type]
    posts = [match(f"p{number}", number, distinct(number)).model_copy(update={"watch": "group"}) for number in range(3)]
    await source.process(logged(0, WatchVersion(watch=group_watch(), version="1", at=NOON), *posts))
    told = [one for one in outbox.records if one.key == b"inhibitor"]
    assert [(one.topic, one.partition) for one in told] == [(MENTIONS, number) for number in range(3)]
    assert told[0].value is not None
    heard = Inhibitor.from_bytes(told[0].value)

    outbox, changelog = Seen(), Known()
    target = Judge(outbox, changelog, 3600.0)  # type: ignore[arg-type]
    await target.process(logged(0, WatchVersion(watch=rail_watch(), version="1", at=NOON), heard))
    successor = Judge(outbox, changelog, 3600.0)  # type: ignore[arg-type]
    single = match("single", 3, "nobody has said this before").model_copy(update={"watch": "rail"})
    await successor.process(logged(2, single))
    (receipt,) = [Receipt.from_bytes(one.value) for one in outbox.records if one.topic == RECEIPTS and one.value]
    assert receipt.decision is Decision.INHIBITED
