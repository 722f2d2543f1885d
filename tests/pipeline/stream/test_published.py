"""What is published, what a change writes, and how a worker takes it up: without a broker."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic, process_time
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.observe import gauge
from pipeline.alerts.mistake import tell_owner
from pipeline.check import check
from pipeline.sentiment.words import cut
from pipeline.stream.batch import Batch
from pipeline.stream.follow import Edition
from pipeline.stream.listen import Listen
from pipeline.stream.producer import Outgoing
from pipeline.stream.publish import EVERY_SECONDS, Publisher, by_owner, mistakes, planned
from pipeline.stream.published import Change, Published, plan
from schemas.alert import Alert, AlertReason
from schemas.control import Adopted, WatchRemoved, WatchVersion, judged
from schemas.mention import Match
from schemas.metrics import WATCHES_WRONG
from schemas.settings import load_settings
from schemas.topics import ALERTS, MENTIONS, WATCHES
from schemas.watch import NamedList, Owner, Watch
from schemas.watchfile import WatchFiles, read_watches
from tests.pipeline.stream.test_listen import AT, Raw, post
from tests.pipeline.timeline import watch

VIP = NamedList(owner=Owner(name="Press"), expires=date(2027, 1, 1), entries=("spiegel",))


def published(*watches: Watch, **lists: NamedList) -> Published:
    """Return what is published after `watches` and `lists` have been."""
    return applied(Published(), plan(Published(), watches, lists, AT, whole=True))


def applied(before: Published, change: Change) -> Published:
    after = before.copy()
    for record in change.then:
        after.take(after.position, record.key, record.value)
    return after


def test_a_new_watch_is_told_to_judge_first_and_then_to_everybody() -> None:
    change = plan(Published(), [watch()], {}, AT, whole=True)
    [first], [then] = change.first, change.then
    assert (first.topic, first.key, then.topic, then.key) == (MENTIONS, b"acme", WATCHES, b"watch/acme")
    assert first.value == then.value
    found = WatchVersion.from_bytes(first.value or b"")
    assert (found.watch, found.version, found.at) == (watch(), watch().version, AT)


@pytest.mark.parametrize(
    ("wanted", "lists", "whole", "expected", "sentence"),
    [
        (["a", "b"], {}, True, ((), (), ()), "the same again changes nothing"),
        (["a", "b", "c"], {}, True, (("c",), (), ()), "one more"),
        (["a+", "b"], {}, True, ((), ("a",), ()), "another query"),
        (["b"], {}, True, ((), (), ("a",)), "one is gone"),
        (["b"], {}, False, ((), (), ()), "one is missing, which may be what cannot be read"),
        (["a+", "c"], {}, False, (("c",), ("a",), ()), "what can be read counts"),
    ],
)
def test_a_change_is_what_differs(
    wanted: list[str], lists: dict[str, NamedList], whole: bool, expected: tuple[tuple[str, ...], ...], sentence: str
) -> None:
    def of(name: str) -> Watch:
        return watch(id=name[0], query=f"word{name}" if name[1:] else "word")

    before = published(of("a"), of("b"))
    change = plan(before, map(of, wanted), lists, AT, whole=whole)
    assert (change.new, change.changed, change.removed) == expected, sentence
    assert bool(change) is any(expected)
    after = applied(before, change)
    again = plan(after, map(of, wanted), lists, AT, whole=whole)
    assert not again, "what is in force is not published again"
    removed = [judged.validate_json(one.value or b"") for one in change.first if one.key == b"a"]
    assert any(isinstance(one, WatchRemoved) for one in removed) is ("a" in expected[2])


def test_a_list_is_published_before_the_watches_that_ask_for_it() -> None:
    asking = watch(query="@vip OR acme").asking({"vip": VIP})
    change = plan(Published(), [asking], {"vip": VIP}, AT, whole=True)
    assert [record.key for record in change.then] == [b"list/vip", b"watch/acme"]
    assert [record.key for record in change.first] == [b"acme"], "judge does not need it"
    [found] = applied(Published(), change).asked()
    assert (found.lists["vip"], found.version) == (VIP, asking.version)
    longer = VIP.model_copy(update={"entries": ("spiegel", "zeit")})
    again = plan(published(asking, vip=VIP), [asking.asking({"vip": longer})], {"vip": longer}, AT, whole=True)
    assert again.changed == ("acme",), "another list makes it another watch"
    gone = plan(published(asking, vip=VIP), [watch()], {}, AT, whole=True)
    assert [(record.key, record.value is None) for record in gone.then] == [(b"watch/acme", False), (b"list/vip", True)]


def test_what_is_asked_does_not_depend_on_the_order_of_publishing() -> None:
    one, two = watch(id="one"), watch(id="two")
    assert published(one, two).asked() == published(two, one).asked() == (one, two)


def test_rules_that_this_release_cannot_read_are_told_of_once() -> None:
    odd, other = watch({"kind": "count", "threshold": 3, "window": "1h"}, {"kind": "telepathy"}), watch(id="other")
    with capture_logs() as told:
        before = Edition.of([odd, other], 1)
        Edition.of([odd, watch(id="other", query="bolt")], 2, before)
    assert [(one["event"], one["watch"], one["rules"]) for one in told] == [
        ("rules-not-understood", "acme", ("telepathy",)),
    ]


def test_a_watch_that_this_release_cannot_read_keeps_what_it_was() -> None:
    good, bad = watch(query="acme"), watch(query="acme OR")
    before = Edition.of([good, watch(id="other")], 1)
    after = Edition.of([bad, watch(id="other", query="bolt")], 2, before)
    assert [(one.id, one.query) for one in after.watches] == [("acme", "acme"), ("other", "bolt")]
    assert Edition.of([bad], 1).watches == (), "it was nothing before"


class Sheet:
    """An outbox that keeps what is written."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.alerts: list[Alert] = []

    async def deliver(self, records: list[Outgoing], lost: object = None) -> bool:  # noqa: ARG002
        self.records += [judged.validate_json(one.value or b"") for one in records if one.topic == MENTIONS]
        self.alerts += [Alert.from_bytes(one.value or b"") for one in records if one.topic == ALERTS]
        return True


