"""The way out over HTTP, against real servers: what it takes, what it refuses, what it never repeats."""

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from structlog.testing import capture_logs

from agents import clock
from agents.ingest.auth import Bearer, ClientCredentials, RefreshToken
from agents.ingest.web.address import Guard, NotPublic, public
from agents.ingest.web.client import Client, fetch_tokens, read_json
from agents.ingest.web.limits import wait_asked
from schemas.errors import ConfigError, EarshotError, FailureKind, SourceError

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(answer: Answering) -> AsyncIterator[str]:
    """Serve `answer` at every path of a port of its own."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def fixed(status: int = 200, body: bytes = b"{}", **headers: str) -> Answering:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()})

    return answer


async def test_an_answer_is_what_was_sent() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"path": request.path_qs, "agent": request.headers["User-Agent"]})

    async with served(answer) as base, Client("s", base + "/api/") as client:
        got = await client.get("posts", {"q": "Bahn & Co", "n": 2})
        assert got.json() == {"path": "/api/posts?q=Bahn+%26+Co&n=2", "agent": "Earshot/0.1"}
        assert (got.status, got.moved) == (200, base + "/api/posts")


async def test_each_way_of_sending() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response([request.method, request.content_type, (await request.read()).decode()])

    async with served(answer) as base, Client("s", base) as client:
        assert (await client.post("x", json={"a": 1})).json() == ["POST", "application/json", '{"a": 1}']
        assert (await client.post("x", data={"a": "1"})).json() == ["POST", "application/x-www-form-urlencoded", "a=1"]
        assert (await client.put("x", json=1)).json() == ["PUT", "application/json", "1"]
        assert (await client.delete("x", {"id": 1})).json()[0] == "DELETE"


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait", "sentence"),
    [
        (429, {"Retry_After": "120"}, FailureKind.RATE_LIMITED, 120.0, "seconds"),
        (429, {"X_Rate_Limit_Reset": str(int(NOW.timestamp()) + 60)}, FailureKind.RATE_LIMITED, 60.0, "X's moment"),
        (429, {"X_RateLimit_Reset": "2026-11-27T12:05:00Z"}, FailureKind.RATE_LIMITED, 300.0, "Mastodon's moment"),
        (429, {"x_ratelimit_reset": "30"}, FailureKind.RATE_LIMITED, 30.0, "Reddit's seconds"),
        (429, {}, FailureKind.RATE_LIMITED, None, "it does not say"),
        (503, {"Retry_After": "Fri, 27 Nov 2026 12:01:00 GMT"}, FailureKind.SERVER, 60.0, "a date"),
        (500, {}, FailureKind.SERVER, None, "in trouble"),
        (404, {}, FailureKind.REFUSED, None, "not what we think"),
        (302, {"Location": "ftp://x.example/"}, FailureKind.REFUSED, None, "to no web address"),
        (302, {}, FailureKind.REFUSED, None, "to nowhere"),
    ],
)
async def test_what_a_refusal_means(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    kind: FailureKind,
    wait: float | None,
    sentence: str,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    async with served(fixed(status, b"{}", **headers)) as base, Client("s", base) as client:
        with pytest.raises(SourceError) as caught:
            await client.get("x")
    assert (caught.value.kind, caught.value.retry_after) == (kind, wait), sentence


@pytest.mark.parametrize("status", [401, 403, 410])
async def test_what_no_repetition_can_help(status: int) -> None:
    async with served(fixed(status)) as base, Client("news", base) as client:
        with pytest.raises(ConfigError, match=rf"\({status}\).*`news`"):
            await client.get("x")


async def test_a_status_that_is_expected_is_an_answer() -> None:
    async with served(fixed(403, b'{"reason": "quota"}')) as base, Client("s", base) as client:
        assert (await client.get("x", accept=(200, 403))).json() == {"reason": "quota"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd12::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_public(address: str, expected: bool) -> None:
    assert public(address) is expected


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/secret",
        "http://localhost:{port}/secret",
        "http://[::ffff:127.0.0.1]:{port}/secret",
        "http://127.1:{port}/secret",
        "http://2130706433:{port}/secret",
        "http://0x7f000001:{port}/secret",
        "http://0.0.0.0:{port}/secret",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:{port}/secret",
    ],
)
async def test_a_redirect_into_our_own_network_is_not_followed(target: str) -> None:
    asked: list[str] = []

    async def secret(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(text="secret")

    async with served(secret) as inside:
        location = target.format(port=inside.rpartition(":")[2])
        async with served(fixed(302, Location=location)) as base, Client("s", base) as client:
            with pytest.raises(SourceError) as caught:
                await client.get("x")
            assert caught.value.kind == FailureKind.REFUSED
            with pytest.raises(SourceError):
                async with client.frames("ws", quiet=5) as frames:
                    assert not frames
    assert asked == [], "nobody inside was asked"


async def test_a_name_that_leads_inside_is_refused_and_what_was_looked_at_is_what_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: a name that is public when it is looked at and private when it is connected to."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])

    def resolved(host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    guard = Guard(("http://127.0.0.1:80",))
    first = await guard.resolve("rebinding.example", 8080)
    assert [one["host"] for one in first] == ["93.184.216.34"], "this and nothing else is connected to"
    with pytest.raises(NotPublic):
        await guard.resolve("rebinding.example", 8080)
    with pytest.raises(NotPublic, match=r"127\.0\.0\.1"):
        guard.socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 8080)))
    with pytest.raises(NotPublic):
        await guard.resolve("rebinding.example", 80)


async def test_a_redirect_within_the_service_is_followed_and_what_is_for_good_is_told() -> None:
    ways = {"/a": (301, "/b"), "/b": (308, "/c"), "/c": (302, "/d")}

    async def answer(request: web.Request) -> web.StreamResponse:
        status, location = ways.get(request.path, (200, ""))
        return web.Response(status=status, headers={"Location": location} if location else {}, text="[]")

    async with served(answer) as base, Client("s", base) as client:
        got = await client.get("a", {"q": "1"})
        assert (got.url, got.moved) == (f"{base}/d", f"{base}/c")


async def test_it_does_not_go_round_in_circles() -> None:
    async with served(fixed(302, Location="/x")) as base, Client("s", base) as client:
        with pytest.raises(SourceError, match="redirects more than 5 times"):
            await client.get("x")


async def test_what_proves_who_we_are_is_for_the_service_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.ingest.web.address.public", lambda _address: True)
    heard: list[Mapping[str, str]] = []

    async def other(request: web.Request) -> web.StreamResponse:
        heard.append(dict(request.headers))
        return web.json_response({})

    async with served(other) as elsewhere, served(fixed(302, Location=elsewhere)) as base:
        headers = {"Api-Key": "own-secret", "If-None-Match": '"1"'}
        async with Client("s", base, auth=Bearer("token-secret"), headers=headers) as client:
            await client.get("x", headers={"X-Token": "third-secret", "Accept": "text/x"})
    assert "secret" not in str(heard)
    assert (heard[0]["If-None-Match"], heard[0]["Accept"]) == ('"1"', "text/x")


async def test_what_is_sent_is_not_sent_elsewhere() -> None:
    async with served(fixed(307, Location="/other")) as base, Client("s", base) as client:
        with pytest.raises(SourceError, match="answers 307"):
            await client.post("x", json={"a": 1})


@pytest.mark.parametrize(
    ("body", "headers", "sentence"),
    [
        (b"x" * 200_000, {}, "too large as it is"),
        (gzip.compress(b"0" * 300_000_000), {"Content_Encoding": "gzip"}, "a bomb of 300 MB in 300 KB"),
        (b"\x1f\x8b\x08nonsense", {"Content_Encoding": "gzip"}, "no archive"),
    ],
)
async def test_a_body_is_bounded(body: bytes, headers: dict[str, str], sentence: str) -> None:
    async with served(fixed(200, body, **headers)) as base, Client("s", base, max_bytes=100_000) as client:
        with pytest.raises(SourceError) as caught:
            await client.get("x")
    assert caught.value.kind == FailureKind.BROKEN_ANSWER, sentence


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200 + b"]" * 200,
        b"[" * 1_000_000,
        b'{"a":' * 500_000,
        b"{",
        b"",
        b"\xff\xfe",
        b"NaN",
        b"[1e999, Infinity]",
        b"1" * 100_000,
        b'{"a": "\xed\xa0\x80"}',
    ],
)
def test_no_json_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        read_json(body)
    assert caught.value.kind == FailureKind.BROKEN_ANSWER


def test_json_that_is_deep_enough() -> None:
    assert read_json(b"[" * 90 + b"1" + b"]" * 90)


async def test_it_does_not_wait_for_ever() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with served(silent) as base, Client("s", base, timeout=0.2) as client:
        with pytest.raises(SourceError, match="did not answer in time"):
            await client.get("x")


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Client("s", f"http://127.0.0.1:{port}") as client:
        with pytest.raises(SourceError, match="cannot be reached") as caught:
            await client.get("x")
    assert caught.value.kind == FailureKind.NETWORK


@pytest.mark.parametrize("answer", [fixed(500), fixed(401), fixed(302, Location="http://127.0.0.1:1/?k=SECRET"), None])
async def test_no_error_and_no_log_repeats_a_secret(answer: Answering | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def told(go: Callable[[], Awaitable[Any]]) -> str:
        try:
            await go()
        except EarshotError as error:
            return f"{error!r} {error.__cause__!r}" if error.__cause__ else repr(error)
        return ""

    headers = {"X-Key": "SECRET"}
    with capture_logs() as logs:
        async with served(answer or fixed()) as base:
            away = "http://127.0.0.1:1" if answer is None else base
            async with Client("s", away, auth=Bearer("SECRET"), headers=headers) as client:

                async def lines() -> None:
                    async with client.lines("x", {"k": "SECRET"}, quiet=1) as found:
                        assert [line async for line in found]

                async def frames() -> None:
                    async with client.frames("x", params={"k": "SECRET"}, quiet=1):
                        pass

                said = [
                    await told(lambda: client.get("x?key=SECRET", {"k": "SECRET"})),
                    await told(lambda: client.post("x", json="SECRET")),
                    await told(lines),
                    await told(frames),
                ]
                assert all(said)
    assert "SECRET" not in f"{said} {logs} {caplog.text} {client!r} {Bearer('SECRET')!r}"


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer what the path says: a stream that ends, falls silent, breaks, or has a line without an end."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b'{"id": 1}\r\n\r\n{"i')
    await answer.write(b'd": 2}\n')
    if request.path == "/silent":
        await asyncio.sleep(60)
    if request.path == "/broken":
        assert request.transport is not None
        request.transport.abort()
    if request.path == "/long":
        for _ in range(100):
            await answer.write(b"x" * 10_000)
    return answer


@pytest.mark.parametrize(
    ("path", "error"),
    [("ends", ""), ("silent", "silent for 0.3 s"), ("broken", "broke off|could not be asked"), ("long", "longer than")],
)
async def test_lines_come_as_they_are(path: str, error: str) -> None:
    got: list[bytes] = []

    async def collect(client: Client) -> None:
        async with client.lines(path, quiet=0.3) as lines:
            async for line in lines:
                got.append(line)  # noqa: PERF401 - those before the error are looked at too

    async with served(stream) as base, Client("s", base, max_bytes=100_000) as client:
        if error:
            with pytest.raises(SourceError, match=error):
                await collect(client)
        else:
            await collect(client)
    assert got == [b'{"id": 1}', b"", b'{"id": 2}']


async def test_a_stream_that_is_refused() -> None:
    async with served(fixed(429, Retry_After="7")) as base, Client("s", base) as client:
        with pytest.raises(SourceError) as caught:
            async with client.lines("x", quiet=1):
                pass
        assert caught.value.retry_after == 7
        with pytest.raises(SourceError) as caught:
            async with client.frames("x", quiet=1):
                pass
        assert (caught.value.retry_after, caught.value.status) == (7, 429)


async def sockets(request: web.Request) -> web.StreamResponse:
    """Speak over a WebSocket: greet, repeat what is said, and do what the path says."""
    talk = web.WebSocketResponse()
    await talk.prepare(request)
    await talk.send_str(request.headers.get("Authorization", "nobody"))
    if request.path == "/silent":
        await asyncio.sleep(60)
    if request.path == "/large":
        await talk.send_str("x" * 200_000)
    if request.path == "/broken":
        assert request.transport is not None
        request.transport.abort()
        return talk
    async for message in talk:
        if message.type == WSMsgType.TEXT:
            await talk.send_bytes(message.data.encode())
            await talk.close(code=1001)
    return talk


@pytest.mark.parametrize(
    ("path", "error"), [("ends", ""), ("silent", "silent"), ("large", "too large"), ("broken", "broke")]
)
async def test_frames_come_as_they_are(path: str, error: str) -> None:
    got: list[str | bytes] = []

    async def collect(client: Client) -> None:
        async with client.frames(path, quiet=0.3) as frames:
            async for frame in frames:
                got.append(frame)
                if path == "ends" and len(got) == 1:
                    await frames.send_json({"type": "subscribe"})
            assert frames.close_code == 1001

    async with served(sockets) as base, Client("s", base, auth=Bearer("t"), max_bytes=100_000) as client:
        if error:
            with pytest.raises(SourceError, match=error):
                await collect(client)
        else:
            await collect(client)
            assert got == ["Bearer t", b'{"type": "subscribe"}']


def tokens() -> Answering:
    """Give tokens for forms, and what they are for to whoever has the latest."""
    given: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            form = await request.post()
            if form.get("refresh_token") == "used up":
                return web.json_response({"error": "invalid_grant"}, status=400)
            given.append(dict(form))
            count = len(given)
            return web.json_response({"access_token": f"a{count}", "expires_in": 3600, "refresh_token": f"r{count}"})
        fits = request.headers.get("Authorization") == f"Bearer a{len(given)}"
        return web.json_response({} if fits else {"error": "expired"}, status=200 if fits else 401)

    return answer


async def test_a_token_is_fetched_kept_and_renewed_once_it_is_not_taken() -> None:
    async with served(tokens()) as base:
        auth = ClientCredentials(fetch_tokens("s", f"{base}/token"), {"scope": "read"})
        async with Client("s", base, auth=auth) as client:
            await asyncio.gather(*(client.get("x") for _ in range(5)))
            assert (await auth.headers())["Authorization"] == "Bearer a1", "one fetch for all"
            assert auth.expires is not None
            await auth.renew()
            auth._token = "taken back"
            await client.get("x")
            assert (await auth.headers())["Authorization"] == "Bearer a3"


async def test_a_token_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = NOW
    monkeypatch.setattr(clock, "now", lambda: moment)
    async with served(tokens()) as base:
        auth = ClientCredentials(fetch_tokens("s", f"{base}/token"))
        assert (await auth.headers())["Authorization"] == "Bearer a1"
        moment = NOW.replace(minute=58)
        assert (await auth.headers())["Authorization"] == "Bearer a1"
        moment = NOW.replace(minute=59, second=1)
        assert (await auth.headers())["Authorization"] == "Bearer a2"


async def test_the_newest_refresh_token_is_used_and_one_that_a_person_writes_begins_anew() -> None:
    kept: dict[str, str] = {}
    async with served(tokens()) as base:
        fetch = fetch_tokens("s", f"{base}/token")
        first = RefreshToken(fetch, "first", kept)
        await first.headers()
        assert kept["refresh_token"] == "r1"
        await RefreshToken(fetch, "first", kept).headers()
        assert kept["refresh_token"] == "r2", "after a restart the one that is kept is used"
        await RefreshToken(fetch, "another", kept).headers()
        assert "first" not in str(kept)
        assert "another" not in str(kept)
        with pytest.raises(ConfigError, match="no token for these credentials"):
            await RefreshToken(fetch, "used up", {}).headers()


async def test_what_is_no_token() -> None:
    async with served(fixed(200, b'{"token": "SECRET"}')) as base:
        with pytest.raises(SourceError, match="gives no token") as caught:
            await ClientCredentials(fetch_tokens("s", base)).headers()
    assert "SECRET" not in f"{caught.value.__cause__!r}{caught.value.__context__ and caught.value.__suppress_context__}"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "5"}, 5.0),
        ({"x-rate-limit-reset": "-5"}, None),
        ({"x-rate-limit-reset": "nan"}, None),
        ({"x-rate-limit-reset": "99999999999999"}, None),
        ({"x-ratelimit-reset": "2026-11-27T11:00:00Z"}, 0.0),
        ({"x-ratelimit-reset": "12.5"}, 12.5),
    ],
)
def test_wait_asked(headers: dict[str, str], wait: float | None) -> None:
    assert wait_asked(headers, NOW) == wait
