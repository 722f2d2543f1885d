"""One suite for every source there is, as it runs: resumes, gaps, refusals, garbage, secrets, edits and deletions.

Each kind is tried against its counterpart in `tests/counterparts/`, a local server that speaks the platform's protocol.
"""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import agents.ingest.sources
from agents import clock
from agents.observe import counter, gauge
from schemas.errors import FailureKind
from schemas.event import Deletion, Edit, Event, Gap, delivered
from schemas.metrics import SOURCE_ERRORS, SOURCE_HEARD
from schemas.topics import MAX_RECORD_BYTES, raw_topic
from tests.contracts.stand import COUNTERPARTS, Stand, counterpart_of, stand_of

KINDS = sorted(path.stem for path in Path(agents.ingest.sources.__path__[0]).glob("[!_]*.py"))
pytestmark = pytest.mark.timeout(240)

BOMB = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
GARBAGE = {
    "nothing": b"",
    "no JSON": b"<html>502 Bad Gateway</html>",
    "half an object": b'{"data": {"id": "1", "text": "ab',
    "wrong types": b'{"data": 5, "entry": "x", "items": {"a": null}, "id": [], "text": {}, "payload": 7, "$type": 3}',
    "a list of anything": b'[null, 1, "a", [], {}, {"id": {}}]',
    "nested a hundred thousand deep": b"[" * 100_000,
    "a field of 10 MB": b'{"id": "1", "text": "' + b"x" * 10_000_000 + b'"}',
    "no UTF-8": b'{"id": "1", "text": "\xff\xfe"}',
    "half a character": b'{"id": "1", "text": "\\ud800"}',
    "an entity bomb": BOMB + b"]><rss><channel><item><title>&j;</title></item></channel></rss>",
    "an external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel>&x;</channel></rss>',
    "numbers beyond all bounds": b'{"id": 1e999, "time": 99999999999999999999, "created_at": -1e300}',
}


def able(ability: str) -> list[str]:
    """Return the kinds whose counterpart has an ability."""
    with_counterpart = [kind for kind in KINDS if (COUNTERPARTS / f"{kind}.py").exists()]
    return [kind for kind in with_counterpart if ability in counterpart_of(kind).abilities]


@pytest.fixture
async def stand(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Stand]:
    """The kind that the test is for; afterwards nothing that was said or stored holds a secret."""
    caplog.set_level(logging.DEBUG)
    # what the counterpart's own server writes is not ours to judge
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    named: set[str] = set()
    look_up = socket.getaddrinfo

    def noting(host: Any, *more: Any, **options: Any) -> Any:
        named.add(host.decode() if isinstance(host, bytes) else str(host))
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    async with stand_of(request.param, monkeypatch, tmp_path) as stand:
        yield stand
        shown = [one.model_dump_json(exclude={"kept"}) for one in stand.stored.values()]
        said = f"{stand.logs} {caplog.text} {shown}"
        for name, secret in stand.counterpart.secrets.items():
            assert secret not in said, f"{name} was said or stored"
        handled = [one for one in caplog.records if "Error handling request" in one.message]
        assert not handled, "the door answered with a bug"
    assert named <= {"127.0.0.1", "localhost", "::1", "None"}, "every address it asks at is a setting"
    broke = [one for one in stand.logs if str(one.get("reason", "")).startswith("bug")]
    assert not broke, "a bug ended an attempt"


def kinds(ability: str = "") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stand", able(ability) if ability else KINDS, indirect=True)


@kinds()
async def test_what_is_killed_between_any_two_events_goes_on_behind_what_was_acknowledged(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(0))
    for cut in range(3):
        stand.acknowledges = cut
        publishing = [asyncio.create_task(stand.publish(10 * (cut + 1) + number)) for number in range(3)]
        await stand.until(lambda: stand.unanswered, f"the broker was given more than {cut} posts")
        await stand.kill()
        stand.acknowledges = float("inf")
        stand.start()
        async with asyncio.timeout(60):
            keys = await asyncio.gather(*publishing)
        await stand.arrived(*keys)
    await stand.stop()
    before = len(stand.records)
    stand.start()
    await stand.arrived(await stand.publish(90))
    again = [item for item in stand.items[before:] if isinstance(item, Event)]
    assert len(again) <= 3, "after leaving in good order nearly nothing is read twice"


@kinds()
async def test_an_event_is_what_it_should_be(stand: Stand) -> None:
    began = clock.now()
    stand.start()
    await stand.connected()
    key = await stand.publish(1)
    await stand.arrived(key)
    # one that is both pushed and found may come twice, under its one key
    record, *_ = [one for one in stand.records if one.key == key]
    event = delivered.validate_json(record.value)
    assert isinstance(event, Event)
    assert record.key == event.key == f"{event.platform}:{event.id}", "keyed by platform and native id"
    assert record.topic == raw_topic("other" if stand.keeper.source.ordered else event.platform)
    assert "post 1" in event.text
    assert "<" not in event.text
    assert began - timedelta(seconds=5) <= event.seen <= clock.now(), "seen is when we got it"
    assert event.time != event.seen, "event time is the platform's"
    assert event.time <= event.seen + timedelta(minutes=5)
    assert event.source == stand.keeper.id
    assert event.backfill == ("past" in stand.counterpart.abilities), "only what has ended is all of the past"
    heard = gauge(SOURCE_HEARD).labels(stand.keeper.id)._value.get()
    assert heard >= began.timestamp() - 5, "freshness is measured"
    facts = dict(stand.keeper.source.facts())
    assert all(isinstance(value, str | int | float) for value in facts.values())
    assert json.dumps(facts)