async def test_listen_says_from_which_record_on_it_matches_with_what() -> None:
    sheet: Any = Sheet()
    stage = Listen(load_settings(partitions=3), Edition.of([watch()], 4), sheet)

    async def process(offset: int, partition: int = 2) -> list[Any]:
        sheet.records.clear()
        records = [Raw(post("acme bolt").to_bytes(), partition=partition, offset=offset + n) for n in range(2)]
        await stage.process(Batch("earshot.raw.x", partition, records, lambda: False, lambda: None))
        return [
            (one.partition, one.offset, one.position) if isinstance(one, Adopted) else one.version
            for one in sheet.records
            if isinstance(one, Adopted | Match)
        ]

    old, new = watch().version, watch(query="bolt").version
    assert await process(7) == [(2, 7, 4), old, old]
    assert await process(9) == [old, old], "said once"
    assert await process(3, partition=0) == [(0, 3, 4), old, old], "for every partition"
    stage.adopt(Edition.of([watch(query="bolt")], 6))
    assert await process(11) == [(2, 11, 6), new, new]
    stage.forget()
    assert await process(13) == [(2, 13, 6), new, new], "and again when the partition may have been somebody else's"


@pytest.mark.parametrize("many", [1_000])
async def test_compiling_many_watches_leaves_the_loop_its_turns(many: int) -> None:
    """The stages go on meanwhile: between two turns of the loop at most half of what it takes in all goes by."""
    watches = [
        watch(id=f"w{number}", query=f'"brand {number}" OR #b{number} OR (Rückruf{number} NOT Rennbahn)')
        for number in range(many)
    ]
    Edition.of(watches[:1])  # the grammar and the tables are read once, when a worker starts
    compiling = asyncio.create_task(asyncio.to_thread(Edition.of, watches))
    worst, begun = 0.0, process_time()
    while not compiling.done():
        before = process_time()
        await asyncio.sleep(0)
        worst = max(worst, process_time() - before)
    assert len((await compiling).watches) == many
    whole = process_time() - begun
    assert worst < whole / 2, f"{worst:.3f} s of {whole:.3f} s in one go"


WRONG = """\
watches:
  - {id: known, purpose: {goal: g, measure: m}, query: a OR, rules: [{kind: count, threshold: 3, window: 1h}],
     owner: Anna, routes: [{channel: console}]}
  - {id: fresh, purpose: {goal: g, measure: m}, query: a OR, rules: [{kind: count, threshold: 3, window: 1h}],
     owner: {name: Ben}, routes: [{channel: console}]}
  - {id: bare, query: a}
"""


