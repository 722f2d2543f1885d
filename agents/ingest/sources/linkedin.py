"""A LinkedIn page: comments under its posts, and posts that share or mention it. Nothing else can be seen.

    - {id: li, kind: linkedin, organization: "9607", client_id: "86", client_secret: env:LI_SECRET, token: env:LI_TOKEN}

**Reads**: every `every` (15 minutes) the organisation's notifications, up to 60 days back; of a mention they tell the
post only, which is then read. With `public` LinkedIn also pushes them to `/hooks/<id>`, in batches of ten. Comments and
shares are events, `COMMENT_EDIT` is a new state, `COMMENT_DELETE` an end; reactions and what the page itself writes are
counted as ignored. Members are known by pseudonyms made with the client's secret, never by name or URN.

**Auth**: OAuth of a member who is ADMINISTRATOR of the page: `refresh_token` (365 days from the first grant; access
tokens of 60 days are made from it) or `token`. Permissions: `rw_organization_admin`, `r_organization_social`, by the
Community Management API. Pushed requests are signed (`X-LI-Signature`) with the client's secret, of which there may be
several with commas. LinkedIn checks our address by a challenge every two hours.

**Limits**: `calls` a day (500, as in the Development tier), counted before they are made; 429 is honoured. `version` is
sent as `Linkedin-Version`. 1 MiB a request.

**Cursor**: the time of the last notification with the ids of that moment, the calls of the day, the last challenge.

**Guarantee**: at least once for what can be asked for; what is pushed is asked for too.

**Gaps**: reported where we were away for longer than 60 days. When notifications are asked for that were never pushed,
or no challenge came for five hours, the subscription has died: it is renewed, and that is an error of the source.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from agents import clock
from agents.ingest.budget import Budget, Spending
from agents.ingest.gone import Gone
from agents.ingest.linkedin.api import Calls, Grant, LinkedInApi, LinkedInEntry
from agents.ingest.linkedin.check import check
from agents.ingest.platforms.linkedin import (
    SIGNATURE_HEADER,
    Ignored,
    Reader,
    Unread,
    challenge,
    notifications,
    subscription,
    trusted,
)
from agents.ingest.platforms.payload import group, load, moment, text
from agents.ingest.secret import reveal
from agents.ingest.source import Reading, Readings, Step
from agents.ingest.web.door import Pushed, Route, no
from schemas.checkpoint import Checkpoint
from schemas.errors import FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Delivered, Event, Gap, Heartbeat

PULLABLE = timedelta(days=60)
CHALLENGED = timedelta(hours=5)
"""LinkedIn checks an address every two hours and blocks it after three failures: this long without is one too long."""
PUSHED_WITHIN = timedelta(minutes=15)
"""What was not pushed after so long will not be."""
OVERLAP = timedelta(minutes=10)
"""So much of the time before is asked for again: what happened then may have become visible late."""
MOST_KNOWN = 500


class Config(LinkedInEntry):
    """See the module and `LinkedInEntry`."""


class LinkedIn(Pushed[Config]):
    """One organisation, by one member's grant."""

    Config = Config
    resumable = True
    wait = 2.0
    platforms = ("linkedin",)

    def prepare(self) -> None:
        """Read the secrets and take the path; see `Source.prepare`.

        Raises:
            ConfigError: there is neither a token nor a refresh token.
        """
        super().prepare()
        # where nothing is pushed one process does the asking, and another takes over from it
        self.exclusive = not self.config.public
        written = reveal(self.config.client_secret).split(",")
        self._secrets = tuple(secret.strip().encode() for secret in written if secret.strip())
        self._urn = f"urn:li:organization:{self.config.organization}"
        self._grant = Grant.of(self.config, self._secrets[0].decode(), self.kept)
        self._calls = Calls(Budget(day=float(self.config.calls), unit="calls"), Spending())
        self._ignored: Counter[str] = Counter()
        self._since: datetime | None = None
        self._known: tuple[str, ...] = ()
        self._pushed: dict[str, None] = {}
        self._listens = self._challenged = clock.now()
        self._renewed: datetime | None = None
        self._gone = Gone()
        self._checked = ""
        self._missed = 0
        self._wake = asyncio.Event()

    def routes(self) -> list[Route]:
        """Return what it answers: the challenge and notifications."""
        return [("GET", self.path, self._verify), ("POST", self.path, self._receive)]

    def facts(self) -> Mapping[str, str | float]:
        """Return the calls left, when the tokens expire, the last challenge, and what was ignored and why."""
        found = self._calls.facts() | self._grant.facts(clock.now())
        if self.config.public:
            found["last_challenge"] = self._checked or "none yet"
            found["missed_by_push"] = float(self._missed)
        return found | {f"ignored_{reason}": float(times) for reason, times in sorted(self._ignored.items())}

    async def pull(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what happened since the cursor, again every `every` and whenever a push only named something."""
        for gap in self._resume(checkpoint):
            yield gap
        while self.config.pull:
            async with self._api() as api:
                async for reading in self._news(api):
                    yield reading
                if self.config.public:
                    await self._keep_subscribed(api)
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.config.every):
                    await self._wake.wait()

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield what happened from `start` to `end`, at most 60 days back; see `Source.backfill`."""
        async with self._api() as api:
            async for page in api.notifications(self._urn, max(start, clock.now() - PULLABLE), end):
                for _known, node in notifications({"elements": page}):
                    item = await self._mean(api, node)
                    if isinstance(item, Event) and start <= item.time < end:
                        yield Reading(item.model_copy(update={"backfill": True}))

    async def check(self) -> AsyncIterator[Step]:
        """Yield whether there is a token, who is administrator, what can be read, and whether we are told."""
        async with self._api() as api:
            async for step in check(api, self.config, self.path):
                yield step

    def _api(self) -> LinkedInApi:
        return LinkedInApi(self.config.id, self.config.api, self.config.version, self._grant.auth, self._calls)

    def _reader(self) -> Reader:
        return Reader(self.config.id, clock.now(), self._secrets[0], self._urn)

    def _resume(self, checkpoint: Checkpoint | None) -> list[Reading]:
        """Take over where the checkpoint stands, once, and return the gap if that is too long ago."""
        if self._since is not None:
            return []
        cursor, now = (checkpoint.cursor if checkpoint else {}), clock.now()
        self._calls.spending = Spending.read(cursor.get("calls"))
        self._known = tuple(cursor.get("known", "").split())
        self._checked = cursor.get("challenged", "")
        since = moment(cursor.get("since"))
        self._since = since or now - timedelta(seconds=self.config.back)
        if now - self._since <= PULLABLE:
            return []
        reason, self._since = "LinkedIn tells of the last 60 days only", now - PULLABLE
        return [Reading(Gap(source=self.config.id, seen=now, since=since or now, until=self._since, reason=reason))]

    async def _news(self, api: LinkedInApi) -> AsyncIterator[Reading]:
        """Yield what happened since, oldest first, each with the cursor behind it."""
        now, since = clock.now(), self._since or clock.now()
        found: dict[str, object] = {}
        async for page in api.notifications(self._urn, since - OVERLAP, now):
            found |= dict(notifications({"elements": page}))
        known = self._known = tuple(name for name in self._known if name in found)
        for name, node in sorted(found.items(), key=lambda item: _modified(item[1], now)):
            if name in known:
                continue
            at = _modified(node, now)
            self._compare(name, at, now)
            item: Delivered | Ignored | None = await self._mean(api, node)
            # never further than now: what LinkedIn dates ahead must not hide what comes until then
            self._since = max(since, min(at, now), self._since or since)
            self._known = (*self._known, name)[-MOST_KNOWN:]
            self._gone.note(item)
            if isinstance(item, Ignored | None) or (isinstance(item, Event) and item.id in self._gone):
                item = Heartbeat(source=self.config.id, seen=now, at=now)
            yield Reading(item, self._cursor())
        yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), self._cursor(), rest=self.config.every)

    def _cursor(self) -> Mapping[str, str]:
        since = self._since.isoformat() if self._since else ""
        standing = {"since": since, "known": " ".join(self._known), "calls": self._calls.spending.text()}
        return standing | ({"challenged": self._checked} if self._checked else {})

    async def _mean(self, api: LinkedInApi, node: object) -> Event | Deletion | Ignored | None:
        """Return what a notification means, having read what it only names; None where that is not for us."""
        meaning = self._reader().notification(node)
        if isinstance(meaning, Unread):
            try:
                meaning = self._reader().post(await api.post(meaning.urn), meaning.at)
            except SourceError as error:
                if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                    raise
                self._ignored["unreadable"] += 1
                return None
        if isinstance(meaning, Ignored):
            self._ignored[meaning.value] += 1
        return meaning

    def _compare(self, known: str, at: datetime, now: datetime) -> None:
        """Note what should have been pushed by now and was not."""
        if self.config.public and known not in self._pushed and self._listens < at < now - PUSHED_WITHIN:
            self._missed += 1

    async def _keep_subscribed(self, api: LinkedInApi) -> None:
        """Renew the subscription where it has died without a word.

        Raises:
            SourceError: it had; it is counted and told.
        """
        now = clock.now()
        silent = now - self._challenged > CHALLENGED
        lately = self._renewed is not None and now - self._renewed < CHALLENGED
        if lately or not (self._missed or silent):
            return
        reason = f"{self._missed} notifications were never pushed" if self._missed else "no challenge came for 5 h"
        self._renewed, self._missed = now, 0
        if self.config.application and self.config.member:
            where = subscription(self.config.application, self.config.member, self._urn)
            await api.put(where, {"webhook": f"{self.config.public.rstrip('/')}{self.path}"})
            raise SourceError(f"{reason}: the subscription was renewed", kind=FailureKind.REFUSED)
        raise SourceError(f"{reason}: renew the subscription", kind=FailureKind.REFUSED)

    async def _verify(self, request: web.Request) -> web.StreamResponse:
        code = request.query.get("challengeCode", "")
        if not 0 < len(code) <= 200:
            return no(HTTPStatus.BAD_REQUEST, "challengeCode is missing")
        self._challenged = clock.now()
        self._checked = self._challenged.isoformat()
        return web.json_response(challenge(self._secrets[0], code))

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        return await self.held(request, self._answer)

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if not trusted(self._secrets, request.headers.get(SIGNATURE_HEADER, ""), body):
            return no(HTTPStatus.UNAUTHORIZED, f"{SIGNATURE_HEADER} fits none of our secrets")
        try:
            payload = load(body)
        except InvalidMessage as error:
            return no(HTTPStatus.BAD_REQUEST, str(error))
        items: list[Event | Deletion] = []
        reader = self._reader()
        for known, node in notifications(payload):
            if text(group(node), "organizationalEntity") not in ("", self._urn):
                self._ignored["other-organization"] += 1
                continue
            self._pushed[known] = None
            meaning = reader.notification(node)
            if isinstance(meaning, Unread):
                # it is asked for with all that happened, which is at once
                self._wake.set()
            elif isinstance(meaning, Ignored):
                self._ignored[meaning.value] += 1
            else:
                items.append(meaning)
        while len(self._pushed) > MOST_KNOWN:
            del self._pushed[next(iter(self._pushed))]
        for item in items:
            self._gone.note(item)
        return await self.take(self._gone.left(items))


def _modified(node: object, otherwise: datetime) -> datetime:
    return moment(group(node).get("lastModifiedAt")) or otherwise
