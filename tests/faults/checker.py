"""The independent checker: compares what came of a run with what was said, and shares no code with the product.

Each check is a function that yields a sentence for everything that is wrong; `check` names the property it breaks.
"""

import json
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.faults.expected import Alert, Expected, expect
from tests.faults.history import History, Place, Record
from tests.faults.world import FILE_LANE, WORDS, room

MENTIONS, RECEIPTS, ALERTS = "earshot.mentions", "earshot.receipts", "earshot.alerts"
DELIVERIES, DEAD, CHANGELOG = "earshot.deliveries", "earshot.dead", "earshot.judge"
LISTEN, JUDGE, DELIVER = "earshot-listen", "earshot-judge", "earshot-deliver"
RAW = ("earshot.raw.x", "earshot.raw.other")
TOPICS = (*RAW, MENTIONS, RECEIPTS, ALERTS, DELIVERIES, DEAD, CHANGELOG)
_ROW = struct.Struct(">BqIq")
"""The head of a row of judge's table: version, offset of the batch that wrote it, length of what follows, term."""
_NO_ROW = 0xFFFFFFFF
_AGAIN = "redelivered"

Complaint = tuple[str, str]
"""The property that is broken, and how."""


def check(history: History) -> list[Complaint]:
    """Return everything that is wrong with a history."""
    expected = expectations(history)
    return [(name, text) for name, one in _CHECKS.items() for text in one(history, expected)]


