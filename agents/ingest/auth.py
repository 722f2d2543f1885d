"""How a source proves who it is: a fixed token, or one that is fetched and renewed in time."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import Field, ValidationError

from agents import clock
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.model import Heard

EARLY = timedelta(seconds=60)
"""So long before a token expires it is renewed; of a token that lives shorter, the last fifth of its life."""

Fetch = Callable[[Mapping[str, str]], Awaitable[bytes]]
"""Sends a form to the service that gives tokens and returns its answer; raises what `Client` raises."""


class Auth(Protocol):
    """What a client needs to know of it. `expires` is when the token in use does, as far as that is known."""

    @property
    def expires(self) -> datetime | None: ...  # noqa: D102

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that prove it, with a token that is still good.

        Raises:
            SourceError: there is no token to be had now.
            ConfigError: there will never be one as configured.
        """
        ...

    async def renew(self) -> bool:
        """Get another token because this one was not taken; False where there is none to get. Raises as `headers`."""
        ...


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that a person put there; nothing renews it."""

    token: str
    scheme: str = "Bearer"
    expires: datetime | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the header with the token."""
        return {"Authorization": f"{self.scheme} {self.token}"}

    async def renew(self) -> bool:
        """There is no other."""
        return False

    def __repr__(self) -> str:
        return "Bearer(…)"


class Token(Heard):
    """What a service that gives tokens answers (RFC 6749, 5.1); `expires_in` in seconds."""

    access_token: str = Field(min_length=1)
    expires_in: float | None = Field(default=None, ge=0)
    refresh_token: str | None = None


class _Fetched:
    """A token that is fetched when there is none or it ends soon; one fetch at a time."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._token = ""
        self._renew_at: datetime | None = None
        self._lock = asyncio.Lock()
        self.expires: datetime | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the header with a token that is still good; see `Auth`."""
        async with self._lock:
            if not self._token or (self._renew_at is not None and clock.now() >= self._renew_at):
                await self._obtain()
            return {"Authorization": f"Bearer {self._token}"}

    async def renew(self) -> bool:
        """Get another token; see `Auth`."""
        refused = self._token
        async with self._lock:
            if self._token == refused:
                await self._obtain()
        return True

    def _form(self) -> Mapping[str, str]:
        raise NotImplementedError

    def _take(self, token: Token) -> None:
        """Note what else came with the token."""

    async def _obtain(self) -> None:
        try:
            answer = Token.model_validate_json(await self._fetch(self._form()))
        except ValidationError:
            # not chained: it quotes the answer
            raise SourceError("the service gives no token but something else", kind=FailureKind.BROKEN_ANSWER) from None
        except SourceError as error:
            if error.status == 400:
                raise ConfigError(
                    "the service gives no token for these credentials (400)",
                    hint="they are wrong, were revoked or have expired: get new ones",
                ) from error
            raise
        now = clock.now()
        self._token = answer.access_token
        self.expires = self._renew_at = None
        if answer.expires_in is not None:
            life = timedelta(seconds=min(answer.expires_in, 1e9))
            self.expires = now + life
            self._renew_at = self.expires - min(EARLY, life / 5)
        self._take(answer)


class ClientCredentials(_Fetched):
    """OAuth 2 for an application without a user: `form` is all that is sent beside the grant type."""

    def __init__(self, fetch: Fetch, form: Mapping[str, str] | None = None) -> None:
        super().__init__(fetch)
        self._fields = dict(form or {})

    def _form(self) -> Mapping[str, str]:
        return {"grant_type": "client_credentials", **self._fields}


class RefreshToken(_Fetched):
    """OAuth 2 with a refresh token, which may change with every use.

    `kept` is the source's own (`Source.kept`), which is stored with its checkpoint: the newest refresh token is kept
    there under `refresh_token`, since the one in the configuration may be used up. `first` is that one; a person who
    writes another there starts anew with it.
    """

    def __init__(
        self, fetch: Fetch, first: str, kept: MutableMapping[str, str], form: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(fetch)
        self._first = first
        self._kept = kept
        self._fields = dict(form or {})

    def _form(self) -> Mapping[str, str]:
        of = print_of(self._first)
        token = self._kept.get("refresh_token", "") if self._kept.get("refresh_token_of") == of else ""
        return {"grant_type": "refresh_token", "refresh_token": token or self._first, **self._fields}

    def _take(self, token: Token) -> None:
        if token.refresh_token:
            self._kept["refresh_token"] = token.refresh_token
            self._kept["refresh_token_of"] = print_of(self._first)


def print_of(secret: str) -> str:
    """Return by which another secret is told from this one, and from which nobody can get it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]
