"""LinkedIn's versioned REST interface as one member of one organisation sees it, within a day's calls."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import Field

from agents import clock
from agents.ingest.auth import Auth, Bearer, RefreshToken
from agents.ingest.budget import Budget, Spending
from agents.ingest.platforms.linkedin import asking, refusal
from agents.ingest.platforms.payload import group, load, moment, rows
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry
from agents.ingest.web.client import Answer, Client, fetch_tokens
from agents.ingest.web.limits import wait_asked
from schemas.errors import ConfigError, SourceError
from schemas.model import Duration

PAGE = 50
MOST_PAGES = 100
_ANSWERS = (200, 201, 204, 400, 403, 404, 426, 429)


@dataclass
class Calls:
    """How many calls were made today, and how many may be."""

    budget: Budget
    spending: Spending

    def use(self) -> None:
        """Count one call before it is made.

        Raises:
            SourceError: there is none left today.
        """
        now = clock.now()
        self.budget.check(self.spending, now, 1)
        self.spending = self.spending.spend(now, 1)

    def facts(self) -> dict[str, str | float]:
        """Return how many calls are left today, and how many were made."""
        now = clock.now()
        left = self.budget.left(self.spending, now)
        today = self.spending.at(now).today
        return {"quota_left": left or 0.0, "spent_day": today, "spent_unit": self.budget.unit}


class LinkedInApi:
    """Asks LinkedIn. An async context manager.

    Raises, from every method:
        SourceError: not now, or not any more as the member is placed; `status` says what was answered.
        ConfigError: the version is too old, or there is no token to be had.
    """

    def __init__(self, source: str, base: str, version: str, auth: Auth, calls: Calls) -> None:
        headers = {"Linkedin-Version": version, "X-Restli-Protocol-Version": "2.0.0"}
        self._client = Client(source, base, auth=auth, headers=headers)
        self._version = version
        self._calls = calls

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.__aexit__(*exception)

    async def get(self, where: str) -> Any:
        """Return what is at `where`."""
        return await self._ask(self._client.get, where)

    async def put(self, where: str, body: Any) -> None:
        """Put `body` at `where`."""
        await self._ask(self._client.put, where, json=body)

    async def notifications(self, organization: str, start: datetime, end: datetime) -> AsyncIterator[list[Any]]:
        """Yield page after page of what happened from `start` to `end`."""
        # what lies on the border of a second or of their clock and ours is asked for too
        end += timedelta(seconds=1)
        for page in range(MOST_PAGES):
            found = rows(await self.get(asking(organization, start, end, (page * PAGE, PAGE))), "elements")
            yield found
            if len(found) < PAGE:
                return

    async def post(self, urn: str) -> Any:
        """Return the post with that URN."""
        return await self.get(f"/rest/posts/{quote(urn, safe='')}")

    async def _ask(self, ask: Callable[..., Awaitable[Answer]], where: str, **sent: Any) -> Any:
        self._calls.use()
        try:
            answer = await ask(where, accept=_ANSWERS, **sent)
        except ConfigError as error:
            # the client gives up where neither the token nor a new one is taken; a grant may come back
            if "(401)" in str(error):
                raise refusal(401, None, self._version) from error
            raise
        return self._read(answer)

    def _read(self, answer: Answer) -> Any:
        if answer.status in (200, 201, 204):
            return group(answer.json()) if answer.body else {}
        try:
            body = answer.json()
        except SourceError:
            body = {}
        error = refusal(answer.status, body, self._version)
        if isinstance(error, SourceError) and error.retry_after is None:
            error.retry_after = wait_asked(answer.headers, clock.now())
        raise error


WARN = timedelta(days=14)
"""So long before a grant ends it is said."""


class LinkedInEntry(Entry):
    """What an entry names. `back` is how far the first look goes; the subscription needs `member` and `application`."""

    organization: Annotated[str, Field(pattern=r"^\d{1,20}$")]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Secret
    token: Secret = ""
    refresh_token: Secret = ""
    application: Annotated[str, Field(pattern=r"^\d{0,20}$")] = ""
    member: Annotated[str, Field(pattern=r"^(urn:li:person:[\w-]+)?$")] = ""
    public: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    api: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "https://api.linkedin.com"
    tokens: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "https://www.linkedin.com/oauth/v2/accessToken"
    version: Annotated[str, Field(pattern=r"^\d{6}$")] = "202607"
    every: Annotated[Duration, Field(ge=1)] = 900.0
    back: Duration = 172_800.0
    pull: bool = True
    calls: Annotated[int, Field(ge=1)] = 500


class Grant:
    """A member's grant: the token in use, and when it and what renews it end."""

    def __init__(self, auth: Auth, kept: MutableMapping[str, str]) -> None:
        self.auth = auth
        self._kept = kept

    @classmethod
    def of(cls, entry: LinkedInEntry, client_secret: str, kept: MutableMapping[str, str]) -> "Grant":
        """Return the grant that an entry names.

        Raises:
            ConfigError: it names none, or there is no such secret.
        """
        if entry.refresh_token:
            fetch = fetch_tokens(entry.id, entry.tokens)

            async def noting(form: Mapping[str, str]) -> bytes:
                answer = await fetch(form)
                ends = _number(group(load(answer)).get("refresh_token_expires_in"))
                if ends:
                    kept["refresh_token_ends"] = (clock.now() + timedelta(seconds=ends)).isoformat()
                return answer

            proof = {"client_id": entry.client_id, "client_secret": client_secret}
            return cls(RefreshToken(noting, reveal(entry.refresh_token), kept, proof), kept)
        if entry.token:
            return cls(Bearer(reveal(entry.token)), kept)
        raise ConfigError(
            "has neither `refresh_token` nor `token`", where=f"source {entry.id}", hint="name where one of them is"
        )

    def facts(self, now: datetime) -> dict[str, str | float]:
        """Return when the tokens end, with a warning while there is time to do something about it."""
        found: dict[str, str | float] = {}
        if self.auth.expires:
            found["token_expires"] = self.auth.expires.isoformat()
        ends = moment(self._kept.get("refresh_token_ends"))
        if ends:
            found["grant_ends"] = ends.isoformat()
            if ends - now < WARN:
                found["warning"] = f"the grant ends on {ends:%Y-%m-%d}: the member must grant access anew"
        return found


def _number(value: Any) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
    return float(value) if sound else 0.0
