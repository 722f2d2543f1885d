"""State on disk is the same state: whatever is judged, however it is cut, wherever the worker or its disk ends."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.stories import dedup
from pipeline.stories.memory import Memory
from pipeline.stream import disk as disks
from pipeline.stream import diskstore
from pipeline.stream.changelog import _Copy
from pipeline.stream.disk import Disk, DiskFailed
from pipeline.stream.diskstore import DiskStore
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Change, Commit, Row, Rows
from pipeline.stream.store import MemoryStore, Place, Store
from pipeline.stream.terms import Terms, claim
from schemas.control import Judged, WatchRemoved, WatchVersion
from schemas.errors import ConfigError
from schemas.receipt import Receipt
from tests.pipeline.stream.test_changelog import Read
from tests.pipeline.test_state import logs
from tests.pipeline.timeline import NOON, distinct, match, watch

OF = "a cluster/a topic"


class Worker:
    """Judge over one partition, without a broker: `changelog` is all that was written to it."""

    def __init__(self, changelog: list[Change], folder: Path | None) -> None:
        self.changelog, self.folder, self.term = changelog, folder, 0
        self.receipts: dict[tuple[str, str], Receipt] = {}
        self.disk = Disk(folder, 2**20) if folder else None
        self.read = 0
        self.open()

    def open(self) -> None:
        """Begin as a worker does that has just been given the partition."""
        self.term += 1
        self.changelog.append(claim(0, self.term))
        end = len(self.changelog)
        store: Store = DiskStore(self.disk, 0) if self.disk else MemoryStore()
        place = store.open(OF, 0, end)
        self.copy = _Copy(place.end, store, Terms.known(place.end, place.term, set(place.again)))
        self.read = end - place.end
        for offset in range(place.end, end):
            message: Any = Read(self.changelog[offset], offset)
            self.copy.apply(message)
        rows = Rows(0, store, self.copy.terms.of_owner(self.term), self.copy.terms.overwritten, store.suspects())
        store.caught_up(rows, self.copy.place(rows))
        self.copy.rows = rows
        self.partition = Partition(rows, store, 3600.0)

    def judge(self, log: list[Judged], size: int, written: float) -> None:
        """Judge the next `size` records and write that share of what follows; less than all of it is a crash."""
        first = self.partition.rows.commit.applied + 1
        for record in log[first : first + size]:
            for name, verdict in self.partition.take(record):
                self.receipts |= {(name, receipt.mention): receipt for receipt in verdict.receipts}
        last = min(first + size, len(log)) - 1
        records = self.partition.rows.write(self.partition.persist(), Commit(applied=last, now=self.partition.now))
        kept = int(written * len(records))
        self.changelog += records[:kept]
        if kept < len(records):
            self.open()
            return
        self.partition.rows.keep(records)
        self.copy.end = len(self.changelog)
        self.copy.terms.overwritten.clear()
        assert self.partition.settle(self.copy.place(self.partition.rows))

    def die(self) -> "Worker":
        """Return the worker that comes after one whose memory was lost with all that RocksDB had not written out."""
        assert self.disk
        assert self.folder
        after = self.folder.with_name(self.folder.name + "+")
        while True:
            try:
                shutil.copytree(self.folder, after)
                break
            except shutil.Error:  # RocksDB has removed a file meanwhile
                shutil.rmtree(after)
        self.disk.close()
        return self._after(after)

    def _after(self, folder: Path) -> "Worker":
        after = Worker.__new__(Worker)
        after.changelog, after.folder, after.term, after.receipts = self.changelog, folder, self.term, self.receipts
        after.disk = Disk(folder, 2**20)
        after.open()
        return after

    def flush(self) -> "Worker":
        """Have RocksDB write out all that it has."""
        assert self.disk
        self.disk.flush()
        return self

    def restart(self) -> "Worker":
        """Return the worker that comes after one that was stopped."""
        assert self.disk
        assert self.folder
        self.disk.close()
        return self._after(self.folder)

    def states(self) -> dict[str, dict[str, bytes]]:
        """Return the rows of every watch as its state would store them."""
        return {name: state.rows() for name, state in self.partition._states.items()}

    def index(self) -> Any:
        """Return everything that the indexes hold."""
        return {name: index(state.memory) for name, state in self.partition._states.items()}


def index(memory: Memory) -> Any:
    """Return what can be found in a memory, and by what."""
    found = memory.tables
    tables = (found.members, found.roots, found.texts, found.leads)
    hours = [
        {hour: set(memory_hours.names(hour)) for hour in memory_hours.counts}
        for memory_hours in (found.hours, found.heard)
    ]
    counts = [dict(memory_hours.counts) for memory_hours in (found.hours, found.heard)]
    return [{key: table[key] for key in table} for table in tables], hours, counts, memory.size, memory.next_hour


def versions() -> list[Judged]:
    rules = (
        {"kind": "count", "threshold": 3, "window": "10m"},
        {"kind": "spike", "window": "20m", "factor": 2, "floor": 2},
    )
    return [WatchVersion(watch=watch(*rules, id=name), version="1", at=NOON) for name in ("acme", "acme-x", "acme0")]


def spread(log: list[Judged]) -> list[Judged]:
    """Return the log with its matches spread over three watches whose names sort in and out of each other.

    In the middle one of them is removed, and comes back at once.
    """
    draw = random.Random(len(log))
    middle = len(log) // 2
    log = [*log[:middle], WatchRemoved(watch="acme-x", at=NOON), versions()[1], *log[middle:]]
    return [
        record.model_copy(update={"watch": draw.choice(["acme", "acme-x", "acme0"])})
        if hasattr(record, "mention")
        else record
        for record in log
    ]


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make every limit so small that a short log reaches it."""
    with monkeypatch.context() as patch:
        patch.setattr(dedup, "MAX_STORIES", 3)
        patch.setattr(dedup, "_CROWDED_OUT", 2)
        patch.setattr(dedup, "HASHES", 3)
        patch.setattr(disks, "STORIES_IN_MEMORY", 4)
        patch.setattr(diskstore, "_AT_ONCE", 5)
        yield