@kinds()
async def test_it_stops_within_five_seconds(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    began = asyncio.get_running_loop().time()
    await stand.stop()
    assert asyncio.get_running_loop().time() - began < 5


@kinds("gap")
async def test_what_cannot_be_had_any_more_is_a_gap(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(1))
    await stand.stop()
    await stand.counterpart.forget()
    stand.start()
    await stand.connected()
    key = await stand.publish(2)
    await stand.until(lambda: stand.found(Gap), "a gap was told")
    await stand.arrived(key)
    [gap, *_] = stand.found(Gap)
    assert gap.since <= gap.until
    assert gap.reason


@kinds("limit")
async def test_who_asks_for_a_pause_gets_it(stand: Stand) -> None:
    counted = counter(SOURCE_ERRORS).labels
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(1))
    before = counted(stand.keeper.id, FailureKind.RATE_LIMITED)._value.get()
    await stand.counterpart.limit(3)
    await stand.until(lambda: any(stand.waits), "the pause was heard of")
    assert max(wait or 0 for wait in stand.waits) >= 1, "as long as was asked for"
    assert counted(stand.keeper.id, FailureKind.RATE_LIMITED)._value.get() > before, "by its own name"
    await stand.arrived(await stand.publish(2))


@kinds("malformed")
async def test_garbage_is_survived_without_losing_the_next_post(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(0))
    for number, (name, body) in enumerate(GARBAGE.items(), 1):
        await stand.counterpart.serve_garbage(body)
        key = await stand.publish(number)
        await stand.arrived(key)
        assert stand.keeper.ended_by is None, name
    assert max(len(one.value) for one in stand.records) < MAX_RECORD_BYTES
    for item in stand.items:
        assert "root:" not in (item.text if isinstance(item, Event) else "")


@kinds("redirect")
async def test_it_is_not_led_into_our_own_network(stand: Stand) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(text="secret")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        stand.start()
        await stand.connected()
        await stand.arrived(await stand.publish(1))
        refused = counter(SOURCE_ERRORS).labels(stand.keeper.id, FailureKind.REFUSED)._value
        before = refused.get()
        await stand.counterpart.redirect(f"http://127.0.0.1:{runner.addresses[0][1]}/latest/meta-data")
        await stand.until(lambda: refused.get() > before, "it was refused")
        assert asked == []
        await stand.arrived(await stand.publish(2))
    finally:
        await runner.cleanup()


@kinds("edit")
async def test_an_edit_is_told(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    key = await stand.publish(1)
    await stand.arrived(key)
    await stand.counterpart.edit(1)
    await stand.until(lambda: stand.found(Edit), "the edit was told")
    [edit, *_] = stand.found(Edit)
    assert edit.key == key
    assert "edited" in edit.text


@kinds("delete")
async def test_a_deletion_is_told(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    key = await stand.publish(1)
    await stand.arrived(key)
    await stand.counterpart.delete(1)
    await stand.until(lambda: stand.found(Deletion), "the deletion was told")
    [deletion, *_] = stand.found(Deletion)
    assert deletion.author or deletion.key == key


@kinds("renew")
async def test_a_token_that_is_taken_back_is_renewed(stand: Stand) -> None:
    stand.start()
    await stand.connected()
    await stand.arrived(await stand.publish(1))
    await stand.counterpart.expire()
    await stand.arrived(await stand.publish(2))


@kinds("backfill")
async def test_the_past_says_that_it_is_the_past(stand: Stand) -> None:
    keys = [await stand.publish(number) for number in (1, 2)]
    source = stand.source()
    now = clock.now()
    async with asyncio.timeout(60):
        readings = source.backfill(now - timedelta(days=2), now + timedelta(hours=1))
        events = [one.item async for one in readings if isinstance(one.item, Event)]
    assert set(keys) <= {event.key for event in events}
    assert all(event.backfill for event in events)


@kinds("check")
async def test_what_is_right_is_said_to_be_right(stand: Stand) -> None:
    async with asyncio.timeout(60):
        steps = [step async for step in stand.source().check()]
    assert steps
    assert all(step.ok for step in steps), steps
    assert all(step.name for step in steps)


def test_every_counterpart_has_a_source() -> None:
    names = {path.stem for path in COUNTERPARTS.glob("[!_]*.py")}
    assert names <= set(KINDS), "a counterpart without a source proves nothing"
