"""One run of a source of X: where it stands, what the watches ask of X, what was given already, and what it costs."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from agents import clock
from agents.ingest.asks import Asks
from agents.ingest.beside import Put
from agents.ingest.platforms.x import PLATFORM, Seen, read_post
from agents.ingest.platforms.x_money import Purse
from agents.ingest.platforms.x_plan import reconcile
from agents.ingest.platforms.x_rules import Compiled, Limits, compile_rules
from agents.ingest.source import Reading
from agents.ingest.x.api import FEWEST, MOST, Api, Page
from pipeline.query import parse
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import InvalidMessage
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat
from schemas.watch import Watch

REMEMBERED = 50_000
"""So many versions of posts are known to have been given, so that a gap is not filled with what came by the stream."""
_log = structlog.get_logger("ingest.x")


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may set; see `agents/ingest/sources/x.py`."""

    tag: str
    stream_limits: Limits
    search_limits: Limits
    users: bool = True
    reserve: int = 20
    quiet: float = 20.0
    settle: float = 40.0
    overlap: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class State:
    """Where a source stands: all posts up to the id `since` are delivered, all mentions up to `mentions`.

    `stopped` is when the budget was spent, so that what came after was not read; `checked` when X was last asked what
    is to be deleted.
    """

    since: int = 0
    mentions: int = 0
    stopped: str = ""
    checked: str = ""

    def cursor(self) -> dict[str, str]:
        """Return the state as a cursor."""
        texts = {"since": str(self.since), "mentions": str(self.mentions)}
        return texts | {"stopped": self.stopped, "checked": self.checked}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "State":
        """Return what a checkpoint holds."""
        cursor = checkpoint.cursor if checkpoint else {}
        numbers = [int(cursor.get(name) or 0) for name in ("since", "mentions")]
        return cls(numbers[0], numbers[1], cursor.get("stopped", ""), cursor.get("checked", ""))


class Run:
    """What one run knows. `purse` changes with every read; `status` is for people; `delivered` are ids of posts."""

    def __init__(self, source: str, api: Api, purse: Purse, asks: Asks, options: Options, delivered: set[str]) -> None:
        self.source = source
        self.api = api
        self.purse = purse
        self.asks = asks
        self.options = options
        self.state = State()
        self.status: dict[str, str | float] = {}
        self.delivered = delivered
        self._given: dict[str, None] = {}
        self._compiled: dict[Limits, tuple[int, Compiled]] = {}

    async def compiled(self, limits: Limits) -> Compiled:
        """Return what the watches ask for, in X's words; of a thousand watches that takes seconds, in a thread."""
        version, watches = self.asks.version, self.asks.watches
        known = self._compiled.get(limits)
        if known is None or known[0] != version:
            self._compiled[limits] = known = version, await asyncio.to_thread(_compile, watches, limits)
        return known[1]

    async def adopt_rules(self) -> int:
        """Make X's rules those of the watches; return how many there are then."""
        compiled = await self.compiled(self.options.stream_limits)
        there = await self.api.rules()
        plan = reconcile(compiled.rules, there, self.options.tag)
        refused: list[str] = []
        for body in plan.requests(len(there), self.options.stream_limits.rules):
            refused += await self.api.change(body)
        if plan.add or plan.delete or refused:
            _log.info("rules changed", source=self.source, added=len(plan.add), deleted=len(plan.delete))
        if refused:
            _log.warning("X refuses rules", source=self.source, count=len(refused))
        if compiled.left_out:
            _log.warning("not all is asked of X", source=self.source, parts=len(compiled.left_out))
        self.status |= {"rules": len(compiled.rules), "rules_refused": len(refused), "rules_of_others": plan.others}
        self.status["not_asked"] = len(compiled.left_out)
        return len(compiled.rules)

    async def give(self, event: Event, put: Put) -> None:
        """Put a post that a watch asks for, once in a run; edits always, since what they change may be held."""
        # every version of a post has an address of its own
        version = event.url or event.key
        if version in self._given:
            return
        self._given[version] = None
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]
        if isinstance(event, Edit) or self.asks.wants(event):
            self.delivered.add(event.id)
            await put(self.reading(event))

    def reading(self, item: Event | Gap | Heartbeat | Deletion) -> Reading:
        """Return what is yielded, with where the source stands after it."""
        return Reading(item, self.state.cursor())

    async def beat(self, put: Put) -> None:
        """Say that X answers, and where the source stands."""
        now = clock.now()
        await put(self.reading(Heartbeat(source=self.source, seen=now, at=now)))

    async def gap(self, put: Put, since: datetime, until: datetime, reason: str) -> None:
        """Tell that posts may be missing."""
        told = Gap(source=self.source, seen=clock.now(), since=min(since, until), until=until, reason=reason)
        await put(self.reading(told))

    async def take(self, page: Page, put: Put, price: float, *, backfill: bool = False) -> list[Event]:
        """Return the posts of a page, oldest first; pay for them, and set aside what cannot be read."""
        seen = Seen(self.source, clock.now(), backfill)
        data = page.payload.get("data", [])
        listed = data if isinstance(data, list) else []
        self.charge(listed, page.payload.get("includes"), price)
        found: list[Event] = []
        for one in reversed(listed):
            try:
                found.append(read_post(one, page.payload.get("includes"), seen))
            except InvalidMessage as error:
                await put(self.dead(error.reason, error.detail, repr(one).encode("utf-8", "replace")))
        return found

    def charge(self, posts: list[Any], includes: Any, price: float) -> None:
        """Pay for posts and for all that came beside them."""
        beside = includes if isinstance(includes, dict) else {}
        others = [one for name in ("tweets", "posts") for one in _list(beside.get(name))]
        users = _list(beside.get("users")) if self.options.users else []
        self.purse = self.purse.charge(clock.now(), price, _ids([*posts, *others]), _ids(users))

    def check_budget(self, price: float, posts: int) -> None:
        """Make sure that so many posts more can be paid for.

        Raises:
            SourceError: they cannot, before the next day or month begins.
        """
        each = price + (self.purse.prices.user if self.options.users else 0.0)
        self.purse.budget.check(self.purse.spending, clock.now(), posts * each)

    def page_size(self, price: float) -> int:
        """Return how many posts the next page may hold.

        Raises:
            SourceError: not even the fewest are left in the budget.
        """
        self.check_budget(price, FEWEST)
        left = self.purse.affordable(clock.now(), price, self.options.users)
        return MOST if left is None else min(MOST, left)

    async def stop(self, put: Put) -> None:
        """Note that from now on nothing is read because it cannot be paid for."""
        if not self.state.stopped:
            self.state = replace(self.state, stopped=clock.now().isoformat())
        await self.beat(put)

    def dead(self, reason: str, detail: str, value: bytes) -> Reading:
        """Return what is set aside because it cannot be read."""
        dead = bury(
            value,
            reason=reason,
            detail=detail,
            topic=f"source:{self.source}",
            partition=0,
            offset=int(clock.seconds() * 1000),
            at=clock.now(),
            key=PLATFORM,
        )
        return Reading(dead)


def _compile(watches: Iterable[Watch], limits: Limits) -> Compiled:
    return compile_rules([parse(text, one.lists).root for one in watches for text in one.queries.values()], limits)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _ids(listed: Any) -> set[str]:
    return {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
