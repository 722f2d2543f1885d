"""Mailboxes on a real IMAP server: what is read, once, without a trace, and what happens when the server changes."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from agents import clock
from agents.ingest.source import Reading, parse_sources
from agents.ingest.sources.alertmail import AlertMail
from cli.broker import free_port, stop
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Gap, Heartbeat
from schemas.settings import load_settings
from tests.agents.ingest import mails
from tests.servers import mail as servers
from tests.servers.mail import MailServer

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def server() -> MailServer:
    return servers.shared()


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return f"u{abs(hash(request.node.name))}"


def alert(number: int, **about: str) -> bytes:
    told: dict[str, Any] = {"message_id": f"{number}@google.com", **about}
    return mails.alert((f"Title {number}", "Text", f"https://news.example/{number}"), **told)


class Reader:
    """A mailbox as the runner reads it: what it yields, and where it stands."""

    def __init__(self, server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
        monkeypatch.setenv("MAIL_PASSWORD", "secret")
        self.text = (
            f"sources: [{{id: alerts, kind: alertmail, host: 127.0.0.1, port: {server.port}, security: none, "
            f"username: {user}, password: 'env:MAIL_PASSWORD', server: mx.example.org, every: 30s{more}}}]"
        )
        self.checkpoint: Checkpoint | None = None

    def source(self) -> AlertMail:
        [source] = parse_sources(self.text, load_settings())
        assert isinstance(source, AlertMail)
        source.prepare()
        return source

    async def read(self) -> list[str]:
        """Read until the source has nothing new, and return what it told."""
        told: list[str] = []
        async with asyncio.timeout(60), aclosing(self.source().run(self.checkpoint)) as readings:
            async for reading in readings:
                self.take(reading)
                if isinstance(reading.item, Heartbeat):
                    return told
                told.append(short(reading))
        raise AssertionError("a mailbox is never finished")

    def take(self, reading: Reading) -> None:
        if reading.cursor is not None:
            now = clock.now()
            self.checkpoint = Checkpoint(source="alerts", cursor=dict(reading.cursor), heard=now, at=now)

    @asynccontextmanager
    async def following(self) -> AsyncIterator["asyncio.Queue[str]"]:
        """Read on in the background."""
        told: asyncio.Queue[str] = asyncio.Queue()

        async def follow() -> None:
            async with aclosing(self.source().run(self.checkpoint)) as readings:
                async for reading in readings:
                    self.take(reading)
                    await told.put("." if isinstance(reading.item, Heartbeat) else short(reading))

        task = asyncio.create_task(follow())
        try:
            yield told
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def short(reading: Reading) -> str:
    match reading.item:
        case Event() as event:
            return event.id.removeprefix("https://news.example/")
        case Gap():
            return "gap"
        case Dead() as dead:
            return dead.reason
    raise AssertionError(reading)


@pytest.fixture
def reader(server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(server, user, monkeypatch)


async def test_each_mail_is_read_once_and_stays_as_it_was(reader: Reader, server: MailServer, user: str) -> None:
    for number in (1, 2):
        server.put(user, alert(number))
    server.put(user, mails.mail("Eva <eva@example.org>", "Hallo", "https://news.example/9"))
    before = server.flags(user)
    assert await reader.read() == ["1", "2"]
    assert await reader.read() == []
    server.put(user, alert(3))
    assert await reader.read() == ["3"]
    assert [b"Seen" in flags for flags in server.flags(user)] == [False] * 4
    assert server.flags(user)[:3] == before


async def test_a_new_mail_is_heard_of_at_once(reader: Reader, server: MailServer, user: str) -> None:
    async with asyncio.timeout(60), reader.following() as told:
        assert await told.get() == "."
        began = time.monotonic()
        await asyncio.to_thread(server.put, user, alert(1))
        assert await told.get() == "1"
        # far below `every`, which is when it would have been found without IDLE
        assert time.monotonic() - began < 20


async def test_idle_is_begun_anew_and_keeps_hearing(
    server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(server, user, monkeypatch)
    reader.text = reader.text.replace("every: 30s", "every: 1s")
    async with asyncio.timeout(60), reader.following() as told:
        assert [await told.get() for _ in range(3)] == [".", ".", "."]
        await asyncio.to_thread(server.put, user, alert(1))
        while (said := await told.get()) == ".":
            pass
        assert said == "1"


async def test_a_mail_that_came_in_one_packet_with_the_go_ahead_is_not_slept_over(
    reader: Reader, server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail arrives between the last look and IDLE, again and again: no order of the two may lose it."""
    async with asyncio.timeout(100), reader.following() as told:
        for number in range(10):
            while await told.get() != ".":
                pass
            await asyncio.to_thread(server.put, user, alert(number))
            while (said := await told.get()) == ".":
                pass
            assert said == str(number)


