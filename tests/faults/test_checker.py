"""The checker is only worth something if it sees what is wrong: each row falsifies a true history in one way."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Any

import pytest

from agents.alert.channel import delivery_id
from pipeline.check import load_watches
from pipeline.flow import listen
from pipeline.offline.backtest import SOURCE
from pipeline.offline.replay import with_ticks
from pipeline.query import Matcher
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.alert import Alert
from schemas.control import WatchVersion
from schemas.event import Event, Post
from schemas.mention import Match
from schemas.receipt import Receipt
from schemas.tick import Tick
from tests.faults import world
from tests.faults.checker import (
    ALERTS,
    CHANGELOG,
    DEAD,
    DELIVER,
    DELIVERIES,
    JUDGE,
    LISTEN,
    MENTIONS,
    RAW,
    RECEIPTS,
    check,
)
from tests.faults.history import History, Mail, Record

SAID = world.make(seed=4, rounds=3)


class Log:
    """Topics of one partition, written by hand."""

    def __init__(self) -> None:
        self.topics: dict[str, list[Record]] = {}

    def write(self, topic: str, key: str | bytes, value: bytes | None) -> int:
        records = self.topics.setdefault(topic, [])
        records.append(Record(0, len(records), key if isinstance(key, bytes) else key.encode(), value))
        return len(records) - 1


class Product:
    """The product's own functions in one process, without a broker: one partition of each topic."""

    def __init__(self) -> None:
        self.log = Log()
        watches = load_watches(world.watches(), "watches.yml")
        self.matcher = Matcher.compile(watches)
        self.partition = Partition(Rows(0, store := MemoryStore()), store, 3600.0)
        for watch in watches:
            self.judge(WatchVersion(watch=watch, version="1", at=world.START), watch.id)

    def hear(self, said: world.Said, topic: str) -> None:
        event = Event(platform="x", id=said.id, time=said.time, text=said.text, source=SOURCE, seen=said.time)
        self.log.write(topic, event.key, event.to_bytes())
        for match in listen(event, self.matcher):
            self.judge(match, match.watch)

    def judge(self, record: Match | Tick | WatchVersion, key: str) -> None:
        offset = self.log.write(MENTIONS, key, record.to_bytes())
        for _, verdict in self.partition.take(record):
            for alert in verdict.alerts:
                self.log.write(ALERTS, alert.incident.id, alert.to_bytes())
            for receipt in verdict.receipts:
                self.log.write(RECEIPTS, receipt.mention, receipt.to_bytes())
        commit = Commit(applied=offset, now=self.partition.now)
        changes = self.partition.rows.write(self.partition.persist(), commit)
        for change in changes:
            self.log.write(CHANGELOG, *change)
        self.partition.rows.keep(changes)


@cache
def truth() -> History:
    """A history in which nothing went wrong."""
    product = Product()
    *pushed, file = SAID.lanes()
    posts = {said.key: said for said in file}
    for item in with_ticks(Post.model_validate(said.line(), strict=False) for said in file):
        if isinstance(item, Post):
            product.hear(posts[item.key], RAW[1])
        else:
            product.judge(Tick(at=item), "tick")
    for said in chain.from_iterable(pushed):
        product.hear(said, RAW[0])
    return history_of(product.log)


def history_of(log: Log) -> History:
    """Return what a run leaves whose topics are `log`."""
    slack, mails = deliver(log)
    ends = {(topic, 0): len(records) for topic, records in log.topics.items()}
    groups = {LISTEN: RAW, JUDGE: (MENTIONS,), DELIVER: (ALERTS,)}
    committed = {group: {(topic, 0): ends[topic, 0] for topic in topics} for group, topics in groups.items()}
    return History(SAID.lanes(), log.topics, ends, committed, slack, mails)


