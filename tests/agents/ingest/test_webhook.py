"""The webhook over real HTTP, with a broker played by the test: it acknowledges, refuses or is silent."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from io import BytesIO
from time import time
from typing import Any

import aiohttp
import pytest

from agents.ingest.source import parse_sources
from agents.ingest.sources.webhook import BODY_BYTES, Webhook
from agents.ingest.web.door import MAX_POSTS_WAITING
from agents.ingest.web.signature import sign
from agents.observe import counter
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Heartbeat
from schemas.metrics import WEBHOOK_REQUESTS
from schemas.settings import Settings, load_settings

SECRET = b"a long secret"
POST = {"platform": "x", "id": "1", "time": "2013-12-01T12:20:00Z", "text": "hello"}
GONE = b'{"type": "deletion", "platform": "x", "id": "1"}\n'


def webhook(settings: Settings, wait: str = "300s") -> Webhook:
    [source] = parse_sources(f"sources: [{{id: push, kind: webhook, wait: {wait}}}]", settings)
    assert isinstance(source, Webhook)
    return source


@dataclass
class World:
    """A running webhook, its senders' session, and what the broker does with each event."""

    source: Webhook
    session: aiohttp.ClientSession
    broker: str = "acknowledges"
    taken: list[Event] = field(default_factory=list)
    silent: list[asyncio.Future[None]] = field(default_factory=list)
    beats: int = 0
    listening: asyncio.Event = field(default_factory=asyncio.Event)

    async def drive(self) -> None:
        async with aclosing(self.source.run(None)) as readings:
            async for item, _cursor, done, _rest in readings:
                if isinstance(item, Heartbeat):
                    self.beats += 1
                    self.listening.set()
                    continue
                assert isinstance(item, Event)
                assert done is not None
                self.taken.append(item)
                if self.broker == "acknowledges" or (self.broker == "refuses 2" and item.id != "2"):
                    done.set_result(None)
                elif self.broker.startswith("refuses"):
                    done.set_exception(SourceError("the broker refused a record"))
                else:
                    self.silent.append(done)

    async def send(self, body: bytes, *, method: str = "POST", path: str = "/v1/events", **headers: str) -> "Answer":
        now = int(time())
        signed = {"X-Earshot-Timestamp": str(now), "X-Earshot-Signature": sign(SECRET, now, body)} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = f"http://127.0.0.1:{self.source.port}{path}"
        async with self.session.request(method, url, data=BytesIO(body), headers=signed) as answer:
            return Answer(answer.status, json.loads(await answer.read()), answer.headers)


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any


@pytest.fixture
async def world() -> AsyncIterator[World]:
    source = webhook(load_settings(webhook_port=0, webhook_secrets=f"unused, {SECRET.decode()}"), wait="0.2s")
    source.prepare()
    async with aiohttp.ClientSession() as session:
        world = World(source, session)
        driving = asyncio.create_task(world.drive())
        yield world
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)


def body(*ids: str) -> bytes:
    return json.dumps([POST | {"id": name} for name in ids]).encode()


async def test_what_the_broker_acknowledged_is_accepted(world: World) -> None:
    answer = await world.send(body("1", "2"))
    assert (answer.status, answer.body) == (202, {"accepted": 2})
    assert [(event.key, event.source) for event in world.taken] == [("x:1", "push"), ("x:2", "push")]
    assert world.beats == 1, "it says at once that it listens"


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/plain", "image/png", ""])
async def test_the_content_type_does_not_matter(world: World, kind: str) -> None:
    assert (await world.send(body("1"), Content_Type=kind)).status == 202


@pytest.mark.parametrize(
    ("data", "headers", "status", "said", "sentence"),
    [
        (b"[]", {}, 400, {"error": "not-json: the body holds no post"}, "no post"),
        (json.dumps(POST).encode() + b"\n{}", {}, 400, {"line": 2, "field": "platform"}, "the second line is no post"),
        (b"x" * (BODY_BYTES + 1), {}, 413, {}, "too large"),
        (GONE * (MAX_POSTS_WAITING + 1), {}, 413, {}, "more than would ever fit: to come back would be in vain"),
        (body("1"), {"X_Earshot_Signature": "v1=00"}, 401, {}, "a wrong signature"),
        (body("1"), {"X_Earshot_Timestamp": "1"}, 401, {}, "a recorded request"),
        (body("1"), {"Content_Encoding": "gzip"}, 415, {}, "packed"),
    ],
)
async def test_a_bad_request_is_told_why_and_nothing_of_it_is_taken(
    world: World, data: bytes, headers: dict[str, str], status: int, said: dict[str, Any], sentence: str
) -> None:
    answer = await world.send(data, **headers)
    assert answer.status == status, sentence
    assert said.items() <= answer.body.items()
    assert answer.body["error"]
    assert world.taken == []


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/events", 405), ("PUT", "/v1/events", 405), ("POST", "/", 404)]
)
async def test_other_requests_are_answered_in_the_same_form(world: World, method: str, path: str, status: int) -> None:
    answer = await world.send(b"", method=method, path=path)
    assert answer.status == status
    assert "error" in answer.body
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


