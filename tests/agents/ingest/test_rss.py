"""The feed source against a real web server that does what web servers do."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from agents.ingest.source import Reading, parse_sources
from agents.ingest.sources.rss import Rss
from agents.ingest.web.limits import retry_after
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Gap, Heartbeat
from schemas.settings import load_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Handler = Callable[[web.Request], web.StreamResponse]


def feed(*names: str) -> bytes:
    items = "".join(f"<item><guid>http://a/{name}</guid><title>Title {name}</title></item>" for name in names)
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()


def ok(body: bytes, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: web.Response(body=body, content_type="application/rss+xml", headers=named)


def status(code: int, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: web.Response(status=code, headers=named)


@dataclass
class Site:
    """A web site: what each path answers, and the requests it has seen."""

    port: int = 0
    pages: dict[str, Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return self.pages[request.path](request)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/feed"

    def source(self, more: str = "") -> Rss:
        text = f"sources: [{{id: news, kind: rss, url: '{self.url}', every: 1s{more}}}]"
        [source] = parse_sources(text, load_settings())
        assert isinstance(source, Rss)
        return source

    async def poll(self, cursor: dict[str, str] | None = None, more: str = "") -> tuple[list[str], dict[str, str]]:
        """Poll once, and return what was yielded and the cursor after it."""
        checkpoint = Checkpoint(source="news", cursor=cursor, at=NOW) if cursor else None
        async with asyncio.timeout(20), aclosing(self.source(more).run(checkpoint)) as readings:
            told: list[str] = []
            async for reading in readings:
                if isinstance(reading.item, Heartbeat):
                    assert reading.cursor is not None
                    return told, dict(reading.cursor)
                told.append(short(reading))
        raise AssertionError("a feed is never finished")


def short(reading: Reading) -> str:
    if isinstance(reading.item, Gap):
        return "gap"
    assert isinstance(reading.item, Event)
    return reading.item.key.removeprefix("web:http://a/")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


async def test_only_what_is_new_is_delivered_oldest_first(site: Site) -> None:
    site.pages["/feed"] = ok(feed("2", "1"))
    told, cursor = await site.poll()
    assert told == ["1", "2"]
    site.pages["/feed"] = ok(feed("4", "3", "2"))
    told, cursor = await site.poll(cursor)
    assert told == ["3", "4"]
    assert (await site.poll(cursor))[0] == []


async def test_one_run_polls_again_by_itself(site: Site) -> None:
    site.pages["/feed"] = ok(feed("1"))
    seen = []
    async with asyncio.timeout(20), aclosing(site.source().run(None)) as readings:
        async for reading in readings:
            if isinstance(reading.item, Heartbeat):
                site.pages["/feed"] = ok(feed("2", "1"))
                continue
            seen.append(short(reading))
            if len(seen) == 2:
                break
    assert seen == ["1", "2"]


async def test_tags_are_given_back_as_they_came_and_304_keeps_everything(site: Site) -> None:
    modified = "Sun, 01 Dec 2013 12:20:00 GMT"
    site.pages["/feed"] = ok(feed("1"), ETag='W/"a,b"', Last_Modified=modified)
    _, cursor = await site.poll()
    site.pages["/feed"] = status(304)
    told, after = await site.poll(cursor)
    assert told == []
    assert site.requests[-1].headers["If-None-Match"] == 'W/"a,b"'
    assert site.requests[-1].headers["If-Modified-Since"] == modified
    assert {**after, "polled": ""} == {**cursor, "polled": ""}


@pytest.mark.parametrize("code", [301, 308])
async def test_a_feed_that_moved_for_good_is_asked_there_from_then_on(site: Site, code: int) -> None:
    site.pages |= {"/feed": status(code, Location="/new"), "/new": ok(feed("1"))}
    told, cursor = await site.poll()
    assert told == ["1"]
    await site.poll(cursor)
    assert [request.path for request in site.requests] == ["/feed", "/new", "/new"]


@pytest.mark.parametrize("code", [302, 303, 307])
async def test_a_feed_that_is_elsewhere_for_now_is_asked_at_its_address(site: Site, code: int) -> None:
    site.pages |= {
        "/feed": status(code, Location="/now"),
        "/now": status(301, Location="/then"),
        "/then": ok(feed("1")),
    }
    _, cursor = await site.poll()
    await site.poll(cursor)
    assert [request.path for request in site.requests][3] == "/feed", "what lies behind a detour is not remembered"


async def test_a_new_address_in_the_sources_file_begins_anew(site: Site) -> None:
    site.pages["/feed"] = ok(feed("1"))
    _, cursor = await site.poll()
    told, _ = await site.poll(cursor | {"written": "http://elsewhere/"})
    assert told == ["1"]


@pytest.mark.parametrize(
    ("page", "message", "wait", "sentence"),
    [
        (status(429, Retry_After="120"), "a pause \\(429\\)", 120.0, "too often, come back in two minutes"),
        (status(503, Retry_After="7"), "the service answers 503", 7.0, "out of order for a moment"),
        (status(503), "the service answers 503", None, "without saying how long"),
        (status(404), "the service answers 404", None, "not there"),
        (status(401), "the service answers 401", None, "not for us"),
        (status(301, Location="/feed"), "redirects more than 5 times", None, "a circle"),
        (status(302, Location="file:///etc/hostname"), "no web address", None, "out of the web"),
        (status(302, Location="http://["), "no web address", None, "a broken address"),
        (status(302), "no web address", None, "to nowhere"),
        (ok(b"<html>please log in</html>"), "is no feed", None, "a page in its place"),
        (ok(feed("1") + b" " * 4000), "larger than 2048 bytes", None, "too large"),
        (
            ok(gzip.compress(b" " * 4_000_000), Content_Encoding="gzip"),
            "larger than 2048 bytes",
            None,
            "large once unpacked",
        ),
        (ok(b"no gzip", Content_Encoding="gzip"), "broke off or cannot be unpacked", None, "broken on the way"),
    ],
)
async def test_trouble_is_told_and_tried_again(
    site: Site, page: Handler, message: str, wait: float | None, sentence: str
) -> None:
    site.pages["/feed"] = page
    with pytest.raises(SourceError, match=message) as caught:
        await site.poll(more=", max_bytes: 2048")
    assert caught.value.retry_after == wait, sentence


async def test_a_feed_that_is_gone_ends_its_source(site: Site) -> None:
    site.pages["/feed"] = status(410)
    with pytest.raises(ConfigError, match=r"gone for good \(410\) \(correct or remove source `news`\)"):
        await site.poll()


async def test_a_server_that_hangs_or_is_not_there_is_trouble_too(site: Site) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"<rss")
        await asyncio.sleep(60)
        return response

    site.answer = hang  # type: ignore[method-assign]
    application = web.Application()
    application.router.add_get("/feed", hang)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.port = runner.addresses[0][1]
    with pytest.raises(SourceError, match="did not answer in time"):
        await site.poll(more=", timeout: 0.3s")
    await runner.cleanup()
    with pytest.raises(SourceError, match="cannot be reached"):
        await site.poll()


async def test_a_feed_that_moved_on_faster_than_we_looked_is_a_gap(site: Site) -> None:
    site.pages["/feed"] = ok(feed("2", "1"))
    _, cursor = await site.poll()
    site.pages["/feed"] = ok(feed("9", "8"))
    told, cursor = await site.poll(cursor)
    assert told == ["gap", "8", "9"]
    site.pages["/feed"] = ok(feed())
    told, cursor = await site.poll(cursor)
    assert told == [], "an empty feed has lost nothing that we could know of"


async def test_a_feed_that_broke_off_is_asked_in_full_the_next_time(site: Site) -> None:
    site.pages["/feed"] = ok(feed("2", "1")[:-70], ETag='"1"')
    told, cursor = await site.poll()
    assert told == ["2"]
    site.pages["/feed"] = ok(feed("2", "1"), ETag='"1"')
    told, _ = await site.poll(cursor)
    assert "If-None-Match" not in site.requests[-1].headers
    assert told == ["1"]


async def test_what_is_remembered_is_bounded(site: Site) -> None:
    cursor: dict[str, str] | None = None
    for start in range(0, 1000, 100):
        site.pages["/feed"] = ok(feed(*(str(n) for n in range(start + 150, start, -1))))
        _, cursor = await site.poll(cursor)
    assert cursor is not None
    assert len(cursor["known"].split(",")) == 500


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after(written: str, expected: float | None) -> None:
    assert retry_after(written, NOW) == expected


async def test_a_feed_is_visited_as_rarely_as_it_asks_and_no_more_rarely_than_it_may(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    body = feed("1").replace(b"<channel>", b"<channel><ttl>10</ttl>")
    pages = [
        ok(body),
        ok(body, Cache_Control="public, max-age=1200"),
        status(304, Cache_Control="max-age=1200"),
        ok(feed("1"), Cache_Control="max-age=99999"),
        ok(feed("1"), Cache_Control="no-cache, max-age=99999"),
    ]
    site.pages["/feed"] = lambda request: pages.pop(0)(request)  # noqa: PLW0108 - another page each time
    monkeypatch.setattr("agents.ingest.sources.rss.asyncio.sleep", sleep)
    monkeypatch.setattr("agents.ingest.sources.rss.random.uniform", lambda _low, _high: 1.0)
    async with asyncio.timeout(30), aclosing(site.source(", longest: 1h").run(None)) as readings:
        async for reading in readings:
            if isinstance(reading.item, Heartbeat) and not pages:
                break
    assert pauses == [600.0, 1200.0, 1200.0, 3600.0], "and then as often as is configured"