def deliver(log: Log) -> tuple[dict[str, list[dict[str, Any]]], list[Mail]]:
    """Tell Slack and the mailboxes, as delivery does."""
    slack: dict[str, list[dict[str, Any]]] = {f"room-{number}": [] for number in range(world.ROOMS)}
    mails: list[Mail] = []
    roots: dict[str, str] = {}
    for record in log.topics[ALERTS]:
        alert = Alert.from_bytes(record.value or b"")
        for route in alert.routes:
            name = delivery_id(alert.id, route)
            reference = f"<{name}@localhost>" if route.channel == "email" else f"{len(mails)}"
            entry: dict[str, Any] = {"id": name, "alert": alert.id, "channel": route.channel}
            for state in ("requested", "sending"):
                log.write(DELIVERIES, name, json.dumps(entry | {"state": state}).encode())
            sent = {"state": "sent", "sent": {"reference": reference}}
            log.write(DELIVERIES, name, json.dumps(entry | sent).encode())
            if route.channel == "email":
                mails.append(Mail(str(route.to), reference))
                continue
            message: dict[str, Any] = {"ts": reference, "metadata": {"event_payload": {"alert": alert.id}}}
            if root := roots.get(alert.incident.id):
                message["thread_ts"] = root
            roots.setdefault(alert.incident.id, reference)
            slack[str(route.to)[1:]].append(message)
    return slack, mails


def test_the_truth_is_believed() -> None:
    assert check(truth()) == []


def test_the_truth_is_worth_checking() -> None:
    """Otherwise a checker that looks at nothing would do."""
    alerts = [Alert.from_bytes(record.value or b"") for record in truth().topics[ALERTS]]
    assert {alert.reason for alert in alerts} == {"opened", "grew", "resolved"}
    decisions = {Receipt.from_bytes(record.value or b"").decision for record in truth().topics[RECEIPTS]}
    assert decisions >= {"below-threshold", "folded", "opened", "updated", "in-incident", "redelivered"}


Falsify = Callable[[History], History]


def without(topic: str, wrong: Callable[[dict[str, Any]], bool]) -> Falsify:
    """Leave out the records of which one of them says `wrong`: all that tell of the same thing."""

    def falsify(history: History) -> History:
        left = [one for one in history.topics[topic] if one.value is None or not wrong(_json(one))]
        assert len(left) < len(history.topics[topic])
        return history.but(topics=history.topics | {topic: left})

    return falsify


def _json(record: Record) -> dict[str, Any]:
    found = json.loads(record.value or b"{}")
    return found if isinstance(found, dict) else {}


def changed(
    topic: str, number: int, change: Callable[[dict[str, Any]], dict[str, Any]], *, also: bool = False
) -> Falsify:
    """Change the record with this number, or write it `also`, at the end."""

    def falsify(history: History) -> History:
        records = list(history.topics[topic])
        found = records[number]
        other = replace(found, value=json.dumps(change(_json(found))).encode())
        if also:
            records.append(other)
        else:
            records[number] = other
        return history.but(topics=history.topics | {topic: records})

    return falsify


def swapped(topic: str, wanted: Callable[[dict[str, Any]], bool]) -> Falsify:
    """Let the first two records that are `wanted` change places."""

    def falsify(history: History) -> History:
        records = list(history.topics[topic])
        one, two = [number for number, record in enumerate(records) if wanted(_json(record))][:2]
        records[one], records[two] = records[two], records[one]
        return history.but(topics=history.topics | {topic: records})

    return falsify


def room_of(history: History) -> str:
    return max(history.slack, key=lambda name: len(history.slack[name]))


