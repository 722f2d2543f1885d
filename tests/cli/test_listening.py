"""Posts are listened to in other processes: the same, in the same order, and said in one sentence if one is ended."""

import os
import signal
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import listening
from cli.listening import Recorded, listened
from cli.reading import Line, Unreadable, open_posts
from cli.recordings import Raw, Recording, recorded_in
from pipeline.offline.backtest import Bench, Listened, backtest
from pipeline.stories.dedup import drawn
from schemas.errors import EarshotError
from schemas.event import Deletion, Edit, Event, Heartbeat, Post
from schemas.watch import Watch
from tests.pipeline.timeline import NOON, minute, watch

WATCH = watch({"kind": "count", "threshold": 5, "window": "10m"})
POSTS = [
    Post(platform="x", id=str(number), time=minute(number * 1.5), text=f"acme number {number % 7} says {number}")
    for number in range(300)
]


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listen in two other processes from the first post on."""
    monkeypatch.setattr(listening, "FEW", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr(listening, "AT_ONCE", 20)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A file of posts, of which one is none."""
    path = tmp_path / "posts.jsonl"
    lines = [one.model_dump_json() for one in POSTS]
    path.write_text("\n".join([*lines[:150], "{", *lines[150:]]), "utf-8")
    return path


def heard(recorded: Iterable[Recorded], watches: list[Watch]) -> list[object]:
    return list(listened(recorded, Bench.of(watches).ear, watches))


def test_what_others_hear_is_what_this_process_would(
    ahead: None, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list(open_posts(str(recorded)))
    elsewhere = heard(lines, [WATCH, watch(id="other", query="says")])
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    found = [one._replace(drawn=()) if isinstance(one, Listened) else one for one in elsewhere]
    assert heard(lines, [WATCH, watch(id="other", query="says")]) == found
    for one in elsewhere:
        if isinstance(one, Listened):
            assert one.drawn == tuple(drawn(mention) for mention in one.mentions), "and its texts are drawn there"
    assert [len(one.records) for one in elsewhere if isinstance(one, Listened)] == [2] * 300
    (fault,) = [one for one in elsewhere if isinstance(one, Unreadable)]
    assert (fault.where, elsewhere.index(fault)) == (f"{recorded}:151", 150), "it stays where it was"


def test_a_backtest_of_a_file_is_that_of_its_posts(
    ahead: None, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = recorded_in(str(recorded))
    expected = [one.to_bytes() for one in backtest([WATCH], POSTS)]
    assert [one.to_bytes() for one in recording.judge([WATCH])] == expected
    assert [one.to_bytes() for one in recording.judge([WATCH])] == expected, "and again, for another watch file"
    assert (recording.posts, len(recording.unreadable)) == (300, 1)
    assert capsys.readouterr().err.count("posts.jsonl:151: not-json") == 1, "said once"


def test_who_is_ended_is_missed_in_one_sentence(ahead: None) -> None:
    with pytest.raises(EarshotError, match="a process that was listening has been ended"):
        heard([*POSTS[:40], Deadly("x:1", b"")], [WATCH])


class Deadly(Line):
    def read(self) -> Unreadable:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


ABOUT: dict[str, Any] = {"source": "s", "seen": NOON, "platform": "x"}
EVENT = Event(**ABOUT, id="1", time=NOON - timedelta(hours=3), text="acme")


@pytest.mark.parametrize(
    ("record", "expected", "why"),
    [
        (EVENT, EVENT, "a post as it was delivered, with its source"),
        (Edit.model_validate(EVENT.model_dump() | {"type": "edit"}), Edit, "a changed one stays one"),
        (Deletion(**ABOUT, id="1"), Deletion, "a deletion is passed on"),
        (Heartbeat(source="s", seen=NOON, at=NOON, clock=True), NOON, "time in band"),
        (Heartbeat(source="s", seen=NOON, at=NOON), type(None), "a sign of life is none of judge's business"),
    ],
)
def test_a_record_of_a_raw_topic_is_read(record: Event, expected: object, why: str) -> None:
    found = Raw("t/0/1", record.to_bytes(), marked=True).read()
    assert found == expected or (isinstance(expected, type) and isinstance(found, expected)), why


def test_a_heartbeat_says_no_time_where_the_time_of_day_does() -> None:
    beat = Heartbeat(source="s", seen=NOON, at=NOON, clock=True)
    assert Raw("t/0/1", beat.to_bytes(), marked=False).read() is None


def test_poison_of_a_topic_is_named_by_its_place() -> None:
    fault = Raw("t/0/1", b"{", marked=True).read()
    assert isinstance(fault, Unreadable)
    assert (fault.where, fault.reason) == ("t/0/1", "not-json")


def test_a_post_that_the_worker_would_not_believe_is_none_here_either() -> None:
    written = int((EVENT.seen - timedelta(days=2)).timestamp() * 1000)
    fault = Raw("t/0/1", EVENT.to_bytes(), marked=True, written=written).read()
    assert isinstance(fault, Unreadable)
    assert fault.reason == "from-the-future"


def test_what_was_edited_or_deleted_is_forgotten_as_live() -> None:
    other = watch(id="other", query="globex")
    changed = Edit.model_validate(EVENT.model_dump() | {"type": "edit", "text": "globex"})
    gone = Deletion(**ABOUT, id="1")
    records = [Raw("t/0/1", one.to_bytes(), marked=True) for one in (EVENT, changed, gone)]
    kinds = [
        [(record.type, record.watch) for record in one.records]
        for one in heard(list(records), [WATCH, other])
        if isinstance(one, Listened)
    ]
    assert kinds == [
        [("match", "acme")],
        [("match", "other"), ("forget", "acme")],
        [("forget", "acme"), ("forget", "other")],
    ]


def test_time_passes_by_when_a_post_was_delivered() -> None:
    recording = Recording(lambda: [Raw("t/0/1", EVENT.to_bytes(), marked=False)])
    (receipt, *_) = recording.judge([WATCH])
    assert receipt.at == EVENT.time, "nothing was before it"
    (one,) = heard([Raw("t/0/1", EVENT.to_bytes(), marked=False)], [WATCH])
    assert isinstance(one, Listened)
    assert one.time == NOON
