"""Bluesky's source: what frames mean, and a Jetstream on loopback that forgets, stumbles and changes its place."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ingest.platforms.bluesky import Seen, from_micros, read_frame, to_micros, written_out
from agents.ingest.platforms.jetstream import Place
from schemas.errors import ConfigError, FailureKind, InvalidMessage
from schemas.event import Deletion, Event, Gap
from tests.agents.ingest.following import NOW, Following, short, source_of
from tests.counterparts.bluesky import DID, POSTS, V1, V2, Jetstream, post, tid

FRAMES = json.loads((Path(__file__).parent / "fixtures/bluesky/frames.json").read_text("utf-8"))
SEEN = Seen("sky", NOW)
LINK = "app.bsky.richtext.facet#link"


def entry(*servers: Jetstream, more: str = "only: all") -> str:
    hosts = ", ".join(f"'{server.host}'" for server in servers)
    return f"{{id: sky, kind: bluesky, hosts: [{hosts}], {more}}}"


@pytest.mark.parametrize("case", FRAMES, ids=[case["says"] for case in FRAMES])
def test_a_post_becomes_an_event(case: dict[str, Any]) -> None:
    item = read_frame(json.dumps(case["frame"]), SEEN).item
    assert type(item) is Event
    told = item.model_dump() | {"time": item.time.isoformat()}
    assert {name: told[name] for name in case["means"]} == case["means"]
    assert item.author is not None
    assert item.author.id == "did:plc:z72i7hdynmk6r22z27h6tvur"


def test_both_wires_say_the_same() -> None:
    commit = {"rev": "3m5zvqlw2q22b", "operation": "create", "collection": POSTS, "rkey": "a", "record": post("hello")}
    event = {"seq": 7, "micros": 1_763_625_600_000_001, "did": DID, "kind": "commit", "body": commit}
    second, first = (read_frame(Jetstream.frame(event, second=second), SEEN) for second in (True, False))
    assert second.item == first.item
    assert (second.identity, second.micros) == (first.identity, first.micros)
    assert (second.seq, first.seq) == (7, 0)


@pytest.mark.parametrize(
    ("account", "forgotten"),
    [
        ({"active": False, "status": "deleted"}, True),
        ({"active": False, "status": "deactivated"}, True),
        ({"active": False, "status": "takendown"}, True),
        ({"active": False, "status": "suspended"}, True),
        ({"active": False, "status": "throttled"}, False),
        ({"active": False}, False),
        ({"active": True}, False),
    ],
)
def test_an_account_that_is_gone_is_forgotten(account: dict[str, Any], *, forgotten: bool) -> None:
    payload = {"seq": 1, "did": DID, "time": "2026-11-20T08:00:00.000000Z"}
    payload |= {"$type": "network.bsky.jetstream.subscribeEvents#account", "account": account | {"did": DID, "seq": 9}}
    item = read_frame(json.dumps({"$type": "message", "payload": payload}), SEEN).item
    assert (item == Deletion(source="sky", seen=NOW, platform="bluesky", id=DID, author=True)) is forgotten
    assert (item is None) is not forgotten


@pytest.mark.parametrize(
    ("text", "facets", "written"),
    [
        ("a b", [(0, 1, "https://x.example")], "https://x.example b"),
        ("ü b", [(3, 4, "https://x.example")], "ü https://x.example"),
        ("a b", [(2, 3, "https://y.example"), (0, 1, "https://x.example")], "https://x.example https://y.example"),
        ("a b", [(0, 3, "https://x.example"), (2, 3, "https://y.example")], "https://x.example"),
        ("a b", [(0, 99, "https://x.example")], "a b"),
        ("a b", [(2, 1, "https://x.example")], "a b"),
        ("a b", [(-1, 1, "https://x.example")], "a b"),
    ],
)
def test_links_are_written_out(text: str, facets: list[tuple[int, int, str]], written: str) -> None:
    given = [
        {"index": {"byteStart": start, "byteEnd": end}, "features": [{"$type": LINK, "uri": uri}]}
        for start, end, uri in facets
    ]
    assert written_out(text, given) == written


hostile = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For a machine with much else to do."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, one in inner for found in paths(one, (*path, name)))]


@hostile
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_field_is_an_event_or_one_fault(data: st.DataObject, value: Any) -> None:
    frame = json.loads(json.dumps(data.draw(st.sampled_from(FRAMES))["frame"]))
    *outer, last = data.draw(st.sampled_from([path for path in paths(frame) if path]))
    place = frame
    for name in outer:
        place = place[name]
    place[last] = value
    try:
        read_frame(json.dumps(frame), SEEN)
    except InvalidMessage as error:
        assert error.reason in ("wrong-type", "not-json")  # noqa: PT017 - either is fine


@given(st.integers(min_value=0, max_value=4 * 10**15))
def test_microseconds_are_exact(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


async def test_a_resume_brings_what_came_meanwhile_and_nothing_twice() -> None:
    async with Jetstream() as sky:
        async with Following(source_of(sky.entry)) as reader:
            await connected(sky, 1)
            keys = [await sky.publish(number) for number in (1, 2)]
            await reader.until(*(f"+{key}" for key in keys))
        keys.append(await sky.publish(3))
        async with Following(source_of(sky.entry), reader.cursor) as again:
            assert [short(one) for one in again.readings] == []
            await again.until(f"+{keys[2]}")
            assert again.told == [f"+{keys[2]}"]
        assert sky.asked[-1].query["cursor"] == "2"


async def test_what_came_at_one_microsecond_is_told_apart_on_the_first_wire() -> None:
    async with Jetstream(wires=(V1,)) as sky:
        moment = to_micros(datetime.now(UTC))
        bodies = [
            {"rev": tid(n), "operation": "create", "collection": POSTS, "rkey": tid(n), "record": post(str(n))}
            for n in (1, 2, 3)
        ]
        async with Following(source_of(entry(sky, more="only: all, wire: v1"))) as reader:
            await connected(sky, 1)
            for body in bodies[:2]:
                await sky.happen("commit", body, micros=moment)
            await reader.wait(lambda: len(reader.told) == 2)
        await sky.happen("commit", bodies[2], micros=moment)
        async with Following(source_of(entry(sky, more="only: all, wire: v1")), reader.cursor) as again:
            await again.wait(lambda: bool(again.told))
            assert [item.text for item in again.items] == ["3"]


async def test_edits_deletions_and_accounts_go_on_while_nobody_knows_what_is_held() -> None:
    async with Jetstream() as sky, Following(source_of(entry(sky, more="only: watched"), "acme")) as reader:
        await connected(sky, 1)
        await sky.publish(1, "nothing of interest")
        key = await sky.publish(2, "oh Acme!")
        await sky.edit(1)
        await sky.delete(2)
        await sky.account(active=False, status="deleted")
        await reader.until(f"-author:bluesky:{DID}")
        first = f"bluesky:at://{DID}/{POSTS}/{sky.rkey(1)}"
        assert reader.told == [f"+{key}", f"~{first}", f"-{key}", f"-author:bluesky:{DID}"]


@pytest.mark.parametrize("wires", [(V2, V1), (V1,)], ids=["the second wire", "only the first"])
async def test_what_a_host_has_forgotten_is_a_gap(wires: tuple[str, ...]) -> None:
    async with Jetstream(wires=wires) as sky:
        async with Following(source_of(sky.entry)) as reader:
            await connected(sky, 1)
            first = await sky.publish(1)
            await reader.until(f"+{first}")
        await sky.forget()
        later = await sky.publish(2)
        async with Following(source_of(sky.entry), reader.cursor) as again:
            await again.until(f"+{later}")
            assert again.told == ["gap", f"+{later}"]
            gap = again.items[0]
            assert isinstance(gap, Gap)
            assert gap.since == reader.items[0].time
            assert gap.until == again.items[1].time


async def test_a_host_without_the_second_wire_is_spoken_to_in_the_first() -> None:
    async with Jetstream(wires=(V1,)) as sky, Following(source_of(sky.entry)) as reader:
        await connected(sky, 1)
        await reader.until(f"+{await sky.publish(1)}")
        assert sky.asked[0].query["wantedCollections"] == POSTS


async def test_another_host_goes_on_by_the_time_and_a_little_earlier() -> None:
    async with Jetstream() as east, Jetstream(began=datetime.now(UTC) - timedelta(minutes=1)) as west:
        source = source_of(entry(east, west))
        async with Following(source) as reader:
            await connected(east, 1)
            await reader.until(f"+{await east.publish(1)}")
            await west.publish(1)
            east.refuse_with = 503
            await east.drop()
            await connected(west, 1)
            asked = int(west.asked[0].query["cursor"])
            assert asked == to_micros(reader.items[0].time) - 10_000_000
            key = await west.publish(2)
            await reader.until(f"+{key}")
            assert reader.cursor["host"] == west.host
            assert "gap" not in reader.told


async def test_a_seq_of_another_archive_is_a_gap_at_most() -> None:
    async with Jetstream() as sky:
        first = await sky.publish(1)
        second = await sky.publish(2)
        place = Place(sky.host, 99, to_micros(datetime.now(UTC) - timedelta(hours=1)))
        async with Following(source_of(sky.entry), place.cursor()) as reader:
            await reader.until(f"+{second}")
            assert reader.told == ["gap", f"+{first}", f"+{second}"]


async def test_an_error_frame_ends_the_connection_and_nothing_is_lost() -> None:
    async with Jetstream() as sky, Following(source_of(sky.entry)) as reader:
        await connected(sky, 1)
        await reader.until(f"+{await sky.publish(1)}")
        await sky.end_with("ConsumerTooSlow")
        key = await sky.publish(2)
        await reader.until(f"+{key}")
        assert reader.errors[0].kind is FailureKind.SERVER
        assert "ConsumerTooSlow" in str(reader.errors[0])
        assert "gap" not in reader.told


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"[" * 200_000,
        b'{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","seq":"x"}}',
        json.dumps({"$type": "message", "payload": {"text": "x" * 9_000_000}}).encode(),
    ],
    ids=["truncated", "no object", "nested", "wrong types", "nine megabytes"],
)
async def test_hostile_frames_are_buried_and_the_next_post_is_read(body: bytes) -> None:
    async with Jetstream() as sky, Following(source_of(sky.entry)) as reader:
        await connected(sky, 1)
        await sky.serve_garbage(body)
        await reader.wait(lambda: bool(reader.told))
        key = await sky.publish(1)
        await reader.until(f"+{key}")
        assert reader.told[0].startswith("dead:")
        assert reader.told[-1] == f"+{key}"


async def test_a_pause_that_is_asked_for_is_kept_and_the_host_too() -> None:
    async with Jetstream() as sky, Jetstream() as other, Following(source_of(entry(sky, other))) as reader:
        await connected(sky, 1)
        await sky.limit(1.5)
        await reader.wait(lambda: any(error.kind is FailureKind.RATE_LIMITED for error in reader.errors))
        limited = next(error for error in reader.errors if error.kind is FailureKind.RATE_LIMITED)
        assert limited.retry_after is not None
        assert limited.retry_after >= 1


async def test_a_request_that_no_host_understands_ends_the_source() -> None:
    async with Jetstream() as sky:
        sky.refuse_with = 400
        with pytest.raises(ConfigError, match="does not understand"):
            async with Following(source_of(sky.entry)) as reader:
                await reader.wait(lambda: False)


async def test_the_past_is_read_and_says_so() -> None:
    async with Jetstream(began=datetime.now(UTC) - timedelta(hours=2)) as sky:
        keys = [await sky.publish(number) for number in (1, 2)]
        source = source_of(sky.entry)
        start = datetime.now(UTC) - timedelta(hours=3)
        read = [reading async for reading in source.backfill(start, start + timedelta(hours=2))]
        items = [reading.item for reading in read if isinstance(reading.item, Event)]
        assert [item.key for item in items] == keys
        assert all(item.backfill for item in items)


async def test_the_check_says_which_host_can_be_read() -> None:
    async with Jetstream(wires=(V1,)) as sky, Jetstream() as down:
        down.refuse_with = 503
        steps = [step async for step in source_of(entry(sky, down)).check()]
        assert [step.ok for step in steps] == [True, False]
        assert "v1" in steps[0].detail
        assert "503" in steps[1].detail


async def connected(sky: Jetstream, requests: int) -> None:
    """Wait until so many requests came, and the last of them is subscribed."""
    await sky.subscribed(requests)
