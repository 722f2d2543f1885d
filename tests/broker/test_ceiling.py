"""The dead-letter ceiling on real brokers: a worker that cannot read most of what comes stops."""

from pathlib import Path

import pytest

from schemas.dead import Dead
from schemas.topics import DEAD, MENTIONS, RECEIPTS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.test_stream_replay import good
from tests.broker.worker import Feed, Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

BAD = b'{"type":"rumour"}'
"""What a sender of the next version might write."""
FIXED = """
from schemas.event import Heartbeat, delivered
from pipeline.stream import listen
from datetime import UTC, datetime
def read(value, adapter, before=listen.read):
    if value == b'{"type":"rumour"}':
        return Heartbeat(source="s", seen=datetime.now(UTC), at=datetime.now(UTC))
    return before(value, adapter)
listen.read = read
"""


def dead_of(reader: Reader) -> set[int]:
    reader.read(1.0)
    return {dead.offset for dead in map(Dead.from_bytes, reader.values(DEAD))}


def test_a_worker_stops_where_most_records_fail_and_a_fixed_one_goes_on(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path).model_copy(update={"dead_ceiling_least": 20})
    feed = Feed(settings)
    for value in good(range(10)) + [BAD] * 18:
        feed.raw(value)
    feed.flush()
    with reading(settings, RECEIPTS, DEAD) as reader:
        with Worker(settings, tmp_path / "few") as worker:
            reader.until(lambda: len(reader.judged) == 10 and len(reader.records[DEAD]) == 18, 60, worker)
            assert worker.stop() == 0, "eighteen are set aside and nothing more is said"
        # one at a time: what was set aside before each start counts, or each start would divert another nineteen
        for start in range(3):
            feed.raw(BAD)
            feed.flush()
            with Worker(settings, tmp_path / "stops") as worker:
                if start == 0:
                    reader.until(lambda: len(reader.records[DEAD]) == 19, 60, worker)
                    assert worker.stop() == 0
                    continue
                assert worker.process.wait(60) == 1
                assert f"20 of the last 30 records of {raw_topic('x')}/0" in worker.log
                assert "wrong-type" in worker.log
                assert "rumour" not in worker.log, "the log never quotes a record"
        assert dead_of(reader) == set(range(10, 29)), "the record at which it stopped is not set aside"
        for value in good(range(10, 20)):
            feed.raw(value)
        feed.flush()
        with Worker(settings, tmp_path / "fixed", FIXED) as worker:
            reader.until(lambda: len(reader.judged) == 20, 60, worker)
            assert worker.stop() == 0
        assert dead_of(reader) == set(range(10, 29)), "a fixed version has processed the others"


def test_without_a_ceiling_everything_is_set_aside(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path).model_copy(update={"dead_ceiling": 1.0, "dead_ceiling_least": 20})
    feed = Feed(settings)
    for value in [BAD] * 60 + good(range(3)):
        feed.raw(value)
    feed.flush()
    with reading(settings, RECEIPTS, DEAD) as reader, Worker(settings, tmp_path / "log") as worker:
        reader.until(lambda: len(reader.judged) == 3 and len(reader.records[DEAD]) == 60, 60, worker)
        assert worker.stop() == 0


def test_judge_stops_as_well(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path).model_copy(update={"dead_ceiling_least": 20})
    feed = Feed(settings)
    for _number in range(100):
        feed.raw(BAD, topic=MENTIONS)
    feed.flush()
    with reading(settings, DEAD) as reader, Worker(settings, tmp_path / "log") as worker:
        assert worker.process.wait(60) == 1
        assert f"records of {MENTIONS}/0" in worker.log
        assert dead_of(reader) <= set(range(19)), "nothing from the twentieth on"
