"""The way out over HTTP, the same for every source: bounded, refusing to be led astray, and clear about failures.

Nothing that is raised or logged here repeats the query of a URL, a header or a body: they hold secrets and words.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from agents import clock
from agents.ingest.auth import Auth, Fetch
from agents.ingest.web.address import Guard, place
from agents.ingest.web.answer import Answer, read_json
from agents.ingest.web.limits import wait_asked
from agents.ingest.web.stream import Socket, broken, failures, lines_of
from schemas.errors import ConfigError, FailureKind, SourceError

__all__ = ["Answer", "Client", "fetch_tokens", "read_json"]

MOST_REDIRECTS = 5
AGENT = "Earshot/0.1"
_MOVED = (301, 302, 303, 307, 308)
_HARMLESS = frozenset({"user-agent", "accept", "accept-language", "if-none-match", "if-modified-since"})
"""What may be said to whomever a service sends us to; all else may prove who we are."""
Params = Mapping[str, str | int] | list[tuple[str, str]] | None


class Client:
    """Asks one service. An async context manager; one for every run of a source.

    `base` is where the service is: an operator's setting, so it may be in our own network; nowhere else may be.
    """

    def __init__(
        self,
        source: str,
        base: str,
        *,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        max_bytes: int = 10_485_760,
    ) -> None:
        self.source = source
        self.base = base
        self._auth = auth
        self._headers = {"User-Agent": AGENT, **(headers or {})}
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        guard = Guard((self.base,))
        # no cache of names: each connection is made to an address that was looked at for it
        connector = aiohttp.TCPConnector(resolver=guard, socket_factory=guard.socket, use_dns_cache=False)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
        )
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        where: str,
        params: Params = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> Answer:
        """Ask for `where`, a path below `base` or a whole URL; redirects are followed, five at most.

        Raises:
            SourceError: no answer, none of `accept`, too large, or a redirect to what is not public.
            ConfigError: the service does not let us in (401, 403), or what we ask for is gone for good (410).
        """
        return await self._ask("GET", where, accept, params=params, headers=headers)

    async def post(
        self,
        where: str,
        *,
        params: Params = None,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200, 201),
    ) -> Answer:
        """Send `json`, or `data` as a form or as it is; see `get`."""
        return await self._ask("POST", where, accept, params=params, headers=headers, json=json, data=data)

    async def put(
        self,
        where: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200, 201, 204),
    ) -> Answer:
        """Put `json`, or `data` as it is, at `where`; see `get`."""
        return await self._ask("PUT", where, accept, headers=headers, json=json, data=data)

    async def delete(
        self,
        where: str,
        params: Params = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200, 204),
    ) -> Answer:
        """Delete what is at `where`; see `get`."""
        return await self._ask("DELETE", where, accept, params=params, headers=headers)

    @asynccontextmanager
    async def lines(
        self, where: str, params: Params = None, *, quiet: float, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer that does not end, and give its lines as they come, the empty ones too, without their ends.

        When the service closes it, the lines end. Redirects are not followed.

        Raises:
            SourceError: as `get` does; and, from the lines, when nothing came for `quiet` seconds.
            ConfigError: as `get` does.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=quiet)
        for attempt in (1, 2):
            with failures():
                answer = await self._open("GET", self._url(where), headers, timeout=timeout, params=params)
            async with answer:
                if answer.status == 200:
                    yield lines_of(answer.content, self._max_bytes, quiet)
                    return
                if attempt == 1 and answer.status == 401 and self._auth is not None and await self._auth.renew():
                    continue
                raise self._refusal(answer.status, answer.headers)

    @asynccontextmanager
    async def frames(
        self, url: str, *, quiet: float, params: Params = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Socket]:
        """Open a WebSocket at `url`, or at a path below `base`, and give what comes through it.

        Raises:
            SourceError: it was not opened (`status` says what was answered); and, from the socket, when nothing came
                for `quiet` seconds, or a frame was too large.
            ConfigError: the service does not let us in.
        """
        target = self._url(url)
        asked = await self._with_auth(headers, target)
        try:
            with failures():
                socket = await self._opened.ws_connect(
                    # http becomes ws, https wss
                    target.replace("http", "ws", 1) if target.startswith("http") else target,
                    headers=asked,
                    params=params,
                    max_msg_size=self._max_bytes,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            raise self._refusal(error.status, error.headers or {}) from None
        async with socket:
            yield Socket(socket, quiet)

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise TypeError("use the client as an async context manager")
        return self._session

    def _url(self, where: str) -> str:
        return where if "://" in where else f"{self.base.rstrip('/')}/{where.lstrip('/')}" if where else self.base

    async def _ask(self, method: str, where: str, accept: Collection[int], **sent: Any) -> Answer:
        """Ask, once more with a renewed token where the first was not taken."""
        answer = await self._follow(method, where, accept, **sent)
        if answer is None:
            answer = await self._follow(method, where, accept, last=True, **sent)
        if answer is None:
            raise SourceError("the service does not answer to the point", kind=FailureKind.BROKEN_ANSWER)
        return answer

    async def _follow(
        self, method: str, where: str, accept: Collection[int], *, last: bool = False, **sent: Any
    ) -> Answer | None:
        """Follow redirects to an answer; None where the token was not taken and has been renewed."""
        url = moved = asked = self._url(where)
        headers = sent.pop("headers", None) or {}
        stays = True
        for _ in range(MOST_REDIRECTS + 1):
            with failures():
                async with await self._open(method, url, headers, **sent) as answer:
                    if answer.status in accept:
                        body = await self._body(answer)
                        return Answer(answer.status, answer.headers, body, url, moved)
                    if answer.status == 401 and not last and self._auth is not None and await self._auth.renew():
                        return None
                    if answer.status not in _MOVED or method != "GET":
                        raise self._refusal(answer.status, answer.headers)
                    url = _redirected(url, answer.headers.get("Location", ""))
                    sent.pop("params", None)
                    stays = stays and answer.status in (301, 308)
                    moved = url if stays else moved
                    if not _same(url, asked):
                        headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
        raise SourceError(f"the service redirects more than {MOST_REDIRECTS} times", kind=FailureKind.REFUSED)

    async def _open(self, method: str, url: str, headers: Mapping[str, str] | None, **sent: Any) -> Any:
        asked = await self._with_auth(headers, url)
        # what is written as %XX stays so: to some services %3A is not a colon
        target = URL(url, encoded="%" in url and " " not in url and url.isascii())
        return await self._opened.request(method, target, headers=asked, allow_redirects=False, **sent)

    async def _with_auth(self, headers: Mapping[str, str] | None, url: str) -> dict[str, str]:
        """Return the headers for `url`: what proves who we are goes only to the service itself."""
        if _same(url, self.base):
            proof = await self._auth.headers() if self._auth is not None else {}
            return {**self._headers, **(headers or {}), **proof}
        general = {name: value for name, value in self._headers.items() if name.lower() in _HARMLESS}
        return {**general, **(headers or {})}

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for chunk in answer.content.iter_chunked(65_536):
            size += len(chunk)
            if size > self._max_bytes:
                raise broken(f"the answer is larger than {self._max_bytes} bytes")
            parts.append(chunk)
        return b"".join(parts)

    def _refusal(self, status: int, headers: Mapping[str, str]) -> SourceError | ConfigError:
        """Return what a status means that is none of those hoped for."""
        if status in (401, 403):
            hint = f"correct the credentials of source `{self.source}`: `earshot sources test {self.source}` says more"
            return ConfigError(f"the service does not let us in ({status})", hint=hint)
        if status == 410:
            return ConfigError("it is gone for good (410)", hint=f"correct or remove source `{self.source}`")
        wait = wait_asked(headers, clock.now())
        if status == 429:
            return SourceError("the service asks for a pause (429)", wait, kind=FailureKind.RATE_LIMITED, status=status)
        kind = FailureKind.SERVER if status >= 500 else FailureKind.REFUSED
        return SourceError(f"the service answers {status}", wait, kind=kind, status=status)


def _same(url: str, other: str) -> bool:
    """Tell whether two URLs are of one service, over one kind of connection."""
    secure = [one.startswith(("https:", "wss:")) for one in (url, other)]
    try:
        return secure[0] == secure[1] and place(url) == place(other)
    except ValueError:
        return False


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        fits = bool(location) and place(target) and target.startswith(("http:", "https:"))
    except ValueError:
        fits = False
    if not fits:
        raise SourceError("the service redirects to what is no web address", kind=FailureKind.REFUSED)
    return target


def fetch_tokens(source: str, url: str, headers: Mapping[str, str] | None = None) -> Fetch:
    """Return what asks the service at `url` for tokens; `headers` may prove the application (HTTP basic)."""

    async def fetch(form: Mapping[str, str]) -> bytes:
        async with Client(source, url, headers=headers, max_bytes=1_048_576) as client:
            return (await client.post("", data=form)).body

    return fetch
