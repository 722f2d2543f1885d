"""Indexes that are put off: what is judged is the same as if they had been made before anything else."""

from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.state import Verdict
from pipeline.stream import judge as judges
from pipeline.stream.judge import Judge
from pipeline.stream.rows import Commit
from schemas.control import Forget, Judged, WatchRemoved, WatchVersion
from schemas.event import Deletion
from schemas.tick import Tick
from tests.pipeline.stream.test_diskstore import Worker, spread, versions
from tests.pipeline.timeline import NOON, distinct, match, minute, watch


def taken_over(memory: Worker, folder: Path) -> Worker:
    """Return a worker with a disk that has read all that another one has written."""
    return Worker(list(memory.changelog), folder)


def test_indexes_are_made_when_a_watch_is_asked_for_and_stay_put_off_through_a_restart(tmp_path: Path) -> None:
    """Meanwhile another worker had the partition, and changed both a watch with indexes and one without."""
    memory = Worker([], None)
    posts = spread([match(str(number), number, distinct(number)) for number in range(12)])
    log = [*versions(), *posts]
    memory.judge(log, len(log), 1.0)
    on_disk = taken_over(memory, tmp_path / "db")
    assert on_disk.partition.deferred == {"acme", "acme-x", "acme0"}
    log += [match("again", 13, distinct(3)).model_copy(update={"watch": "acme0"})]
    for worker in (memory, on_disk):
        worker.judge(log, 1, 1.0)
    assert on_disk.partition.deferred == {"acme", "acme-x"}, "only what was asked for"
    on_disk = on_disk.flush().restart()
    assert on_disk.partition.deferred == {"acme", "acme-x"}
    changed = [match(f"new {name}", 14, distinct(20)).model_copy(update={"watch": name}) for name in ("acme", "acme0")]
    log += changed
    memory.changelog[:] = on_disk.changelog
    memory.open()
    memory.judge(log, 2, 1.0)
    on_disk.changelog[:] = memory.changelog
    on_disk = on_disk.flush().restart()
    assert on_disk.partition.deferred == {"acme", "acme-x"}
    assert on_disk.read < len(on_disk.changelog), "no more than what had come"
    on_disk.partition.make(list(on_disk.partition.deferred))
    assert not on_disk.partition.deferred
    assert on_disk.index() == memory.index()
    on_disk = on_disk.flush().restart()
    assert not on_disk.partition.deferred
    assert on_disk.index() == memory.index()
    assert on_disk.disk
    on_disk.disk.close()


WEEK, DAY, HOUR = 7 * 24 * 60, 24 * 60, 60
ACME = WatchVersion(watch=watch(), version="1", at=NOON)
LONGER = WatchVersion(watch=watch({"kind": "count", "threshold": 3, "window": "14d"}), version="2", at=minute(8 * DAY))


def told(worker: Worker, log: list[Judged]) -> list[Verdict]:
    """Judge a log record by record, and return all that follows."""
    found = []
    for record in log:
        found += [verdict for _, verdict in worker.partition.take(record)]
        applied = worker.partition.rows.commit.applied + 1
        records = worker.partition.rows.write(
            worker.partition.persist(), Commit(applied=applied, now=worker.partition.now)
        )
        worker.changelog += records
        worker.partition.rows.keep(records)
        worker.copy.end = len(worker.changelog)
        assert worker.partition.settle(worker.copy.place(worker.partition.rows))
    return [one for one in found if one != Verdict()]


def on_reddit(*whens: float, text: str = "") -> list[Judged]:
    """Return posts of a platform whose texts are kept for two days."""
    return [match(f"p{when}", when, text or distinct(at), platform="reddit") for at, when in enumerate(whens)]


