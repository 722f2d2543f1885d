"""Incidents that are told apart, and that inhibit each other, under random logs: a replay gives the same bytes.

Whatever the batches and restarts; no mention is lost, what is held back is counted, and there are so many groups at
most.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.incidents import group
from pipeline.incidents.group import OTHERS
from pipeline.state import WatchState
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.alert import Alert, AlertReason
from schemas.control import Acknowledge, Judged, Silence, WatchVersion
from schemas.matcher import Matcher
from schemas.receipt import Decision
from schemas.tick import Tick
from schemas.watch import Watch
from tests.pipeline.test_state import Stored
from tests.pipeline.timeline import NOON, Timeline, distinct, match, minute, watch

TEXTS = [distinct(number) for number in range(6)]
LIMIT = 3
KEYS = ("entity", "story", "platform", "author")
RULES = (
    {"kind": "every"},
    {"kind": "count", "name": "crisis", "threshold": 3, "window": "30m", "severity": "crisis"},
    {"kind": "count", "name": "here", "threshold": 2, "window": "1h", "per": "platform", "rises": {"escalate": 4}},
    {"kind": "count", "name": "them", "threshold": 2, "window": "1h", "per": "entity"},
    {"kind": "silence", "window": "9h"},
    {"kind": "unusual-volume", "learn": "3h", "floor": 2},
    {"kind": "new", "of": "site", "learn": "1h", "least": 1},
)
INHIBIT = (
    {"source": "severity=crisis", "target": "rule=every", "equal": ("entity",)},
    {"source": "rule=here", "target": "rule=every", "equal": ("platform",)},
)


@pytest.fixture(autouse=True, scope="module")
def _few() -> Iterator[None]:
    """Few groups, so that the rest is tried too."""
    patch = pytest.MonkeyPatch()
    patch.setattr(group, "MOST", LIMIT)
    yield
    patch.undo()


@st.composite
def watches(draw: st.DrawFn) -> Watch:
    keys = tuple(draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=3)))
    inhibit = INHIBIT if draw(st.booleans()) else ()
    incidents = {"patience": "1m", "remind": "45m", "acknowledged_for": "2h"}
    step = {"after": "1h", "routes": ({"channel": "email", "to": "chief@acme.example"},)}
    quiet = {"channel": "slack", "to": "#press", "quiet": {"begin": "20:00", "end": "07:00"}}
    budget = {"channel": "email", "to": "press@acme.example", "budget": {"alerts": 3, "per": "2h"}}
    return watch(
        *RULES, group_by=keys, inhibit=inhibit, incidents=incidents, escalation=(step,), routes=(quiet, budget)
    )


Step = tuple[str, int, float, int]


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Draw a log of half a day or more: posts, ticks, silences, people who take care or give back, changed rules."""
    found, when = [], 0.0
    for _ in range(draw(st.integers(1, 40))):
        when += draw(st.sampled_from([0.0, 0.1, 1.0, 7.0, 65.0, 300.0, 1500.0]))
        late = draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 90.0]))
        kind = draw(st.sampled_from(["post"] * 6 + ["tick", "tick", "silence", "acknowledge", "version"]))
        found.append((kind, draw(st.integers(0, 60)), when - (late if kind == "post" else 0), draw(st.integers(0, 11))))
    return found


def record(step: Step, alerts: list[Alert], watched: Watch) -> Judged:
    kind, number, when, about = step
    match kind:
        case "tick":
            return Tick(at=minute(when))
        case "acknowledge":
            told = alerts[number % len(alerts)].incident.id if alerts else "nobody"
            return Acknowledge(watch="acme", incident=told, at=minute(when), by="eva", released=about % 3 == 0)
        case "version":
            # the same rules as before, some of them, or one under another name
            rules = (RULES, RULES[:4], (*RULES[:4], {**RULES[5], "name": "volume"}), RULES[3:])[about % 4]
            return WatchVersion(
                watch=watched.model_copy(update={"rules": watch(*rules).rules}),
                version=f"{when} {about}",
                at=minute(when),
            )
        case "silence":
            fit = (Matcher(label="platform", values=("x",)),) if about % 2 else ()
            until = minute(when + 30 * (about % 4))
            return Silence(watch="acme", at=minute(when), until=until, by="ben", id=str(about % 3), matchers=fit)
    entities = (("own",), ("Bolt",), ("own", "Bolt"), ("own",))[about % 4]
    return post(number, when, about, entities)


def post(number: int, when: float, about: int, entities: tuple[str, ...]) -> Judged:
    more: dict[str, Any] = {"platform": ("x", "reddit", "linkedin")[about % 3], "writer": str(about % 5)}
    more |= {"url": f"https://{about % 4}.example/{number}", "edited": about == 11}
    return match(str(number), when, TEXTS[number % 6], entities=entities, negative=about == 7, **more)


