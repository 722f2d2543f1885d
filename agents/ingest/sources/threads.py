"""Threads: where an account is mentioned, what is answered to it, and what its search finds for the watches.

    - {id: th, kind: threads, account: "17841", token: env:TH_TOKEN, app_secret: env:TH_APP, verify_token: env:TH_HOOK}

**Reads**: notifications of the fields `mentions`, `replies` and `delete`, which Meta posts to `/hooks/<id>`; and every
`reconcile` (15 minutes) the account's mentions, and `keyword_search` for the words of the watches, or for those in
`search`. Of what the search finds only what a watch asks for is passed on.

**Auth**: as for `facebook`; the app's secret is that of its Threads use case. Permissions: `threads_basic`,
`threads_manage_mentions`, `threads_read_replies`, and `threads_keyword_search` with advanced access: without that a
search finds the account's own posts only. The token lives 60 days and is renewed every week while the source runs.

**Limits**: `searches` (2,200) a day and account; searches that find nothing do not count. With more words than that
allows they take turns. `X-App-Usage` is respected as for `facebook`. 4 MiB a notification.

**Cursor**: when it was read last, and the searches of the day.

**Guarantee**: at least once for what was answered with 200 or can be asked for. Threads names authors without an id.

**Gaps**: as for `facebook`, after 36 hours without us. Edits are not told. A search gives what Meta chooses to give.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Annotated

import structlog
from pydantic import Field

from agents import clock
from agents.ingest.auth import print_of
from agents.ingest.budget import Budget, Spending
from agents.ingest.meta.check import check_node, check_reach, check_token
from agents.ingest.meta.graph import Account, Graph, MetaEntry
from agents.ingest.meta.source import MetaSource
from agents.ingest.platforms import threads
from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread
from agents.ingest.platforms.payload import moment, text
from agents.ingest.platforms.threads_words import words
from agents.ingest.source import Step
from schemas.errors import ConfigError, SourceError
from schemas.event import Event
from schemas.model import Duration

PERMISSIONS = ("threads_basic", "threads_manage_mentions", "threads_read_replies", "threads_keyword_search")
DAY = 86_400.0
RENEWED, TRIED = timedelta(days=7), timedelta(days=1)
"""How often a token is renewed, and how long after a failure the next attempt waits."""
LONG_AGO = datetime.min.replace(tzinfo=UTC) + RENEWED

_log = structlog.get_logger("ingest.threads")


class Config(MetaEntry):
    """See the module. `account` is the id of the Threads profile."""

    account: Annotated[str, Field(pattern=r"^(\d{1,40}|me)$")]
    search: tuple[str, ...] = ()
    searches: Annotated[int, Field(ge=0)] = 2200
    api: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "https://graph.threads.net"
    version: Annotated[str, Field(pattern=r"^(v\d+\.\d+)?$")] = "v1.0"
    reconcile: Annotated[Duration, Field(ge=1)] = 900.0


class Threads(MetaSource[Config]):
    """One profile."""

    Config = Config
    platform = threads.PLATFORM
    platforms = (threads.PLATFORM,)

    def prepare(self) -> None:
        """See `Source.prepare`."""
        super().prepare()
        self._own = ""
        self._turn = 0
        self._tried = LONG_AGO
        self._spending = Spending()
        self._budget = Budget(day=float(self.config.searches), unit="searches")

    def resume(self, cursor: Mapping[str, str]) -> None:
        """Take over how much was searched today."""
        self._spending = Spending.read(cursor.get("searched"))

    def standing(self) -> Mapping[str, str]:
        """Return how much was searched today."""
        return {"searched": self._spending.text()}

    def facts(self) -> Mapping[str, str | float]:
        """Return how many searches are left today beside what all of Meta's sources know."""
        now = clock.now()
        left, today = self._budget.left(self._spending, now), self._spending.at(now).today
        return {**super().facts(), "quota_left": left or 0.0, "spent_day": today, "spent_unit": self._budget.unit}

    def account(self) -> Account:
        """Return how Threads is asked: with the token that was renewed last, unless a person wrote another since."""
        given = super().account()
        renewed = self.kept.get("token") if self.kept.get("token_of") == print_of(given.token) else None
        return replace(given, token=renewed) if renewed else given

    async def renew(self, graph: Graph) -> None:
        """Get another token every week: each lives 60 days, and only one that still lives, for a day, gives another."""
        now, of = clock.now(), print_of(super().account().token)
        last = moment(self.kept.get("token_at")) if self.kept.get("token_of") == of else None
        if max(last or LONG_AGO, self._tried) + (RENEWED if last else TRIED) > now:
            return
        self._tried = now
        asked = {"grant_type": "th_refresh_token", "access_token": self.account().token}
        try:
            token = text(await graph.get("/refresh_access_token", asked), "access_token")
        except (SourceError, ConfigError) as error:
            # it may be too young; when it ends is told by `earshot sources`, whatever comes of this
            _log.warning("the token was not renewed", source=self.config.id, reason=str(error))
            return
        if token:
            self.kept.update(token=token, token_of=of, token_at=now.isoformat())

    def mean(self, change: Change, seen: datetime) -> Meaning:
        """Return what a change means; see `MetaSource.mean`."""
        return threads.read_change(change, self.config.id, seen, self._own)

    async def follow(self, graph: Graph, unread: Unread, seen: datetime) -> Event | Ignored:
        """Read a post; see `MetaSource.follow`."""
        node = await graph.get(f"/{unread.id}", {"fields": threads.FIELDS})
        return threads.read_post(node, self.config.id, seen, self._own)

    async def history(self, graph: Graph, start: datetime, end: datetime) -> AsyncIterator[Event | Ignored]:
        """Yield mentions from `start` to `end`, then what the search finds; see `MetaSource.history`."""
        self._own = self._own or text(await graph.get(f"/{self.config.account}", {"fields": "id,username"}), "username")
        span = {"since": _unix(start), "until": _unix(end), "fields": threads.FIELDS, "limit": "100"}
        async for nodes in graph.pages(f"/{self.config.account}/mentions", span):
            for node in nodes:
                yield threads.read_post(node, self.config.id, end, self._own)
        wanted, rounds = self._share()
        span["since"] = _unix(start - (rounds - 1) * timedelta(seconds=self.config.reconcile))
        for word in wanted:
            now = clock.now()
            if (self._budget.left(self._spending, now) or 0) < 1:
                return
            found = False
            async for nodes in graph.pages("/keyword_search", {**span, "q": word, "search_type": "RECENT"}):
                found = found or bool(nodes)
                for node in nodes:
                    event = threads.read_post(node, self.config.id, end, self._own)
                    if isinstance(event, Ignored) or self.config.search or self.asks.wants(event):
                        yield event
            self._spending = self._spending.spend(now, float(found))

    def _share(self) -> tuple[list[str], int]:
        """Return the words whose turn it is, and in how many rounds each has its turn."""
        queries = (query for found in self.asks.queries.values() for query in found)
        every = self.config.search or words(queries)
        affordable = max(1, int(self.config.searches * self.config.reconcile / DAY))
        rounds = max(1, ceil(len(every) / affordable))
        turn = self._turn % rounds
        self._turn += 1
        return list(every[turn * affordable : (turn + 1) * affordable]), rounds

    async def check(self) -> AsyncIterator[Step]:
        """Yield whether the token is valid, has each permission, reads the profile, and Meta reaches us."""
        async with Graph(self.config.id, self.account()) as graph:
            async for step in check_token(graph, self.config.app, PERMISSIONS):
                yield step
            yield await check_node(graph, "profile", f"/{self.config.account}")
        yield await check_reach(self.config.id, self.config.public, self.path, self._verify_token)


def _unix(time: datetime) -> str:
    return str(int(time.timestamp()))