def gone(when: float, name: str, *, author: bool = False) -> Forget:
    deletion = Deletion(source="test", seen=minute(when), platform="reddit", id=name, author=author)
    return Forget(watch="acme", deletion=deletion)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            [match(f"p{at}", 20 * at, distinct(at), platform="web") for at in range(3)],
            [
                Tick(at=minute(8 * DAY)),
                *(match(f"p{at}", 8 * DAY + at, distinct(at), platform="web") for at in range(3)),
            ],
            "posts that are heard again after a week are new ones, and trip the rule",
        ),
        (
            on_reddit(0, 1, 2),
            [Tick(at=minute(50 * HOUR))],
            "that it is over is told without texts that may not be kept",
        ),
        (
            [*on_reddit(0), *on_reddit(48 * HOUR + 50, 48 * HOUR + 51, 48 * HOUR + 52, text=distinct(0))],
            [Tick(at=minute(49 * HOUR + 1)), WatchRemoved(watch="acme", at=minute(49 * HOUR + 2))],
            "so is that the watch was removed",
        ),
        (
            on_reddit(0),
            [Tick(at=minute(50 * HOUR)), gone(50 * HOUR, "p0")],
            "a post is gone of which nothing was kept any more",
        ),
        (
            [match(f"p{at}", 20 * at, distinct(at)) for at in range(3)],
            [Tick(at=minute(8 * DAY)), LONGER, Tick(at=minute(8 * DAY + 1)), match("new", 8 * DAY + 2, distinct(9))],
            "a new version looks back further, but the watch had come to rest",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_a_tick_would_have_let_expire_is_gone_before_anything_is_made_of_it(
    before: list[Judged], after: list[Judged], sentence: str, tmp_path: Path
) -> None:
    """A tick makes no indexes, since it comes to all watches at once."""
    memory = Worker([], None)
    told(memory, [ACME, Tick(at=minute(-1)), *before])
    on_disk = taken_over(memory, tmp_path / "db")
    assert on_disk.partition.deferred
    expected = told(memory, after)
    assert expected, "something follows"
    assert told(on_disk, after) == expected, sentence
    assert on_disk.states() == memory.states()
    assert on_disk.index() == memory.index()
    assert on_disk.disk
    on_disk.disk.close()


def test_what_had_expired_when_a_worker_that_had_made_the_indexes_ended_is_gone_for_the_next(tmp_path: Path) -> None:
    """Indexes are on disk at once, and what has expired with the next batch only, to which it did not come."""
    memory = Worker([], None)
    told(memory, [ACME, Tick(at=minute(-1)), match("old", 0, distinct(0), platform="web")])
    on_disk = taken_over(memory, tmp_path / "db")
    late: list[Judged] = [Tick(at=minute(8 * DAY))]
    assert told(on_disk, late) == told(memory, late) == []
    on_disk.partition.make(list(on_disk.partition.deferred))
    on_disk = on_disk.flush().restart()
    assert not on_disk.partition.deferred
    again: list[Judged] = [match("old", 8 * DAY + 1, distinct(0), platform="web")]
    assert told(on_disk, again) == told(memory, again)
    assert on_disk.disk
    on_disk.disk.close()


def test_what_is_made_in_spare_time_is_due_with_the_next_tick(tmp_path: Path) -> None:
    memory, log = Worker([], None), [*versions(), match("old", 0, distinct(1))]
    memory.judge(log, len(log), 1.0)
    on_disk = taken_over(memory, tmp_path / "db")
    while on_disk.partition.deferred:
        before = len(on_disk.partition.deferred)
        on_disk.partition.make(list(on_disk.partition.deferred), until=0.0)
        assert len(on_disk.partition.deferred) == before - 1, "one is made, however little time there is"
    log += [Tick(at=minute(WEEK + 120))]
    for worker in (memory, on_disk):
        worker.judge(log, 1, 1.0)
    assert on_disk.partition._states["acme"].memory.size == 0
    assert on_disk.states() == memory.states()
    assert on_disk.disk
    on_disk.disk.close()


async def test_what_was_put_off_is_made_in_a_part_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "_SLICE", 0.0)
    monkeypatch.setattr(judges, "_TURN", 1e9)
    memory, log = Worker([], None), [*versions(), match("old", 0, distinct(1))]
    memory.judge(log, len(log), 1.0)
    on_disk, nobody = taken_over(memory, tmp_path / "db"), cast(Any, None)
    left = len(on_disk.partition.deferred)
    judge = Judge(nobody, nobody, 3600.0)
    for made in (1, 1):
        await judge._use_the_time(on_disk.partition)
        assert len(on_disk.partition.deferred) == left - made, "and then it is the turn of others"
    await Judge(nobody, nobody, 3600.0)._use_the_time(on_disk.partition)
    assert len(on_disk.partition.deferred) == left - 2
    assert on_disk.disk
    on_disk.disk.close()
