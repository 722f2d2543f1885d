"""The state of a watch: stored and read at any moment it goes on the same, and nothing in it depends on the batches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detect import unread
from pipeline.state import WatchState
from pipeline.stories import dedup, story
from schemas.alert import Alert
from schemas.control import Judged, WatchRemoved, WatchVersion
from schemas.mention import Word
from schemas.receipt import Decision
from schemas.tick import Tick
from tests.pipeline.timeline import COUNT, NOON, Timeline, distinct, match, minute, watch

RULES = (
    {"kind": "count", "threshold": 3, "window": "10m"},
    {"kind": "spike", "window": "20m", "factor": 2, "floor": 2},
    {"kind": "unusual-volume", "learn": "2h", "floor": 2},
    {"kind": "new", "of": "author", "learn": "30m", "least": 1},
    {"kind": "silence", "window": "3h"},
)
TEXTS = [distinct(number) for number in range(6)] + ["zug 1 faellt aus heute", "zug 2 faellt aus heute", ""]


def record(step: tuple[Any, ...]) -> Judged:
    kind, number, when, about = step
    if kind == "tick":
        return Tick(at=minute(when))
    texts, entities = TEXTS[number % len(TEXTS)], (("own",), ("Bolt",), ("own", "Bolt"))[about % 3]
    root = "7" if about == 3 else None
    return match(str(number), when, texts, entities=entities, negative=about == 4, edited=about == 5, repost_of=root)


@st.composite
def logs(draw: st.DrawFn) -> list[Judged]:
    """Draw a log: posts and ticks that mostly move forward over half a day, with repeats and late ones."""
    steps, when = [], 0.0
    for _ in range(draw(st.integers(1, 40))):
        when += draw(st.sampled_from([0.0, 0.1, 1.0, 7.0, 65.0, 700.0]))
        late = draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 90.0]))
        kind = draw(st.sampled_from(["post", "post", "post", "tick"]))
        steps.append((kind, draw(st.integers(0, 12)), when - late, draw(st.integers(0, 5))))
    return [record(step) for step in steps]


def run(log: Iterable[Judged], restart: bool = False) -> Timeline:
    line = Timeline(watch(*RULES))
    for one in log:
        line.take(one)
        if restart:
            line.state = WatchState.restore(line.state.rows())
    return line


@dataclass
class Stored:
    """What the table holds after some calls of `persist`."""

    rows: dict[str, bytes] = field(default_factory=dict)

    def write(self, state: WatchState) -> WatchState:
        clean, changes = state.persist()
        for name, value in changes.items():
            if value is None:
                del self.rows[name]  # only what is there is deleted
            else:
                assert self.rows.get(name) != value or name == "head", "what did not change is not written"
                self.rows[name] = value
        return clean


@settings(deadline=None, max_examples=25)
@given(logs(), st.lists(st.booleans(), min_size=40, max_size=40))
def test_what_is_written_piece_by_piece_is_the_whole_state(log: list[Judged], batches: list[bool]) -> None:
    line, stored = Timeline(watch(*RULES)), Stored()
    for one, ends in zip(log, batches, strict=False):
        line.take(one)
        if ends:
            line.state = stored.write(line.state)
            assert line.state.persist()[1] == {}
    line.state = stored.write(line.state)
    assert stored.rows == line.state.rows()
    restored = WatchState.restore(stored.rows)
    assert restored == line.state
    assert restored.rows() == stored.rows
    assert restored.persist()[1] == {}


@settings(deadline=None, max_examples=25)
@given(logs())
def test_a_restart_after_every_record_changes_nothing(log: list[Judged]) -> None:
    one, other = run(log), run(log, restart=True)
    assert one.alerts == other.alerts
    assert one.receipts == other.receipts
    assert one.state.rows() == other.state.rows()


@settings(deadline=None, max_examples=25)
@given(logs())
def test_what_is_delivered_again_changes_nothing(log: list[Judged]) -> None:
    line = run(log)
    before, alerts = line.state, list(line.alerts)
    for one in log:
        if not isinstance(one, Tick) and not one.mention.edited:  # type: ignore[union-attr]
            line.take(one)
            assert line.receipts[-1].decision is Decision.REDELIVERED
    assert line.state is before
    assert line.alerts == alerts


@settings(deadline=None, max_examples=25)
@given(logs())
def test_every_post_delivered_twice_gives_the_same_stories_and_alerts(log: list[Judged]) -> None:
    once, twice = run(log), run(one for pair in zip(log, log, strict=True) for one in pair)
    assert once.alerts == twice.alerts
    assert set(once.state.memory.stories) == set(twice.state.memory.stories)


@settings(deadline=None, max_examples=25)
@given(logs(), st.data())
def test_ticks_may_be_doubled(log: list[Judged], data: st.DataObject) -> None:
    doubled: list[Judged] = []
    for one in log:
        doubled += [one, one] if isinstance(one, Tick) and data.draw(st.booleans()) else [one]
    once, twice = run(log), run(doubled)
    assert once.alerts == twice.alerts
    assert once.receipts == twice.receipts
    assert once.state.rows() == twice.state.rows()


@settings(deadline=None, max_examples=25)
@given(logs())
def test_time_only_moves_forward_and_revisions_count_up(log: list[Judged]) -> None:
    line = run(log)
    moments = [receipt.at for receipt in line.receipts if receipt.decision is not Decision.REDELIVERED]
    assert moments == sorted(moments)
    by_incident: dict[str, list[Alert]] = {}
    for alert in line.alerts:
        by_incident.setdefault(alert.incident.id, []).append(alert)
    for alerts in by_incident.values():
        assert [alert.incident.revision for alert in alerts] == list(range(1, len(alerts) + 1))
        assert sum(alerts[-1].platforms.values()) == alerts[-1].incident.mentions


def test_a_tick_that_is_not_due_changes_nothing() -> None:
    line = Timeline()
    line.tick(0)
    line.posts(1, 2)
    before = line.state
    assert not before.due(minute(30))
    line.tick(30)
    assert line.state is before


def test_the_first_tick_tells_that_time_passes() -> None:
    line = Timeline()
    assert line.state.due(minute(0))
    line.tick(0)
    assert line.state.window.began == NOON


def test_the_same_version_of_a_watch_changes_nothing_and_another_counts_on() -> None:
    line = Timeline()
    line.posts(0, 1)
    before = line.state
    line.take(WatchVersion(watch=line.watch, version="1", at=minute(1)))
    assert line.state is before
    stricter = watch({"kind": "count", "threshold": 4, "window": "20m"}, {"kind": "spike", **RULES[1]})
    line.take(WatchVersion(watch=stricter, version="2", at=minute(1)))
    assert line.post(2).decision is Decision.BELOW_THRESHOLD
    assert line.post(3).decision is Decision.OPENED


def test_stories_are_forgotten_a_week_after_the_last_mention() -> None:
    week = 7 * 24 * 60
    line, stored = Timeline(), Stored()
    line.post(0, TEXTS[0])
    line.post(0, TEXTS[1])
    line.post(week / 2, TEXTS[1])
    line.state = stored.write(line.state)
    assert line.state.memory.size == 2
    line.tick(week + 61)
    line.state = stored.write(line.state)
    assert [line.state.memory.stories[name].copies for name in line.state.memory.stories] == [2]
    line.tick(2 * week)
    line.state = stored.write(line.state)
    assert set(stored.rows) == {"watch", "head"}
    left = line.state.memory.tables
    assert not any((left.members, left.leads, left.texts, left.roots, left.touched))
    assert not any((left.hours.counts, left.hours.changes, left.heard.counts, left.heard.changes))


def test_a_text_is_kept_no_longer_than_its_platform_allows() -> None:
    line = Timeline()
    line.post(0, TEXTS[0], platform="reddit")
    line.tick(48 * 60 + 61)
    assert TEXTS[0].encode() not in b"".join(line.state.rows().values())
    line.post(48 * 60 + 62, TEXTS[0], platform="x", id="later")
    (only,) = (line.state.memory.stories[name] for name in line.state.memory.stories)
    assert only.copies == 2
    assert only.stands == "x:later"


def test_what_may_not_last_is_never_in_the_state_nor_in_an_alert() -> None:
    """LinkedIn: not for a moment, since what was once written to a compacted topic may stay there for long."""
    text = "Die Nordbahn ist furchtbar und peinlich, sagt Eva Muster"
    line = Timeline(watch({"kind": "count", "threshold": 1, "window": "10m"}))
    post = match("1", 0, text, platform="linkedin", url="https://www.linkedin.com/feed/update/1", followers=7)
    words = post.sentiment.model_copy(update={"words": (Word(text="furchtbar", weight=-2.0),)})
    line.take(post.model_copy(update={"sentiment": words}))
    (alert,) = line.alerts
    (told,) = alert.quotes
    assert (told.platform, told.url) == ("linkedin", "https://www.linkedin.com/feed/update/1")
    assert (told.text, told.author, told.followers) == ("", None, None)
    written = b"".join([*line.state.rows().values(), alert.to_bytes()])
    for word in ("furchtbar", "peinlich", "Muster", "anna"):
        assert word.encode() not in written, word
    line.post(1, f"{text}!", platform="linkedin", id="1", edited=True)
    assert b"furchtbar" not in b"".join(line.state.rows().values())
    line.post(2, text, platform="x", id="copy")
    (only,) = (line.state.memory.stories[name] for name in line.state.memory.stories)
    assert only.stands == "x:copy", "what may be quoted stands for the story rather than what may not"


def test_the_oldest_stories_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "MAX_STORIES", 20)
    monkeypatch.setattr(dedup, "_CROWDED_OUT", 5)
    line = Timeline()
    line.posts(*range(21))
    assert line.state.memory.size == 16
    assert line.post(0, id="p1").decision is not Decision.REDELIVERED
    assert line.post(0, id="p21").decision is Decision.REDELIVERED
    assert WatchState.restore(line.state.rows()) == line.state


def test_many_copies_of_a_story_are_sealed_in_segments_that_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "HASHES", 4)
    day = 24 * 60
    line, stored = Timeline(watch({"kind": "count", "threshold": 10**6, "window": "10m"})), Stored()
    for number in range(10):
        line.post(number * day, TEXTS[0])
        line.state = stored.write(line.state)
    (name,) = (name for name in stored.rows if name.startswith("story/"))
    members = [row for row in stored.rows if row.startswith("members/")]
    assert members == [f"members/{name.removeprefix('story/')}/{number}" for number in (0, 1)]
    assert line.post(0, id="p1").decision is Decision.REDELIVERED
    for number in range(10, 12):
        line.post(number * day, TEXTS[0])
    line.state = stored.write(line.state)
    assert [row[-1] for row in stored.rows if row.startswith("members/")] == ["1", "2"]
    assert line.state.memory.known("x:p1") is None
    assert line.state.memory.known("x:p5") is not None
    assert WatchState.restore(stored.rows) == line.state
    line.tick(30 * day)
    line.state = stored.write(line.state)
    assert set(stored.rows) == {"watch", "head"}


def test_a_segment_is_as_long_as_the_contract_says() -> None:
    assert story.HASHES == 256


def test_a_watch_that_is_removed_leaves_nothing_behind_and_may_come_back() -> None:
    line = Timeline()
    line.posts(0, 1, 2, 3)
    state, stored = line.state.persist()
    line.state = state
    assert {name.partition("/")[0] for name in stored} == {"watch", "head", "story"}
    assert line.state.life.open
    line.take(WatchRemoved(watch="acme", at=minute(4)))
    told, noted = line.alerts[-1], line.receipts[-1]
    assert line.told[-1] == (4.0, "withdrawn", 4), "whoever was told that it began is told that it is over"
    assert (told.id, told.incident.resolved) == (f"{line.alerts[0].incident.id}.2", minute(4))
    assert (told.routes, told.respond_by) == (line.watch.routes, None)
    assert (noted.decision, noted.mention, noted.incident) == (Decision.WITHDRAWN, "watch:acme", told.incident.id)
    line.state, rows = line.state.persist()
    assert rows == dict.fromkeys(stored), "every row is removed"
    assert line.state == WatchState.empty()
    assert line.post(5).detail == "not counted: no such watch is published"
    assert line.tick(30).alerts == ()
    assert line.take(WatchRemoved(watch="acme", at=minute(30))).alerts == (), "nothing was open"
    line.take(WatchVersion(watch=line.watch, version="1", at=minute(31)))
    assert line.posts(32, 33).decision is Decision.BELOW_THRESHOLD, "it begins anew"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["post", "post", "post", "tick", "silence"]), st.sampled_from([0, 1, 5, 50])),
        max_size=25,
    ),
    st.sampled_from(
        [
            {},
            {"escalation": ({"after": "20m", "routes": ({"channel": "slack", "to": "#boss"},)},)},
            {"incidents": {"remind": "15m"}},
            {"rules": (COUNT, {"kind": "silence", "window": "1h"})},
        ]
    ),
)
def test_what_is_told_at_a_glance_is_what_a_closer_look_tells(
    steps: list[tuple[str, int]], written: dict[str, Any]
) -> None:
    line, when = Timeline(watch(**written)), 0
    for what, pause in steps:
        when += pause
        if what == "post":
            line.post(when)
        elif what == "silence":
            line.silence(when + 30)
        elif what == "tick":
            line.tick(when)
        for at in (when, when + 1, when + 30, when + 60, when + 600):
            due = line.state.due_at
            assert line.state.due(minute(at)) == (due is not None and due <= minute(at))


@pytest.mark.parametrize(
    "later", [{"kind": "telepathy"}, {"kind": "silence", "name": "quiet", "window": "1h", "of": "moon"}]
)
def test_a_rule_of_another_release_is_left_out_and_the_others_go_on(later: dict[str, Any]) -> None:
    line = Timeline(watch(COUNT, later))
    line.posts(0, 1, 2)
    assert [alert.reason for alert in line.alerts] == ["opened"]
    assert unread(watch(COUNT, later)) == (later.get("name", later["kind"]),)
    restored = WatchState.restore(line.state.rows())
    assert restored == line.state
    assert [rule.id for rule in restored.rules] == ["count"]


def test_a_watch_whose_only_rule_a_later_release_has_invented_is_heard_and_tells_nobody() -> None:
    later = Timeline(watch({"kind": "invented-later"}))
    later.tick(0)
    assert later.post(1).decision is Decision.BELOW_THRESHOLD
    assert WatchState.restore(later.state.rows()) == later.state
