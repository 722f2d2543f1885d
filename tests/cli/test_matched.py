"""`earshot backtest --mentions`: a recorded log is judged again, with the watches of a file in place of its own."""

from collections.abc import Iterable, Sequence

import pytest

from agents.history import Kept
from cli.matched import Matched, Replica
from pipeline.state import Verdict
from schemas.alert import Alert
from schemas.control import Acknowledge, Adopted, Judged, Logged, Silence, WatchRemoved, WatchVersion
from schemas.model import Record
from schemas.receipt import Receipt
from schemas.tick import Tick
from schemas.watch import Watch
from tests.pipeline.stream.test_across import ACROSS, rail_watch
from tests.pipeline.timeline import NOON, Timeline, distinct, match, minute, watch

LATENESS = 3600.0


class Recorder(Timeline):
    """A timeline that keeps what was told."""

    log: list[Logged]

    def __post_init__(self) -> None:
        self.log = []
        super().__post_init__()

    def take(self, record: Judged) -> Verdict:
        """Judge a record, and keep it."""
        self.log.append(record)
        return super().take(record)


def recorded(log: Iterable[Record], partitions: int = 1, number: int = 0) -> Matched:
    kept = [Kept(f"earshot.mentions/{number}/{at}", record.to_bytes(), at) for at, record in enumerate(log)]
    return Matched(lambda: kept, partitions, LATENESS, {})


def versioned(found: Watch, *when: float) -> list[Logged]:
    posts = [match(f"p{at}", at, distinct(int(at))) for at in when]
    return [one.model_copy(update={"version": found.version}) for one in posts]


def judged(found: Matched, *watches: Watch) -> tuple[list[bytes], list[bytes]]:
    made = list(found.judge(watches))
    alerts = [one.to_bytes() for one in made if isinstance(one, Alert)]
    return alerts, [one.to_bytes() for one in made if isinstance(one, Receipt)]


def live() -> Recorder:
    """A watch that has an incident, which is acknowledged, grows and ends, and another post while it is silent."""
    line = Recorder(watch(incidents={"remind": "30m", "acknowledged_for": "2h"}))
    line.posts(0, 1, 2)
    line.tick(3)
    line.take(Acknowledge(watch="acme", incident=line.alerts[0].incident.id, at=line.now, by="ben"))
    line.posts(*(20 + step / 10 for step in range(8)))
    for hour in range(1, 9):
        line.tick(60 * hour)
    line.silence(60 * 10)
    line.posts(*(500 + step for step in range(4)))
    line.tick(60 * 12)
    return line


def test_the_watches_as_they_were_give_the_incidents_as_they_were_byte_for_byte() -> None:
    line = live()
    assert len(line.alerts) > 3
    found = recorded(line.log)
    for _ in range(2):
        alerts, receipts = judged(found, line.watch)
        assert alerts == [one.to_bytes() for one in line.alerts]
        assert receipts == [one.to_bytes() for one in line.receipts]
    assert found.said == f"15 matches in {len(line.log)} records of earshot.mentions"


def test_other_rules_are_tried_on_the_same_matches() -> None:
    line = live()
    stricter = watch({"kind": "count", "threshold": 7, "window": "10m"})
    found = [Alert.from_bytes(one) for one in judged(recorded(line.log), stricter)[0]]
    assert found[0].incident.signal.threshold == 7
    assert found[0].at > line.alerts[0].at


def test_what_the_log_says_of_the_watch_does_not_count() -> None:
    line = live()
    changed = WatchVersion(watch=watch({"kind": "every"}), version="2", at=NOON)
    log = [line.log[0], changed, Adopted(topic="t", partition=0, offset=1, position=1), *line.log[1:]]
    log.insert(6, WatchRemoved(watch="acme", at=minute(2)))
    assert judged(recorded(log), line.watch)[0] == [one.to_bytes() for one in line.alerts]


def test_watches_that_are_not_in_the_file_are_not_judged() -> None:
    other = watch(id="other")
    assert judged(recorded(live().log), other) == ([], [])


STALE: list[tuple[str, Watch, Sequence[Watch], int]] = [
    ("the very same watch", watch(), (watch(),), 0),
    ("other rules, the same query", watch({"kind": "every"}), (watch(),), 0),
    ("another query", watch(query="acme OR acne"), (watch(),), 3),
    ("a competitor more", watch(competitors=()), (watch(),), 3),
    ("a version that nobody knows any more", watch(query="acne"), (), 3),
]


@pytest.mark.parametrize(("why", "now", "published", "count"), STALE, ids=[row[0] for row in STALE])
def test_it_says_how_many_matches_another_query_has_made(
    why: str, now: Watch, published: Sequence[Watch], count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = recorded(versioned(watch(), 0, 1, 2))
    found.asked |= {one.version: one for one in published}
    judged(found, now)
    said = capsys.readouterr().err
    assert (f"{count} of 3 matches were made by another" in said) == bool(count), why


def test_the_log_itself_says_which_query_a_version_had(capsys: pytest.CaptureFixture[str]) -> None:
    made = watch()
    log = [WatchVersion(watch=made, version=made.version, at=NOON), *versioned(made, 0)]
    judged(recorded(log), watch({"kind": "every"}))
    assert capsys.readouterr().err == ""


def test_what_cannot_be_read_is_said_once_and_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    line = live()
    found = recorded(line.log)
    records = [Kept("earshot.mentions/0/99", b"{", 99), *found.open()]
    found.open = lambda: records
    for _ in range(2):
        assert judged(found, line.watch)[0] == [one.to_bytes() for one in line.alerts]
    assert capsys.readouterr().err.count("earshot.mentions/0/99: not-json") == 1


def test_each_partition_has_its_own_time() -> None:
    replica = Replica.of([watch()], 2, LATENESS)
    list(replica.take(0, Tick(at=minute(60))))
    verdicts = [one for n in range(3) for one in replica.take(1, match(f"p{n}", n, distinct(n)))]
    assert [alert.at for one in verdicts for alert in one.alerts] == [minute(2)]


def test_incidents_of_what_is_judged_anew_inhibit_anew() -> None:
    crisis = {"kind": "count", "name": "crisis", "threshold": 3, "window": "1h", "severity": "crisis"}
    first, second = watch(crisis, id="group", inhibit=(ACROSS,)), rail_watch()
    replica = Replica.of([first, second], 2, LATENESS)
    found = [match(f"p{n}", n, distinct(n)).model_copy(update={"watch": "group"}) for n in range(3)]
    for one in found:
        list(replica.take(0, one))
    assert [list(one.abroad.open) for one in replica.partitions] == [list(replica.partitions[0].abroad.open)] * 2
    assert replica.partitions[1].abroad.open


def test_silences_of_people_hold_as_they_held() -> None:
    hush = Silence(watch="acme", at=NOON, until=minute(60), by="ben")
    log = [Tick(at=NOON), hush, *versioned(watch(), 1, 2, 3)]
    assert judged(recorded(log), watch())[0] == []