def live(about: Watch, drawn: list[Step]) -> tuple[Timeline, list[Judged]]:
    """Judge as it comes, and return what was logged."""
    line, log = Timeline(about), list[Judged]()
    for step in drawn:
        log.append(record(step, line.alerts, about))
        line.take(log[-1])
    log.append(Tick(at=minute(drawn[-1][2] + 3000)))
    line.take(log[-1])
    return line, log


@settings(deadline=None, max_examples=25)
@given(watches(), steps(), st.lists(st.integers(0, 2), min_size=42, max_size=42))
def test_batches_and_restarts_change_nothing(about: Watch, drawn: list[Step], ends: list[int]) -> None:
    line, log = live(about, drawn)
    again, stored = Timeline(about), Stored()
    for one, end in zip(log, ends, strict=False):
        again.take(one)
        if end:  # a batch ends
            again.state = stored.write(again.state)
        if end == 2:  # and the worker with it
            again.state = WatchState.restore(stored.rows)
    assert [alert.to_bytes() for alert in again.alerts] == [alert.to_bytes() for alert in line.alerts]
    assert [one.to_bytes() for one in again.receipts] == [one.to_bytes() for one in line.receipts]
    assert again.state.rows() == line.state.rows()
    again.state = stored.write(again.state)
    assert stored.rows == line.state.rows()


@settings(deadline=None, max_examples=25)
@given(watches(), steps())
def test_nothing_is_lost_and_what_was_held_back_is_told_of(about: Watch, drawn: list[Step]) -> None:
    line, log = live(about, drawn)
    assert len(line.receipts) == sum(hasattr(one, "mention") for one in log), "each mention has its receipt"
    held = [one for receipt in line.receipts for one in receipt.held or () if one.by == "inhibition"]
    last: dict[str, Alert] = {alert.incident.id: alert for alert in line.alerts if not alert.reason.a_notice}
    lines = {one.incident: one for alert in line.alerts for one in alert.lines}
    told: dict[str, int] = {}
    for one in held:
        assert one.incident is not None
        told[one.incident] = told.get(one.incident, 0) + 1
    for incident, count in told.items():
        alert, digest = last.get(incident), lines.get(incident)
        ends = [alert.incident.inhibited] if alert and alert.reason is AlertReason.RESOLVED else []
        ends += [digest.inhibited] if digest and digest.reason is AlertReason.RESOLVED else []
        assert count in ends, "the closing message, or the digest that has it, says how much"
    for receipt in line.receipts:
        if receipt.decision is Decision.INHIBITED:
            assert receipt.held


@settings(deadline=None, max_examples=25)
@given(watches(), steps())
def test_there_are_so_many_at_most_and_each_counts_for_itself(about: Watch, drawn: list[Step]) -> None:
    line, most = Timeline(about), 0
    for step in drawn:
        line.take(record(step, line.alerts, about))
        names = [name for name, life in line.state.groups.lives.items() if name != OTHERS]
        narrow = [name for name in names if name != "entity=own"]
        most = max(most, len(narrow))
        groups = line.state.groups
        assert groups.dues == groups.reckon(about, line.state.life).dues, "what is due is as the watch is now"
    assert most <= LIMIT + 1
    by_incident: dict[str, list[Alert]] = {}
    for alert in line.alerts:
        if not alert.reason.a_notice:
            by_incident.setdefault(alert.incident.id, []).append(alert)
    for alerts in by_incident.values():
        assert len({str(alert.incident.group) for alert in alerts}) == 1
        revisions = [alert.incident.revision for alert in alerts]
        assert revisions == sorted(set(revisions))
        for alert in alerts:
            assert sum(alert.platforms.values()) == alert.incident.mentions


@settings(deadline=None, max_examples=10)
@given(watches(), steps(), st.integers(1, 7))
def test_a_partition_that_is_restored_goes_on_the_same(about: Watch, drawn: list[Step], size: int) -> None:
    line, log = live(about, drawn)
    stored = MemoryStore({})
    told: list[bytes] = []
    records = [WatchVersion(watch=about, version="1", at=NOON), *log]
    for start in range(0, len(records), size):
        partition = Partition(Rows(0, stored, 5), stored, 3600.0)
        list(stored.states(partition.rows))
        for one in records[start : start + size]:
            told += [alert.to_bytes() for _, verdict in partition.take(one) for alert in verdict.alerts]
        changes = partition.rows.write(
            partition.persist(), Commit(applied=start + size, now=partition.now, health=partition.health)
        )
        partition.rows.keep(changes)
    assert told == [alert.to_bytes() for alert in line.alerts]
