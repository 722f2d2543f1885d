"""What judge knows, read back from its changelog: what counts, whatever a crash or a frozen worker left there."""

import pytest

from pipeline.stream.lookup import Known, Written, known, understood
from pipeline.stream.outcome import BatchOutcome
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Change, Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.control import Acknowledge, Silence, WatchVersion
from schemas.errors import ConfigError
from tests.pipeline.timeline import COUNT, NOON, match, minute, watch


class Worker:
    """Judges in memory and notes what its changelog holds, in order."""

    def __init__(self) -> None:
        self.changelog: list[Change] = []
        self.outcome = BatchOutcome()
        self.partition = Partition(Rows(0, store := MemoryStore({}), 5), store, 3600.0)
        self.offset = 0

    def take(self, *records: object, commit: bool = True) -> None:
        for record in records:
            for name, verdict in self.partition.take(record):  # type: ignore[arg-type]
                self.outcome.add(name, verdict)
            self.offset += 1
        written = self.partition.rows.write(self.partition.persist(), Commit(applied=self.offset, now=minute(3)))
        self.changelog += written if commit else written[:-1]
        if commit:
            self.partition.rows.keep(written)

    def known(self) -> list[Known]:
        return list(known(0, ((offset, key, value) for offset, (key, value) in enumerate(self.changelog))))


def enumerate_changes(worker: Worker) -> list[Written]:
    return [(offset, key, value) for offset, (key, value) in enumerate(worker.changelog)]


def opened(*rules: dict[str, object]) -> Worker:
    worker = Worker()
    worker.take(WatchVersion(watch=watch(*rules), version="1", at=NOON))
    worker.take(*(match(f"p{n}", n, f"word{n} acme") for n in range(3)))
    return worker


def test_an_open_incident_and_who_has_it_are_read() -> None:
    worker = opened()
    [one] = worker.known()
    assert (one.watch, one.at) == ("acme", minute(3))
    assert one.life.open is not None
    worker.take(Acknowledge(watch="acme", incident=one.life.open.id, at=minute(3), by="Eva"))
    [after] = worker.known()
    assert after.life.open is not None
    assert after.life.open.acknowledged_by == "Eva"


@pytest.mark.parametrize(
    "record",
    [
        (b"foreign", b"hello"),
        (b"foreign", b""),
        (b"0/acme/head", b"\0"),
        (b"0/acme/head", b""),
        (b"0", b"[1, 2]"),
        (b"0!", b"\xff"),
    ],
)
def test_what_another_program_has_written_is_named(record: Change) -> None:
    changelog = [*enumerate_changes(opened()), (99, *record)]
    with pytest.raises(ConfigError, match=r"^earshot\.judge holds a record that is not ours"):
        understood("earshot.judge", 0, changelog)


def test_a_record_without_a_key_is_passed_over() -> None:
    changelog = [*enumerate_changes(opened()), (99, None, b"hello")]
    assert [one.watch for one in understood("earshot.judge", 0, changelog)] == ["acme"]


def test_a_silence_is_read_with_what_it_has_held_back() -> None:
    worker = Worker()
    worker.take(WatchVersion(watch=watch(), version="1", at=NOON))
    worker.take(Silence(watch="acme", at=NOON, until=minute(60), by="Eva", reason="fair", id="s1"))
    worker.take(*(match(f"p{n}", n, f"word{n} acme") for n in range(3)))
    [hush] = worker.known()[0].life.silences
    assert (hush.id, hush.by, hush.reason, hush.until, hush.held) == ("s1", "Eva", "fair", minute(60), 1)


def test_what_was_not_committed_does_not_count() -> None:
    worker = Worker()
    worker.take(WatchVersion(watch=watch(), version="1", at=NOON))
    worker.take(*(match(f"p{n}", n, f"word{n} acme") for n in range(3)), commit=False)
    assert [one.life.open for one in worker.known()] in ([], [None])


def test_what_a_worker_wrote_that_had_been_replaced_does_not_count() -> None:
    worker = opened()
    late = Worker()
    late.partition.rows.term = 4
    late.take(WatchVersion(watch=watch(), version="1", at=NOON))
    worker.changelog += late.changelog
    assert worker.known()[0].life.open is not None


def test_what_a_rule_that_is_only_tried_would_have_done_is_counted() -> None:
    worker = opened(COUNT | {"name": "tried", "shadow": True}, {"kind": "silence", "window": "2d"})
    assert worker.outcome.shadowed == {("acme", "tried"): 1}
    assert worker.outcome.alerts == []


def test_the_incidents_of_groups_are_read_and_taken_by_their_ids() -> None:
    worker = Worker()
    worker.take(WatchVersion(watch=watch({"kind": "every"}, group_by=("story",)), version="1", at=NOON))
    worker.take(*(match(f"p{n}", n, f"word{n} acme") for n in range(2)))
    [one] = worker.known()
    assert one.life.incident is None
    assert [life.open is not None for life in one.groups.values()] == [True, True]
    first, other = (life.open.id for life in one.groups.values() if life.open)
    worker.take(Acknowledge(watch="acme", incident=other, at=minute(3), by="Eva"))
    [after] = worker.known()
    taken = {life.open.id: life.open.acknowledged_by for life in after.lives if life.open}
    assert taken == {first: None, other: "Eva"}
