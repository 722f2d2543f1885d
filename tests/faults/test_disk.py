"""The disk with a worker's state is full: the worker ends with one clear line, comes back, and has lost nothing."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from schemas.settings import Settings
from schemas.topics import RECEIPTS
from tests.broker.brokers import Kafka, missing_for_kafka
from tests.broker.crisis import items, posts
from tests.broker.worker import Feed, Worker, provision, reading
from tests.faults.disk import MEMTABLE_BYTES, MISSING, SmallDisk

pytestmark = pytest.mark.faults
WRITES_SOON = f"from pipeline.stream import disk; disk.MEMTABLE_BYTES = {MEMTABLE_BYTES}\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    if missing := MISSING or missing_for_kafka():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"{missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(missing)
    with SmallDisk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def settings(small: SmallDisk, tmp_path: Path) -> Iterator[Settings]:
    """Those of a worker that keeps its state on the small disk."""
    (tmp_path / "kafka").mkdir()
    broker = Kafka(tmp_path / "kafka")
    broker.start()
    try:
        yield provision(broker, tmp_path).model_copy(update={"state_dir": small.path / "state"})
    finally:
        broker.stop()


@pytest.mark.timeout(240)
def test_a_full_disk_ends_the_worker_and_loses_nothing(small: SmallDisk, settings: Settings, tmp_path: Path) -> None:
    feed, made = Feed(settings), posts(3000)
    timed = items(made)
    with reading(settings, RECEIPTS) as reader, Worker(settings, tmp_path / "log", WRITES_SOON) as worker:
        feed.replay(timed[: len(timed) // 3])
        reader.until(lambda: len(reader.judged) > 200, 60, worker)
        small.fill()
        feed.replay(timed[len(timed) // 3 :])
        deadline = monotonic() + 60
        while worker.process.poll() is None:
            assert monotonic() < deadline, "it goes on as if it could write"
            reader.read()
        assert "the state directory cannot be written: " in worker.log
        assert "No space left on device" in worker.log
        worker.start()
        assert worker.process.wait(60) != 0
        assert "cannot be opened" in worker.log.rpartition("metrics are served")[2]
        small.free()
        worker.start()
        reader.until(lambda: reader.judged >= {post.key for post in made}, 60, worker)
        assert worker.stop() == 0