async def test_without_idle_it_is_looked_at(reader: Reader, server: MailServer, user: str, monkeypatch: Any) -> None:
    real = "agents.ingest.mail.mailbox.Mailbox.__enter__"
    from agents.ingest.mail.mailbox import Mailbox

    enter = Mailbox.__enter__

    def without(box: Mailbox) -> Mailbox:
        enter(box)
        box.can_idle = False
        return box

    monkeypatch.setattr(real, without)
    reader.text = reader.text.replace("every: 30s", "every: 1s")
    async with asyncio.timeout(60), reader.following() as told:
        assert await told.get() == "."
        await asyncio.to_thread(server.put, user, alert(1))
        while (said := await told.get()) == ".":
            pass
        assert said == "1"


async def test_a_folder_that_is_numbered_anew_is_known_by_its_mails(
    server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(server, user, monkeypatch, ", folder: Alerts")
    first = server.make(user, "Alerts")
    for number in (1, 2, 3):
        server.put(user, alert(number), "Alerts")
    assert await reader.read() == ["1", "2", "3"]
    assert server.make(user, "Alerts") != first
    for number in (4, 2, 3, 5):
        server.put(user, alert(number), "Alerts")
    assert await reader.read() == ["4", "5"], "what was read is known, and nothing is missing"
    assert await reader.read() == []


async def test_a_folder_of_which_nothing_is_left_is_a_gap(
    server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(server, user, monkeypatch, ", folder: Alerts")
    server.make(user, "Alerts")
    server.put(user, alert(1), "Alerts")
    assert await reader.read() == ["1"]
    server.make(user, "Alerts")
    server.put(user, alert(2), "Alerts")
    assert await reader.read() == ["gap", "2"]
    assert await reader.read() == []


async def test_the_first_look_goes_back_so_far_and_no_further(reader: Reader, server: MailServer, user: str) -> None:
    now = datetime.now(UTC)
    server.put(user, alert(1), arrived=now - timedelta(days=30))
    server.put(user, alert(2), arrived=now - timedelta(days=1))
    assert await reader.read() == ["2"]


async def test_the_past_can_be_asked_for(reader: Reader, server: MailServer, user: str) -> None:
    # this server keeps the day of an arrival and not its hour
    server.put(user, alert(1), arrived=mails.NOON + timedelta(days=1))
    server.put(user, alert(2, date="Sun, 9 Nov 2025 12:00:00 +0000"), arrived=mails.NOON + timedelta(days=2))
    source = reader.source()
    found = [reading.item async for reading in source.backfill(mails.NOON, mails.NOON + timedelta(hours=1))]
    assert [(item.id, item.backfill) for item in found if isinstance(item, Event)] == [("https://news.example/1", True)]


async def test_forged_mails_are_set_aside_and_told(reader: Reader, server: MailServer, user: str) -> None:
    server.put(user, alert(1, signed="evil.example"))
    server.put(user, alert(2, signed=""))
    server.put(user, alert(3))
    assert await reader.read() == ["forged", "unchecked", "3"]


async def test_a_mail_of_ten_megabytes_stops_nothing(reader: Reader, server: MailServer, user: str) -> None:
    big = alert(1) + b"<p>padding of a mail that is far too long</p>\n" * 230_000
    assert len(big) > 10_000_000
    server.put(user, big)
    server.put(user, alert(2))
    assert await reader.read() == ["1", "2"]


async def test_hostile_mails_do_not_hide_the_next(reader: Reader, server: MailServer, user: str) -> None:
    begin, _, _ = alert(1).partition(b"\n\n")
    for hostile in (
        b"",
        b"\x00\xff" * 500,
        b"--x\nContent-Type: multipart/mixed; boundary=y\n" * 5000,
        b"<a " * 100_000,
    ):
        server.put(user, begin + b"\n\n" + hostile)
    server.put(user, alert(2, message_id="2@google.com"))
    assert [said for said in await reader.read() if said != "nothing-found"] in (["too-nested", "2"], ["2"])


async def test_a_cursor_of_an_item_counts_only_with_the_whole_mail(
    reader: Reader, server: MailServer, user: str
) -> None:
    results = [(f"Title {n}", "Text", f"https://news.example/{n}") for n in (1, 2)]
    server.put(user, mails.alert(*results))
    async with asyncio.timeout(60), aclosing(reader.source().run(None)) as readings:
        first = await anext(readings)
        second = await anext(readings)
    assert (short(first), first.cursor) == ("1", None)
    assert short(second) == "2"
    assert second.cursor is not None


async def test_leaving_does_not_wait_for_the_server(reader: Reader) -> None:
    async with asyncio.timeout(60), reader.following() as told:
        assert await told.get() == "."
        began = time.monotonic()
    assert time.monotonic() - began < 5


@pytest.fixture(scope="module")
def strict() -> Iterator[MailServer]:
    """A server that knows one user, with TLS beside."""
    server = servers.start("users=press:right@example.org")
    yield server
    stop(server.process)


async def test_a_wrong_password_ends_the_source_and_is_not_repeated(
    strict: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(strict, "press", monkeypatch)
    monkeypatch.setenv("MAIL_PASSWORD", "wr0ng-passw0rd")
    with pytest.raises(ConfigError, match="does not let press in") as caught:
        await reader.read()
    assert "wr0ng" not in repr(caught.value)
    [step] = [step async for step in reader.source().check()]
    assert not step.ok


async def test_a_server_that_goes_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = servers.start("auth.disabled")
    reader = Reader(server, "press", monkeypatch)
    async with asyncio.timeout(100), aclosing(reader.source().run(None)) as readings:
        assert isinstance((await anext(readings)).item, Heartbeat)
        await asyncio.to_thread(stop, server.process)
        with pytest.raises(SourceError, match="does not answer"):
            await anext(readings)
    with pytest.raises(SourceError, match="does not answer"):
        await reader.read()


async def test_a_folder_that_is_not_there_is_named(server: MailServer, user: str, monkeypatch: Any) -> None:
    with pytest.raises(ConfigError, match="no folder `Nowhere`"):
        await Reader(server, user, monkeypatch, ", folder: Nowhere").read()


async def test_what_is_tried_step_by_step(reader: Reader, server: MailServer, user: str) -> None:
    server.put(user, alert(1, signed=""))
    steps = [step async for step in reader.source().check()]
    assert [step.name for step in steps] == ["log in", "folder", "new mails", "rules"]
    assert not steps[-1].ok
    assert "no Authentication-Results by `mx.example.org`" in steps[-1].detail
    server.put(user, alert(2))
    assert all([step.ok async for step in reader.source().check()])


async def test_a_certificate_that_is_not_good_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = servers.start("auth.disabled", f"imaps.port={(port := free_port())}")
    try:
        reader = Reader(server, "press", monkeypatch)
        reader.text = reader.text.replace(f"port: {server.port}, security: none", f"port: {port}, security: tls")
        with pytest.raises(ConfigError, match="certificate is not good"):
            await reader.read()
    finally:
        stop(server.process)
    assert ssl.HAS_TLSv1_3


def test_it_must_be_said_how_to_log_in(tmp_path: Path) -> None:
    text = "sources: [{id: a, kind: alertmail, host: h, username: u, server: s}]"
    [source] = parse_sources(text, load_settings())
    with pytest.raises(ConfigError, match="needs either `password` or `oauth`"):
        source.prepare()


async def test_rules_of_ones_own_replace_those_that_come_along(
    server: MailServer, user: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    (tmp_path / "mine.yml").write_text(
        'rules: [{name: tip, platform: xing, senders: ["*@tips.example"], signed_by: [tips.example], '
        'subjects: {de: ["^Tipp von (?P<author>.+)"]}}]'
    )
    text = (
        f"sources: [{{id: tips, kind: xing, host: 127.0.0.1, port: {server.port}, security: none, username: {user}, "
        "password: 'env:MAIL_PASSWORD', server: mx.example.org, rules: mine.yml}]"
    )
    server.put(user, mails.mail("a@tips.example", "Tipp von Eva", "Die Bahn", kind="plain", message_id="t@x"))
    server.put(user, mails.xing("Eva hat Sie in einem Beitrag erwähnt", "x"))
    [source] = parse_sources(text, load_settings(sources=tmp_path / "sources.yml"))
    source.prepare()
    assert "rules" not in source.facts(), "what is one's own is not said to be unverified"
    async with asyncio.timeout(60), aclosing(source.run(None)) as readings:
        item = (await anext(readings)).item
    assert isinstance(item, Event)
    assert (item.key, item.text, item.author and item.author.name) == ("xing:t@x", "Die Bahn", "Eva")


async def test_tokens_instead_of_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent to whom; a server that takes such tokens is not to be had here."""
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response({"access_token": "t0ken", "expires_in": 3600, "refresh_token": "n3xt"})

    app = web.Application()
    app.router.add_post("/token", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("REFRESH", "f1rst")
    text = (
        "sources: [{id: a, kind: alertmail, host: h, username: u, server: s, oauth: {client_id: c, "
        f"url: 'http://127.0.0.1:{runner.addresses[0][1]}/token', refresh_token: 'env:REFRESH', scope: imap}}}}]"
    )
    [source] = parse_sources(text, load_settings())
    assert isinstance(source, AlertMail)
    source.prepare()
    access = await source._access()
    await runner.cleanup()
    assert (access.oauth, access.password) == (True, "t0ken")
    assert "t0ken" not in repr(access)
    assert asked == [{"grant_type": "refresh_token", "refresh_token": "f1rst", "client_id": "c", "scope": "imap"}]
    assert source.kept["refresh_token"] == "n3xt"
    assert "token_expires" in source.facts()
