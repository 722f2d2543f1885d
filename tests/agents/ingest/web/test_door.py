"""The door: several sources behind one port, each on its path, and what is pulled beside what is pushed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agents import clock
from agents.ingest.source import Entry, Reading, Readings
from agents.ingest.web.door import Pushed, Route
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.event import Event
from schemas.settings import Settings, load_settings


class Hook(Pushed[Entry]):
    """Takes texts; `pulled` is what it finds beside them."""

    Config = Entry
    pulled: tuple[str | Exception, ...] = ()

    def routes(self) -> list[Route]:
        return [("POST", self.path, self._take), ("GET", self.path, self._hello)]

    async def _hello(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002
        return web.Response(text=self.config.id)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await self.read(request)
        return body if isinstance(body, web.Response) else await self.take([self.event(body.decode())])

    async def pull(self, checkpoint: Checkpoint | None) -> Readings:  # noqa: ARG002
        for one in self.pulled:
            if isinstance(one, Exception):
                raise one
            yield Reading(self.event(one), {"at": one})

    def event(self, name: str) -> Event:
        now = clock.now()
        return Event(platform="web", id=name, time=now, seen=now, source=self.config.id, text="t")


def hook(name: str, settings: Settings, *pulled: str | Exception) -> Hook:
    found = Hook(Entry(id=name, kind="hook"), settings)
    found.pulled = pulled
    found.prepare()
    return found


async def collect(source: Hook, into: list[Any]) -> None:
    async with aclosing(source.run(None)) as readings:
        async for reading in readings:
            if isinstance(reading.item, Event):
                into.append((reading.item.id, reading.cursor))
            if reading.done is not None:
                reading.done.set_result(None)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def answer(session: aiohttp.ClientSession, source: Hook, method: str = "GET", **more: Any) -> tuple[int, str]:
    url = f"http://127.0.0.1:{source.port}{source.path}"
    async with session.request(method, url, **more) as found:
        return found.status, await found.text()


async def until(check: Any) -> None:
    async with asyncio.timeout(10):
        while not await check():  # noqa: ASYNC110 - the door tells nobody
            await asyncio.sleep(0.02)


async def test_sources_share_a_port_and_one_that_rests_says_come_back(session: aiohttp.ClientSession) -> None:
    settings = load_settings(webhook_port=0)
    one, two = hook("one", settings), hook("two", settings)
    assert one.port == two.port
    heard: list[Any] = []
    tasks = [asyncio.create_task(collect(source, heard)) for source in (one, two)]

    async def both() -> bool:
        return [await answer(session, source) for source in (one, two)] == [(200, "one"), (200, "two")]

    await until(both)
    assert (await answer(session, two, "PUT"))[0] == 405
    assert (await answer(session, one, "POST", data=b"a"))[0] == 200
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    status, said = await answer(session, two)
    assert (status, "does not run" in said) == (503, True)
    assert (await answer(session, one))[0] == 200
    assert heard == [("a", None)]
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(aiohttp.ClientConnectorError):
        await answer(session, one)


async def test_other_settings_are_another_door() -> None:
    one, two = hook("one", load_settings(webhook_port=0)), hook("one", load_settings(webhook_port=0))
    assert one.port != two.port


async def test_a_path_is_for_one_source() -> None:
    settings = load_settings(webhook_port=0)
    kept = hook("one", settings)

    class Other(Hook):
        @property
        def path(self) -> str:
            return kept.path

    with pytest.raises(ConfigError, match="`one` and `two` both want /hooks/one"):
        Other(Entry(id="two", kind="hook"), settings).prepare()


async def test_what_is_pulled_comes_with_its_cursor_and_its_failure_shuts_no_door(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.ingest.web.door.delay", lambda *_about: 0.01)
    heard: list[Any] = []
    source = hook("one", load_settings(webhook_port=0), "a", "b", SourceError("the pull failed", 7.0))
    task = asyncio.create_task(collect(source, heard))

    async def twice() -> bool:
        return heard[:4] == [("a", {"at": "a"}), ("b", {"at": "b"})] * 2

    await until(twice)
    assert await answer(session, source) == (200, "one")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"data": b"x" * 2_000_000}, 413),
        ({"data": b"x", "headers": {"Content-Encoding": "gzip"}}, 415),
        ({"data": b"x"}, 200),
    ],
)
async def test_a_body_is_bounded_and_as_it_was_sent(
    session: aiohttp.ClientSession, more: dict[str, Any], status: int
) -> None:
    source = hook("one", load_settings(webhook_port=0))
    task = asyncio.create_task(collect(source, []))

    async def there() -> bool:
        try:
            return (await answer(session, source))[0] == 200
        except aiohttp.ClientError:
            return False

    await until(there)

    async def chunks() -> AsyncIterator[bytes]:
        yield more["data"]

    assert (await answer(session, source, "POST", **{**more, "data": chunks()}))[0] == status
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