async def test_a_silent_broker_is_503_at_first_after_the_wait_and_then_at_once(world: World) -> None:
    world.broker = "is silent"
    first = await world.send(body("1"))
    assert (first.status, first.headers["Retry-After"]) == (503, "5")
    began = asyncio.get_running_loop().time()
    second = await world.send(body("2"))
    assert second.status == 503
    assert asyncio.get_running_loop().time() - began < 0.15, "nobody waits for a broker that is known to be away"
    assert [event.id for event in world.taken] == ["1"], "and nothing piles up meanwhile"

    world.broker = "acknowledges"
    for done in world.silent:
        done.set_result(None)
    assert (await world.send(body("2"))).status == 202, "no restart is needed"


async def test_one_refused_of_a_batch_refuses_the_batch(world: World) -> None:
    world.broker = "refuses 2"
    assert (await world.send(body("1", "2", "3"))).status == 503
    world.broker = "acknowledges"
    assert (await world.send(body("1", "2", "3"))).status == 202, "a refusal is no outage"


async def test_answers_are_counted_by_status(world: World) -> None:
    def counted(status: str) -> float:
        return float(counter(WEBHOOK_REQUESTS).labels(status)._value.get())

    before = counted("202"), counted("401")
    await world.send(body("1"))
    await world.send(body("1"), X_Earshot_Signature="v1=00")
    assert (counted("202") - before[0], counted("401") - before[1]) == (1, 1)


async def test_it_listens_again_after_it_was_stopped() -> None:
    source = webhook(load_settings(webhook_port=0, webhook_secrets=SECRET.decode()))
    source.prepare()
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            world = World(source, session)
            driving = asyncio.create_task(world.drive())
            async with asyncio.timeout(5):
                await world.listening.wait()
            assert (await world.send(body("1"))).status == 202
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)


@pytest.mark.parametrize("secrets", ["", " , "])
def test_without_a_secret_it_does_not_start(secrets: str) -> None:
    with pytest.raises(ConfigError, match="EARSHOT_WEBHOOK_SECRETS: holds no secret"):
        webhook(load_settings(webhook_secrets=secrets)).prepare()


def test_a_taken_port_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = load_settings(webhook_secrets="s", webhook_port=taken.getsockname()[1])
        said = r"EARSHOT_WEBHOOK_PORT: cannot listen on 127.0.0.1:\d+ \(Address already in use\) \(choose"
        with pytest.raises(ConfigError, match=said):
            webhook(settings).prepare()


def test_a_host_that_is_not_ours_is_no_matter_of_the_port() -> None:
    with pytest.raises(ConfigError, match="EARSHOT_HOST: cannot listen on 203.0.113.7"):
        webhook(load_settings(webhook_secrets="s", host="203.0.113.7")).prepare()


async def test_requests_that_would_not_fit_into_memory_are_told_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow broker and many senders: what is held is bounded in bytes, whatever the number of connections."""
    monkeypatch.setattr("agents.ingest.web.door.MAX_BYTES_WAITING", 1000)
    world.broker = "is silent"
    world.source.config = world.source.config.model_copy(update={"wait": 30.0})
    large = json.dumps(POST | {"text": "x" * 400}).encode()
    held = [asyncio.create_task(world.send(large)) for _ in range(2)]
    async with asyncio.timeout(5):
        while len(world.taken) < 2:  # noqa: ASYNC110 - the webhook tells nobody
            await asyncio.sleep(0.01)
    third = await world.send(large)
    assert (third.status, third.headers["Retry-After"]) == (503, "5")
    assert len(world.taken) == 2, "it was not read"
    for done in world.silent:
        done.set_result(None)
    assert [answer.status for answer in await asyncio.gather(*held)] == [202, 202]
    world.broker = "acknowledges"
    assert (await world.send(large)).status == 202, "there is room again"


async def test_what_an_automation_sends_of_xing_is_taken(world: World) -> None:
    await world.listening.wait()
    post = {"platform": "XING", "id": "post-123", "time": "2026-11-27T09:00:00+01:00", "text": "Die Bahn ist zu spät"}
    answer = await world.send(json.dumps(post | {"author": {"name": "Eva Muster"}}).encode())
    assert answer.status == 202
    [event] = world.taken
    assert event.key == "xing:post-123"
    assert event.author is not None
    assert event.author.name == "Eva Muster"