STEPS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from([1.0, 1.0, 1.0, 0.99, 0.5]),
        st.sampled_from(["", "flush", "flush", "restart", "die"]),
        st.booleans(),
    ),
    max_size=12,
)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("most_changed", [0, 4, 50_000], ids=["anew", "anew from five rows", "one by one"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=logs(), steps=STEPS)
def test_it_is_the_same_state(
    log: list[Judged],
    steps: list[tuple[int, float, str, bool]],
    most_changed: int,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diskstore, "MOST_CHANGED", most_changed)
    log = versions() + spread(log)
    memory, on_disk = Worker([], None), Worker([], tmp_path_factory.mktemp("state") / "db")
    for size, written, then, compared in [*steps, (10**6, 1.0, "restart", True)]:
        for worker in (memory, on_disk):
            worker.judge(log, size, written)
        on_disk = getattr(on_disk, then)() if then else on_disk
        if compared:  # which makes all that was put off
            assert on_disk.states() == memory.states()
            assert on_disk.index() == memory.index()
    assert on_disk.receipts == memory.receipts
    assert on_disk.disk
    on_disk.disk.close()


@pytest.mark.usefixtures("_small")
def test_a_watch_that_was_removed_leaves_no_index_where_all_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back after its disk had missed that it was gone: else its stories would be found and not be there."""
    monkeypatch.setattr(diskstore, "MOST_CHANGED", 0)
    comes, goes = versions()[1], WatchRemoved(watch="acme-x", at=NOON)
    posts = [match(str(number), number, distinct(1)).model_copy(update={"watch": "acme-x"}) for number in range(4)]
    log = [comes, *posts[:2], goes, posts[2], comes, posts[3]]
    memory, on_disk = Worker([], None), Worker([], tmp_path / "db")
    for size, then in ((3, "flush"), (1, ""), (1, "die"), (2, "restart")):
        for worker in (memory, on_disk):
            worker.judge(log, size, 1.0)
        on_disk = getattr(on_disk, then)() if then else on_disk
    assert on_disk.index() == memory.index()
    assert on_disk.disk
    on_disk.disk.close()


@pytest.mark.usefixtures("_small")
def test_indexes_of_an_older_form_are_made_anew(tmp_path: Path) -> None:
    """Rows stay as they are: what they lead to is what a newer version looks for."""
    log = [*versions(), *(match(str(number), number, distinct(number)) for number in range(3))]
    memory, on_disk = Worker([], None), Worker([], tmp_path / "db")
    for worker in (memory, on_disk):
        worker.judge(log, len(log), 1.0)
    assert on_disk.disk
    place = json.loads(on_disk.disk.get(b"0\0") or b"")
    del place["form"]
    stale = [(key, None) for key, _ in on_disk.disk.items(b"0\0acme\0l", b"0\0acme\0m")]
    on_disk.disk.write([(b"0\0", json.dumps(place).encode()), (b"0\0acme\0b1234567", b"x"), *stale])
    on_disk = on_disk.restart()
    assert stale
    assert on_disk.index() == memory.index()
    assert on_disk.disk
    assert on_disk.disk.get(b"0\0acme\0b1234567") is None, "and nothing of the older form is left"
    on_disk.disk.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    found = Disk(tmp_path / "db", 2**20)
    yield found
    found.close()


ROW = Row(3, b"kept", None, 1).to_bytes()


def filled(disk: Disk) -> Place:
    """Store a row in partition 0, and one in partition 1, and return the place of the first."""
    for partition in (1, 0):
        store = DiskStore(disk, partition)
        store.open(OF, 0, 9)
        store.take(f"{partition}/acme/head".encode(), ROW)
        store.take(str(partition).encode(), Commit(applied=3).model_dump_json().encode())
        place = Place(9, 1)
        store.caught_up(Rows(partition, store), place)
    return place


@pytest.mark.parametrize(
    ("of", "extent", "hours", "sentence"),
    [
        ("another cluster/a topic", (0, 9), 0, "a broker that was set up anew has other offsets"),
        (OF, (0, 8), 0, "what lies behind the end was lost by the broker, or the topic is a new one"),
        (OF, (10, 20), 0, "what stood between the place and the beginning is not known"),
        (OF, (0, 9), 13, "Kafka may have forgotten what was removed meanwhile"),
        (OF, (0, 9), -1, "the clock of the machine was set back"),
    ],
)
def test_state_that_may_not_fit_is_thrown_away(
    disk: Disk, of: str, extent: tuple[int, int], hours: float, sentence: str
) -> None:
    filled(disk)
    store = DiskStore(disk, 0, clock=lambda: time() + hours * 3600)
    assert store.open(of, *extent) == Place(extent[0]), sentence
    assert list(store.items()) == []
    assert list(DiskStore(disk, 1).items()) == [(b"1/acme/head", ROW)], "the other partition's is kept"


def test_state_that_fits_is_used(disk: Disk) -> None:
    place = filled(disk)
    store = DiskStore(disk, 0)
    assert store.open(OF, 0, 12) == place
    assert list(store.items()) == [(b"0/acme/head", ROW)]


def test_state_that_was_being_read_is_thrown_away(disk: Disk) -> None:
    filled(disk)
    store = DiskStore(disk, 0)
    store.open(OF, 0, 12)
    store.take(b"0/acme/head", ROW)
    assert DiskStore(disk, 0).open(OF, 0, 12) == Place(0)


def test_a_directory_that_another_worker_uses_is_refused(disk: Disk, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="EARSHOT_STATE_DIR: the state directory .* cannot be opened: .*LOCK"):
        Disk(tmp_path / "db", 2**20)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a worker needs a directory of its own"):
        Disk(tmp_path / "file" / "db", 2**20)


def test_a_disk_that_cannot_be_written_says_so_whatever_was_to_be_written(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "db", 2**20)
    disk.close()
    with pytest.raises(DiskFailed, match="cannot be written"):
        disk.write([(b"0/acme/head", b"value")])
    with pytest.raises(DiskFailed, match="cannot be written"):
        disk.remove(b"0/", b"1/")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("written", [5, 6, 12, 1000], ids=["one chunk", "a row more", "two chunks", "all but the end"])
def test_a_worker_that_dies_while_it_reads_begins_again_and_loses_nothing(written: int, tmp_path: Path) -> None:
    """What was read is on disk by then, rows that do not count among it, and no place."""
    log = [*versions(), *(match(str(number), number, distinct(number)) for number in range(20))]
    memory = Worker([], None)
    memory.judge(log, len(log) - 2, 1.0)
    changelog = list(memory.changelog)
    memory.judge(log, 2, 0.99)
    changelog += memory.changelog[len(changelog) :]
    disk = Disk(tmp_path / "db", 2**20)
    store = DiskStore(disk, 0)
    place = store.open(OF, 0, len(changelog))
    copy = _Copy(place.end, store)
    for offset, record in enumerate(changelog[:written]):
        message: Any = Read(record, offset)
        copy.apply(message)
    disk.flush()
    disk.close()
    again = Worker(list(changelog), tmp_path / "db")
    assert again.read == len(again.changelog), "all of it"
    assert again.states() == memory.states()
    assert again.index() == memory.index()
    assert again.disk
    again.disk.close()


@pytest.mark.usefixtures("_small")
def test_no_row_is_looked_at_again_once_all_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That took as long as reading them did; the last batch, half of which was written, is rolled back all the same."""
    log = [*versions(), *(match(str(number), number, distinct(number)) for number in range(20))]
    memory = Worker([], None)
    memory.judge(log, len(log) - 1, 1.0)
    memory.judge(log, 1, 0.99)
    monkeypatch.setattr(DiskStore, "items", lambda _: pytest.fail("all rows were gone through"))
    on_disk = Worker(list(memory.changelog), tmp_path / "db")
    monkeypatch.undo()
    assert on_disk.states() == memory.states()
    assert on_disk.disk
    on_disk.disk.close()
