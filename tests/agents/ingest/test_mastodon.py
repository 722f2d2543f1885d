"""Mastodon's source: what statuses mean, and a server on loopback that streams, breaks off and is caught up with."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.platforms.fediverse import Memory, read_frame
from agents.ingest.platforms.mastodon import Passed, People, Seen, read_status
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, InvalidMessage
from schemas.event import Edit, Event
from tests.agents.ingest.following import NOW, Following, source_of
from tests.agents.ingest.test_bluesky import JSON, hostile, paths
from tests.counterparts.mastodon import TAG, Server, snowflake

SEEN = Seen("fedi", NOW, "here.example")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Server.secrets.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


def status(**more: Any) -> dict[str, Any]:
    server = Server(began=datetime(2026, 11, 20, tzinfo=UTC))
    server.port = 80
    return server.status(7, "Gr&uuml;&szlig;e") | more


def account(**more: Any) -> dict[str, Any]:
    return {"account": status()["account"] | more}


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ({}, {"id": "https://elsewhere.example/users/eva/statuses/7", "text": f"Grüße #{TAG}", "lang": "en"}),
        ({}, {"time": datetime(2026, 11, 20, 0, 0, 7, tzinfo=UTC), "url": "https://elsewhere.example/@eva/7"}),
        ({}, {"metrics": {"likes": 11.0, "shares": 6.0, "comments": 5.0, "quotes": 2.0}, "media": None}),
        ({"spoiler_text": "about Acme"}, {"title": "about Acme"}),
        ({"media_attachments": [{"type": "image"}]}, {"media": True}),
        ({"in_reply_to_id": "42"}, {"in_reply_to": "https://a.example/42"}),
        ({"in_reply_to_id": "43"}, {"in_reply_to": "here.example:43"}),
        ({"reblog": status(uri="https://b.example/1")}, {"repost_of": "https://b.example/1"}),
        ({"quotes_count": None}, {"metrics": {"likes": 11.0, "shares": 6.0, "comments": 5.0}}),
        ({"visibility": "unlisted"}, {"title": None}),
    ],
)
def test_a_status_becomes_an_event(given: dict[str, Any], means: dict[str, Any]) -> None:
    item = read_status(status(**given), SEEN, {"42": "https://a.example/42"}).item
    assert type(item) is Event
    assert {name: getattr(item, name) for name in means} == means


@pytest.mark.parametrize(
    ("acct", "followers", "means"),
    [
        ("eva@elsewhere.example", 97, ("eva@elsewhere.example", 97)),
        ("eva", 97, ("eva@here.example", 97)),
        ("eva", -1, ("eva@here.example", None)),
    ],
)
def test_an_author_has_one_address_everywhere(acct: str, followers: int, means: tuple[str, int | None]) -> None:
    item = read_status(status(**account(acct=acct, followers_count=followers)), SEEN, {}).item
    assert isinstance(item, Event)
    assert item.author is not None
    assert (item.author.id, item.author.followers) == means


@pytest.mark.parametrize(
    ("given", "people", "passed"),
    [
        ({"visibility": "private"}, People.ALL, Passed.NOT_PUBLIC),
        ({"visibility": "direct"}, People.ALL, Passed.NOT_PUBLIC),
        (account(noindex=True), People.INDEXABLE, Passed.NOT_ASKED_FOR),
        (account(noindex=True), People.ALL, None),
        (account(discoverable=False), People.INDEXABLE, None),
        (account(discoverable=False), People.DISCOVERABLE, Passed.NOT_ASKED_FOR),
        (account(discoverable=None), People.DISCOVERABLE, Passed.NOT_ASKED_FOR),
        ({"reblog": status(**account(noindex=True))}, People.INDEXABLE, Passed.NOT_ASKED_FOR),
    ],
)
def test_whoever_does_not_want_to_be_found_is_not(given: dict[str, Any], people: People, passed: Passed | None) -> None:
    item = read_status(status(**given), Seen("fedi", NOW, "here.example", people), {}).item
    assert item is passed if passed else isinstance(item, Event)


@hostile
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_field_is_a_status_or_one_fault(data: st.DataObject, value: Any) -> None:
    given = json.loads(json.dumps(status()))
    *outer, last = data.draw(st.sampled_from([path for path in paths(given) if path]))
    place = given
    for name in outer:
        place = place[name]
    place[last] = value
    try:
        read_status(given, SEEN, {})
    except InvalidMessage as error:
        assert error.reason == "wrong-type"  # noqa: PT017 - either is fine


@pytest.mark.parametrize(
    ("data", "means"),
    [
        ("", None),
        (
            '{"stream":["public"],"event":"delete","payload":"107214471804101576"}',
            ("public", "delete", "107214471804101576"),
        ),
        (
            '{"stream":["hashtag","Acme"],"event":"update","payload":"{\\"id\\":\\"1\\"}"}',
            ("hashtag:Acme", "update", {"id": "1"}),
        ),
    ],
)
def test_a_frame_holds_json_in_json(data: str, means: tuple[str, str, Any] | None) -> None:
    told = read_frame(data)
    assert (told and (told.stream, told.event, told.payload)) == means


@given(st.dictionaries(st.text("0123456789", min_size=1), st.text(), max_size=20))
def test_the_memory_comes_back_from_its_cursor(known: dict[str, str]) -> None:
    memory = Memory({"public": "9"}, known, "2026-01-01T00:00:00+00:00")
    assert Memory.resume(Checkpoint(source="a", cursor=memory.cursor(), at=NOW)) == memory


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_the_stream_is_followed_and_what_it_missed_is_read(server: Server, transport: str) -> None:
    entry = server.entry.replace("only: all", f"only: all, transport: {transport}")
    first = await server.publish(1)
    async with Following(source_of(entry)) as reader:
        await reader.until(f"+{first}")
        keys = [await server.publish(number) for number in (2, 3)]
        await reader.until(*(f"+{key}" for key in keys))
        await server.edit(2)
        await server.delete(3)
        await reader.until(f"~{keys[0]}", f"-{keys[1]}")
        assert len(reader.told) == 5
        await server.drop()
        key = await server.publish(4)
        await reader.until(f"+{key}")
        assert reader.told[5:] == [f"+{key}"]
    keys = [await server.publish(number) for number in range(10, 100)]
    async with Following(source_of(entry), reader.cursor) as again:
        await again.until(*(f"+{key}" for key in keys))
        assert again.told == [f"+{key}" for key in keys]


async def test_a_deletion_may_come_before_its_post(server: Server) -> None:
    async with Following(source_of(server.entry)) as reader:
        await subscribed(server, reader)
        status = server.status(5, "gone before it came")
        await server._tell("delete", status["id"])
        await server._tell("update", status)
        key = await server.publish(6)
        await reader.until(f"+{key}")
        assert reader.told == [f"+{key}"]


async def test_a_post_that_is_hidden_later_is_forgotten(server: Server) -> None:
    async with Following(source_of(server.entry)) as reader:
        await subscribed(server, reader)
        key = await server.publish(1)
        await reader.until(f"+{key}")
        await server._tell("status.update", server.status(1, "hidden") | {"visibility": "private"})
        await reader.until(f"-{key}")


async def test_a_post_that_comes_by_two_streams_is_told_once(server: Server) -> None:
    entry = server.entry.replace(f"tags: [{TAG}]", f"tags: [{TAG}], public: all")
    async with Following(source_of(entry)) as reader:
        await subscribed(server, reader, 2)
        keys = [await server.publish(number) for number in (1, 2)]
        await reader.until(*(f"+{key}" for key in keys))
        assert reader.told == [f"+{key}" for key in keys]
    assert server.subscribed == [
        {"type": "subscribe", "stream": "hashtag", "tag": TAG},
        {"type": "subscribe", "stream": "public"},
    ]


async def test_one_post_has_one_key_on_every_server() -> None:
    async with (
        Server() as here,
        Server(began=datetime.now(UTC) - timedelta(days=1)) as there,
        Following(source_of(here.entry)) as first,
        Following(source_of(there.entry)) as second,
    ):
        key = await here.publish(1)
        assert await there.publish(1) == key
        await first.until(f"+{key}")
        await second.until(f"+{key}")


async def test_mentions_of_the_account_are_read(server: Server) -> None:
    entry = server.entry.replace(f"tags: [{TAG}]", "notifications: true")
    await server.mention(1, "before")
    async with Following(source_of(entry)) as reader:
        await reader.wait(lambda: len(reader.told) == 1)
        await server.mention(2, "after")
        await reader.wait(lambda: len(reader.told) == 2)
        assert [item.text.split()[0] for item in reader.items] == ["before", "after"]
        assert reader.cursor["last.user:notification"] == "2"


async def test_more_than_is_caught_up_with_is_a_gap(server: Server) -> None:
    async with Following(source_of(server.entry)) as reader:
        await reader.until(f"+{await server.publish(1)}")
    await server.forget()
    async with Following(source_of(server.entry), reader.cursor) as again:
        await again.until("gap")
        key = await server.publish(9000)
        await again.until(f"+{key}")


async def test_only_what_is_asked_for_goes_on(server: Server) -> None:
    entry = server.entry.replace("only: all", "only: watched")
    async with Following(source_of(entry, "acme")) as reader:
        await subscribed(server, reader)
        await server.publish(1, "nothing of interest")
        key = await server.publish(2, "oh Acme!")
        await reader.until(f"+{key}")
        await server.delete(1)
        await server.delete(2)
        await reader.until(f"-{key}")
        assert reader.told == [f"+{key}", f"-{key}"]


@pytest.mark.parametrize("transport", ["websocket", "sse"])
@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b'{"id": 7}', b'{"stream":["public"],"event":"update","payload":"[]"}']
)
async def test_hostile_frames_are_buried_and_the_next_post_is_read(server: Server, transport: str, body: bytes) -> None:
    entry = server.entry.replace("only: all", f"only: all, transport: {transport}")
    async with Following(source_of(entry)) as reader:
        await reader.until(f"+{await server.publish(1)}")
        await server.serve_garbage(body)
        await reader.wait(lambda: len(reader.told) == 2)
        await reader.until(f"+{await server.publish(2)}")
        assert reader.told[1].startswith("dead:")


async def test_a_pause_that_is_asked_for_is_told(server: Server) -> None:
    async with Following(source_of(server.entry)) as reader:
        await reader.until(f"+{await server.publish(1)}")
        await server.limit(30)
        await reader.wait(lambda: any(error.kind is FailureKind.RATE_LIMITED for error in reader.errors))
        limited = next(error for error in reader.errors if error.kind is FailureKind.RATE_LIMITED)
        assert 20 < (limited.retry_after or 0) <= 32, "X-RateLimit-Reset is a moment, not a number"
        assert reader.source.facts()["quota_left"] > 0  # type: ignore[operator]


async def test_a_quiet_stream_is_opened_anew_without_a_failure(server: Server) -> None:
    entry = server.entry.replace("only: all", "only: all, quiet: 1s")
    async with Following(source_of(entry)) as reader:
        await reader.wait(lambda: len(server.subscribed) >= 2 and reader.beats >= 2)
        assert not reader.errors


async def test_a_token_that_is_not_taken_ends_the_source(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTODON_TOKEN", "another")
    source = source_of(server.entry)
    with pytest.raises(ConfigError, match="does not let us in"):
        async with Following(source) as reader:
            await reader.wait(lambda: False)
    steps = [step async for step in source.check()]
    assert [step.ok for step in steps] == [False, False, False]
    assert "read:statuses" in steps[1].detail
    assert not any("another" in step.detail for step in steps[:2])


@pytest.mark.parametrize(
    ("beyond", "missing"),
    [
        ("/api/v1/accounts/verify_credentials", ""),
        ("/api/v1/notifications", "read:notifications"),
        (f"/api/v1/timelines/tag/{TAG}", "read:statuses"),
    ],
    ids=["whose the token is, nobody needs to know", "mentions", "a tag"],
)
async def test_the_scope_that_is_missing_is_named(server: Server, beyond: str, missing: str) -> None:
    server.beyond.add(beyond)
    source = source_of(server.entry.replace("}", ", notifications: true}"))
    failed = [step for step in [one async for one in source.check()] if not step.ok]
    assert [missing in step.detail for step in failed] == [True] * bool(missing)


async def test_the_past_is_read_within_its_bounds(server: Server) -> None:
    keys = [await server.publish(number) for number in range(1, 100)]
    source = source_of(server.entry)
    start, end = (server.began + timedelta(seconds=number) for number in (10, 90))
    items = [reading.item async for reading in source.backfill(start, end)]
    assert [item.key for item in items if isinstance(item, Event)] == keys[10:89]
    assert all(item.backfill for item in items if isinstance(item, Event))


def test_an_edit_is_an_edit() -> None:
    assert isinstance(read_status(status(), SEEN, {}, edited=True).item, Edit)


def test_numbers_hold_the_time() -> None:
    began = datetime(2026, 11, 20, tzinfo=UTC)
    assert snowflake(1, began) - snowflake(0, began) == 1000 << 16


async def subscribed(server: Server, reader: Following, streams: int = 1) -> None:
    """Wait until the server knows what the reader wants and has been caught up with."""
    await reader.wait(lambda: len(server.subscribed) >= streams and reader.beats >= streams)