def wrong() -> WatchFiles:
    return check(read_watches(WRONG, "w.yml"))


def test_what_is_wrong_is_counted_by_the_owner_in_force_or_else_as_written() -> None:
    before = published(watch(id="known", owner={"name": "Carla"}))
    assert by_owner(wrong(), before) == {("known", "Carla"): 1, ("fresh", "Ben"): 1, ("bare", ""): 1}
    assert planned(wrong(), before, AT) == Change(), "and nothing is taken away"


def test_owners_are_told_by_the_routes_in_force_or_else_as_written() -> None:
    before = published(watch(id="known", owner={"name": "Carla"}))
    notes = {note.watch: note for note in mistakes(wrong(), before, AT)}
    assert {name: (note.owner.name, note.routes[0].channel) for name, note in notes.items()} == {
        "known": ("Carla", "slack"),
        "fresh": ("Ben", "console"),
    }
    assert notes["known"].reason is AlertReason.MISTAKE
    assert (notes["known"].note or "").startswith("w.yml:2: `watches[0].query` is not a query: the query ends after OR")


def test_the_same_mistake_is_the_same_alert_wherever_it_stands() -> None:
    [error] = wrong().entries[0].errors
    moved = check(read_watches("# a line more\n" + WRONG, "w.yml")).entries[0].errors
    first, again = tell_owner(watch(), [error], AT), tell_owner(watch(), moved, datetime(2027, 1, 1, tzinfo=UTC))
    assert first.id == again.id
    assert tell_owner(watch(id="other"), [error], AT).id != first.id


async def test_only_the_elected_worker_publishes_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "w.yml"
    path.write_text(WRONG)
    sheet: Any = Sheet()
    follower: Any = SimpleNamespace(published=published(watch(id="known", owner={"name": "Carla"})))
    publisher = Publisher(load_settings(watches=path), follower, sheet)
    elected = False
    task = asyncio.create_task(publisher.run(lambda: elected))

    async def until(said: Callable[[], bool]) -> None:
        deadline = monotonic() + 20
        while not said():
            assert monotonic() < deadline
            assert not task.done()
            await asyncio.sleep(0.05)

    def wrong() -> set[str]:
        return {sample.labels["watch"] for sample in next(iter(gauge(WATCHES_WRONG).collect())).samples}

    try:
        await asyncio.sleep(4 * EVERY_SECONDS)
        assert not sheet.records, "it is somebody else's business"
        elected = True
        await until(lambda: wrong() == {"known", "fresh", "bare"})
        assert {note.watch for note in sheet.alerts} == {"known", "fresh"}
        elected = False
        await until(lambda: wrong() == set())
        path.unlink()
        elected = True
        await until(lambda: wrong() == {""})
        path.write_text(WRONG.replace("query: a OR,", "query: a,").replace("  - {id: bare, query: a}\n", ""))
        await until(lambda: wrong() == set())
        assert [one.watch.id for one in sheet.records if isinstance(one, WatchVersion)] == ["fresh", "known"]
        assert len(sheet.alerts) == 2, "nobody is told twice"
    finally:
        task.cancel()


async def test_a_batch_is_matched_with_one_edition_from_its_first_record_to_its_last() -> None:
    sheet: Any = Sheet()
    stage = Listen(load_settings(partitions=3), Edition.of([watch()], 1), sheet)
    records = [Raw(post("acme bolt").to_bytes(), offset=number) for number in range(600)]
    batch = Batch("earshot.raw.x", 2, records, lambda: False, lambda: None)
    later = Edition.of([watch(query="bolt")], 2)
    working = asyncio.create_task(stage.process(batch))
    for _ in range(2):  # it lets others have their turn after every two hundred records
        await asyncio.sleep(0)
    assert not working.done()
    stage.adopt(later)
    await working
    assert {one.version for one in sheet.records if isinstance(one, Match)} == {watch().version}
    assert cut.cache_info().currsize == 0, "no text stays in memory"
    await stage.process(batch)
    assert [one.position for one in sheet.records if isinstance(one, Adopted)] == [1, 2]
