"""The Graph API, which Facebook, Instagram and Threads share: proof of the secret, pages, and the limits it tells."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field

from agents import clock
from agents.ingest.auth import Bearer
from agents.ingest.platforms.meta import Usage, proof, refusal, usage
from agents.ingest.platforms.payload import group, rows, text
from agents.ingest.secret import Secret
from agents.ingest.source import Entry
from agents.ingest.web.client import Answer, Client
from agents.ingest.web.limits import wait_asked
from schemas.errors import FailureKind, SourceError
from schemas.model import Duration

MOST_PAGES = 200
"""What has more pages than this is broken, or so large that the next reconciliation goes on with it."""
_ANSWERS = (200, 400, 403, 404, 429, 500, 503)
_SECRETS = frozenset({"access_token", "appsecret_proof"})


class MetaEntry(Entry):
    """`app_secret` may hold several with commas while it is changed; `public` is our address as Meta reaches it."""

    token: Secret
    app_secret: Secret
    verify_token: Secret
    app: Annotated[str, Field(pattern=r"^\d{0,40}$")] = ""
    public: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    api: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "https://graph.facebook.com"
    version: Annotated[str, Field(pattern=r"^(v\d+\.\d+)?$")] = "v26.0"
    pull: bool = True
    reconcile: Annotated[Duration, Field(ge=1)] = 86_400.0


@dataclass(frozen=True, slots=True)
class Account:
    """How an app reads as somebody: where, in which version, with which token, and the app's secret to prove it."""

    base: str
    version: str
    token: str
    secret: bytes


class Graph:
    """Asks the Graph API. An async context manager. `usage` is how much of the limits the last answer said is used."""

    def __init__(self, source: str, account: Account) -> None:
        self._account = account
        self._client = Client(source, account.base, auth=Bearer(account.token))
        self._proof = proof(account.secret, account.token)
        self.usage = Usage()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.__aexit__(*exception)

    async def get(self, where: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Return the object at `where`, such as `/{page}/feed`; asks the more slowly the more of a limit is used.

        Raises:
            SourceError: not now, or (`status` 404) it is not there; where a limit is nearly reached, before it is.
            ConfigError: the token is not valid, or lacks a permission.
        """
        await self._keep_to_limits()
        return self._read(await self._ask(where, {**(params or {}), "appsecret_proof": self._proof}))

    async def debug(self, app: str) -> Mapping[str, Any]:
        """Return what Meta knows of our token: `is_valid`, `expires_at`, `scopes`; `app` is the app's id. See `get`."""
        owner = f"{app}|{self._account.secret.decode()}" if app else self._account.token
        asked = {"input_token": self._account.token, "access_token": owner}
        return group(self._read(await self._ask("/debug_token", asked)), "data")

    async def pages(self, where: str, params: Mapping[str, str] | None = None) -> AsyncIterator[list[Any]]:
        """Yield page after page of a list; see `get`.

        Of the address of the next page only what it asks is taken, never where it points, and no token.
        """
        asked = dict(params or {})
        for _ in range(MOST_PAGES):
            found = await self.get(where, asked)
            yield rows(found, "data")
            following = text(group(found, "paging"), "next")
            if not following or not rows(found, "data"):
                return
            further = {name: value for name, value in parse_qsl(urlsplit(following).query) if name not in _SECRETS}
            if not further or {**asked, **further} == asked:
                return
            asked |= further

    async def _ask(self, where: str, params: Mapping[str, str]) -> Answer:
        path = f"{self._account.version}/{where.lstrip('/')}" if self._account.version else where
        answer = await self._client.get(path, params, accept=_ANSWERS)
        self.usage = usage(answer.headers)
        return answer

    def _read(self, answer: Answer) -> Mapping[str, Any]:
        try:
            body = answer.json()
        except SourceError:
            if answer.status == 200:
                raise
            body = {}
        if answer.status != 200 or group(body, "error"):
            error = refusal(body, answer.status, self.usage)
            if isinstance(error, SourceError) and (wait := wait_asked(answer.headers, clock.now())) is not None:
                error.retry_after = wait
            raise error
        return group(body)

    async def _keep_to_limits(self) -> None:
        if self.usage.stop:
            raise SourceError(
                f"{self.usage.percent:.0f} % of the calls Meta allows are used",
                self.usage.stop,
                kind=FailureKind.RATE_LIMITED,
            )
        if self.usage.pause:
            await asyncio.sleep(self.usage.pause)
