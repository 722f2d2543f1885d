"""A page over real HTTP: notifications as Meta signs them, and what is pulled from a Graph API."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from pyfacebook import GraphAPI

from agents import clock
from agents.ingest.meta.graph import Account, Graph
from agents.ingest.platforms.meta import proof
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Deletion
from tests.agents.ingest.hooks import Running, made, running
from tests.agents.ingest.payloads import payload
from tests.servers.graph import PAGE, SECRET, TOKEN, VERIFY, GraphServer, signed_request

SECRETS = {"FB_TOKEN": TOKEN, "FB_APP": f"{SECRET}, meta-old-secret", "FB_HOOK": VERIFY}


def entry(server: GraphServer, **more: Any) -> str:
    fields = {"page": f'"{PAGE}"', "token": "env:FB_TOKEN", "app_secret": "env:FB_APP", "verify_token": "env:FB_HOOK"}
    written = {"id": "page", "kind": "facebook", **fields, "api": f'"{server.url}"', "app": '"31"'} | more
    return "{" + ", ".join(f"{name}: {value}" for name, value in written.items()) + "}"


@asynccontextmanager
async def world(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint | None = None, **more: Any
) -> AsyncIterator[tuple[Running, GraphServer]]:
    async with GraphServer() as server:
        source = made(entry(server, **more), SECRETS, monkeypatch)
        async with running(source, checkpoint) as run:
            server.hook = run.hook
            yield run, server


def comment(number: int, verb: str = "add", message: str = "hm") -> dict[str, Any]:
    value = {"item": "comment", "verb": verb, "comment_id": f"1_2_{number}", "post_id": "1_2", "message": message}
    return {"field": "feed", "value": value | {"created_time": 1772450998, "from": {"id": "7"}}}


def notification(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"object": "page", "entry": [{"id": PAGE, "time": 1772451000, "changes": list(changes)}]}


def ago(**span: float) -> datetime:
    return clock.now() - timedelta(**span)


async def test_a_notification_is_answered_when_the_broker_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        assert await server.push(payload("facebook/comment")) == (200, {"accepted": 1})
        assert run.keys == ["facebook:1234_55_901"]
        run.refuses = True
        status, _ = await server.push(payload("facebook/mention"))
        assert status == 503, "Meta sends it again"
        run.refuses = False
        assert await server.push(payload("facebook/mention")) == (200, {"accepted": 1}), (
            "and then it is not passed over"
        )


async def test_a_batch_of_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        batch = notification(*(comment(number) for number in range(1000)))
        assert (await server.push(batch))[0] == 200
        assert len(set(run.keys)) == 1000


async def test_sent_again_and_in_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        await server.push(notification(comment(1), comment(2)))
        await server.push(notification(comment(2), comment(1)))
        assert run.keys == ["facebook:1_2_1", "facebook:1_2_2"], "what the broker has is not told again"
        assert run.source.facts()["ignored_redelivered"] == 2.0
        run.taken.clear()
        await server.push(notification(comment(3), comment(3, "remove")))
        await server.push(notification(comment(4, "remove")))
        await server.push(notification(comment(4), comment(4, "edited")))
        assert [type(item) for item in run.taken] == [Deletion, Deletion], "what is gone stays so"
        await server.push(notification(comment(4, "unhide", "again")))
        assert [edit.text for edit in run.edits] == ["again"]


@pytest.mark.parametrize(("secret", "status"), [(SECRET, 200), ("meta-old-secret", 200), ("guessed", 401)])
async def test_only_what_meta_signed(monkeypatch: pytest.MonkeyPatch, secret: str, status: int) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        assert (await server.push(payload("facebook/comment"), secret=secret))[0] == status
        assert bool(run.taken) is (status == 200)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"[" * 200_000, 400, "deeply nested"),
        (b'{"object":"page","entry"', 400, "cut off"),
        (b'{"entry":[{"changes":[{"field":"feed","value":7},{"field":5},9]},"x"],"object":3}', 200, "wrong types"),
        (b"x" * 4_194_305, 413, "too large"),
    ],
)
async def test_hostile_bodies(monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, sentence: str) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        assert (await server.push(None, body=body))[0] == status, sentence
        assert (await server.push(payload("facebook/comment")))[0] == 200
        assert run.keys == ["facebook:1234_55_901"], "the next one is taken"


async def test_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, _server), aiohttp.ClientSession() as session:
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
        async with session.get(run.hook, params=asked) as answer:
            assert (answer.status, await answer.text()) == (200, "1158201444")
        async with session.get(run.hook, params=asked | {"hub.verify_token": "x"}) as answer:
            assert answer.status == 403


async def test_reactions_and_messages_are_counted_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        server.post("1234_63", "", at=ago(minutes=5))
        assert (await server.push(payload("facebook/mixed")))[0] == 200
        facts = run.source.facts()
        for reason in ("reaction", "private-message", "own-post", "other-field"):
            assert facts[f"ignored_{reason}"] == 1.0, reason


async def test_what_is_only_named_is_read_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false") as (run, server):
        server.post("8800_9", "Schaut euch das an, @Nordbahn", edge="8800/feed", at=ago(minutes=1))
        named = {"field": "mention", "value": {"item": "post", "post_id": "8800_9", "verb": "add"}}
        gone = {"field": "mention", "value": {"item": "post", "post_id": "8800_10", "verb": "add"}}
        assert (await server.push(notification(named, gone)))[0] == 200
        assert [(event.key, event.text) for event in run.events] == [
            ("facebook:8800_9", "Schaut euch das an, @Nordbahn")
        ]
        assert run.source.facts()["ignored_gone"] == 1.0
        server.garbage = b"<html>"
        assert (await server.push(notification(named)))[0] == 503, "it could not be read: Meta shall send it again"
        assert (await server.push(notification(named)))[0] == 200


async def test_who_wants_to_be_forgotten_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, pull="false", public="https://hooks.example") as (run, _server):
        said = json.dumps({"algorithm": "HMAC-SHA256", "issued_at": 1, "user_id": "7701"}).encode()
        form = {"signed_request": signed_request(SECRET.encode(), said)}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{run.hook}/deletion", data=form) as answer:
                assert answer.status == 200
                told = await answer.json()
            async with session.post(f"{run.hook}/deletion", data={"signed_request": "x.y"}) as answer:
                assert answer.status == 401
            shown = told["url"].replace("https://hooks.example", run.hook.removesuffix("/hooks/page"))
            async with session.get(shown) as answer:
                assert told["confirmation_code"] in await answer.text()
        [deletion] = run.taken
        assert isinstance(deletion, Deletion)
        assert (deletion.id, deletion.author, deletion.platform) == ("7701", True, "facebook")


async def test_the_nightly_look_finds_what_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GraphServer() as server:
        for number in range(5):
            server.post(f"8800_{number}", f"@Nordbahn {number}", edge=f"{PAGE}/tagged", at=ago(hours=3 + number))
        server.post("1234_1", "Wir bauen", at=ago(days=3), author={"id": PAGE}, updated_time=ago(hours=1).isoformat())
        server.post("1234_1_9", "Und wann seid ihr fertig?", edge="1234_1/comments", at=ago(hours=1))
        server.post("1234_2", "An die Wand", at=ago(hours=2), author={"id": "5", "name": "Ole"})
        server.post("1234_0", "Uralt", at=ago(days=40))
        source = made(entry(server), SECRETS, monkeypatch)
        async with running(source) as run:
            await run.until(lambda: "reconciled" in run.cursor, "reconciled")
            found = {f"facebook:8800_{number}" for number in range(5)} | {"facebook:1234_1_9", "facebook:1234_2"}
            assert set(run.keys) == found
            assert all(event.author is None for event in run.events if event.key.startswith("facebook:8800"))
            [answer] = [event for event in run.events if event.key == "facebook:1234_1_9"]
            assert answer.in_reply_to == "1234_1"
            assert run.source.facts()["token_expires"].startswith("2027-01-15")
            checkpoint = Checkpoint(source="page", cursor=run.cursor, heard=clock.now(), at=clock.now())
        asked = len(server.asked)
        async with running(source, checkpoint) as run:
            server.hook = run.hook
            await server.deliver(payload("facebook/comment"))
            assert len(server.asked) == asked, "it was done today"


async def test_away_for_longer_than_meta_repeats_itself_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = ago(hours=40)
    cursor = {"reconciled": ago(hours=41).isoformat()}
    checkpoint = Checkpoint(source="page", cursor=cursor, heard=heard, at=heard)
    async with GraphServer() as server:
        server.post("8800_1", "@Nordbahn", edge=f"{PAGE}/tagged", at=ago(hours=39))
        source = made(entry(server), SECRETS, monkeypatch)
        async with running(source, checkpoint) as run:
            await run.until(lambda: "facebook:8800_1" in run.keys, "what can still be asked for is")
            [gap] = run.gaps
            assert gap.since == heard
    recent = ago(hours=30)
    checkpoint = Checkpoint(source="page", cursor=cursor, heard=recent, at=recent)
    async with world(monkeypatch, checkpoint) as (run, _server):
        await run.until(lambda: "reconciled" in run.cursor, "reconciled")
        assert run.gaps == [], "Meta still has it"


async def test_a_pull_that_fails_keeps_the_door_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GraphServer() as server:
        server.limited_until = asyncio.get_running_loop().time() + 3
        source = made(entry(server), SECRETS, monkeypatch)
        async with running(source) as run:
            server.hook = run.hook
            await run.until(lambda: server.asked, "asked")
            assert (await server.push(payload("facebook/comment")))[0] == 200
            assert "reconciled" not in run.cursor
            asked = len(server.asked)
            await run.until(lambda: "reconciled" in run.cursor, "reconciled after the pause")
            assert asked <= 2, "it does not ask while it may not"


async def test_the_past_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GraphServer() as server:
        for day in (1, 5, 9):
            server.post(f"8800_{day}", "@Nordbahn", edge=f"{PAGE}/tagged", at=ago(days=day))
        source = made(entry(server), SECRETS, monkeypatch)
        found = [reading.item async for reading in source.backfill(ago(days=6), ago(days=0))]
        assert [(item.key, item.backfill) for item in found] == [
            ("facebook:8800_1", True),
            ("facebook:8800_5", True),
        ]


def graph(server: GraphServer) -> Graph:
    return Graph("page", Account(server.url, "v26.0", TOKEN, SECRET.encode()))


async def test_near_the_limit_it_slows_down_and_at_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with GraphServer() as server, graph(server) as api:
        monkeypatch.setattr("agents.ingest.meta.graph.asyncio.sleep", sleep)
        server.headers = {"X-App-Usage": '{"call_count": 85}'}
        await api.get(f"/{PAGE}")
        assert waited == []
        await api.get(f"/{PAGE}")
        assert waited == [30.0]
        told = {PAGE: [{"call_count": 97, "estimated_time_to_regain_access": 7}]}
        server.headers = {"X-Business-Use-Case-Usage": json.dumps(told)}
        await api.get(f"/{PAGE}")
        asked = len(server.asked)
        with pytest.raises(SourceError) as refused:
            await api.get(f"/{PAGE}")
        assert (refused.value.retry_after, refused.value.kind) == (420.0, FailureKind.RATE_LIMITED)
        assert len(server.asked) == asked, "not asked at all"


async def test_retry_after_is_honoured() -> None:
    async with GraphServer() as server, graph(server) as api:
        server.too_many = 17
        with pytest.raises(SourceError) as refused:
            await api.get(f"/{PAGE}")
        assert (refused.value.retry_after, refused.value.kind) == (17.0, FailureKind.RATE_LIMITED)


async def test_pages_are_followed_where_we_are_and_never_where_they_point() -> None:
    async with GraphServer() as server, graph(server) as api:
        for number in range(7):
            server.post(f"1234_{number}", "x", at=ago(hours=number))
        found = [node["id"] async for nodes in api.pages(f"/{PAGE}/feed", {"limit": "2"}) for node in nodes]
        assert sorted(found) == [f"1234_{number}" for number in range(7)]
        assert "evil.example" not in server.url


async def test_no_secret_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with world(monkeypatch) as (run, server):
        server.valid = False
        await run.until(lambda: server.asked, "asked")
        with pytest.raises(ConfigError) as refused:
            async with graph(server) as api:
                await api.get(f"/{PAGE}")
        for secret in (TOKEN, SECRET, VERIFY, proof(SECRET.encode(), TOKEN)):
            assert secret not in caplog.text
            assert secret not in str(refused.value)


async def test_check_says_which_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GraphServer() as server:
        source = made(entry(server), SECRETS, monkeypatch)
        steps = {step.name: step async for step in source.check()}
        assert {name for name, step in steps.items() if not step.ok} == {"webhook"}, "nobody said where we are"
        server.scopes.remove("pages_manage_metadata")
        server.subscribed.remove("mention")
        failed = {step.name: step.detail async for step in source.check() if not step.ok}
        assert set(failed) == {"permission pages_manage_metadata", "subscription", "webhook"}
        assert "mention" in failed["subscription"]
        server.valid = False
        first = await anext(step async for step in source.check() if not step.ok)
        assert first.name == "token"


async def test_check_finds_the_door_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GraphServer() as server:
        source = made(entry(server, pull="false"), SECRETS, monkeypatch)
        source.config = source.config.model_copy(update={"public": f"http://127.0.0.1:{source.port}"})
        async with running(source):
            await asyncio.sleep(0)
            failed = [step async for step in source.check() if not step.ok]
            assert failed == []


def oracle(server: GraphServer) -> GraphAPI:
    api = GraphAPI(access_token=TOKEN, version="v24.0", base_url=f"{server.url}/")
    api.app_secret = SECRET
    return api


async def test_the_vendors_library_understands_the_server_that_these_tests_use() -> None:
    """The pull side's counterpart is driven by python-facebook-api, so that a server that lies is found out."""
    async with GraphServer() as server:
        for number in range(3):
            server.post(f"1234_{number}", f"post {number}", at=ago(hours=number))
        server.post("1234_1_1", "a comment", edge="1234_1/comments", at=ago(minutes=5))
        api = oracle(server)
        proven = {"appsecret_proof": proof(SECRET.encode(), TOKEN)}

        def ask(connection: str, count: int) -> Any:
            return api.get_connection(PAGE, connection, fields="id,message,created_time", count=count, **proven)

        page = await asyncio.to_thread(lambda: api.get_object(PAGE, fields="id,name", **proven))
        assert page["name"] == "Nordbahn"
        first = await asyncio.to_thread(ask, "feed", 2)
        assert [post["message"] for post in first["data"]] == ["post 0", "post 1"]
        known = await asyncio.to_thread(
            lambda: api.get(path="debug_token", args={"input_token": TOKEN, "access_token": f"31|{SECRET}"})
        )
        assert known["data"]["is_valid"] is True
        comments = await asyncio.to_thread(lambda: api.get_connection("1234_1", "comments", count=5, **proven))
        event = comments["data"][0]
        assert event["message"] == "a comment"
        server.valid = False
        with pytest.raises(Exception, match="190|refused"):
            await asyncio.to_thread(lambda: api.get_object(PAGE, **proven))