def in_slack(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Falsify:
    def falsify(history: History) -> History:
        name = room_of(history)
        return history.but(slack=history.slack | {name: change(history.slack[name])})

    return falsify


def in_mail(change: Callable[[list[Mail]], list[Mail]]) -> Falsify:
    return lambda history: history.but(mails=change(history.mails))


def standing(group: str, topic: str, by: int) -> Falsify:
    def falsify(history: History) -> History:
        found = {place: at + by * (place[0] == topic) for place, at in history.committed[group].items()}
        return history.but(committed=history.committed | {group: found})

    return falsify


def first_match(number: int) -> Callable[[dict[str, Any]], bool]:
    said = SAID.lanes()[0][number]
    return lambda value: value.get("type") == "match" and value["mention"]["id"] == said.key


def rolled_back(history: History) -> History:
    """A zombie writes what it knew a while ago: its commit record, and the rows before it."""
    old = [one for one in history.topics[CHANGELOG][:60] if one.value is not None]
    return history.but(topics=history.topics | {CHANGELOG: [*history.topics[CHANGELOG], *old]})


def half_a_batch(history: History) -> History:
    """A row that no commit record covers."""
    records = history.topics[CHANGELOG]
    last = next(one for one in reversed(records) if b"/head" in one.key)
    newer = replace(last, value=(last.value or b"")[:1] + (10**9).to_bytes(8, "big") + (last.value or b"")[9:])
    return history.but(topics=history.topics | {CHANGELOG: [*records, newer]})


def forgotten_row(history: History) -> History:
    """The rows of one story are gone."""
    story = next(one.key for one in history.topics[CHANGELOG] if b"/story/" in one.key)
    left = [one for one in history.topics[CHANGELOG] if one.key != story]
    return history.but(topics=history.topics | {CHANGELOG: left})


def older_incident(history: History) -> History:
    """The row that holds the incident is one from before the last revision, under the newest commit record."""
    records = [one for one in history.topics[CHANGELOG] if one.key.endswith(b"/head")]
    key = max({one.key for one in records}, key=lambda key: sum(one.key == key for one in records))
    revised = [one for one in records if one.key == key and b'"incident"' in (one.value or b"")]
    return history.but(topics=history.topics | {CHANGELOG: [*history.topics[CHANGELOG], revised[0]]})


def poisoned(history: History) -> History:
    dead = {"reason": "not-json", "topic": MENTIONS, "partition": 0}
    return history.but(topics=history.topics | {DEAD: [Record(0, 0, b"", json.dumps(dead).encode())]})


def invented(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"mention": "x:nobody"}


def receipt(decision: str) -> int:
    return next(n for n, one in enumerate(truth().topics[RECEIPTS]) if _json(one)["decision"] == decision)


def alert(reason: str) -> int:
    return next(n for n, one in enumerate(truth().topics[ALERTS]) if _json(one)["reason"] == reason)


def about(reason: str) -> str:
    return str(_json(truth().topics[ALERTS][alert(reason)])["id"])


WRONG: list[tuple[str, Falsify, str]] = [
    ("heard", without(MENTIONS, first_match(0)), "a post that matches is not in the log"),
    (
        "heard",
        swapped(MENTIONS, lambda one: one.get("watch") == "alvora" and "mention" in one),
        "two posts of a watch changed places",
    ),
    ("heard", changed(MENTIONS, -1, lambda one: one | {"watch": "nobody"}), "a match for a watch that does not exist"),
    (
        "judged",
        without(RECEIPTS, lambda one: one["mention"] == SAID.lanes()[0][0].key),
        "a post that was heard has no receipt",
    ),
    ("judged", without(RECEIPTS, lambda one: one["decision"] == "opened"), "the post that opened an incident has none"),
    (
        "judged",
        changed(RECEIPTS, receipt("below-threshold"), lambda one: one | {"decision": "redelivered"}),
        "a post is called known the first time",
    ),
    (
        "judged",
        changed(RECEIPTS, receipt("in-incident"), lambda one: one | {"decision": "opened"}, also=True),
        "a post was judged a second time, otherwise",
    ),
    (
        "judged",
        changed(RECEIPTS, receipt("opened"), lambda one: one | {"detail": "another"}, also=True),
        "a receipt written again differs in a word",
    ),
    (
        "judged",
        changed(RECEIPTS, receipt("folded"), lambda one: one | {"decision": "below-threshold"}),
        "a copy was not recognised",
    ),
    ("judged", changed(RECEIPTS, 0, invented, also=True), "a receipt for a post that nobody wrote"),
    ("told", without(ALERTS, lambda one: one["id"] == about("grew")), "a revision is missing"),
    ("told", without(ALERTS, lambda one: one["reason"] == "resolved"), "no incident ever ends"),
    (
        "told",
        changed(ALERTS, alert("opened"), lambda one: one | {"at": "2026-01-01T00:00:00Z"}, also=True),
        "an alert written again differs",
    ),
    (
        "told",
        changed(ALERTS, alert("opened"), lambda one: one | {"incident": one["incident"] | {"mentions": 6}}),
        "one mention was counted twice",
    ),
    (
        "told",
        changed(ALERTS, alert("resolved"), lambda one: one | {"incident": one["incident"] | {"stories": 1}}),
        "stories are missing from an incident",
    ),
    (
        "told",
        changed(
            ALERTS, 0, lambda one: one | {"id": "other.1", "incident": one["incident"] | {"id": "other"}}, also=True
        ),
        "one crisis has two incidents",
    ),
    ("delivered", without(DELIVERIES, lambda one: one["alert"] == about("opened")), "a revision is not in the ledger"),
    (
        "delivered",
        without(DELIVERIES, lambda one: one["alert"] == about("grew") and one["state"] == "sent"),
        "a delivery hangs in sending",
    ),
    ("delivered", changed(DELIVERIES, 2, lambda one: one | {"state": "dead"}), "a delivery to Slack was given up"),
    (
        "delivered",
        changed(DELIVERIES, 0, lambda one: one, also=True),
        "a delivery was taken up again after it was sent",
    ),
    ("told_once", in_slack(lambda found: [*found, found[0]]), "Slack shows an alert twice"),
    ("told_once", in_slack(lambda found: found[:-1]), "Slack never got the last alert"),
    ("told_once", in_slack(lambda found: found[::-1]), "revisions came in the wrong order"),
    (
        "told_once",
        in_slack(lambda found: [{**one, "thread_ts": "elsewhere"} for one in found]),
        "a revision is in another thread",
    ),
    ("mailed", in_mail(lambda found: [*found, found[0]]), "a mail came again without saying so"),
    ("mailed", in_mail(lambda found: [*found, *2 * [replace(found[0], marked=True)]]), "a mail came a third time"),
    ("mailed", in_mail(lambda found: found[1:]), "a mail never came"),
    ("mailed", in_mail(lambda found: found[::-1]), "mails came in the wrong order"),
    ("mailed", in_mail(lambda found: [*found, replace(found[0], to="other@example.org")]), "a stranger got a mail"),
    ("committed", standing(LISTEN, RAW[0], -1), "the last post is not committed by listen"),
    ("committed", standing(JUDGE, MENTIONS, -3), "judge will read records again that it has judged"),
    ("committed", standing(DELIVER, ALERTS, 1), "delivery stands beyond the end"),
    ("committed", rolled_back, "judge's commit record went back"),
    ("kept", rolled_back, "the state forgot posts that were judged"),
    ("kept", half_a_batch, "a row is newer than the commit record"),
    ("kept", forgotten_row, "the state has lost a story"),
    ("kept", older_incident, "the state knows an older revision than people do"),
    ("buried", poisoned, "a good record was thrown away"),
]


@pytest.mark.parametrize(("broken", "falsify", "sentence"), WRONG, ids=[row[2] for row in WRONG])
def test_a_false_history_is_refused(broken: str, falsify: Falsify, sentence: str) -> None:
    assert broken in {name for name, _ in check(falsify(truth()))}, sentence


def test_what_may_be_repeated_is_not_held_against_anybody() -> None:
    """At least once between topics: the same receipt and the same alert again, and a mail that says that it is one."""
    history = truth()
    again = {topic: [*history.topics[topic], *history.topics[topic][:9]] for topic in (RECEIPTS, ALERTS, MENTIONS)}
    marked = replace(history.mails[0], marked=True)
    assert check(history.but(topics=history.topics | again, mails=[*history.mails, marked])) == []
