"""Posts on X that the watches ask for, our own mentions, and what has to be deleted.

    - {id: x, kind: x, token: "env:X_BEARER_TOKEN", account: "783214", user_token: "env:X_USER_TOKEN", budget_day: 5}

**Reads**: the filtered stream, whose rules are made of the watches' queries and kept as they are; the posts that name
`account` every `every`; and every `compliance` which of the posts we hold X wants deleted. Posts that no watch asks for
are paid but go no further.

**Auth**: the application's bearer token; for mentions, at a fifth of the price, a user's OAuth 2 token of the account
that owns the application (scopes tweet.read and users.read): a `user_token`, which X ends after two hours, or a
`refresh_token` (scope offline.access too) with `client_id` and, of a confidential client, `client_secret`.

**Limits**: one connection, 1,000 rules of 1,024 characters, searches of 512. A budget in US dollars a day and a month,
which ends reading before it is exceeded; a post costs `price_post`, who wrote it `price_user` (`users: false` saves
that). Pauses as X documents them: 250 ms to 16 s for the network, 5 s to 320 s for errors, from 60 s on for 429.

**Cursor**: the id up to which all posts are delivered, that of the mentions, when the budget was spent, when deletions
were last asked for.

**Guarantee**: at least once for what the rules let through; after a break what was missed is searched for.

**Gaps**: told where a break is older than seven days, where the budget was spent, and where X refuses the search. The
search knows no reposts and finds nothing by quoted posts. What X has no words for is not heard: `earshot sources test`
and the log say which parts of which query (docs/sources/x.md).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import Field

from agents import clock
from agents.ingest.auth import Bearer
from agents.ingest.beside import beside
from agents.ingest.budget import Budget, Spending
from agents.ingest.held import held_ids
from agents.ingest.platforms.x import PLATFORM
from agents.ingest.platforms.x_money import Prices, Purse
from agents.ingest.platforms.x_rules import SEARCH_CHARACTERS, STREAM_CHARACTERS, STREAM_RULES, Limits
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Readings, Source, Step
from agents.ingest.web.client import Client
from agents.ingest.x.api import Api, Names
from agents.ingest.x.check import steps
from agents.ingest.x.duties import AccountMentions, Compliance
from agents.ingest.x.follow import Following
from agents.ingest.x.owner import OwnerEntry, owner_of
from agents.ingest.x.past import past
from agents.ingest.x.run import Options, Run, State
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.model import Duration

_log = structlog.get_logger("ingest.x")
Dollars = Annotated[float, Field(ge=0)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]


class Config(OwnerEntry):
    """See the module. `languages` and `reposts: false` hear less on purpose: only what X takes for one of them."""

    token: Secret
    account: Annotated[str, Field(pattern=r"^[0-9]{0,19}$")] = ""
    every: Duration = 60.0
    compliance: Duration = 86_400.0
    users: bool = True
    reposts: bool = True
    languages: tuple[Language, ...] = ()
    budget_day: Dollars | None = 10.0
    budget_month: Dollars | None = None
    price_post: Dollars = 0.005
    price_own: Dollars = 0.001
    price_user: Dollars = 0.010
    reserve: Annotated[int, Field(ge=1)] = 20
    rules: Annotated[int, Field(ge=1)] = STREAM_RULES
    rule_characters: Annotated[int, Field(ge=256)] = STREAM_CHARACTERS
    query_characters: Annotated[int, Field(ge=256)] = SEARCH_CHARACTERS
    stream_names: Names = "tweet"
    search_names: Names = "post"
    quiet: Duration = 20.0
    settle: Duration = 40.0
    overlap: Duration = 60.0

    def options(self) -> Options:
        """Return what a run needs to know of it."""
        languages = " OR ".join(f"lang:{code}" for code in self.languages)
        also = [f"({languages})" if len(self.languages) > 1 else languages, "" if self.reposts else "-is:retweet"]
        kept = " ".join(part for part in also if part)
        return Options(
            tag=f"earshot:{self.id}",
            stream_limits=Limits(self.rule_characters, self.rules, kept),
            search_limits=Limits(
                self.query_characters, self.rules, f"({languages})" if languages else "", together=True
            ),
            users=self.users,
            reserve=self.reserve,
            # a heartbeat may be a little late
            quiet=self.quiet + min(2.0, self.quiet / 10),
            settle=self.settle,
            overlap=timedelta(seconds=self.overlap),
        )


class X(Source[Config]):
    """Follows X for the whole of the installation: its rules and its connection are the application's."""

    Config = Config
    platforms = (PLATFORM,)

    def prepare(self) -> None:
        """Read the tokens; see `Source.prepare`."""
        config = self.config
        self._token = reveal(config.token)
        self._owner = owner_of(config, self.kept)
        self._purse = Purse(
            Budget(config.budget_day, config.budget_month),
            Prices(config.price_post, config.price_own, config.price_user),
            Spending(),
        )
        self._began = clock.now()
        self._delivered: set[str] = set()
        self._refusals: dict[FailureKind, int] = {}
        self._status: Mapping[str, str | float] = {}

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Follow the stream, the mentions and the deletions side by side; see `Source.run`."""
        config = self.config
        async with AsyncExitStack() as stack:
            run = await self._begin(stack)
            run.state = State.resume(checkpoint)
            self._status = run.status
            parts = [Following(run, self._refusals, self._began).follow]
            if config.account:
                price = config.price_own if self._owner else config.price_post
                parts.append(AccountMentions(run, config.account, config.every, price).follow)
            files = await stack.enter_async_context(Client(config.id, config.base, timeout=300))
            parts.append(Compliance(run, files, config.compliance, self._held).follow)
            readings = beside(parts)
            stack.push_async_callback(readings.aclose)
            async for reading in readings:
                self._keep(run)
                yield reading

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of at most the last seven days, by searching; see `Source.backfill`."""
        async with AsyncExitStack() as stack:
            run = await self._begin(stack)
            async for reading in past(run, start, end):
                self._keep(run)
                yield reading

    async def check(self) -> AsyncIterator[Step]:
        """Try what it needs, one thing after the other; see `Source.check`."""
        if self.config.refresh_token:
            # it is used up by being tried, and whoever runs the source has the only one that is still good
            self._owner = None
            told = "not tried, since that would use it up: `earshot sources` shows whether it is renewed"
            yield Step("refresh token", ok=True, detail=told)
        async with AsyncExitStack() as stack:
            run = await self._begin(stack)
            async for step in steps(run, self.config.account, owner=self._owner is not None):
                yield step

    def facts(self) -> Mapping[str, str | float]:
        """Return what was spent and is left, how the stream stands and what is not asked of X."""
        ends = self._owner.expires if self._owner else None
        expires = {"token_expires": ends.isoformat()} if ends else {}
        return {**self._status, **expires, **self._purse.facts(clock.now())}

    async def _begin(self, stack: AsyncExitStack) -> Run:
        config, options = self.config, self.config.options()
        client = await stack.enter_async_context(Client(config.id, config.base, auth=Bearer(self._token)))
        owner = None
        if self._owner:
            owner = await stack.enter_async_context(Client(config.id, config.base, auth=self._owner))
        api = Api(client, owner, (config.stream_names, config.search_names), users=config.users)
        if (spent := Spending.read(self.kept.get("spent"))).day > self._purse.spending.day:
            self._purse = Purse(self._purse.budget, self._purse.prices, spent)
        return Run(config.id, api, self._purse, self.asks, options, self._delivered)

    def _keep(self, run: Run) -> None:
        """Remember what was spent: it must not be forgotten, whatever comes of what was read."""
        if run.purse is not self._purse:
            self._purse = run.purse
            self.kept["spent"] = run.purse.spending.text()

    async def _held(self) -> set[str]:
        """Return the ids of the posts that the broker holds, whoever read them; none where it does not let us look."""
        try:
            return await asyncio.to_thread(held_ids, self.settings, PLATFORM)
        except (SourceError, ConfigError) as error:
            _log.warning("what is held cannot be read back", source=self.config.id, reason=str(error))
            return set()
