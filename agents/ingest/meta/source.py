"""What the sources of Meta's platforms have in common: the signed webhook, and the pull that makes up for it."""

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs

from aiohttp import web

from agents import clock
from agents.ingest.gone import Gone, Recent
from agents.ingest.meta.graph import Account, Graph, MetaEntry
from agents.ingest.platforms.meta import (
    SIGNATURE_HEADER,
    Change,
    Ignored,
    Meaning,
    Unread,
    challenged,
    changes,
    confirmation,
    read_signed_request,
    trusted,
)
from agents.ingest.platforms.payload import load, moment, name
from agents.ingest.secret import reveal
from agents.ingest.source import Reading, Readings
from agents.ingest.web.door import Pushed, Route, later, no
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat

REPEATED = timedelta(hours=36)
"""For so long Meta sends a notification again that was not taken; then it is lost."""
OVERLAP = timedelta(hours=1)
"""So much of the time before is read again: what was posted while the last look was under way."""
FOLLOW_SECONDS = 12.0
"""How long Meta waits at most while we read what a notification only names."""
AT_ONCE = 8
NAP = 3600.0


M = TypeVar("M", bound=MetaEntry)


class MetaSource(Pushed[M]):
    """Takes notifications, and pulls what none came for."""

    resumable: ClassVar[bool] = True
    largest: ClassVar[int] = 4_194_304
    wait = 2.0
    platform: ClassVar[str]

    def prepare(self) -> None:
        """Read the secrets and take the path; see `Source.prepare`."""
        super().prepare()
        written = reveal(self.config.app_secret).split(",")
        self._secrets = tuple(secret.strip().encode() for secret in written if secret.strip())
        self._token = reveal(self.config.token)
        self._verify_token = reveal(self.config.verify_token)
        self._ignored: Counter[str] = Counter()
        self._gone = Gone()
        self._told, self._asked = Recent(), Recent()
        self._pushed: datetime | None = None
        self._reconciled: datetime | None = None
        self._told_away = False
        self._used = 0.0
        self._expires = ""

    def routes(self) -> list[Route]:
        """Return what it answers: the handshake, notifications, and who wants to be forgotten."""
        return [
            ("GET", self.path, self._verify),
            ("POST", self.path, self._receive),
            ("POST", f"{self.path}/deletion", self._forget),
            ("GET", f"{self.path}/deletion", self._forgotten),
        ]

    def facts(self) -> Mapping[str, str | float]:
        """Return how much of Meta's limits is used, when the token expires, and what was ignored and why."""
        found: dict[str, str | float] = {"usage_percent": self._used}
        if self._expires:
            found["token_expires"] = self._expires
        if self._pushed:
            found["last_push"] = self._pushed.isoformat()
        if self._reconciled:
            found["reconciled"] = self._reconciled.isoformat()
        return found | {f"ignored_{reason}": float(times) for reason, times in sorted(self._ignored.items())}

    @abstractmethod
    def mean(self, change: Change, seen: datetime) -> Meaning:
        """Return what a change of a notification means."""

    @abstractmethod
    async def follow(self, graph: Graph, unread: Unread, seen: datetime) -> Event | Ignored:
        """Read what a notification only names; raises what `Graph.get` raises."""

    @abstractmethod
    def history(self, graph: Graph, start: datetime, end: datetime) -> AsyncIterator[Event | Ignored]:
        """Yield what was posted from `start` to `end`, as far as it can be asked for; raises what `Graph.get` does."""

    async def renew(self, graph: Graph) -> None:
        """Get another token in time where this platform's end; called by the one process that runs the source."""

    def resume(self, cursor: Mapping[str, str]) -> None:
        """Take over what a cursor holds beside the time of the last reconciliation."""

    def standing(self) -> Mapping[str, str]:
        """Return what is to be in the cursor beside that time."""
        return {}

    def account(self) -> Account:
        """Return how the Graph API is asked."""
        return Account(self.config.api, self.config.version, self._token, self._secrets[0])

    async def pull(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what no notification came for, once every `reconcile`, and whether some may have been lost."""
        cursor, now = (checkpoint.cursor if checkpoint else {}), clock.now()
        self.resume(cursor)
        self._reconciled = self._reconciled or moment(cursor.get("reconciled"))
        heard = checkpoint.heard if checkpoint else None
        if heard and now - heard > REPEATED and not self._told_away:
            reason = "nobody took Meta's notifications for longer than it repeats them"
            yield Reading(Gap(source=self.config.id, seen=now, since=heard, until=now - REPEATED, reason=reason))
            self._reconciled = min(self._reconciled or heard, heard)
        self._told_away = True
        # something must stand in the checkpoint, or the next start does not know how long nobody was here
        yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._cursor())
        try:
            async for reading in self._reconcile():
                yield reading
        except ConfigError as error:
            # what is pushed needs no token: it is not given up because nothing can be asked for
            raise SourceError(str(error), NAP, kind=FailureKind.CONFIG) from error

    async def _reconcile(self) -> Readings:
        every = timedelta(seconds=self.config.reconcile)
        while self.config.pull:
            now = clock.now()
            due = self._reconciled + every if self._reconciled else now
            if due > now:
                await asyncio.sleep(min(NAP, (due - now).total_seconds()))
                continue
            start = (self._reconciled or now - every) - OVERLAP
            async with Graph(self.config.id, self.account()) as graph:
                async for found in self._watched(graph, self.history(graph, start, now)):
                    yield Reading(found)
                await self._learn_expiry(graph)
                await self.renew(graph)
            self._reconciled = now
            yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._cursor())

    def _cursor(self) -> Mapping[str, str]:
        reconciled = {"reconciled": self._reconciled.isoformat()} if self._reconciled else {}
        return {"door": "open", **reconciled, **self.standing()}

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield the posts of the past that can be asked for; see `Source.backfill`."""
        async with Graph(self.config.id, self.account()) as graph:
            async for found in self._watched(graph, self.history(graph, start, end)):
                if start <= found.time < end:
                    yield Reading(found.model_copy(update={"backfill": True}))

    async def _watched(self, graph: Graph, items: AsyncIterator[Event | Ignored]) -> AsyncIterator[Event]:
        async for item in items:
            self._used = graph.usage.percent
            if isinstance(item, Ignored):
                self._ignored[item.value] += 1
            elif item.id not in self._gone and item.id not in self._told:
                self._asked.add(item.id)
                yield item

    async def _learn_expiry(self, graph: Graph) -> None:
        """Note when the token expires, where Meta tells; 0 is never."""
        try:
            expires = moment((await graph.debug(self.config.app)).get("expires_at"))
        except (SourceError, ConfigError):
            return
        self._expires = expires.isoformat() if expires else ""

    async def _verify(self, request: web.Request) -> web.StreamResponse:
        answer = challenged(request.query, self._verify_token)
        if answer is None:
            return no(HTTPStatus.FORBIDDEN, "the verify token is not the one of this source")
        return web.Response(text=answer)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        return await self.held(request, self._answer)

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if not trusted(self._secrets, request.headers.get(SIGNATURE_HEADER, ""), body):
            return no(HTTPStatus.UNAUTHORIZED, f"{SIGNATURE_HEADER} fits none of our secrets")
        try:
            payload = load(body)
        except InvalidMessage as error:
            return no(HTTPStatus.BAD_REQUEST, str(error))
        self._pushed = seen = clock.now()
        items, unread = self._sort(payload, seen)
        try:
            async with asyncio.timeout(FOLLOW_SECONDS):
                items += await self._read_all(unread, seen)
        except (SourceError, TimeoutError):
            return later("what is only named could not be read")
        # the end of a post may have come before its beginning, and both in one request
        answer = await self.take(item for item in self._gone.left(items) if not self._again(item))
        for item in items if answer.status == HTTPStatus.OK else ():
            if type(item) is Event:
                self._told.add(item.id)
        return answer

    def _sort(self, payload: object, seen: datetime) -> tuple[list[Event | Deletion], list[Unread]]:
        """Return what a notification tells and what it only names; the rest is counted by reason."""
        items: list[Event | Deletion] = []
        unread: list[Unread] = []
        for change in changes(payload):
            meaning = change if isinstance(change, Ignored) else self.mean(change, seen)
            if isinstance(meaning, Ignored):
                self._ignored[meaning.value] += 1
            elif isinstance(meaning, Unread):
                unread.append(meaning)
            else:
                items.append(meaning)
                self._gone.note(meaning)
                if not isinstance(change, Ignored) and name(change.value, "verb") in {"unhide", "unblock"}:
                    self._gone.discard(meaning.id)
        return items, unread

    def _again(self, item: Event | Deletion) -> bool:
        """Tell whether the broker has a post already, or gets it with what was asked for."""
        known = type(item) is Event and (item.id in self._told or item.id in self._asked)
        self._ignored["redelivered"] += known
        return known

    async def _read_all(self, unread: Iterable[Unread], seen: datetime) -> list[Event | Edit]:
        """Read what is only named, each thing once. What is gone by now, or forbidden to us, is counted and left."""
        wanted = list(dict.fromkeys(unread))
        if not wanted:
            return []
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(graph: Graph, named: Unread) -> Event | Ignored | None:
            async with gate:
                try:
                    return await self.follow(graph, named, seen)
                except ConfigError:
                    self._ignored["unreadable"] += 1
                except SourceError as error:
                    if error.status != HTTPStatus.NOT_FOUND:
                        raise
                    self._ignored["gone"] += 1
            return None

        async with Graph(self.config.id, self.account()) as graph:
            found = await asyncio.gather(*(one(graph, named) for named in wanted))
            self._used = graph.usage.percent
        items: list[Event | Edit] = []
        for named, item in zip(wanted, found, strict=True):
            if isinstance(item, Ignored):
                self._ignored[item.value] += 1
            elif item is not None:
                items.append(Edit.model_validate({**dict(item), "type": "edit"}) if named.edited else item)
        return items

    async def _forget(self, request: web.Request) -> web.StreamResponse:
        """Take somebody's wish to be forgotten, and answer where they see what became of it."""
        body = await self.read(request)
        if not isinstance(body, bytes):
            return body
        signed = parse_qs(body.decode("utf-8", "replace")).get("signed_request", [""])[0]
        try:
            user = name(read_signed_request(self._secrets, signed), "user_id")
        except InvalidMessage as error:
            return no(HTTPStatus.UNAUTHORIZED, str(error))
        code = confirmation(self._secrets[0], user)
        now = clock.now()
        deletion = Deletion(source=self.config.id, seen=now, platform=self.platform, id=user, author=True)
        url = f"{self.config.public.rstrip('/')}{self.path}/deletion?code={code}"
        said: dict[str, Any] = {"url": url, "confirmation_code": code}
        return await self.take([deletion], said=said)

    async def _forgotten(self, request: web.Request) -> web.StreamResponse:
        code = request.query.get("code", "")
        if not (len(code) == 20 and code.isalnum()):
            return no(HTTPStatus.NOT_FOUND, "this is no confirmation code")
        return web.Response(text=f"What was stored about you is deleted when this is read. Confirmation code: {code}\n")
