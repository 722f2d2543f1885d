"""YouTube's Data API with its two daily quotas: searches have one of their own, and midnight is in California."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from agents import clock
from agents.ingest.budget import Budget, Spending
from agents.ingest.platforms.youtube import Seen, items_of, read_comment, read_thread, reasons, replies_left_out
from agents.ingest.web.client import Answer, Client
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Event

T = TypeVar("T")

ZONE = "America/Los_Angeles"
PAGE = 50
_REFUSALS = (400, 403, 404)


class NoSearch(Exception):
    """No more searches today; other things can still be asked for."""


class NoComments(Exception):
    """There are no comments to be had there: they are switched off, or what they are under is gone."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent of both quotas since midnight in California."""

    searches: Spending = field(default_factory=lambda: Spending(ZONE))
    units: Spending = field(default_factory=lambda: Spending(ZONE))

    def cursor(self) -> dict[str, str]:
        """Return it as a part of a cursor."""
        return {"searches": self.searches.text(), "units": self.units.text()}


@dataclass(slots=True)
class Quotas:
    """Both quotas and what was spent of them; `spent` changes with every request."""

    searches: Budget
    units: Budget
    spent: Spent = field(default_factory=Spent)

    def resume(self, cursor: dict[str, str]) -> None:
        """Go on from what a cursor holds, unless more than that is known to be spent."""
        read = Spent(Spending.read(cursor.get("searches"), ZONE), Spending.read(cursor.get("units"), ZONE))
        self.spent = max(self.spent, read, key=lambda spent: (spent.units.day, spent.units.today))

    @property
    def searches_left(self) -> float:
        """How many searches are left today."""
        return self.searches.left(self.spent.searches, clock.now()) or 0.0

    @property
    def units_left(self) -> float:
        """How many units are left today."""
        return self.units.left(self.spent.units, clock.now()) or 0.0

    def take(self, what: str) -> None:
        """Spend the price of a request before it is sent.

        Raises:
            NoSearch: no search is left today.
            SourceError: no unit is.
        """
        now = clock.now()
        if what != "search":
            self.units.check(self.spent.units, now, 1)
            self.spent = replace(self.spent, units=self.spent.units.spend(now, 1))
        elif self.searches_left < 1:
            raise NoSearch
        else:
            self.spent = replace(self.spent, searches=self.spent.searches.spend(now, 1))

    def exhaust(self, what: str) -> None:
        """Take note that YouTube says that a quota is spent: somebody else spends of it too.

        Raises:
            NoSearch, SourceError: as `take`.
        """
        now = clock.now()
        if what == "search":
            searches = self.spent.searches.spend(now, self.searches_left)
            self.spent = replace(self.spent, searches=searches)
        else:
            self.spent = replace(self.spent, units=self.spent.units.spend(now, self.units_left))
        self.take(what)


class Api:
    """Asks YouTube within its quotas."""

    def __init__(self, client: Client, quotas: Quotas) -> None:
        self._client = client
        self._quotas = quotas

    async def ask(self, what: str, query: dict[str, str]) -> dict[str, Any]:
        """Return an answer, if its price is left; the price is spent whatever is answered.

        Raises:
            SourceError: the units are spent until midnight in California, or YouTube cannot answer now.
            ConfigError: the key is not taken, or the API is not switched on.
            NoSearch: searches are spent.
            NoComments: there are none there.
        """
        self._quotas.take(what)
        answer = await self._client.get(f"youtube/v3/{what}", query, accept=(200, *_REFUSALS))
        if answer.status != 200:
            self._refuse(answer, what)
        found = answer.json()
        if not isinstance(found, dict):
            raise SourceError("the service answers with no list", kind=FailureKind.BROKEN_ANSWER)
        return found

    async def resources(self, what: str, part: str, names: list[str]) -> list[Any]:
        """Return the resources with these ids, fifty at a time; what is gone is not among them. Raises as `ask`."""
        found: list[Any] = []
        for start in range(0, len(names), PAGE):
            query = {"part": part, "id": ",".join(names[start : start + PAGE])}
            more = {"textFormat": "plainText"} if what == "comments" else {"maxResults": str(PAGE)}
            found += read_all(items_of, await self.ask(what, query | more))
        return found

    async def thread(self, thread: Any, seen: Seen, known: Container[str]) -> list[Event]:
        """Return a comment and its replies, asking for those that did not come with it unless all else is `known`.

        Raises:
            InvalidMessage: wrong-type; else as `ask`.
        """
        events = list(read_thread(thread, seen))
        if replies_left_out(thread) and any(event.id not in known for event in events):
            query = {"part": "snippet", "parentId": events[0].id, "maxResults": "100", "textFormat": "plainText"}
            answer = await self.ask("comments", query)
            replies = [read_comment(one, seen, thread["snippet"].get("videoId")) for one in items_of(answer)]
            events += [reply for reply in replies if reply.id not in {event.id for event in events}]
        return events

    def _refuse(self, answer: Answer, what: str) -> None:
        """Raise what a refusal means."""
        told = reasons(answer.json())
        if told & {"quotaExceeded", "dailyLimitExceeded"}:
            self._quotas.exhaust(what)
        if told & {"rateLimitExceeded", "userRateLimitExceeded"}:
            raise SourceError("the service asks for a pause (403)", 60.0, kind=FailureKind.RATE_LIMITED, status=403)
        if what == "commentThreads" and (answer.status == 404 or "commentsDisabled" in told):
            raise NoComments
        if answer.status != 404:
            why = ", ".join(sorted(told)) or str(answer.status)
            hint = "needed is an API key of a project with the YouTube Data API v3 switched on"
            raise ConfigError(f"YouTube does not answer this key ({why})", hint=hint)
        raise SourceError("the service answers 404", kind=FailureKind.REFUSED, status=404)


def read_all(read: Callable[[Any], Iterable[T]], answer: Any) -> list[T]:
    """Return what `read` finds in an answer.

    Raises:
        SourceError: the answer is not what it should be; it is asked for again.
    """
    try:
        return list(read(answer))
    except InvalidMessage as error:
        kind = FailureKind.BROKEN_ANSWER
        raise SourceError(f"the answer is not what it should be ({error.detail})", kind=kind) from None