def expectations(history: History) -> dict[str, Expected]:
    """Return what each watch must lead to; the file ends with a day of ticks, so that all of its incidents resolve."""
    found = {}
    for number, watch in enumerate(WORDS):
        lane = history.lanes[number // 2]
        found[watch] = expect(watch, lane, ticks_after=number // 2 == FILE_LANE)
    return found


def _read(history: History, topic: str) -> Iterator[tuple[Record, dict[str, Any]]]:
    for record in history.topics.get(topic, []):
        if record.value is not None:
            yield record, json.loads(record.value)


def heard(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Every post is in the log of each watch that asked for it, in the order in which it was said; and no other."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    places: defaultdict[str, set[int]] = defaultdict(set)
    for record, value in _read(history, MENTIONS):
        if value["type"] == "match":
            found[value["watch"]][value["mention"]["id"]] = None
            places[value["watch"]].add(record.partition)
    for watch, wanted in expected.items():
        order = [said.key for said in wanted.posts]
        if len(places[watch]) > 1:
            yield f"{watch} is in partitions {sorted(places[watch])}"
        yield from _compare(watch, order, list(found[watch]))
    for watch in found.keys() - expected.keys():
        yield f"nobody asked for {watch}"


def _compare(watch: str, wanted: list[str], found: list[str]) -> Iterator[str]:
    if missing := sorted(set(wanted) - set(found)):
        yield f"{watch}: {len(missing)} posts are missing, such as {missing[0]}"
    if more := sorted(set(found) - set(wanted)):
        yield f"{watch}: {len(more)} posts were never said, such as {more[0]}"
    places = {key: place for place, key in enumerate(wanted)}
    known = [key for key in found if key in places]
    for before, after in pairwise(known):
        if places[after] < places[before]:
            yield f"{watch}: {after} was said before {before} and is behind it"


def judged(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Every match has one decision, the right one; written again, its receipt is the same to the last byte."""
    receipts: defaultdict[tuple[str, str], set[bytes]] = defaultdict(set)
    again: set[tuple[str, str]] = set()
    for record, value in _read(history, RECEIPTS):
        place = value["watch"], value["mention"]
        if value["decision"] == _AGAIN:
            again.add(place)
        else:
            receipts[place].add(record.value or b"")
    wanted = {(one.watch, mention): what for one in expected.values() for mention, what in one.decisions.items()}
    for (watch, mention), decision in wanted.items():
        found = sorted(json.loads(value)["decision"] for value in receipts[watch, mention])
        if not found:
            yield f"{watch}: {mention} was never judged" + (" but called known" if (watch, mention) in again else "")
        elif len(found) > 1:
            yield f"{watch}: {mention} was judged {len(found)} times: {', '.join(found)}"
        elif found != [decision]:
            yield f"{watch}: {mention} is {found[0]} and should be {decision}"
    for watch, mention in sorted(receipts.keys() | again):
        if (watch, mention) not in wanted:
            yield f"{watch}: {mention} was judged and never said"


def told(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """The incidents follow from the posts, each revision has the right counts, none is written twice differently."""
    values: dict[str, bytes] = {}
    for record, value in _read(history, ALERTS):
        if values.setdefault(value["id"], record.value or b"") != record.value:
            yield f"alert {value['id']} of {value['watch']} was written again with another content"
    found = Counter(_alert(json.loads(value)) for value in values.values())
    wanted = Counter(alert for one in expected.values() for alert in one.alerts)
    yield from (f"missing: {alert}" for alert in wanted - found)
    yield from (f"too much: {alert}" for alert in found - wanted)
    names: defaultdict[tuple[str, datetime], set[str]] = defaultdict(set)
    for value in map(json.loads, values.values()):
        names[value["watch"], _time(value["incident"]["opened"])].add(value["incident"]["id"])
    for (watch, opened), ids in names.items():
        if len(ids) > 1:
            yield f"{watch}: the incident of {opened} has {len(ids)} names"


def _alert(value: dict[str, Any]) -> Alert:
    incident = value["incident"]
    assert value["id"] == f"{incident['id']}.{incident['revision']}", "an alert's id names its incident and revision"
    return Alert(
        watch=value["watch"],
        opened=_time(incident["opened"]),
        revision=incident["revision"],
        reason=value["reason"],
        at=_time(value["at"]),
        mentions=incident["mentions"],
        stories=incident["stories"],
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _alerts(history: History) -> dict[str, dict[str, Any]]:
    return {value["id"]: value for _, value in _read(history, ALERTS)}


def delivered(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Every revision is sent once on both channels, says the ledger; a mail in doubt twice may be given up, aloud."""
    states: defaultdict[str, list[str]] = defaultdict(list)
    for _, value in _read(history, DELIVERIES):
        states[f"{value['alert']} {value['channel']}"].append(value["state"])
    given_up = sum(1 for _, value in _read(history, DEAD) if value["reason"] == "not-delivered")
    alerts = _alerts(history)
    for name in (f"{alert} {channel}" for alert in alerts for channel in ("slack", "email")):
        found = states.pop(name, [])
        end = found[-1] if found else "not in the ledger"
        if end == "dead" and name.endswith("email") and given_up > 0:
            given_up -= 1
        elif end != "sent":
            yield f"{name} is {end}"
        if "sent" in found and found.count("sent") + found.index("sent") != len(found):
            yield f"{name} was touched after it was sent: {', '.join(found)}"
    for name in states:
        yield f"{name} is in the ledger, but there is no such alert"


def told_once(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Slack has every revision once, in order, in the thread of the first."""
    alerts = _alerts(history)
    for name in sorted({room(watch) for watch in WORDS}):
        messages = history.slack.get(name, [])
        ids = [message["metadata"]["event_payload"]["alert"] for message in messages]
        wanted = {alert for alert, value in alerts.items() if room(value["watch"]) == name}
        for alert, times in Counter(ids).items():
            if times > 1:
                yield f"#{name}: {alert} was told {times} times"
            if alert not in wanted:
                yield f"#{name}: {alert} does not belong there"
        yield from (f"#{name}: {alert} was never told" for alert in sorted(wanted - set(ids)))
        yield from _threads(name, messages, alerts)


def _threads(name: str, messages: list[dict[str, Any]], alerts: dict[str, dict[str, Any]]) -> Iterator[str]:
    first: dict[str, str] = {}
    latest: dict[str, int] = {}
    for message in messages:
        incident, _, revision = message["metadata"]["event_payload"]["alert"].rpartition(".")
        if f"{incident}.{revision}" not in alerts:
            continue
        if int(revision) <= latest.get(incident, 0):
            yield f"#{name}: revision {revision} of {incident} came after revision {latest[incident]}"
        latest[incident] = int(revision)
        if message.get("thread_ts") != first.setdefault(incident, message["ts"]) and message["ts"] != first[incident]:
            yield f"#{name}: revision {revision} of {incident} is not in the thread of the first"


def mailed(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Every mailbox has a mail for every revision, in order; a second one only if it says so, and never a third."""
    alerts, order = _alerts(history), {}
    for _, value in _read(history, DELIVERIES):
        if value["channel"] == "email" and value["state"] == "sent":
            order[value["sent"]["reference"]] = value["alert"]
    boxes: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
    for mail in history.mails:
        boxes[mail.to].append((mail.id, mail.marked))
    given_up = sum(1 for _, value in _read(history, DEAD) if value["reason"] == "not-delivered")
    missing = []
    for watch in WORDS:
        box = boxes.pop(f"{watch}@example.org", [])
        for (name, marked), times in Counter(box).items():
            if times > 1:
                yield f"{watch}: {name} came {times} times {'marked' if marked else 'without a mark'}"
        wanted = {alert for alert, value in alerts.items() if value["watch"] == watch}
        came = [order[name] for name in dict.fromkeys(name for name, _ in box) if name in order]
        missing += sorted(wanted - set(came))
        latest: dict[str, int] = {}
        for alert in came:
            incident, _, revision = alert.rpartition(".")
            if int(revision) <= latest.get(incident, 0):
                yield f"{watch}: revision {revision} of {incident} came after revision {latest[incident]}"
            latest[incident] = int(revision)
    if len(missing) > given_up:
        yield f"{len(missing)} mails are missing, such as that of {missing[0]}; {given_up} were given up"
    yield from (f"nobody asked for mail to {box}" for box in boxes)


def committed(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Every group has taken everything and no more; judge's commit records move forward and end where it stands."""
    for group, topics in ((LISTEN, RAW), (JUDGE, (MENTIONS,)), (DELIVER, (ALERTS,))):
        for place in sorted(place for place in history.ends if place[0] in topics):
            at, end = history.committed.get(group, {}).get(place, 0), history.ends[place]
            if at != end:
                yield f"{group} stands at {at} of {place[0]}/{place[1]}, which ends at {end}"
    last: dict[int, tuple[int, int]] = {}
    for record, term in _changelog(history):
        if record.key.isdigit() and record.value:
            applied, before = json.loads(record.value)["applied"], last.get(record.partition, (-1, -1))
            if (term, applied) < before:
                yield f"a commit record of partition {record.partition} went back from {before[1]} to {applied}"
            last[record.partition] = term, applied
    for (topic, partition), end in history.ends.items():
        if topic == MENTIONS and last.get(partition, (-1, -1))[1] != end - 1:
            yield f"the state of partition {partition} is as of {last.get(partition)}, its log ends at {end}"


def _changelog(history: History) -> Iterator[tuple[Record, int]]:
    """Yield what counts of judge's changelog, with its term: what comes behind a higher one does not."""
    highest: defaultdict[int, int] = defaultdict(int)
    for record in history.topics.get(CHANGELOG, []):
        term = highest[record.partition]
        if record.value:
            term = _ROW.unpack_from(record.value)[3] if b"/" in record.key else json.loads(record.value)["term"]
        if term >= highest[record.partition]:
            highest[record.partition] = term
            yield record, term


def kept(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """The state that a worker would recover counts every post once and knows the last incident as it was told."""
    rows, applied = _rows(history)
    alerts = _alerts(history)
    copies: Counter[str] = Counter()
    for (partition, watch, row), (since, value) in rows.items():
        if since > applied.get(partition, -1):
            yield f"{watch}: {row} is newer than the commit record"
        elif row.startswith("story/") and value:
            copies[watch] += json.loads(value).get("copies", 0)
        elif row == "head" and value:
            incident = json.loads(value).get("life", {}).get("incident") or {}
            ours = [one for one in alerts.values() if one["watch"] == watch]
            latest = max(ours, key=lambda one: _time(one["at"]), default=None)
            found = (incident["id"], incident["revision"]) if incident else None
            if found and latest and found != _names(latest):
                yield f"{watch}: the state knows {found}, told was {_names(latest)}"
    for watch, wanted in expected.items():
        if copies[watch] != len(wanted.posts):
            yield f"{watch}: the state has counted {copies[watch]} posts of {len(wanted.posts)}"


def _names(alert: dict[str, Any]) -> tuple[str, int]:
    return alert["incident"]["id"], alert["incident"]["revision"]


def _rows(history: History) -> tuple[dict[tuple[int, str, str], tuple[int, bytes | None]], dict[int, int]]:
    """Return the rows as a recovery would find them, and the offset of the commit record, by partition."""
    rows: dict[tuple[int, str, str], tuple[int, bytes | None]] = {}
    applied: dict[int, int] = {}
    for record, _ in _changelog(history):
        _, _, rest = record.key.decode().partition("/")
        if record.key.isdigit():
            applied[record.partition] = json.loads(record.value or b"{}")["applied"]
            continue
        watch, _, row = rest.partition("/")
        if record.key.endswith(b"!"):
            continue  # a claim: it has a term and no content
        if record.value is None:
            rows.pop((record.partition, watch, row), None)
            continue
        _, since, length, _term = _ROW.unpack_from(record.value)
        value = None if length == _NO_ROW else record.value[_ROW.size : _ROW.size + length]
        rows[record.partition, watch, row] = since, value
    return rows, applied


def buried(history: History, expected: dict[str, Expected]) -> Iterator[str]:
    """Nothing was thrown away: no post of these is poison."""
    for _, value in _read(history, DEAD):
        if value["reason"] != "not-delivered":
            yield f"a record of {value['topic']}/{value['partition']} is dead: {value['reason']}"


_Check = Callable[[History, dict[str, Expected]], Iterator[str]]
_CHECKS: dict[str, _Check] = {
    one.__name__: one for one in (heard, judged, told, delivered, told_once, mailed, committed, kept, buried)
}
__all__ = ["CHANGELOG", "TOPICS", "Complaint", "Place", "check", "expectations"]
